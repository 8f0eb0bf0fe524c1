// One loop, one multi, one exchange at a time: what the suites of libcurl and TLS share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "net/clock.h"
#include "net/curl_multi.h"
#include "net/loop.h"

namespace everup::net::test {

class Exchange : public TransferListener {
 public:
  Exchange() : loop_(clock_) {
    auto made = CurlMulti::make(loop_, "Everup-test/1.0");
    EXPECT_TRUE(made.ok());
    multi_ = std::move(*made);
    lease_ = multi_->acquire();
  }
  // Runs it to its end, at most a minute.
  const TransferResult& run(const TransferRequest& request) {
    ended_ = false;
    EXPECT_TRUE(lease_->start(request, *this));
    EXPECT_FALSE(ended_) << "told from inside start()";
    turn_until([this] { return ended_; });
    EXPECT_TRUE(ended_) << "the exchange did not end";
    return lease_->result();
  }
  template <class F>
  void turn_until(F&& reached) {
    const Instant limit = clock_.now().mono + std::chrono::seconds(60);
    while (!reached() && clock_.now().mono < limit) loop_.run_once(std::chrono::milliseconds(100));
  }
  void on_transfer_end(CurlTransfer&) override { ended_ = true; }

  CurlTransfer& transfer() { return *lease_; }
  CurlMulti& multi() { return *multi_; }
  Loop& loop() { return loop_; }
  // As a probe would: give it back and take one again.
  void recycle() {
    lease_.reset();
    lease_ = multi_->acquire();
  }

 private:
  SystemClock clock_;
  Loop loop_;
  std::unique_ptr<CurlMulti> multi_;
  CurlMulti::Lease lease_;
  bool ended_ = false;
};

// A request to a port of 127.0.0.1 under any name. Keeps the texts that the request only views.
struct Ask {
  std::string url;
  std::string host;
  TransferRequest request;

  Ask(std::string scheme, std::string name, std::uint16_t port, std::string path = "/",
      std::string address = "127.0.0.1")
      : url(scheme + "://" + name + ":" + std::to_string(port) + path), host(std::move(name)) {
    request.url = url;
    request.host = host;
    request.port = port;
    request.tls = scheme == "https";
    const auto parsed = Address::parse(address);
    (parsed->v4() ? request.v4 : request.v6) = parsed;
  }
  Ask(const Ask&) = delete;
  Ask& operator=(const Ask&) = delete;
  TransferRequest* operator->() { return &request; }
};

}  // namespace everup::net::test
