// The courier with real receivers and a real mail dialogue, on an outbox in memory: nothing lost, nothing overtaken,
// nobody delayed by another's slow endpoint.
#include "alerts/courier.h"

#include <gtest/gtest.h>

#include <set>

#include "net/clock.h"
#include "tests/alerts/mail_peers.h"
#include "tests/alerts/receiver.h"
#include "tests/alerts/samples.h"
#include "tests/alerts_courier/memory_outbox.h"
#include "zone/zones.h"

namespace everup::alerts::test {
namespace {

using std::chrono::seconds;
using Call = MemoryOutbox::Call;

class CourierTest : public ::testing::Test {
 protected:
  CourierTest() : policy_(*net::AllowList::parse("127.0.0.1"), std::vector<net::Address>{}) {
    settings_.http.policy = &policy_;
    settings_.pause = milliseconds(50);
    settings_.mail.from = "alerts@watch.example";
  }
  void use_relay(std::uint16_t port) {
    settings_.mail.relays = *parse_relays("smtp://127.0.0.1:" + std::to_string(port) + "?starttls=never");
  }
  void start(MemoryOutbox& outbox) {
    courier_ = std::make_unique<Courier>(outbox, clock_, zones_, settings_);
    const Status status = courier_->start();
    ASSERT_TRUE(status) << status.error().what;
  }
  Message base(int number, std::int64_t channel, std::int64_t account) {
    Message message = message_of({down_alert()});
    message.id = "dlv_" + std::to_string(number);
    message.message_id = "dlv." + std::to_string(number) + "@watch.example";
    message.alerts[0].incident_id = "inc_" + std::to_string(number);
    message.channel.id = ChannelId{channel};
    message.channel.account = AccountId{account};
    message.created_at = clock_.now().wall;
    return message;
  }
  Message hook(int number, const std::string& url, std::int64_t channel = 1, std::int64_t account = 1) {
    Message message = base(number, channel, account);
    message.channel.kind = ChannelKind::kWebhook;
    message.channel.url = url;
    message.channel.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    return message;
  }
  CourierCounts::OfKind counts(ChannelKind kind) const {
    return courier_->counts().by_kind.at(static_cast<std::size_t>(kind));
  }
  MemoryOutbox& outbox_of(MemoryOutbox::Fault fault = nullptr) {
    outbox_ = std::make_unique<MemoryOutbox>(clock_, std::move(fault));
    return *outbox_;
  }
  net::SystemClock clock_;
  TzdbZones zones_;
  net::AddressPolicy policy_;
  CourierSettings settings_;
  std::unique_ptr<MemoryOutbox> outbox_;
  std::unique_ptr<Courier> courier_;  // after what it uses
};

TEST_F(CourierTest, AStormLeavesWholeAndOnce) {
  ScriptedRelay relay(nullptr);
  Receiver receiver;
  use_relay(relay.port());
  MemoryOutbox& outbox = outbox_of();
  for (int i = 0; i < 300; ++i) outbox.add(base(i, i % 20, i % 7));
  for (int i = 300; i < 400; ++i) outbox.add(hook(i, receiver.url(), i % 20, i % 7));
  start(outbox);
  ASSERT_TRUE(outbox.wait_until_over());
  courier_->stop(seconds(10));
  std::multiset<std::string> ids;
  for (const std::string& mail : relay.mails()) {
    const auto at = mail.find("Message-Id: <");
    ids.insert(mail.substr(at, mail.find('>', at) - at));
  }
  EXPECT_EQ(relay.mails().size(), 300U);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 300U);
  EXPECT_LE(relay.connections(), settings_.workers);
  EXPECT_EQ(receiver.requests().size(), 100U);
  for (const auto& [id, entry] : outbox.entries()) {
    EXPECT_EQ(entry.finishes, 1) << id;
    ASSERT_EQ(entry.attempts.size(), 1U) << id;
    EXPECT_EQ(entry.attempts[0].result, AttemptResult::kSent) << id << entry.attempts[0].reply;
  }
  EXPECT_EQ(counts(ChannelKind::kEmail).sent, 300U);
  EXPECT_EQ(counts(ChannelKind::kWebhook).sent, 100U);
  EXPECT_EQ(courier_->counts().held, 0);
  EXPECT_EQ(courier_->counts().claimed, 400U);
}

TEST_F(CourierTest, AFinishThatFailedIsTriedAgainAndNothingIsSentTwice) {
  Receiver receiver;
  const auto failures = std::make_shared<std::atomic<int>>(3);
  MemoryOutbox& outbox = outbox_of([failures](Call call) -> std::optional<Error> {
    if (call == Call::kFinish && failures->fetch_sub(1) > 0) return Error{ErrorCode::kUnavailable, "away"};
    return std::nullopt;
  });
  for (int i = 0; i < 5; ++i) outbox.add(hook(i, receiver.url(), i));
  start(outbox);
  ASSERT_TRUE(outbox.wait_until_over());
  courier_->stop(seconds(10));
  EXPECT_EQ(receiver.requests().size(), 5U);
  EXPECT_GE(courier_->counts().finishes_repeated, 3U);
}

TEST_F(CourierTest, AnOutboxThatIsAwayIsAskedAgain) {
  Receiver receiver;
  const auto failures = std::make_shared<std::atomic<int>>(4);
  MemoryOutbox& outbox = outbox_of([failures](Call call) -> std::optional<Error> {
    if (call != Call::kFinish && failures->fetch_sub(1) > 0) return Error{ErrorCode::kUnavailable, "away"};
    return std::nullopt;
  });
  outbox.add(hook(1, receiver.url()));
  start(outbox);
  ASSERT_TRUE(outbox.wait_until_over());
  EXPECT_GE(courier_->counts().outbox_errors, 1U);
}

TEST_F(CourierTest, AnOutboxThatDoesNotKnowTheMessageAnyMoreIsNotAskedForEver) {
  Receiver receiver;
  MemoryOutbox& outbox = outbox_of([&](Call call) -> std::optional<Error> {
    return call == Call::kFinish ? std::optional(Error{ErrorCode::kNotFound, "deleted"}) : std::nullopt;
  });
  outbox.add(hook(1, receiver.url()));
  start(outbox);
  EXPECT_EQ(receiver.wait_for(1).size(), 1U);
  courier_->stop(seconds(10));
  EXPECT_EQ(courier_->counts().finishes_refused, 1U);
}

TEST_F(CourierTest, AnUpNeverOvertakesItsDown) {
  std::atomic<bool> mended{false};
  Receiver receiver([&](const Received&, int) { return mended ? "200 OK" : "503 Later"; });
  MemoryOutbox& outbox = outbox_of();
  Message down = hook(1, receiver.url()), up = hook(2, receiver.url()), other = hook(3, receiver.url());
  up.alerts = {up_alert()};
  up.alerts[0].incident_id = down.alerts[0].incident_id;
  outbox.add(down);
  outbox.add(up);
  outbox.add(other);
  start(outbox);
  ASSERT_TRUE(outbox.wait_until([](const auto& entries) {
    return std::all_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.finishes > 0; });
  }));
  const auto first = outbox.entries();
  EXPECT_EQ(first.at("dlv_2").attempts.at(0).reply, "waits for the message before it");
  EXPECT_GT(first.at("dlv_2").due, first.at("dlv_1").due);
  mended = true;
  ASSERT_TRUE(outbox.wait_until_over());
  std::vector<std::string> order;
  for (const Received& request : receiver.requests())
    if (request.headers.at("webhook-id") != "dlv_3") order.push_back(request.headers.at("webhook-id"));
  EXPECT_EQ(order, (std::vector<std::string>{"dlv_1", "dlv_1", "dlv_2"}));
}

