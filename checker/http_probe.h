// One look at an HTTP or HTTPS target: resolve, judge the addresses, exchange (libcurl), follow redirects ourselves,
// judge the answer.
//
// One absolute deadline for everything. Redirects go hop by hop through the same resolver and policy; a public address
// cannot send us into a private network; credentials and headers of the monitor's own never go to another origin, and
// once a redirect has left the origin they do not come back. When no address of a pair connects, the next pair is tried
// in the time that remains.
//
// Ownership and thread: see checker/probe.h; everything shared outlives the probe. Limits: kPairsMax address pairs a
// hop, max_redirects hops (at most 20), bodies and heads as net/curl_transfer.h says. Known weakness: a pair that
// neither answers nor refuses costs its share of the time (deadline divided by the pairs left), so with many dead
// addresses the last ones get little.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checker/http_expectation.h"
#include "checker/probe.h"
#include "net/address_policy.h"
#include "net/curl_multi.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_store.h"

namespace everup::checker {

struct HttpShared {
  net::Loop& loop;
  net::Resolver& resolver;
  const net::AddressPolicy& policy;
  net::CurlMulti& multi;
  net::TrustStores& trust;
  Patterns& patterns;
};

class HttpProbe final : public Probe, private net::TransferListener {
 public:
  static constexpr std::size_t kPairsMax = 8;

  HttpProbe(const HttpShared& shared, const Question& question, Done done);
  ~HttpProbe() override;

 private:
  void begin();
  void resolve();
  bool connect_literal();
  void on_resolved(net::Resolution&& resolution);
  void connect_next();
  bool begin_transfer();  // false: libcurl is out of memory
  net::TransferRequest request_of(std::size_t pair) const;
  void on_transfer_end(net::CurlTransfer& transfer) override;
  void book_transfer();
  void arm(Instant when);
  void on_timer();
  void on_deadline();
  bool redirected();
  void follow(const std::string& location);
  bool move_to(Target next);
  void judge();
  void judge_look(const HttpAnswer& answer);
  void end(Cause cause, std::string detail);
  void end_soon(Cause cause, std::string detail);  // in the next turn of the loop
  void finish(Outcome&& outcome);
  std::unique_ptr<Evidence> evidence() const;
  std::int32_t elapsed_us() const;
  const HttpSettings& settings() const { return *settings_; }

  const HttpShared& shared_;
  const Question question_;
  Done done_;
  std::shared_ptr<const HttpSettings> settings_;
  std::shared_ptr<const net::TrustStore> trust_;
  Instant started_, hop_started_, transfer_started_;
  Target target_;
  std::string url_, method_;
  std::vector<HttpHeader> foreign_headers_;  // what another origin may see
  bool at_home_ = true;                      // still at the origin the credentials belong to
  bool send_body_ = true;
  bool from_public_ = false;  // a public address redirected us
  int redirects_ = 0;
  net::Query query_;
  net::CurlMulti::Lease transfer_;
  net::TimerId timer_{};
  Instant armed_;
  std::vector<net::Address> v4_, v6_;
  std::size_t pair_ = 0;
  bool resolving_ = false;
  Outcome failed_;  // the most telling failure to connect so far
  bool has_failed_ = false;
  Timings timings_;
  std::vector<net::Address> tried_;
  std::vector<std::string> hops_;
};

}  // namespace everup::checker
