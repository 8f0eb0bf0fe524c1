// The threads on which handlers wait for PostgreSQL: few, fixed, with a short queue. A job that waited longer than its
// deadline is not started any more (its owner is told), so an overload is answered 503 instead of late. submit() from
// any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/time.h"

namespace everup::api {

class HandlerPool {
 public:
  struct Job {
    std::function<void()> run;
    std::function<void()> expired;  // instead of run
    Instant start_before;
  };
  HandlerPool(const Clock& clock, int threads, std::size_t queue_max);
  ~HandlerPool();  // what is queued expires; running jobs are waited for
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  // False: the queue is full, or it is stopping; nothing was taken.
  [[nodiscard]] bool submit(Job job);
  void stop();
  std::size_t queued() const;

 private:
  void work();
  const Clock& clock_;
  const std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> jobs_;  // guarded by mutex_
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace everup::api
