// From flips to messages and their proof, on a real PostgreSQL under the worker's role.
#include "db/outbox.h"
#include "db/blindness.h"

#include <atomic>
#include <cstdlib>
#include <thread>

#include "db/alert_plan.h"
#include "db/blindness.h"
#include "db/maintenance_store.h"
#include "tests/db/outbox_fixture.h"

namespace everup::db {
namespace {
using test::must;
using Kinds = std::vector<AlertKind>;

// ---- who is told
// ------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, WithoutAPolicyTheOwnerIsMailed) {
  down(mine, 3);
  const auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  const Message& m = messages[0];
  EXPECT_EQ(m.channel.kind, ChannelKind::kEmail);
  EXPECT_EQ(m.channel.to, "a@example.com");
  EXPECT_EQ(m.channel.account, s.a);
  EXPECT_TRUE(m.channel.unsubscribe_url.starts_with("https://everup.example/unsubscribe/"));
  EXPECT_TRUE(m.message_id.ends_with("@everup.example")) << m.message_id;
  EXPECT_EQ(m.thread_message_id, "");
  EXPECT_EQ(m.attempt, 1);
  ASSERT_EQ(m.alerts.size(), 1u);
  const Alert& alert = m.alerts[0];
  EXPECT_EQ(alert.kind, AlertKind::kDown);
  EXPECT_EQ(alert.monitor_name, "Shop");
  EXPECT_EQ(alert.target, "https://shop.example/");
  EXPECT_EQ(alert.cause, "connect_refused");
  EXPECT_EQ(alert.incident_id, incident_id({mine.id, 3}));
  EXPECT_EQ(alert.started_at.ms, kNoon - 20'000);
  EXPECT_EQ(alert.confirmed_at->ms, kNoon);
  EXPECT_TRUE(alert.acknowledge_url.starts_with("https://everup.example/ack/"));
  EXPECT_EQ(delivery_key(m.id)->monitor, mine.id);
  EXPECT_TRUE(told().empty()) << "it is leased";
}

TEST_F(OutboxTest, TheWordsAndTheEvidenceOfTheLookThatSettledItAreThere) {
  const std::string id = std::to_string(mine.id.value), slot = std::to_string(kNoon - 1000);
  s.result(mine.id, kNoon - 1000, 3, 21);
  s.database.sql("UPDATE results SET detail = 'refused by 192.0.2.7'");
  s.database.sql("INSERT INTO evidence VALUES (" + id + ",1," + slot +
                 R"(,0,'{"address":"192.0.2.7:443","head":"HTTP/1.1 503 x\r\nServer: y\r\n"}'))");
  down(mine, 3);
  const auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].alerts[0].detail, "refused by 192.0.2.7");
  EXPECT_EQ(messages[0].alerts[0].evidence,
            (std::vector<std::string>{"asked 192.0.2.7:443", "HTTP/1.1 503 x", "Server: y"}));
}

TEST_F(OutboxTest, AFirstVerdictUpAndAMonitorThatIsGoneTellNobody) {
  flip(mine, 1, 4, 1, 1);
  ASSERT_TRUE(s.monitors.remove(s.b, to_string(theirs.id)));
  down(theirs, 2);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(value("SELECT count(*) FROM flips WHERE fanned_at IS NULL"), "0");
}

TEST_F(OutboxTest, PoliciesChooseByTagMonitorAndKind) {
  channel(s.a, 11), channel(s.a, 12), channel(s.a, 13), channel(s.a, 14);
  s.database.sql("UPDATE monitors SET tags = '{prod}' WHERE id = " + std::to_string(mine.id.value));
  policy(s.a, 21, "0", "11", "tags = '{prod,web}'");
  policy(s.a, 22, "0", "12", "tags = '{test}'");
  policy(s.a, 23, "0", "13", "monitors = '{" + std::to_string(mine.id.value) + "}'");
  policy(s.a, 24, "0", "14", "kinds = '{4}'");
  policy(s.a, 25, "0", "11");  // the same channel again
  down(mine, 3);
  const auto messages = told();
  std::vector<std::int64_t> channels;
  for (const Message& m : messages) channels.push_back(m.channel.id.value);
  std::sort(channels.begin(), channels.end());
  EXPECT_EQ(channels, (std::vector<std::int64_t>{11, 13}));
}

TEST_F(OutboxTest, AChannelWhoseSecretsCannotBeOpenedStopsNobody) {
  channel(s.a, 11, 2, "secrets = '\\x00'"), channel(s.a, 12);
  policy(s.a, 21, "0,0", "11,12");
  down(mine, 3);
  EXPECT_EQ(told().size(), 2u);
}

TEST_F(OutboxTest, ChannelsThatAreOffAreNotTold) {
  channel(s.a, 11), channel(s.a, 12, 2, "enabled = false"), channel(s.a, 13);
  policy(s.a, 21, "0,0,60", "11,12,13");
  down(mine, 3);
  const auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  finish_all(messages);
  s.database.sql("UPDATE channels SET enabled = false WHERE id = 13");
  pass(60);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(value("SELECT reason FROM deliveries WHERE channel_id = 13"), "the channel is off");
}

