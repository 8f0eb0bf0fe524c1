// Looks at heartbeats: an answer from another thread, none at all, an error, a probe that is gone before its answer.
#include "checker/heartbeat_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "net/clock.h"
#include "zone/zones.h"

namespace everup::checker {
namespace {

using testing::HasSubstr;

// Answers on a thread of its own, or keeps the question.
class Source final : public HeartbeatSource {
 public:
  ~Source() override {
    for (auto& thread : threads_) thread.join();
  }
  void ask(MonitorId, Told told) override {
    ++asked;
    if (!answer) return kept.push_back(std::move(told));
    threads_.emplace_back([told = std::move(told), said = *answer] { told(Result<HeartbeatSignals>(said)); });
  }
  std::optional<Result<HeartbeatSignals>> answer;
  std::vector<Told> kept;
  int asked = 0;

 private:
  std::vector<std::thread> threads_;
};

class HeartbeatProbeTest : public testing::Test {
 protected:
  HeartbeatProbeTest() {
    plan.id = {7};
    plan.kind = Kind::kHeartbeat;
    plan.url = "heartbeat://";
    plan.revised_at = clock.now().wall - milliseconds(kDayMs * 100);
  }
  void ask(HeartbeatOptions options, milliseconds patience = milliseconds(20'000)) {
    plan.settings = std::make_shared<const KindSettings>(HeartbeatSettings{std::move(options)});
    outcome.reset();
    const Question question{&plan, clock.now().mono + patience, true, true, nullptr};
    probe = std::make_unique<HeartbeatProbe>(HeartbeatAsking{loop, &source, &zones}, question,
                                             [this](Outcome&& o) { outcome = std::move(o); });
    EXPECT_FALSE(outcome) << "never from inside start()";
  }
  void turn() {
    const Instant end = clock.now().mono + std::chrono::seconds(30);
    while (!outcome && clock.now().mono < end) loop.run_once(std::chrono::milliseconds(100));
    ASSERT_TRUE(outcome);
    probe.reset();
  }
  HeartbeatSignals success_ago(std::int64_t s) {
    HeartbeatSignals out;
    out.succeeded = clock.now().wall - std::chrono::seconds(s);
    return out;
  }

  net::SystemClock clock;
  net::Loop loop{clock};
  TzdbZones zones;
  Source source;
  CheckPlan plan;
  std::optional<Outcome> outcome;
  std::unique_ptr<HeartbeatProbe> probe;
};

TEST_F(HeartbeatProbeTest, JudgesWhatTheJobTold) {
  source.answer = success_ago(10);
  ask({});
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kUp);
  source.answer = success_ago(7380);
  ask({.period_s = 3600, .cron = {}, .timezone = "UTC", .grace_s = 600});
  turn();
  EXPECT_EQ(outcome->cause, Cause::kHeartbeatMissing);
  EXPECT_EQ(outcome->detail, "no signal for 2 h 3 min, expected every 1 h");
  source.answer = success_ago(3 * 86'400);
  ask({.period_s = 60, .cron = "@daily", .timezone = "Pacific/Apia", .grace_s = 60});
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kDown);
  EXPECT_THAT(outcome->detail, HasSubstr("00:00:00 +13:00"));
}

TEST_F(HeartbeatProbeTest, OurTroubleIsInconclusive) {
  source.answer = Error{ErrorCode::kUnavailable, "database: away"};
  ask({});
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome->detail, HasSubstr("database: away"));
  source.answer.reset();  // no answer at all
  ask({}, milliseconds(50));
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome->detail, HasSubstr("in time"));
  outcome.reset();
  source.kept.at(0)(success_ago(1));  // too late: nobody is there
  loop.run_once(std::chrono::milliseconds(0));
  EXPECT_FALSE(outcome);
  source.answer = success_ago(1);
  ask({.period_s = 60, .cron = "@daily", .timezone = "Mars/Base", .grace_s = 60});
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kInconclusive);
}

TEST_F(HeartbeatProbeTest, AProbeThatIsGoneIsNotAnswered) {
  ask({});
  probe.reset();
  source.kept.at(0)(success_ago(1));
  loop.run_once(std::chrono::milliseconds(0));
  EXPECT_FALSE(outcome);
}

TEST_F(HeartbeatProbeTest, ADefinitionThatIsNotSavedHasNobodyToAsk) {
  plan.id = {};
  ask({});
  turn();
  EXPECT_EQ(outcome->verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome->detail, HasSubstr("a URL that the job calls"));
  EXPECT_EQ(source.asked, 0);
}

}  // namespace
}  // namespace everup::checker
