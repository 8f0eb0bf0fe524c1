// What a job told, judged: every border of due, grace, a run that hangs, a failure, a change of plan.
#include "core/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/core/utc.h"

namespace everup {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

constexpr WallTime kStart{1'800'000'000'000};  // 2027-01-15T08:00:00Z

WallTime after(int m) { return kStart + minutes(m); }
HeartbeatPlan hourly() { return {minutes(60), minutes(10), nullptr, nullptr, kStart}; }

TEST(Heartbeat, BeforeTheFirstSignalItWaitsAndThenMisses) {
  const HeartbeatSignals none;
  EXPECT_EQ(judge_heartbeat(none, hourly(), after(0)).state, HeartbeatState::kWaiting);
  EXPECT_EQ(judge_heartbeat(none, hourly(), after(60) - milliseconds(1)).state, HeartbeatState::kWaiting);
  EXPECT_EQ(judge_heartbeat(none, hourly(), after(60)).state, HeartbeatState::kLate);
  EXPECT_EQ(judge_heartbeat(none, hourly(), after(70) - milliseconds(1)).state, HeartbeatState::kLate);
  const auto missing = judge_heartbeat(none, hourly(), after(70));
  EXPECT_EQ(missing.state, HeartbeatState::kMissing);
  EXPECT_EQ(missing.detail, "no signal has come yet, waiting for 1 h 10 min, expected every 1 h");
  const Outcome waiting = heartbeat_outcome(none, hourly(), after(1));
  EXPECT_EQ(waiting.verdict, Verdict::kInconclusive) << "neither up nor down";
}

TEST(Heartbeat, SilenceIsTheFailure) {
  HeartbeatSignals s;
  s.succeeded = after(30);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(89)).state, HeartbeatState::kOk);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(30)).due, after(90));
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(90)).state, HeartbeatState::kLate);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(100)).state, HeartbeatState::kMissing);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(30 + 123)).detail, "no signal for 2 h 3 min, expected every 1 h");
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(89)).verdict, Verdict::kUp);
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(95)).verdict, Verdict::kDegraded);
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(95)).cause, Cause::kHeartbeatLate);
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(100)).cause, Cause::kHeartbeatMissing);
  HeartbeatPlan strict = hourly();
  strict.grace = milliseconds(0);
  EXPECT_EQ(judge_heartbeat(s, strict, after(90)).state, HeartbeatState::kMissing) << "no grace: never late";
}

TEST(Heartbeat, AFailureLastsUntilASuccess) {
  HeartbeatSignals s;
  s.succeeded = after(0);
  s.failed = after(10);
  s.exit_code = 3;
  s.body = "\r\nno space left on device\nsecond line";
  const Outcome failed = heartbeat_outcome(s, hourly(), after(11));
  EXPECT_EQ(failed.cause, Cause::kHeartbeatFailed);
  EXPECT_EQ(failed.verdict, Verdict::kDown);
  EXPECT_EQ(failed.code, 3);
  EXPECT_EQ(failed.detail, "the job said that it failed with exit status 3: no space left on device");
  ASSERT_TRUE(failed.evidence);
  EXPECT_EQ(failed.evidence->body_excerpt, s.body);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(500)).state, HeartbeatState::kFailed);
  s.started = after(501);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(502)).state, HeartbeatState::kFailed) << "a start proves nothing yet";
  s.succeeded = after(503);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(504)).state, HeartbeatState::kOk);
}

TEST(Heartbeat, ARunHasTheGraceToEnd) {
  HeartbeatSignals s;
  s.succeeded = after(0);
  s.started = after(60);
  EXPECT_EQ(judge_heartbeat(s, hourly(), after(65)).state, HeartbeatState::kRunning) << "not late while it runs";
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(65)).verdict, Verdict::kUp);
  const auto hung = judge_heartbeat(s, hourly(), after(70));
  EXPECT_EQ(hung.state, HeartbeatState::kMissing);
  EXPECT_EQ(hung.detail, "started 10 min ago and has not ended");
  HeartbeatPlan strict = hourly();
  strict.grace = milliseconds(0);
  s.started = after(30);
  EXPECT_EQ(judge_heartbeat(s, strict, after(59)).state, HeartbeatState::kRunning);
  EXPECT_EQ(judge_heartbeat(s, strict, after(60)).state, HeartbeatState::kMissing);
}

