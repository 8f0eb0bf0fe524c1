// One look at a TCP port: connect, TLS if asked, send what is to be sent, wait until the wanted text has come.
//
// Addresses are tried one after the other, each for its share of the time that remains. With nothing to expect, the
// connection (or the handshake) is the answer. What arrives is searched as it comes, at most kAnswerMax bytes of it.
//
// Ownership and thread: see checker/probe.h. Known weakness: the wanted text is plain bytes, no pattern.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checker/address_finder.h"
#include "checker/probe.h"
#include "net/stream.h"
#include "net/tls_store.h"

namespace everup::checker {

class TcpProbe final : public Probe {
 public:
  static constexpr std::size_t kAnswerMax = 64 * 1024;
  static constexpr std::size_t kAddressesMax = 8;

  TcpProbe(const Places& places, net::TrustStores& trust, const Question& question, Done done);
  ~TcpProbe() override;

 private:
  void begin();
  void connect_next();
  void on_event(net::StreamEvent event);
  void on_failed();
  void secure();
  void talk();
  void on_received();
  void on_timer();
  void judge();
  Cause broken(const TcpExpect& expect, std::string& detail) const;
  void arm(Instant when);
  void end(Cause cause, std::string detail);
  void finish(Outcome&& outcome);
  std::optional<WallTime> leaf_not_after() const;
  const TcpOptions& options() const { return settings_->options; }

  Places places_;
  net::TrustStores& trust_;
  const Question question_;
  Done done_;
  std::shared_ptr<const TcpSettings> settings_;
  Target target_;
  Instant started_;
  AddressFinder finder_;
  std::vector<net::Address> addresses_;
  std::size_t next_ = 0;
  std::vector<std::string> tried_;
  std::unique_ptr<net::Stream> stream_;
  bool connected_ = false, talking_ = false;
  Outcome failed_;  // the most telling failure to connect so far
  bool has_failed_ = false;
  std::string answer_;
  net::TimerId timer_{};
  Timings timings_;
};

}  // namespace everup::checker