TEST_F(OutboxTest, DegradedIsToldToThoseWhoAskForItAndSoIsItsEnd) {
  channel(s.a, 11), channel(s.a, 12);
  policy(s.a, 21, "0", "11");
  policy(s.a, 22, "0", "12", "kinds = '{1,3}'");
  flip(mine, 2, 1, 2, 75);
  auto messages = told();
  ASSERT_EQ(kinds(messages), Kinds{AlertKind::kDegraded});
  EXPECT_EQ(messages[0].channel.id.value, 12);
  finish_all(messages);
  pass(60);
  flip(mine, 3, 2, 1, 1);
  messages = told();
  ASSERT_EQ(kinds(messages), Kinds{AlertKind::kUp});
  EXPECT_EQ(messages[0].alerts[0].incident_id, "");
  finish_all(messages);
  pass(60);
  flip(mine, 4, 1, 2, 131);
  EXPECT_EQ(kinds(told()), Kinds{AlertKind::kSecurity}) << "Heartbleed, by the policy that names security";
}

// ---- once
// -------------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, TwoCallersAtOnceMakeEachDeliveryOnce) {
  std::vector<Monitor> many;
  for (int i = 0; i < 60; ++i) many.push_back(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))));
  for (const Monitor& monitor : many) down(monitor, 2);
  AlertOutbox second(options());
  std::vector<std::thread> threads;
  std::vector<Status> answers(4, ok());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&, i] { answers[i] = i % 2 == 0 ? outbox.fan_out() : second.fan_out(); });
  }
  for (auto& thread : threads) thread.join();
  for (const Status& answer : answers) EXPECT_TRUE(answer);
  fan_out();
  EXPECT_EQ(value("SELECT count(*) FROM deliveries"), "60");
  EXPECT_EQ(value("SELECT count(*) FROM incidents"), "60");
  fan_out();
  EXPECT_EQ(value("SELECT count(*) FROM deliveries"), "60");
}

TEST_F(OutboxTest, AnAbortedFanOutLeavesNothingAndIsDoneAgain) {
  down(mine, 3);
  s.database.sql("ALTER TABLE flips ADD CONSTRAINT broken CHECK (fanned_at IS NULL) NOT VALID");  // its last statement
  EXPECT_FALSE(outbox.fan_out());
  EXPECT_EQ(value("SELECT count(*) FROM deliveries"), "0");
  EXPECT_EQ(value("SELECT count(*) FROM incidents"), "0");
  s.database.sql("ALTER TABLE flips DROP CONSTRAINT broken");
  EXPECT_EQ(told().size(), 1u);
}

TEST_F(OutboxTest, TwoCouriersNeverHoldTheSameMessage) {
  channel(s.a, 11);
  policy(s.a, 21, "0", "11");
  for (int i = 0; i < 40; ++i) down(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))), 2);
  fan_out();
  AlertOutbox second(options());
  std::vector<std::vector<Message>> got(2);
  std::atomic<std::size_t> claims{0};  // of both; who finds the channel locked goes away with nothing
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 2'000 && claims < 40; ++turn) {
        auto claimed = (i == 0 ? outbox : second).claim(5, milliseconds(60'000), {});
        if (!claimed) continue;
        claims += claimed->size();
        std::move(claimed->begin(), claimed->end(), std::back_inserter(got[i]));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<std::string> ids;
  for (const auto& list : got) {
    for (const Message& message : list) ids.push_back(message.id);
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids.size(), 40u);
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST_F(OutboxTest, AMessageWhoseCourierDiedIsHandedOutAgainUnderTheSameMessageId) {
  down(mine, 3);
  const auto first = told();
  ASSERT_EQ(first.size(), 1u);
  pass(59);
  EXPECT_TRUE(claim().empty());
  pass(1);
  const auto second = claim();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].id, first[0].id);
  EXPECT_EQ(second[0].message_id, first[0].message_id);
  EXPECT_EQ(second[0].attempt, 2);
  finish(first[0]);  // it had been taken after all
  pass(120);
  EXPECT_TRUE(claim().empty());
  EXPECT_EQ(value("SELECT state FROM deliveries"), "2");
}

