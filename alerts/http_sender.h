// One HTTP POST at a time to where a customer said: resolved by our resolver, judged by the address policy (also in the
// open-socket callback), pinned, verified, no redirects, no proxy; an absolute deadline.
//
// Owns a loop, a resolver and a multi handle; post() turns the loop until the exchange ends. Made and used on one
// thread; stop() may be called from any and ends a running post() at once. The clock and the policy outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/kind_settings.h"
#include "core/outcome.h"
#include "net/address_policy.h"
#include "net/curl_multi.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_store.h"

namespace everup::alerts {

struct HttpSettings {
  const net::AddressPolicy* policy = nullptr;  // null: none (RULES D 7)
  std::string ca_file;                         // trusted beside the system's authorities
  std::string user_agent = "Everup";
  net::ResolverOptions resolver;
  milliseconds limit{15'000};
};

struct HttpReply {
  Cause cause = Cause::kInternal;  // kOk: somebody answered with `status`
  std::string detail;              // English, of a cause that is not kOk
  int status = 0;
  std::string body;                         // the first 2 KiB
  std::optional<milliseconds> retry_after;  // as seconds; dates are not read
};

class HttpSender : private net::TransferListener {
 public:
  static Result<std::unique_ptr<HttpSender>> make(const Clock& clock, const HttpSettings& settings);
  ~HttpSender() override;
  // `url` absolute, http or https, without user info.
  HttpReply post(const std::string& url, const std::vector<HttpHeader>& headers, const std::string& body);
  void stop();

 private:
  HttpSender(const Clock& clock, const HttpSettings& settings);
  void on_transfer_end(net::CurlTransfer& transfer) override;
  bool turn_until_done(Instant deadline);
  HttpReply reply() const;

  const HttpSettings settings_;
  std::atomic<bool> stop_{false};
  net::Loop loop_;
  net::Resolver resolver_;
  std::unique_ptr<net::CurlMulti> multi_;
  std::shared_ptr<const net::TrustStore> trust_;
  net::CurlMulti::Lease transfer_;
  bool done_ = false;
};

}  // namespace everup::alerts