TEST_F(CourierTest, OneChannelsMessagesLeaveInTheirOrder) {
  Receiver receiver;
  MemoryOutbox& outbox = outbox_of();
  for (int i = 0; i < 40; ++i) outbox.add(hook(i, receiver.url(), i % 2, i % 2));
  start(outbox);
  ASSERT_TRUE(outbox.wait_until_over());
  std::map<int, int> last{{0, -1}, {1, -1}};
  for (const Received& request : receiver.requests()) {
    const int number = std::stoi(request.headers.at("webhook-id").substr(4));
    EXPECT_GT(number, last[number % 2]);
    last[number % 2] = number;
  }
}

TEST_F(CourierTest, OneAccountsSilentEndpointsDelayNobodyElse) {
  Receiver silent([](const Received&, int) { return std::string(); }), receiver;
  settings_.http.limit = seconds(600);
  settings_.turn_max = seconds(700);
  settings_.lease = seconds(1400);
  MemoryOutbox& outbox = outbox_of();
  for (int i = 0; i < 200; ++i) outbox.add(hook(i, silent.url(), 100 + i, 1));
  start(outbox);
  EXPECT_GE(silent.wait_for(2).size(), 2U);
  for (int i = 200; i < 205; ++i) outbox.add(hook(i, receiver.url(), 200 + i, 2));
  EXPECT_EQ(receiver.wait_for(5).size(), 5U);
  EXPECT_EQ(silent.requests().size(), 2U);  // half of the workers
}

