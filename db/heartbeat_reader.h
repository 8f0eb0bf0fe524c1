// HeartbeatSource over a session of the worker role: one thread of its own takes all questions that came meanwhile and
// answers them with one query, so that a hundred thousand heartbeats a minute cost a few queries a second.
//
// Thread: ask() and stop() from any; answers are called on the reader's thread, or inside ask() when they are refusals.
// Limits: kAskedMax questions wait, kBatchMax are asked at once; a query has two seconds. A lost session is opened
// again by the next batch; the questions of the lost one are answered kUnavailable.
#pragma once

#include <memory>

#include "core/heartbeat.h"
#include "db/recorder.h"

namespace everup::db {

class HeartbeatReader final : public HeartbeatSource {
 public:
  static constexpr std::size_t kAskedMax = 100'000, kBatchMax = 5'000;
  explicit HeartbeatReader(Connect connect);
  ~HeartbeatReader() override;  // stop()
  HeartbeatReader(const HeartbeatReader&) = delete;
  HeartbeatReader& operator=(const HeartbeatReader&) = delete;

  void ask(MonitorId monitor, Told told) override;
  // Answers what waits with kUnavailable and ends the thread; every later question is answered so at once. Call it
  // before the loops die that answers are posted to.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everup::db