// ---- its end
// ----------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, WhatAKilledNodeHeldIsDueAtOnceForItselfAlone) {
  auto ours = options(), others = options();
  ours.node = "this", others.node = "other";
  down(mine, 2);
  AlertOutbox killed(ours), again(ours), elsewhere(others);
  ASSERT_TRUE(killed.fan_out());
  const auto held = test::must(killed.claim(10, milliseconds(60'000), {}));
  ASSERT_EQ(held.size(), 1u);
  ASSERT_TRUE(elsewhere.fan_out());
  EXPECT_TRUE(test::must(elsewhere.claim(10, milliseconds(60'000), {})).empty());
  ASSERT_TRUE(again.fan_out());
  const auto back = test::must(again.claim(10, milliseconds(60'000), {}));
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].message_id, held[0].message_id);
  EXPECT_EQ(back[0].attempt, 2);
  ASSERT_TRUE(again.fan_out());
  EXPECT_TRUE(test::must(again.claim(10, milliseconds(60'000), {})).empty()) << "once";
}

TEST_F(OutboxTest, UpFollowsDownInTheSameThread) {
  down(mine, 3);
  const auto first = told();
  finish_all(first);
  pass(552);
  up(mine, 5);
  const auto second = told();
  ASSERT_EQ(kinds(second), Kinds{AlertKind::kUp});
  EXPECT_EQ(second[0].thread_message_id, first[0].message_id);
  EXPECT_EQ(second[0].alerts[0].ended_at->ms, kNoon + 532'000);
  EXPECT_EQ(second[0].alerts[0].started_at.ms, kNoon - 20'000);
  EXPECT_EQ(second[0].alerts[0].acknowledge_url, "");
  EXPECT_EQ(value("SELECT ended_at FROM incidents"), std::to_string(kNoon + 532'000));
  EXPECT_EQ(value("SELECT count(*) FROM incidents"), "1");
}

TEST_F(OutboxTest, WhatIsOverBeforeItLeftIsOneMessage) {
  down(mine, 3);
  fan_out();
  pass(30);
  up(mine, 5);
  const auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(kinds(messages), (Kinds{AlertKind::kDown, AlertKind::kUp}));
  EXPECT_EQ(messages[0].alerts[0].ended_at, messages[0].alerts[1].ended_at);
  EXPECT_EQ(messages[0].alerts[0].acknowledge_url, "") << "nothing is left to acknowledge";
  finish(messages[0]);
  EXPECT_EQ(value("SELECT count(*) FROM deliveries WHERE state = 2"), "2");
  EXPECT_TRUE(told().empty());
}

TEST_F(OutboxTest, BothInOneBatchAreOneMessageToo) {
  down(mine, 3);
  up(mine, 4);
  EXPECT_EQ(kinds(told()), (Kinds{AlertKind::kDown, AlertKind::kUp}));
  EXPECT_EQ(value("SELECT count(*) FROM incidents WHERE ended_at IS NOT NULL"), "1");
}

TEST_F(OutboxTest, UpWaitsWhileItsDownIsOnItsWay) {
  down(mine, 3);
  const auto first = told();
  pass(20);
  up(mine, 5);
  EXPECT_TRUE(told().empty()) << "a courier holds the DOWN";
  finish(first[0], AttemptResult::kRetry, s.clock.at + milliseconds(120'000));
  EXPECT_TRUE(told().empty()) << "the DOWN is to be tried again";
  pass(120);
  const auto again = told();
  ASSERT_EQ(kinds(again), Kinds{AlertKind::kDown});
  EXPECT_EQ(again[0].message_id, first[0].message_id);
  finish(again[0]);
  EXPECT_EQ(kinds(told()), Kinds{AlertKind::kUp});
}

TEST_F(OutboxTest, LaterStepsWaitAndAreDroppedAtTheEnd) {
  channel(s.a, 11), channel(s.a, 12), channel(s.a, 13);
  policy(s.a, 21, "0,300,900", "11,12,13");
  down(mine, 3);
  auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].channel.id.value, 11);
  finish_all(messages);
  pass(299);
  EXPECT_TRUE(told().empty());
  pass(1);
  messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].channel.id.value, 12);
  finish_all(messages);
  pass(100);
  up(mine, 4);
  messages = told();
  EXPECT_EQ(kinds(messages), (Kinds{AlertKind::kUp, AlertKind::kUp})) << "to those who were told";
  finish_all(messages);
  pass(2000);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(value("SELECT reason FROM deliveries WHERE channel_id = 13"), "over");
}

TEST_F(OutboxTest, RemindersGoOnUntilSomebodyAcknowledges) {
  channel(s.a, 11), channel(s.a, 12);
  policy(s.a, 21, "0,7200", "11,12", "remind_s = 600");
  down(mine, 3);
  finish_all(told());
  for (int i = 1; i <= 2; ++i) {
    EXPECT_TRUE(told().empty());
    pass(600);
    const auto messages = told();
    ASSERT_EQ(kinds(messages), Kinds{AlertKind::kReminder}) << i;
    EXPECT_FALSE(messages[0].thread_message_id.empty());
    finish_all(messages);
    finish_all(messages);  // said twice
  }
  s.database.sql("SELECT acknowledge_incident(" + std::to_string(mine.id.value) + ", 3, 'me', 1)");
  pass(10'000);
  EXPECT_TRUE(told().empty()) << "neither a reminder nor the later step";
  up(mine, 4);
  EXPECT_EQ(kinds(told()), Kinds{AlertKind::kUp});
}

// What fails in a maintenance window is told when the window is over, if it is still so.
TEST_F(OutboxTest, MaintenanceHoldsTheNewsAndWhatIsOverByThenIsNotTold) {
  MaintenanceStore windows(*s.api_pool, *s.ids, zones, s.clock);
  MaintenanceDraft draft;
  draft.monitors = {to_string(mine.id)};
  draft.starts_at = s.clock.at + milliseconds(60'000);
  draft.length = milliseconds(3'600'000);
  test::must(windows.create(s.a, draft));
  pass(120);
  down(mine, 2);
  down(theirs, 2);
  const auto others = told();
  EXPECT_EQ(kinds(others), Kinds{AlertKind::kDown}) << "another account's is told at once";
  finish_all(others);
  pass(600);
  up(mine, 3);
  EXPECT_EQ(kinds(told()), Kinds{}) << "over within the window";
  pass(600);
  down(mine, 4);
  EXPECT_EQ(kinds(told()), Kinds{});
  pass(3600);
  EXPECT_EQ(kinds(told()), Kinds{AlertKind::kDown}) << "still down when it ended";
}

TEST_F(OutboxTest, WhileAParentIsDownItsChildrenAreHeldAndMentionedInItsAlert) {
  const auto router = must(s.monitors.create(s.a, draft_of("https://router.example/", "Router")));
  auto draft = draft_of("https://host.example/", "Host");
  draft.tags = {"parent:router", "parent:nobody"};
  const auto host = must(s.monitors.create(s.a, draft));
  draft.name = "Guest";
  const auto guest = must(s.monitors.create(s.a, draft));
  down(host, 2), down(router, 2);
  auto messages = told();
  ASSERT_EQ(messages.size(), 1u) << "the child's came first, and waits";
  EXPECT_EQ(messages[0].alerts[0].monitor_name, "Router");
  EXPECT_EQ(messages[0].alerts[0].also_held, std::vector<std::string>{"Host"});
  finish_all(messages);
  down(guest, 2);
  EXPECT_TRUE(told().empty());
  pass(60);
  up(host, 3), up(router, 3);
  messages = told();
  ASSERT_EQ(messages.size(), 1u) << "what was over by then is not told";
  EXPECT_EQ(messages[0].alerts[0].monitor_name, "Router");
  EXPECT_EQ(messages[0].alerts[0].kind, AlertKind::kUp);
  finish_all(messages);
  EXPECT_TRUE(told().empty()) << "its next look may find it well";
  pass(120);
  messages = told();
  ASSERT_EQ(messages.size(), 1u) << "it did not";
  EXPECT_EQ(messages[0].alerts[0].monitor_name, "Guest");
  EXPECT_EQ(messages[0].alerts[0].kind, AlertKind::kDown);
}

TEST_F(OutboxTest, ParentsThatNameEachOtherHoldNobody) {
  auto draft = draft_of("https://a.example/", "Left");
  draft.tags = {"parent:right"};
  const auto left = must(s.monitors.create(s.a, draft));
  draft.name = "Right", draft.tags = {"parent:left"};
  const auto right = must(s.monitors.create(s.a, draft));
  down(left, 2), down(right, 2);
  EXPECT_EQ(told().size(), 2u);
}

TEST_F(OutboxTest, FlappingIsOnePairThenOneNoteThenWhatIsStillTrueAfterTenMinutes) {
  channel(s.a, 11);
  policy(s.a, 21, "0", "11");
  const auto all = [&] {
    const auto messages = told();
    finish_all(messages);
    return kinds(messages);
  };
  down(mine, 1);
  EXPECT_EQ(all(), Kinds{AlertKind::kDown});
  pass(60);
  up(mine, 2);
  EXPECT_EQ(all(), Kinds{AlertKind::kUp});
  pass(60);
  down(mine, 3);
  EXPECT_EQ(all(), Kinds{AlertKind::kFlapping});
  for (int version = 4; version < 10; version += 2) {
    pass(30);
    up(mine, version);
    pass(30);
    down(mine, version + 1);
    EXPECT_EQ(all(), Kinds{}) << version;
  }
  pass(299);  // 599 s after the first DOWN
  EXPECT_EQ(all(), Kinds{});
  pass(1);
  EXPECT_EQ(all(), Kinds{AlertKind::kDown}) << "it is still down";
  pass(60);
  up(mine, 20);
  EXPECT_EQ(all(), Kinds{AlertKind::kUp});
  EXPECT_EQ(value("SELECT count(*) FROM incidents"), "5");
}

// ---- how they leave
// -------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, MoreThanFiveMailsWithinAMinuteAreOne) {
  const auto outage = [&](int monitors) {
    for (int i = 0; i < monitors; ++i) down(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))), 2);
  };
  outage(5);
  auto messages = told();
  EXPECT_EQ(messages.size(), 5u);
  finish_all(messages);
  pass(10);
  outage(30);
  down(theirs, 2);
  messages = told();
  ASSERT_EQ(messages.size(), 1u) << "the other account's, at once";
  EXPECT_EQ(messages[0].channel.account, s.b);
  pass(20);
  outage(10);
  EXPECT_TRUE(told().empty());
  pass(25);
  messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].alerts.size(), 40u);
  EXPECT_EQ(messages[0].thread_message_id, "");
  finish(messages[0], AttemptResult::kRetry, s.clock.at + milliseconds(1000));
  pass(1);
  const auto again = told();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].alerts.size(), 40u) << "the same members";
  EXPECT_EQ(again[0].message_id, messages[0].message_id);
  finish(again[0]);
  EXPECT_EQ(value("SELECT count(*) FROM deliveries WHERE state = 2"), "45");
  EXPECT_EQ(value("SELECT count(*) FROM delivery_attempts"), "7") << "the other account's is still on its way";
}

TEST_F(OutboxTest, WebhooksLeaveOneByOne) {
  channel(s.a, 11);
  policy(s.a, 21, "0", "11");
  for (int i = 0; i < 12; ++i) down(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))), 2);
  EXPECT_EQ(told().size(), 10u) << "of one channel in one claim";
  EXPECT_EQ(told().size(), 2u);
}

TEST_F(OutboxTest, QuietHoursHoldWhatIsNotDown) {
  // 12:00 UTC is 13:00 in Prague.
  channel(s.a, 11, 2, "timezone = 'Europe/Prague', quiet_from = 720, quiet_to = 840");
  policy(s.a, 21, "0", "11", "kinds = '{1,3}'");
  flip(mine, 2, 1, 2, 75);
  EXPECT_TRUE(told().empty());
  flip(mine, 3, 2, 3);
  EXPECT_EQ(kinds(told()), Kinds{AlertKind::kDown}) << "never held";
  EXPECT_EQ(value("SELECT due_at FROM deliveries WHERE kind = 3"), std::to_string(kNoon + 3'600'000));
}

TEST(QuietHours, EndWhereTheLocalClockSaysSo) {
  TzdbZones zones;
  const Zone* prague = zones.find("Europe/Prague");
  const auto held = [&](const char* at, int from, int to, AlertKind kind = AlertKind::kDegraded, bool hold = false) {
    return rfc3339(after_quiet_hours(*parse_time(at), kind, QuietHours{from, to}, hold, prague));
  };
  EXPECT_EQ(held("2026-11-22T21:30:15Z", 22 * 60, 7 * 60), "2026-11-23T06:00:00Z");
  EXPECT_EQ(held("2026-11-22T20:59:59Z", 22 * 60, 7 * 60), "2026-11-22T20:59:59Z");
  EXPECT_EQ(held("2026-11-23T06:00:00Z", 22 * 60, 7 * 60), "2026-11-23T06:00:00Z");
  EXPECT_EQ(held("2026-10-24T21:00:00Z", 22 * 60, 7 * 60), "2026-10-25T06:00:00Z") << "the night of the 25 hours";
  EXPECT_EQ(held("2026-11-22T21:30:15Z", 22 * 60, 7 * 60, AlertKind::kDown), "2026-11-22T21:30:15Z");
  EXPECT_EQ(held("2026-11-22T21:30:15Z", 22 * 60, 7 * 60, AlertKind::kDown, true), "2026-11-23T06:00:00Z");
  EXPECT_EQ(held("2026-11-22T21:30:15Z", 60, 60), "2026-11-22T21:30:15Z");
}

// ---- proof and failures
// -----------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, FinishingTwiceIsFinishingOnce) {
  down(mine, 3);
  const auto messages = told();
  const std::vector<Attempt> attempts{
      {s.clock.at, "smtp://a.example:25", "421 busy\r\n", "", "", AttemptResult::kRetry},
      {s.clock.at, "smtp://b.example:25", "250 Ok", "TLSv1.3", "Q1", AttemptResult::kSent}};
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(outbox.finish(messages[0], attempts, std::nullopt));
  finish(messages[0], AttemptResult::kFailed);  // late words of another courier change nothing
  EXPECT_EQ(value("SELECT count(*) FROM delivery_attempts"), "2");
  EXPECT_EQ(value("SELECT reply FROM delivery_attempts WHERE turn = 1"), "421 busy\\x0d\\x0a");
  EXPECT_EQ(value("SELECT state FROM deliveries"), "2");
  EXPECT_EQ(value("SELECT strikes FROM channels WHERE account_id = " + std::to_string(s.a.value)), "0");
  EXPECT_FALSE(outbox.finish(messages[0], {}, std::nullopt));
}

TEST_F(OutboxTest, ThreePermanentFailuresMakeAChannelFailingAndOneSuccessHealsIt) {
  channel(s.a, 11);
  policy(s.a, 21, "0", "11");
  for (int i = 1; i <= 4; ++i) {
    down(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))), 2);
    auto messages = told();
    std::erase_if(messages, [](const Message& one) { return one.channel.id.value != 11; });
    ASSERT_EQ(messages.size(), 1u);
    ASSERT_TRUE(outbox.finish(
        messages[0], {attempt(i < 4 ? AttemptResult::kFailed : AttemptResult::kSent, "550 5.1.1 no such user")}, {}));
    EXPECT_EQ(value("SELECT strikes FROM channels WHERE id = 11"), i < 4 ? std::to_string(i) : "0");
  }
  EXPECT_EQ(value("SELECT count(*) FROM deliveries WHERE state = 3"), "3");
  EXPECT_EQ(value("SELECT coalesce(last_error, '') FROM channels WHERE id = 11"), "");
}