TEST_F(CourierTest, StoppingCutsOffWhatHangsAndGivesEverythingBack) {
  Receiver silent([](const Received&, int) { return std::string(); });
  settings_.http.limit = seconds(600);
  settings_.turn_max = seconds(700);
  settings_.lease = seconds(1400);
  MemoryOutbox& outbox = outbox_of();
  for (int i = 0; i < 30; ++i) outbox.add(hook(i, silent.url(), i, i));
  start(outbox);
  EXPECT_GE(silent.wait_for(4).size(), 4U);
  courier_->stop(milliseconds(100));
  for (const auto& [id, entry] : outbox.entries()) {
    EXPECT_FALSE(entry.claimed) << id;
    EXPECT_FALSE(entry.over) << id;
    EXPECT_LE(entry.due, clock_.now().wall) << id;
  }
  EXPECT_EQ(courier_->counts().held, 0);
  courier_->stop(milliseconds(0));  // again: nothing happens
}

TEST_F(CourierTest, WhatCannotBeDeliveredIsOverAndSaidSo) {
  Receiver gone([](const Received&, int) { return "410 Gone"; });
  MemoryOutbox& outbox = outbox_of();
  outbox.add(hook(1, gone.url(), 1));
  outbox.add(hook(2, "http://10.0.0.1/", 2));
  Message old = hook(3, gone.url(), 3);
  old.channel.kind = ChannelKind::kEmail;  // no relay, for more than a day
  old.created_at = clock_.now().wall - std::chrono::hours(25);
  outbox.add(old);
  start(outbox);
  ASSERT_TRUE(outbox.wait_until_over());
  const auto entries = outbox.entries();
  EXPECT_EQ(entries.at("dlv_1").attempts.back().result, AttemptResult::kChannelGone);
  EXPECT_EQ(entries.at("dlv_2").attempts.back().result, AttemptResult::kFailed);
  EXPECT_NE(entries.at("dlv_2").attempts.back().reply.find("10.0.0.1"), std::string::npos);
  EXPECT_EQ(entries.at("dlv_3").attempts.back().result, AttemptResult::kFailed);
  EXPECT_TRUE(entries.at("dlv_3").attempts.back().reply.starts_with("given up after 1 turns: no mail relay"));
  EXPECT_EQ(counts(ChannelKind::kWebhook).gone, 1U);
  EXPECT_EQ(counts(ChannelKind::kWebhook).failed, 1U);
  EXPECT_EQ(counts(ChannelKind::kEmail).failed, 1U);
}

TEST_F(CourierTest, WrongSettingsAreRefused) {
  MemoryOutbox& outbox = outbox_of();
  settings_.workers = 0;
  EXPECT_FALSE(Courier(outbox, clock_, zones_, settings_).start());
  settings_.workers = 4;
  settings_.lease = settings_.turn_max;
  EXPECT_FALSE(Courier(outbox, clock_, zones_, settings_).start());
  settings_ = {};
  use_relay(1);
  settings_.mail.from = "nobody";
  const Status status = Courier(outbox, clock_, zones_, settings_).start();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().what.find("EVERUP_MAIL_FROM"), std::string::npos);
}

}  // namespace
}  // namespace everup::alerts::test
