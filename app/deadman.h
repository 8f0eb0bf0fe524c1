// The dead man's switch (EVERUP_DEADMAN_URL): calls a URL every minute, but only while `well` says that probing,
// storing and delivering all work. Who does not hear from it knows that Everup itself is in trouble. One thread of its
// own; stops at once.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/time.h"

namespace everup::app {

class Deadman {
 public:
  // `well` is asked on this object's thread: empty when all is well, else what is not. `say` takes a line when a call
  // fails, or is left out; once for each change.
  Deadman(std::string url, std::function<std::string()> well, std::function<void(const std::string&)> say,
          milliseconds every = milliseconds(60'000));
  ~Deadman();
  Deadman(const Deadman&) = delete;
  Deadman& operator=(const Deadman&) = delete;

 private:
  void run();
  std::string turn();

  const std::string url_;
  const std::function<std::string()> well_;
  const std::function<void(const std::string&)> say_;
  const milliseconds every_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace everup::app