TEST_F(OutboxTest, AChannelThatFailsIsToldOfByAnotherPath) {
  channel(s.a, 11, 1), channel(s.a, 12), channel(s.b, 13);
  policy(s.a, 21, "0", "11");
  for (int i = 1; i <= 4; ++i) {
    down(must(s.monitors.create(s.a, draft_of("https://x.example/", "X"))), 2);
    ASSERT_TRUE(outbox.fan_out());
    for (const Message& message : claim()) {
      if (message.channel.id.value == 11)
        finish(message, AttemptResult::kFailed);
      else
        finish(message);
    }
  }
  EXPECT_EQ(value("SELECT count(*) FROM deliveries WHERE kind = 10"), "1") << "at the third, once";
  EXPECT_EQ(value("SELECT user_id IS NOT NULL FROM channels c JOIN deliveries d ON d.channel_id = c.id WHERE d.kind = "
                  "10 AND c.account_id = " +
                  std::to_string(s.a.value)),
            "t")
      << "the owner's mail";
  EXPECT_EQ(value("SELECT detail FROM deliveries WHERE kind = 10"),
            "the channel c11 fails: smtp://relay.example:587: 250 2.0.0 Ok: queued as 4F1");
  EXPECT_EQ(value("SELECT state FROM deliveries WHERE kind = 10"), "2");
}

