// What is decided without I/O: when to try again, whose fault a refusal was, which relay is next.
#include <gtest/gtest.h>

#include <chrono>

#include "alerts/relay_choice.h"
#include "alerts/relay_verdict.h"
#include "alerts/retry_table.h"
#include "tests/alerts/samples.h"

namespace everup::alerts::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(RetryTable, MailIsTriedForADayAndNotLonger) {
  const WallTime start = at("2026-11-22T00:00:00Z");
  WallTime now = start;
  std::vector<std::int64_t> waits;
  for (int attempt = 1; attempt < 100; ++attempt) {
    const auto next = next_try({RetryTable::kMail, attempt, start, now, std::nullopt, 0.0});
    if (!next) break;
    waits.push_back((*next - now).count() / 1000);
    now = *next;
  }
  ASSERT_EQ(waits.size(), 29U);
  EXPECT_EQ(std::vector<std::int64_t>(waits.begin(), waits.begin() + 8),
            (std::vector<std::int64_t>{10, 30, 120, 300, 900, 1800, 3600, 3600}));
  EXPECT_GT(now - start, milliseconds(hours(23)));
  EXPECT_LE(now - start, kMailLifetime);
}

TEST(RetryTable, WebhooksFollowTheStandardsTable) {
  const WallTime start = at("2026-11-22T00:00:00Z");
  std::vector<std::int64_t> waits;
  for (int attempt = 1;; ++attempt) {
    const auto next = next_try({RetryTable::kWebhook, attempt, start, start, std::nullopt, 0.0});
    if (!next) break;
    waits.push_back((*next - start).count() / 1000);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{5, 300, 1800, 7200, 18'000, 36'000, 50'400, 72'000, 86'400}));
}

TEST(RetryTable, JitterAndTheOtherSidesWishOnlyMakeItLater) {
  const WallTime start = at("2026-11-22T00:00:00Z");
  const auto wait = [&](std::optional<milliseconds> asked, double jitter) {
    return (*next_try({RetryTable::kMail, 1, start, start, asked, jitter}) - start).count();
  };
  EXPECT_EQ(wait(std::nullopt, 1.0), 11'000);
  EXPECT_EQ(wait(std::nullopt, 7.0), 11'000);
  EXPECT_EQ(wait(seconds(1), 0.0), 10'000);
  EXPECT_EQ(wait(seconds(60), 0.0), 60'000);
  EXPECT_FALSE(next_try({RetryTable::kMail, 1, start, start + hours(24), std::nullopt, 0.0}));
}

struct Judged {
  const char* what;
  WireEnd end;
  MailStage stage;
  RelayReply reply;
  AttemptResult result;
  RelayFault fault;
  bool next_relay;
};

TEST(RelayVerdict, TheFaultIsPutWhereItBelongs) {
  using enum AttemptResult;
  using F = RelayFault;
  using S = MailStage;
  using W = WireEnd;
  for (const Judged& one : std::vector<Judged>{
           {"sent", W::kFine, S::kBody, {250, "250 2.0.0 Ok: queued as A"}, kSent, F::kNone, false},
           {"refused", W::kRefused, S::kConnect, {}, kRetry, F::kAway, true},
           {"no such name", W::kNoName, S::kConnect, {}, kRetry, F::kAway, true},
           {"silent", W::kTimeout, S::kGreeting, {}, kRetry, F::kAway, true},
           {"wrong certificate", W::kTls, S::kTls, {220, "220 2.0.0 Ready"}, kRetry, F::kAway, true},
           {"no STARTTLS", W::kNoTlsOffered, S::kHello, {250, "250 SIZE"}, kRetry, F::kAway, true},
           {"421 banner", W::kBabble, S::kGreeting, {421, "421 4.3.2 Too busy"}, kRetry, F::kAway, true},
           {"554 banner", W::kBabble, S::kGreeting, {554, "554 5.7.1 Go away"}, kRetry, F::kAway, true},
           {"535", W::kLogin, S::kAuth, {535, "535 5.7.8 Bad credentials"}, kRetry, F::kLogin, true},
           {"454 at AUTH", W::kLogin, S::kAuth, {454, "454 4.7.0 Too many"}, kRetry, F::kAway, true},
           {"534", W::kLogin, S::kAuth, {534, "534 5.7.9 App password needed"}, kRetry, F::kLogin, true},
           {"530 at MAIL", W::kLost, S::kFrom, {530, "530 5.7.0 Log in first"}, kRetry, F::kLogin, true},
           {"553 at MAIL", W::kLost, S::kFrom, {553, "553 5.7.1 Not owned"}, kRetry, F::kAway, true},
           {"quota at RCPT", W::kLost, S::kRecipient, {550, "550 5.4.5 Daily quota"}, kRetry, F::kQuota, true},
           {"quota at dot", W::kBabble, S::kBody, {550, "550-5.4.5 Daily|550 5.4.5 x"}, kRetry, F::kQuota, true},
           {"421 at RCPT", W::kLost, S::kRecipient, {421, "421 4.7.0 Slow down"}, kRetry, F::kAway, true},
           {"greylisted", W::kLost, S::kRecipient, {450, "450 4.2.0 Greylisted"}, kRetry, F::kNone, false},
           {"disk full", W::kLost, S::kRecipient, {452, "452 4.3.1 Disk full"}, kRetry, F::kAway, true},
           {"unknown user", W::kLost, S::kRecipient, {550, "550 5.1.1 Unknown"}, kFailed, F::kNone, false},
           {"no enhanced code", W::kLost, S::kRecipient, {550, "550 Unknown"}, kFailed, F::kNone, false},
           {"relaying", W::kLost, S::kRecipient, {554, "554 5.7.1 Relay access denied"}, kRetry, F::kAway, true},
           {"spam", W::kBabble, S::kBody, {554, "554 5.7.1 Spam"}, kFailed, F::kNone, true},
           {"lost after dot", W::kLost, S::kBody, {}, kRetry, F::kAway, true},
           {"hang after dot", W::kTimeout, S::kBody, {}, kRetry, F::kAway, true},
           {"later at dot", W::kBabble, S::kBody, {451, "451 4.7.1 Later"}, kRetry, F::kNone, false}}) {
    const RelayVerdict verdict = judge(one.end, one.stage, one.reply);
    EXPECT_EQ(verdict.result, one.result) << one.what;
    EXPECT_EQ(verdict.fault, one.fault) << one.what;
    EXPECT_EQ(verdict.next_relay, one.next_relay) << one.what;
  }
}

TEST(RelayVerdict, QueueIdsAreFoundWhereTheKnownServersPutThem) {
  for (const auto& [reply, id] : std::vector<std::pair<std::string, std::string>>{
           {"250 2.0.0 Ok: queued as 4bXyZ12345z", "4bXyZ12345z"},
           {"250 OK id=1rABcd-000123-Xy", "1rABcd-000123-Xy"},
           {"250 2.0.0 3AM01a2b012345 Message accepted for delivery", ""},
           {"250 2.0.0 OK  1700000000 ab12-20020a056a00cd.12 - gsmtp", "ab12-20020a056a00cd.12"},
           {"250 Ok 0100018f0a1b2c3d-11111111-2222-000000", "0100018f0a1b2c3d-11111111-2222-000000"},
           {"250 2.6.0 <a@b> [InternalId=1] Queued mail for delivery", ""},
           {"250 Ok", ""},
           {"", ""}})
    EXPECT_EQ(queue_id_of(reply), id) << reply;
}

class RelayChoiceTest : public ::testing::Test {
 protected:
  Instant after(std::chrono::nanoseconds d) const { return Instant{1'000'000'000} + d; }
  static std::vector<bool> none(std::size_t size) { return std::vector<bool>(size, false); }
};

TEST_F(RelayChoiceTest, TheOrderOfTheSettingIsTheOrderOfAsking) {
  RelayChoice choice({0, 0, 0});
  EXPECT_EQ(choice.next({false, false, false}, true, after(seconds(0))), 0U);
  EXPECT_EQ(choice.next({true, false, false}, true, after(seconds(0))), 1U);
  EXPECT_EQ(choice.next({true, true, true}, true, after(seconds(0))), std::nullopt);
}

TEST_F(RelayChoiceTest, ABadOneRestsLongerEachTimeAndAGoodMailForgivesIt) {
  RelayChoice choice({0});
  Instant now = after(seconds(0));
  for (const int rest : {15, 30, 60, 120, 300, 600, 900, 900}) {
    choice.bad(0, RelayFault::kAway, now);
    choice.bad(0, RelayFault::kAway, now);  // a second mail of the same outage
    EXPECT_EQ(choice.next(none(1), true, now + seconds(rest) - seconds(1)), std::nullopt) << rest;
    EXPECT_EQ(choice.rest(true, now), milliseconds(rest * 1000 + 1));
    now = now + seconds(rest);
    EXPECT_EQ(choice.next(none(1), true, now), 0U) << rest;
  }
  choice.good(0);
  choice.bad(0, RelayFault::kAway, now);
  EXPECT_EQ(choice.next(none(1), true, now + seconds(15)), 0U);
}

TEST_F(RelayChoiceTest, ARefusedPasswordIsNotHammered) {
  RelayChoice choice({0, 0});
  const Instant now = after(seconds(0));
  choice.bad(0, RelayFault::kLogin, now);
  EXPECT_EQ(choice.next(none(2), true, now + seconds(899)), 1U);
  EXPECT_EQ(choice.next(none(2), true, now + seconds(900)), 0U);
  choice.bad(0, RelayFault::kQuota, now);
  EXPECT_EQ(choice.next(none(2), true, now + seconds(3599)), 1U);
}

TEST_F(RelayChoiceTest, ADaysQuotaIsSpreadAndItsLastFifthIsForWhatIsDown) {
  RelayChoice choice({100});
  const Instant now = after(seconds(0));
  int sent = 0;
  for (; choice.next(none(1), false, now); ++sent) choice.used(0);
  EXPECT_EQ(sent, 80);
  for (; choice.next(none(1), true, now); ++sent) choice.used(0);
  EXPECT_EQ(sent, 100);
  EXPECT_EQ(choice.rest(true, now), milliseconds(864'001));
  EXPECT_EQ(choice.next(none(1), true, now + seconds(865)), 0U);
  for (; choice.next(none(1), true, now + hours(48)); ++sent) choice.used(0);
  EXPECT_EQ(sent, 200);
}

}  // namespace
}  // namespace everup::alerts::test
