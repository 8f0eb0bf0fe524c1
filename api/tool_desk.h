// The tests that run in this process, and those that just ended: probed on the api's own loop, their events kept and
// given to whoever watches, their record stored when they end.
//
// Owned by the House; on the front's loop, but for running(), which any thread may ask. Limits: kRunningMax tests at
// once, kStrangersMax of them strangers'; kEndedMax ended ones stay in memory (all are in the database for a day);
// kWatchersMax watch one.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "api/subscription.h"
#include "checker/live.h"
#include "checker/probe.h"
#include "checker/smtp_probe.h"
#include "core/monitor.h"
#include "db/tool_test_store.h"
#include "net/loop.h"
#include "reports/tool_page.h"

namespace everup::api {

struct House;

struct ToolStart {
  reports::Tool tool = reports::Tool::kSmtp;
  std::string id;
  MonitorDraft draft;
  bool stranger = true;
  WallTime created;
};

// One test and everything that it said so far.
class ToolRun final : public checker::Live {
 public:
  ToolRun(House& house, net::Loop& loop, ToolStart&& start);
  ~ToolRun() override;
  bool begin();  // false: there is no prober for it
  const ToolStart& start() const { return start_; }
  bool ended() const { return ended_; }
  const db::ToolRecord& record() const { return record_; }  // of an ended one
  std::size_t events() const { return entries_.size(); }
  // What was said after the first `from` events, as it is streamed.
  std::string said(bool html, std::size_t from) const;
  bool crowded();
  void watch(bool html, std::size_t seen, std::shared_ptr<Subscription> to);

 private:
  struct Entry {
    std::string frame, row;
  };
  struct Watcher {
    bool html = false;
    std::shared_ptr<Subscription> to;
  };
  void on_line(const TranscriptLine& line) override;
  void on_step(std::string_view step, std::int32_t at_ms, std::int32_t took_ms, int code) override;
  void on_smtp(const checker::SmtpReport& report) override;
  void on_outcome(Outcome&& outcome);
  void add(std::string_view event, std::string_view data, std::string row);
  void take_hosts(const Outcome& outcome);
  void end_mail();
  void end_tls(const Outcome& outcome);
  void store(int attempt);
  std::string save_command() const;
  std::string save_link() const;
  std::string_view note_of(const TranscriptLine& line) const;

  House& house_;
  net::Loop& loop_;
  const ToolStart start_;
  CheckPlan plan_;
  std::vector<Entry> entries_;  // bounded by what a transcript keeps
  std::vector<Watcher> watchers_;
  checker::SmtpReport mail_;
  db::ToolRecord record_;
  bool ended_ = false;
  net::TimerId probe_over_{}, again_{};
  std::unique_ptr<checker::Probe> probe_;  // last: it calls the others
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class ToolDesk {
 public:
  static constexpr int kRunningMax = 64, kStrangersMax = 40;
  static constexpr std::size_t kEndedMax = 64;
  static constexpr std::size_t kWatchersMax = 32;
  ToolDesk(House& house, net::Loop& loop) : house_(house), loop_(loop) {}

  bool full(bool stranger) const;
  // False: full, or nothing here probes for him.
  bool start(ToolStart&& start);
  // Null: not here.
  ToolRun* find(reports::Tool tool, const std::string& id);
  void on_ended();  // for ToolRun

 private:
  House& house_;
  net::Loop& loop_;
  std::list<std::unique_ptr<ToolRun>> runs_;  // oldest first
  std::atomic<int> running_{0}, strangers_{0};
};

// {"id", "kind", "target", "state", "created_at"} and, behind that, the members of `report` (a JSON object, or empty).
std::string tool_test_json(reports::Tool tool, const std::string& id, std::string_view target, WallTime created,
                           std::string_view state, std::string_view report);

}  // namespace everup::api