TEST_F(OutboxTest, BlindnessIsToldOnceAndItsMonitorsAreNot) {
  const auto told_kinds = [&] { return kinds(told()); };
  policy(s.a, 21, "0", "11", "tags = '{prod}'");
  channel(s.a, 11), channel(s.b, 12);
  const BlindRow began{"node", s.clock.at, "IPv4", std::nullopt};
  ASSERT_TRUE(store_blindness(*worker, began));
  auto messages = told();
  ASSERT_EQ(messages.size(), 1u) << "though its policy names other monitors";
  EXPECT_EQ(messages[0].channel.id.value, 11);
  EXPECT_EQ(messages[0].alerts[0].kind, AlertKind::kOurselves);
  EXPECT_EQ(messages[0].alerts[0].cause, "own_network");
  finish_all(messages);
  s.database.sql(
      "INSERT INTO standings (monitor_id, region, version, health, booked, health_since, booked_since) VALUES (" +
      std::to_string(mine.id.value) + ",1,2,1,4,1," + std::to_string(s.clock.at.ms) + ")");
  s.database.sql("INSERT INTO spans (monitor_id, region, from_at, state, cause) VALUES (" +
                 std::to_string(mine.id.value) + ",1," + std::to_string(s.clock.at.ms) + ",4,101)");
  s.database.sql("UPDATE alert_policies SET tags = '{}'");
  pass(3600);
  EXPECT_TRUE(told_kinds().empty()) << "unknown because we are blind";
  auto ended = began;
  ended.to = s.clock.at;
  ASSERT_TRUE(store_blindness(*worker, ended));
  pass(3600);
  EXPECT_EQ(told_kinds(), (std::vector<AlertKind>{AlertKind::kUnknown})) << "we see again, and it is unknown still";
}

