// One look by ICMP echo (RFC 792, RFC 4443) from unprivileged sockets: options.count requests, kGap apart; one reply is
// enough to be up, missing ones count against loss_percent_max.
//
// A reply counts when its sequence number and its 16 random bytes are those of a request of ours. The kernel sets and
// checks the identifier of such sockets. Latency is the median of the replies' round-trip times.
//
// Ownership and thread: see checker/probe.h. Limits: one socket, at most 10 requests of 24 bytes. Known weakness: an
// address that answers nothing cannot be told from a filter that drops pings.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "checker/address_finder.h"
#include "checker/probe.h"
#include "net/fd.h"

namespace everup::checker {

class PingProbe final : public Probe {
 public:
  static constexpr std::chrono::milliseconds kGap{200};

  PingProbe(const Places& places, const Question& question, Done done);
  ~PingProbe() override;

 private:
  struct Request {
    Instant sent;
    std::string secret;
    std::int32_t answered_us = -1;
  };
  void begin();
  void open(const net::Address& address);
  void send();
  void on_readable();
  void take_reply(std::string_view bytes);
  void on_timer();
  void judge();
  Cause broken(const PingExpect& expect, int loss_percent, std::string& detail) const;
  std::int32_t median_us() const;
  std::size_t answered() const;
  void arm(Instant when);
  void drop_socket();
  void end(Cause cause, std::string detail);
  void finish(Outcome&& outcome);

  Places places_;
  const Question question_;
  Done done_;
  std::shared_ptr<const PingSettings> settings_;
  Instant started_;
  AddressFinder finder_;
  net::Address address_;
  net::Fd socket_;
  std::vector<Request> requests_;
  std::string refusal_;  // an ICMP error that came instead
  net::TimerId timer_{};
  Timings timings_;
};

}  // namespace everup::checker
