// See api/handler_pool.h.
#include "api/handler_pool.h"

#include <utility>

namespace everup::api {

HandlerPool::HandlerPool(const Clock& clock, int threads, std::size_t queue_max)
    : clock_(clock), queue_max_(queue_max) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

HandlerPool::~HandlerPool() { stop(); }

bool HandlerPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_max_) return false;
    jobs_.push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

std::size_t HandlerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void HandlerPool::stop() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  ready_.notify_all();
  for (const Job& job : left) job.expired();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void HandlerPool::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    if (clock_.now().mono > job.start_before) {
      job.expired();
    } else {
      job.run();
    }
  }
}

}  // namespace everup::api