TEST_F(OutboxTest, AnAccountThatIsDownAsAWholeGetsOneDigestAndDelaysNobodyElse) {
  const std::size_t many = std::getenv("EVERUP_LONG") != nullptr ? 10'000 : 2'000;
  const std::vector<MonitorDraft> drafts(many, draft_of("https://x.example/", "X"));
  must(s.monitors.create_bulk(s.a, drafts));
  const std::string now = std::to_string(s.clock.at.ms);
  s.database.sql(
      "INSERT INTO flips (monitor_id, version, region, from_state, to_state, at, settled_at, cause, "
      "recorded_at) SELECT id, 2, 1, 1, 3, " +
      now + "-20000, " + now + ", 20, " + now + " FROM monitors WHERE name = 'X'");
  down(theirs, 2);
  std::vector<Message> messages;
  for (int turn = 0; turn < 60 && value("SELECT count(*) FROM flips WHERE fanned_at IS NULL") != "0"; ++turn) {
    for (Message& message : told()) messages.push_back(std::move(message));
  }
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].channel.account, s.b) << "at once";
  pass(5);
  messages = claim();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].alerts.size(), many);
  finish_all(messages);
  EXPECT_EQ(value("SELECT count(*) FROM deliveries WHERE state = 2"), std::to_string(many));
}

