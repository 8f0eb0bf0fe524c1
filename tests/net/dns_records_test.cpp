#include "net/dns_records.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "net/clock.h"
#include "tests/net/dns_server.h"

namespace everup::net {
namespace {

constexpr int kMx = 15, kTxt = 16, kPtr = 12;

DnsRecord mx(const std::string& name, unsigned preference, const std::string& host) {
  return {name, kMx, 60, be16(preference) + wire_name(host)};
}
DnsRecord txt(const std::string& name, const std::vector<std::string>& parts) {
  std::string data;
  for (const std::string& part : parts) data += static_cast<char>(part.size()) + part;
  return {name, kTxt, 60, data};
}

class DnsRecordsTest : public testing::Test {
 protected:
  DnsRecordsTest() : loop_(clock_), server_(loop_, [this](const DnsQuery& query) { return script_(query); }) {
    ResolverOptions options;
    options.servers = {server_.address()};
    options.try_timeout = std::chrono::milliseconds(200);
    records_.emplace(loop_, options);
  }
  Records ask(const std::string& name, RecordType type, std::chrono::milliseconds within = std::chrono::seconds(20)) {
    std::optional<Records> result;
    const auto query =
        records_->ask(name, type, clock_.now().mono + within, [&](Records&& found) { result = std::move(found); });
    EXPECT_FALSE(result) << "told from inside ask()";
    const Instant end = clock_.now().mono + std::chrono::seconds(60);
    while (!result && clock_.now().mono < end) loop_.run_once(std::chrono::milliseconds(20));
    EXPECT_TRUE(result);
    return result ? *result : Records{};
  }

  SystemClock clock_;
  Loop loop_;
  std::function<std::vector<std::string>(const DnsQuery&)> script_;
  DnsServer server_;
  std::optional<RecordResolver> records_;
};

TEST_F(DnsRecordsTest, MailHostsByPreference) {
  script_ = [](const DnsQuery& query) {
    return std::vector{reply(query, 0, {mx(query.name, 20, "MX2.test"), mx(query.name, 10, "mx1.test")})};
  };
  const Records found = ask("example.test", RecordType::kMx);
  EXPECT_EQ(found.failure, LookupFailure::kNone) << found.detail;
  EXPECT_EQ(found.mx, (std::vector<MxHost>{{10, "mx1.test"}, {20, "mx2.test"}}));
  EXPECT_EQ(server_.asked("example.test", kMx), 1);
}

TEST_F(DnsRecordsTest, NoMailHere) {
  script_ = [](const DnsQuery& query) { return std::vector{reply(query, 0, {mx(query.name, 0, ".")})}; };
  EXPECT_EQ(ask("example.test", RecordType::kMx).mx, (std::vector<MxHost>{{0, ""}}));
}

TEST_F(DnsRecordsTest, TextsArePutTogether) {
  script_ = [](const DnsQuery& query) {
    return std::vector{reply(query, 0, {txt(query.name, {"v=spf1 ", "-all"}), txt(query.name, {"other"})})};
  };
  EXPECT_EQ(ask("example.test", RecordType::kTxt).texts, (std::vector<std::string>{"v=spf1 -all", "other"}));
}

TEST_F(DnsRecordsTest, NamesOfAnAddress) {
  script_ = [](const DnsQuery& query) {
    return std::vector{reply(query, 0, {{query.name, kPtr, 60, wire_name("Mail.example.test")}})};
  };
  EXPECT_EQ(ask("7.2.0.192.in-addr.arpa", RecordType::kPtr).texts, (std::vector<std::string>{"mail.example.test"}));
}

TEST_F(DnsRecordsTest, WhoseFaultItIs) {
  script_ = [](const DnsQuery& query) { return std::vector{reply(query, query.name == "gone.test" ? 3 : 0)}; };
  const Records empty = ask("example.test", RecordType::kMx);
  EXPECT_EQ(empty.failure, LookupFailure::kNameError);
  EXPECT_TRUE(empty.no_data);
  const Records gone = ask("gone.test", RecordType::kMx);
  EXPECT_EQ(gone.failure, LookupFailure::kNameError);
  EXPECT_FALSE(gone.no_data);
  EXPECT_EQ(ask("bad name.test", RecordType::kMx).failure, LookupFailure::kNameError);
  script_ = [](const DnsQuery& query) { return std::vector{reply(query, 2)}; };
  EXPECT_EQ(ask("example.test", RecordType::kMx).failure, LookupFailure::kUnavailable);
  script_ = [](const DnsQuery&) { return std::vector<std::string>(); };
  EXPECT_EQ(ask("example.test", RecordType::kMx, std::chrono::milliseconds(50)).failure, LookupFailure::kDeadline);
}

TEST_F(DnsRecordsTest, WhoLeavesIsNotCalled) {
  script_ = [](const DnsQuery&) { return std::vector<std::string>(); };
  bool called = false;
  {
    const auto query = records_->ask("example.test", RecordType::kMx, clock_.now().mono + std::chrono::milliseconds(1),
                                     [&](Records&&) { called = true; });
  }
  loop_.run_once(std::chrono::milliseconds(20));
  loop_.run_once(std::chrono::milliseconds(20));
  EXPECT_FALSE(called);
  auto late = records_->ask("example.test", RecordType::kMx, clock_.now().mono, [&](Records&&) { called = true; });
  records_.reset();
  loop_.run_once(std::chrono::milliseconds(20));
  EXPECT_FALSE(called) << "nor by a resolver that is gone";
}

}  // namespace
}  // namespace everup::net