TEST(Heartbeat, HowLongTheJobTookIsItsLatency) {
  HeartbeatSignals s;
  s.started = after(0);
  s.succeeded = after(0) + milliseconds(1500);
  s.took = milliseconds(1500);
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(1)).timings.total_us, 1'500'000);
  s.took = milliseconds(kDayMs);
  EXPECT_EQ(heartbeat_outcome(s, hourly(), after(1)).timings.total_us, std::numeric_limits<std::int32_t>::max());
}

TEST(Heartbeat, ANewPlanIsNotHeldAgainstTheJob) {
  HeartbeatSignals s;
  s.succeeded = after(0);
  HeartbeatPlan resumed = hourly();
  resumed.since = after(600);
  const auto waiting = judge_heartbeat(s, resumed, after(601));
  EXPECT_EQ(waiting.state, HeartbeatState::kWaiting);
  EXPECT_EQ(waiting.due, after(660));
  EXPECT_EQ(judge_heartbeat(s, resumed, after(669)).state, HeartbeatState::kWaiting);
  EXPECT_EQ(judge_heartbeat(s, resumed, after(670)).state, HeartbeatState::kMissing);
  s.succeeded = after(590);  // within the plan anyhow
  EXPECT_EQ(judge_heartbeat(s, resumed, after(601)).state, HeartbeatState::kOk);
}

TEST(Heartbeat, CronSaysWhen) {
  const auto cron = Cron::parse("0 3 * * *");
  ASSERT_TRUE(cron);
  const HeartbeatPlan nightly{milliseconds(0), minutes(30), &*cron, &kUtc, kStart};
  HeartbeatSignals s;
  s.succeeded = parse_time("2027-01-15T03:00:04Z");
  const auto at = [](const char* text) { return parse_time(text).value_or(WallTime{-1}); };
  EXPECT_EQ(judge_heartbeat(s, nightly, at("2027-01-16T02:59:59Z")).state, HeartbeatState::kOk);
  EXPECT_EQ(judge_heartbeat(s, nightly, at("2027-01-16T03:00:00Z")).state, HeartbeatState::kLate);
  const auto missing = judge_heartbeat(s, nightly, at("2027-01-16T03:30:00Z"));
  EXPECT_EQ(missing.state, HeartbeatState::kMissing);
  EXPECT_EQ(missing.detail, "no signal for 1 d, expected at 2027-01-16 03:00:00 +00:00");
}

TEST(Heartbeat, SignalsAreReadFromTheUrl) {
  const struct {
    const char* word;
    Signal signal;
    int code;  // -1: none
  } kTable[] = {{"", Signal::kSuccess, -1},    {"success", Signal::kSuccess, -1}, {"0", Signal::kSuccess, 0},
                {"start", Signal::kStart, -1}, {"fail", Signal::kFail, -1},       {"log", Signal::kLog, -1},
                {"1", Signal::kFail, 1},       {"255", Signal::kFail, 255}};
  for (const auto& row : kTable) {
    const auto call = parse_signal(row.word);
    ASSERT_TRUE(call) << row.word;
    EXPECT_EQ(call->signal, row.signal) << row.word;
    EXPECT_EQ(call->exit_code.value_or(-1), row.code) << row.word;
  }
  for (const char* word : {"256", "00", "-1", "stop", "1x", "1000", "START"}) EXPECT_FALSE(parse_signal(word)) << word;
}

TEST(Heartbeat, BodiesAreMadePrintable) {
  EXPECT_EQ(signal_body("a\r\nb\x1b[31m\n"), "a\nb\\x1b[31m\n");
  EXPECT_EQ(signal_body(std::string(5000, 'x')).size(), kSignalBodyMax);
  EXPECT_LE(signal_body(std::string(5000, '\n')).size(), kSignalBodyMax);
  EXPECT_LE(signal_body(std::string(5000, '\x01')).size(), kSignalBodyMax);
  EXPECT_EQ(signal_body(std::string("\0\xff", 2)), "\\x00\\xff");
}

TEST(Heartbeat, LengthsInWords) {
  const auto words = [](std::int64_t s) { return duration_words(std::chrono::seconds(s)); };
  EXPECT_EQ(words(0), "0 s");
  EXPECT_EQ(words(59), "59 s");
  EXPECT_EQ(words(60), "1 min");
  EXPECT_EQ(words(61), "1 min 1 s");
  EXPECT_EQ(words(7380), "2 h 3 min");
  EXPECT_EQ(words(86'400 * 3 + 4 * 3600 + 59), "3 d 4 h");
  EXPECT_EQ(duration_words(milliseconds(-5)), "0 s");
}

}  // namespace
}  // namespace everup