TEST_F(OutboxTest, AccountsTakeTurns) {
  std::string channels;
  for (int id = 100; id < 200; ++id) channels += std::to_string(channel(s.a, id).value) + (id < 199 ? "," : "");
  std::string delays = "0";
  for (int more = 1; more < 100; ++more) delays += ",0";
  policy(s.a, 21, delays, channels);
  channel(s.b, 11);
  policy(s.b, 22, "0", "11");
  down(mine, 2);
  fan_out();
  pass(1);
  down(theirs, 2);
  auto messages = told(4);
  ASSERT_EQ(messages.size(), 4u);
  const auto of = [&](AccountId account) {
    return std::count_if(messages.begin(), messages.end(),
                         [&](const Message& m) { return m.channel.account == account; });
  };
  EXPECT_EQ(of(s.b), 1) << "though a hundred of the other's are older";
  finish(*std::find_if(messages.begin(), messages.end(), [&](const Message& m) { return m.channel.account == s.b; }),
         AttemptResult::kRetry, s.clock.at);
  for (const Message& message : messages) {
    if (message.channel.account == s.a) finish(message, AttemptResult::kRetry, s.clock.at);
  }
  messages = claim(4);
  EXPECT_EQ(of(s.b), 1) << "retries too";
  s.database.sql("UPDATE deliveries SET lease_until = NULL");
  messages = test::must(outbox.claim(200, milliseconds(60'000), {s.a}));
  ASSERT_EQ(messages.size(), 1u) << "the first is held enough of";
  EXPECT_EQ(messages[0].channel.account, s.b);
}

TEST_F(OutboxTest, AWebhookThatIsGoneIsSwitchedOff) {
  channel(s.a, 11);
  policy(s.a, 21, "0", "11");
  down(mine, 3);
  const auto messages = told();
  ASSERT_TRUE(outbox.finish(messages[0], {attempt(AttemptResult::kChannelGone, "410 Gone")}, {}));
  EXPECT_EQ(value("SELECT enabled FROM channels WHERE id = 11"), "f");
  EXPECT_EQ(value("SELECT last_error FROM channels WHERE id = 11"), "smtp://relay.example:587: 410 Gone");
  up(mine, 4);
  const auto after = told();
  EXPECT_EQ(kinds(after), Kinds{AlertKind::kOurselves}) << "the owner hears of it, and nothing else";
}

// ---- what is no flip
// ------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, UnknownIsToldOnceAfterTenMinutesAndThreeSlots) {
  s.standing(mine.id, 4, kNoon);
  s.span(mine.id, kNoon, "NULL", 4);
  s.database.sql("UPDATE spans SET cause = 100");
  pass(599);
  EXPECT_TRUE(told().empty());
  pass(16);  // it is looked for every 15 s
  const auto messages = told();
  ASSERT_EQ(kinds(messages), Kinds{AlertKind::kUnknown});
  EXPECT_EQ(messages[0].alerts[0].cause, "own_resources");
  finish_all(messages);
  pass(86'400);
  EXPECT_TRUE(told().empty());
}

TEST_F(OutboxTest, ACertificateIsSpokenOfOncePerThreshold) {
  const auto seen = [&](int days) {
    s.database.sql("DELETE FROM evidence");
    s.database.sql("SELECT ensure_partition(" + std::to_string(s.clock.at.ms) + ")");
    s.database.sql("INSERT INTO evidence VALUES (" + std::to_string(mine.id.value) + ",1," +
                   std::to_string(s.clock.at.ms) + R"(,0,'{"certificate":{"sha256":")" + std::string(64, 'a') +
                   R"(","not_before":"2026-01-01T00:00:00Z","not_after":")" + rfc3339(WallTime{kNoon + 40 * kDayMs}) +
                   R"("}}'))");
    static_cast<void>(days);
    const auto messages = told();
    finish_all(messages);
    return kinds(messages).size();
  };
  EXPECT_EQ(seen(40), 0u);
  const std::vector<std::pair<int, std::size_t>> days{{9, 0}, {2, 1}, {1, 0}, {15, 1}, {6, 1}, {5, 1}, {1, 1}, {5, 0}};
  int day = 0;
  for (const auto& [more, alerts] : days) {
    day += more;
    pass(more * 86'400LL);
    EXPECT_EQ(seen(40 - day), alerts) << "day " << day;
  }
}

TEST_F(OutboxTest, WaitingEndsWhenSomethingHappens) {
  ASSERT_TRUE(outbox.wait(milliseconds(1)));  // listens now
  std::thread other([&] { down(mine, 3); });
  ASSERT_TRUE(outbox.wait(milliseconds(5000)));
  other.join();
  EXPECT_EQ(told().size(), 1u);
}

// ---- two accounts
// -------------------------------------------------------------------------------------------------------------------------------

TEST_F(OutboxTest, AForgottenConditionShowsOnlyOnesOwn) {
  for (const Monitor* monitor : {&mine, &theirs}) down(*monitor, 3);
  finish_all(told());
  channel(s.a, 11), channel(s.b, 12);
  policy(s.a, 21, "0", "11"), policy(s.b, 22, "0", "12");
  for (const Monitor* monitor : {&mine, &theirs}) {
    s.database.sql(
        "INSERT INTO incident_updates SELECT monitor_id, version, 1, account_id, 1, 'x', 'y' FROM incidents "
        "WHERE monitor_id = " +
        std::to_string(monitor->id.value));
  }
  for (const char* table :
       {"channels", "alert_policies", "incidents", "incident_updates", "deliveries", "delivery_attempts"}) {
    for (const AccountId who : {s.a, s.b}) {
      EXPECT_TRUE(s.api_pool->as_account(who, milliseconds(30'000), [&](pqxx::transaction_base& tx) -> Status {
        const auto rows = tx.exec(std::string("SELECT DISTINCT account_id FROM ") + table);
        EXPECT_EQ(rows.size(), 1u) << table;
        EXPECT_EQ(rows[0][0].as<std::int64_t>(), who.value) << table;
        return ok();
      }));
    }
    EXPECT_TRUE(s.api_pool->run(milliseconds(30'000), [&](pqxx::transaction_base& tx) -> Status {
      EXPECT_TRUE(tx.exec(std::string("SELECT 1 FROM ") + table).empty()) << table;
      return ok();
    }));
  }
  const std::string theirs_id = std::to_string(theirs.id.value);
  EXPECT_TRUE(s.api_pool->as_account(s.a, milliseconds(30'000), [&](pqxx::transaction_base& tx) -> Status {
    EXPECT_FALSE(tx.exec1("SELECT acknowledge_incident(" + theirs_id + ", 3, 'me', 1)")[0].as<bool>());
    EXPECT_EQ(tx.exec("UPDATE deliveries SET state = 4 WHERE monitor_id = " + theirs_id).affected_rows(), 0u);
    return ok();
  }));
  EXPECT_FALSE(s.api_pool->as_account(s.a, milliseconds(30'000), [&](pqxx::transaction_base& tx) -> Status {
    tx.exec("UPDATE channels SET account_id = " + std::to_string(s.b.value));
    return ok();
  }));
}

TEST_F(OutboxTest, AnotherAccountsChannelInAPolicyIsNotTold) {
  channel(s.a, 11), channel(s.b, 12);
  policy(s.a, 21, "0,0", "11,12");  // past the store, which refuses it
  down(mine, 3);
  const auto messages = told();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].channel.id.value, 11);
}

