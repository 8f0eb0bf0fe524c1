// The only CURLM of a loop thread, driven by curl_multi_socket_action: libcurl's sockets are watched by our Loop, its
// timer is one timer of ours (curl_multi_poll would cost twice the CPU with 500 slow transfers).
//
// Owns the easy handles and lends them; all leases must be back before it goes. Thread: the loop's. Limits: kPoolMax
// idle handles are kept (about 8 KiB each), the number of running ones is bounded by admission. An exchange that ends
// inside start() is told in the next turn of the loop, never from inside it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "net/curl_transfer.h"
#include "net/loop.h"

namespace everup::net {

class CurlMulti {
 public:
  static constexpr std::size_t kPoolMax = 1024;

  // kExhausted: libcurl cannot be set up.
  static Result<std::unique_ptr<CurlMulti>> make(Loop& loop, std::string user_agent);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  struct GiveBack {
    void operator()(CurlTransfer* transfer) const noexcept;  // aborts it when it runs
  };
  using Lease = std::unique_ptr<CurlTransfer, GiveBack>;
  Lease acquire();  // null: libcurl is out of memory

  Loop& loop() { return loop_; }
  const std::string& user_agent() const { return user_agent_; }
  std::size_t idle() const { return idle_.size(); }

 private:
  friend class CurlTransfer;
  CurlMulti(Loop& loop, std::string user_agent);
  bool add(CurlTransfer& transfer);
  void remove(CurlTransfer& transfer);
  void act(int fd, int events);  // curl_multi_socket_action, then harvest
  void harvest();
  void end_doomed();
  void want_timer(long timeout_ms);
  void arm(Instant when);
  void fire_timer();
  void watch(CurlTransfer* transfer, int fd, int what);
  int close(int fd);
  void settle_removed();
  struct Callbacks;  // libcurl's C callbacks: noexcept trampolines

  Loop& loop_;
  const std::string user_agent_;
  void* multi_ = nullptr;  // CURLM*
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  std::vector<CurlTransfer*> doomed_;  // their socket could not be watched
  TimerId timer_{};
  Instant armed_{INT64_MAX}, wanted_{INT64_MAX};
  int removed_ = -1;  // libcurl no longer wants to hear of it; mostly it closes it next
};

}  // namespace everup::net
