// One look at a name: a question of one type to one server, judged by its response code, its values and its time.
//
// The server is the one that was named (options.server; an address or a name that is resolved first), else the first of
// our own. UDP with a fresh socket, random id and the kernel's random port for every try (tries at 1, 2, 4 s …, at most
// kTries); what is truncated is asked again over TCP. What silence means depends on whose server it is: a named one is
// the target (kDnsTimeout, down); of ours it is the name's fault only when the same server answers the control question
// `. NS` (RULES B 11), else our trouble.
//
// Ownership and thread: see checker/probe.h. Limits: one socket at a time, answers as net/dns_message.h says.
// Known weakness: no DNSSEC validation.
#pragma once

#include <memory>
#include <string>

#include "checker/address_finder.h"
#include "checker/probe.h"
#include "net/dns_message.h"
#include "net/fd.h"
#include "net/stream.h"

namespace everup::checker {

class DnsProbe final : public Probe {
 public:
  static constexpr int kTries = 3;

  DnsProbe(const Places& places, const Question& question, Done done);
  ~DnsProbe() override;

 private:
  void begin();
  void find_server();
  void ask();
  void send();
  void on_readable();
  void on_message(std::string_view message);
  void ask_over_tcp();
  void on_stream(net::StreamEvent event);
  void on_timer();
  void nothing_came(std::string detail);
  void judge(const net::DnsReply& reply);
  Cause broken(const DnsExpect& expect, const net::DnsReply& reply, bool with_default, std::string& detail) const;
  void drop_socket();
  void arm(Instant when);
  void end(Cause cause, std::string detail);
  void finish(Outcome&& outcome);
  bool named() const { return !settings_->options.server.empty(); }

  Places places_;
  const Question question_;
  Done done_;
  std::shared_ptr<const DnsSettings> settings_;
  std::string name_;  // A-labels
  Instant started_, asked_;
  AddressFinder finder_;
  net::Address server_;
  bool control_ = false;  // the question on the wire is `. NS`
  std::string silence_;   // why the control question was asked
  std::uint16_t id_ = 0;
  int tries_ = 0;
  net::Fd socket_;
  std::unique_ptr<net::Stream> stream_;
  net::TimerId timer_{};
  Timings timings_;
  int rcode_ = -1;
  std::string shown_;  // the answer in presentation form, for evidence
};

}  // namespace everup::checker