// ---- what happened before there were alerts
// ---------------------------------------------------------------------------------------------------

TEST(AlertsMigration, OldFlipsBecomeIncidentsThatNobodyIsToldOf) {
  test::TestCluster::shared().admin("CREATE DATABASE before");
  const DatabaseAccess access{test::TestCluster::shared().cluster().url_of("before"), {}, false};
  std::vector<Migration> old = migrations();
  const auto alerts =
      std::find_if(old.begin(), old.end(), [](const Migration& m) { return std::string(m.name).ends_with("alerts"); });
  ASSERT_NE(alerts, old.end());
  old.erase(alerts, old.end());
  must(migrate(access, WallTime{1}, old));
  {
    pqxx::connection connection(access.url);
    pqxx::nontransaction tx(connection);
    tx.exec("INSERT INTO accounts VALUES (1, 'a', 'UTC', 1)");
    tx.exec(
        "INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, "
        "badge_token, report_token, shard, created_at, updated_at, revised_at) VALUES (5, 1, 'x', 'x', "
        "'https://x.example/', 2, 60, 10000, '{}', 'b', 'r', 0, 1, 1, 1)");
    tx.exec(
        "INSERT INTO flips (monitor_id, version, region, from_state, to_state, at, settled_at, recorded_at) VALUES "
        "(5,1,1,4,1,10,10,10), (5,2,1,1,3,20,25,25), (5,4,1,3,1,40,45,45), (5,7,1,1,3,70,75,75)");
    tx.exec("INSERT INTO standings VALUES (5,1,7,3,3,70,70,NULL)");
  }
  must(migrate(access, WallTime{1}));
  {
    pqxx::connection connection(access.url);
    pqxx::nontransaction tx(connection);
    const auto rows = tx.exec("SELECT version, started_at, ended_at FROM incidents ORDER BY version");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0][0].as<int>(), 2);
    EXPECT_EQ(rows[0][2].as<int>(), 40);
    EXPECT_TRUE(rows[1][2].is_null());
    EXPECT_TRUE(tx.exec("SELECT 1 FROM flips WHERE fanned_at IS NULL").empty());
  }
  test::TestCluster::shared().admin("DROP DATABASE before WITH (FORCE)");
  for (const char* role : {"owner", "worker", "api", "public", "backup"})
    test::TestCluster::shared().admin(std::string("DROP ROLE before_") + role);
}

}  // namespace
}  // namespace everup::db
