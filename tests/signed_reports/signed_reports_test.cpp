// Reports are signed, months are closed and chained, and nothing of them can be changed unseen.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "app/month_closer.h"
#include "app/report_signer.h"
#include "reports/canonical_json.h"
#include "reports/verify_json.h"
#include "seal/box.h"
#include "seal/signature.h"
#include "tests/support/postgres.h"
#include "zone/zones.h"

namespace everup::app {
namespace {

using Json = nlohmann::json;
using test::must;

constexpr std::int64_t kJanuary = 1'767'225'600'000;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kMarch10 = 1'773'144'000'000;  // 2026-03-10T12:00:00Z
constexpr std::int64_t kMay = 1'777'593'600'000;      // 2026-05-01T00:00:00Z

class Hands final : public Clock {
 public:
  Now now() const override { return now_; }
  void set(std::int64_t wall_ms) {
    now_.mono = now_.mono + std::chrono::minutes(10);
    now_.wall.ms = wall_ms;
  }

 private:
  Now now_{WallTime{kMay}, Instant{1}};
};

class SignedReports : public testing::Test {
 protected:
  SignedReports() {
    database.sql("INSERT INTO accounts (id, name, created_at) VALUES (1, 'a', 0)");
    add_monitor(7, std::string(26, 'a'));
  }
  void add_monitor(int id, const std::string& token) {
    const std::string n = std::to_string(id);
    const std::string start = std::to_string(kJanuary);
    database.sql(
        "INSERT INTO monitors (id, account_id, slug, name, target, kind, interval_s, timeout_ms, confirm, badge_token, "
        "report_token, shard, created_at, updated_at, revised_at) VALUES (" +
        n + ", 1, 's" + n +
        "', 'Shop', "
        "'http://192.0.2.1/', 1, 60, 10000, '{\"failures\":3,\"successes\":2,\"retry_s\":10}', 'b" +
        token.substr(1) + "', '" + token + "', 0, " + start + ", " + start + ", " + start + ")");
    database.sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) VALUES (" + n + ", 1, " + start +
                 ", " + std::to_string(kMarch10) + ", 1, 0), (" + n + ", 1, " + std::to_string(kMarch10) + ", " +
                 std::to_string(kMarch10 + 595'000) + ", 3, 21), (" + n + ", 1, " + std::to_string(kMarch10 + 595'000) +
                 ", NULL, 1, 0)");
    database.sql("INSERT INTO shard_marks VALUES (1, 0, 4000000000000) ON CONFLICT DO NOTHING");
  }
  ClosingOptions closing() {
    return {&store,
            &ledger,
            &zones,
            &clock,
            [this](const std::string& canonical, WallTime as_of) { return signer.sign(canonical, as_of); },
            seal::sha256};
  }
  std::string month(const std::string& name, char token = 'a') {
    auto document = must(store.month_document(std::string(26, token), name));
    EXPECT_TRUE(document) << name;
    return document.value_or("");
  }
  reports::TrustedKeys trusted() { return must(reports::trusted_keys(must(signer.keys_json()), tools)); }
  reports::Verified verified(const std::string& text) { return reports::verify_report(text, trusted(), tools); }

  test::TestDatabase database;
  Hands clock;
  TzdbZones zones;
  seal::Box box{{seal::KeyBytes{1, 2, 3}}};
  db::Vault vault{[this](std::string_view plain, std::string_view context) { return box.seal(plain, context); },
                  [this](std::string_view sealed, std::string_view context) { return box.open(sealed, context); },
                  [](std::string_view bytes) { return seal::sha256(bytes); }};
  std::unique_ptr<db::Pool> worker = database.pool(db::Role::kWorker), api = database.pool(db::Role::kApi),
                            open = database.pool(db::Role::kPublic);
  db::ReportStore store{*worker, *open};
  db::LedgerStore ledger{*api, *open};
  ReportSigner signer{store, vault, clock};
  const reports::VerifyTools tools{
      seal::verifies, [](std::string_view bytes) { return seal::hex(seal::sha256(bytes)); }, seal::from_base64, &zones};
};

std::string all(const std::vector<std::string>& faults) {
  std::string out;
  for (const std::string& fault : faults) out += fault + "\n";
  return out;
}

TEST_F(SignedReports, MonthsAreClosedOnceAndFollowEachOther) {
  clock.set(kMay + 47 * 3'600'000LL);
  EXPECT_EQ(must(close_months(closing())).months, 3) << "April waits for its 48 hours";
  EXPECT_FALSE(must(store.month_document(std::string(26, 'a'), "2026-04")));
  clock.set(kMay + 48 * 3'600'000LL);
  EXPECT_EQ(must(close_months(closing())).months, 1);
  EXPECT_EQ(must(close_months(closing())).months, 0) << "nothing is closed twice";
  std::vector<reports::Verified> chain;
  for (const char* name : {"2026-01", "2026-02", "2026-03", "2026-04"}) {
    chain.push_back(verified(month(name)));
    EXPECT_TRUE(chain.back().faults.empty()) << name << ": " << all(chain.back().faults);
  }
  EXPECT_EQ(all(reports::chain_faults(chain)), "");
  EXPECT_EQ(chain[2].uptime, "99.977%");
  EXPECT_EQ(chain[0].link->previous, "");
  EXPECT_EQ(chain[3].link->number, 4);
  EXPECT_EQ(month("2026-03").find("192.0.2.1"), std::string::npos) << "the target may be closed later; a month stays";
}

TEST_F(SignedReports, AClosedMonthStaysWhateverComesLater) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  const std::string before = month("2026-03");
  database.sql("UPDATE spans SET state = 1 WHERE state = 3");
  clock.set(kMay + 40 * kDayMs);
  must(close_months(closing()));
  EXPECT_EQ(month("2026-03"), before);
}

TEST_F(SignedReports, OneChangedByteIsRefused) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  const std::string genuine = month("2026-03");
  ASSERT_TRUE(verified(genuine).faults.empty());
  std::mt19937 random(3);
  const auto keys = trusted();
  int refused = 0, tried = 0;
  for (int i = 0; i < 400; ++i) {
    std::string changed = genuine;
    changed[random() % changed.size()] ^= static_cast<char>(1 << (random() % 7));
    const auto same = reports::canonical_json(changed);
    if (same && *same == genuine) continue;  // another spelling of the same, e.g. of an escape
    ++tried;
    if (!reports::verify_report(changed, keys, tools).faults.empty()) ++refused;
  }
  EXPECT_EQ(refused, tried);
  EXPECT_GT(tried, 350);
}

TEST_F(SignedReports, EachLieIsNamed) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  const Json genuine = Json::parse(month("2026-03"));
  const auto told = [&](const std::function<void(Json&)>& lie) {
    Json changed = genuine;
    lie(changed);
    return all(verified(changed.dump()).faults);
  };
  const auto has = [](const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
  };
  EXPECT_EQ(told([](Json&) {}), "") << "another order and other blanks are the same report";
  const auto figure = told([](Json& r) { r["figures"]["down_ms"] = 0; });
  EXPECT_TRUE(has(figure, "figures.down_ms is 0, the spans say 595000")) << figure;
  EXPECT_TRUE(has(figure, "signature: it does not fit")) << figure;
  const auto removed = told([](Json& r) { r["spans"].erase(1); });
  EXPECT_TRUE(has(removed, "spans: nothing told from 2026-03-10T12:00:00Z to 2026-03-10T12:09:55Z")) << removed;
  const auto painted = told([](Json& r) { r["spans"][1]["state"] = "up"; });
  EXPECT_TRUE(has(painted, "figures.uptime_percent is 99.977, the spans say 100")) << painted;
  const auto renamed = told([](Json& r) { r["period"] = "2026-04"; });
  EXPECT_TRUE(has(renamed, "from and to are not those of 2026-04 in UTC")) << renamed;
  EXPECT_TRUE(has(told([](Json& r) { r["monitor"]["name"] = "Other"; }), "signature: it does not fit"));
  EXPECT_TRUE(has(told([](Json& r) { r.erase("signature"); }), "the report is not signed"));
  EXPECT_TRUE(has(told([](Json& r) { r["spans"] = 5; }), "shape:"));
  EXPECT_TRUE(has(told([](Json& r) { r["parts"][3]["figures"]["up_ms"] = 1; }), "parts[3].figures.up_ms"));
  EXPECT_FALSE(all(verified("[]").faults).empty());
  EXPECT_FALSE(all(verified("{}").faults).empty());
  EXPECT_FALSE(all(verified("not JSON").faults).empty());
  EXPECT_FALSE(all(verified(std::string(100'000, '[')).faults).empty());
}

TEST_F(SignedReports, ASwappedOrMissingMonthIsRefused) {
  add_monitor(8, std::string(26, 'c'));
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  const auto read = [&](const char* name, char token = 'a') { return verified(month(name, token)); };
  EXPECT_NE(all(reports::chain_faults({read("2026-01"), read("2026-03")})).find("it is number 3, after number 1"),
            std::string::npos);
  EXPECT_NE(all(reports::chain_faults({read("2026-02"), read("2026-01")})), "");
  EXPECT_NE(all(reports::chain_faults({read("2026-01"), read("2026-02", 'c')})).find("another monitor"),
            std::string::npos);
  reports::Verified forged = read("2026-02");
  forged.hash = std::string(64, '0');
  EXPECT_NE(all(reports::chain_faults({forged, read("2026-03")})).find("it does not follow this 2026-02"),
            std::string::npos);
}

TEST_F(SignedReports, AnotherZoneBeginsAnotherChain) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  database.sql("UPDATE monitors SET timezone = 'Europe/Prague'");
  clock.set(kMay + 40 * kDayMs);
  must(close_months(closing()));
  const auto april = verified(month("2026-04"));
  const auto may = verified(month("2026-05"));
  EXPECT_TRUE(may.faults.empty()) << all(may.faults);
  EXPECT_EQ(april.link->chain, 1);
  EXPECT_EQ(may.link->chain, 2);
  EXPECT_EQ(may.link->number, 1);
  EXPECT_EQ(may.link->previous, "");
  EXPECT_NE(may.title.find("Europe/Prague"), std::string::npos);
}

TEST_F(SignedReports, ADeletedMonitorLeavesHashesOnly) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  database.sql("UPDATE monitors SET deleted_at = 1");
  EXPECT_EQ(must(close_months(closing())).forgotten, 4);
  EXPECT_EQ(std::string(database.sql("SELECT count(hash) || ' ' || count(document) FROM report_months")[0][0].c_str()),
            "4 0");
}

TEST_F(SignedReports, AHiddenReportHasNoChain) {
  database.sql("UPDATE monitors SET public_report = false");
  clock.set(kMay + 3 * kDayMs);
  EXPECT_EQ(must(close_months(closing())).monitors, 0);
}

TEST_F(SignedReports, KeysAreOfTheirYearAndRotate) {
  const std::string in_2026 = must(signer.sign("{\"a\":1}", WallTime{kMay}));
  const std::string in_2027 = must(signer.sign("{\"a\":1}", WallTime{1'800'000'000'000}));
  const Json first = Json::parse(in_2026)["signature"], second = Json::parse(in_2027)["signature"];
  EXPECT_NE(first["key_id"], second["key_id"]);
  EXPECT_EQ(first["root"], second["root"]);
  EXPECT_EQ(must(signer.sign("{\"a\":1}", WallTime{kMay})), in_2026) << "the same bytes for the same report";
  EXPECT_EQ(first["key"]["not_before"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(first["key"]["not_after"], "2027-01-01T00:00:00Z");
  ReportSigner beside{store, vault, clock};  // another node of the installation
  EXPECT_EQ(must(beside.sign("{\"a\":1}", WallTime{kMay})), in_2026);

  ASSERT_TRUE(must(store.revoke_key(first["root"]["key_id"].get<std::string>(), clock.now().wall)));
  clock.set(kMay + 1);
  const Json anew = Json::parse(must(signer.sign("{\"a\":1}", WallTime{kMay})))["signature"];
  EXPECT_NE(anew["root"], first["root"]);
  EXPECT_NE(anew["key_id"], first["key_id"]);
  const Json keys = Json::parse(must(signer.keys_json()))["keys"];
  EXPECT_EQ(std::count_if(keys.begin(), keys.end(), [](const Json& key) { return key["revoked_at"].is_null(); }), 2);
  EXPECT_EQ(keys.size(), 5u);
}

TEST_F(SignedReports, AnotherRootOrARevokedKeyIsRefused) {
  clock.set(kMay + 3 * kDayMs);
  must(close_months(closing()));
  const std::string report = month("2026-03");
  const auto stranger = seal::make_signing_pair();
  const auto by_stranger = reports::verify_report(report, {{stranger.public_key}, {}}, tools);
  EXPECT_NE(all(by_stranger.faults).find("is not the one that you trust"), std::string::npos);
  EXPECT_TRUE(reports::verify_report(report, {}, tools).faults.empty()) << "without a key: genuine under its own root";
  must(store.revoke_key(by_stranger.root_key_id, clock.now().wall));
  clock.set(kMay + 4 * kDayMs);
  EXPECT_NE(all(verified(report).faults).find("was revoked"), std::string::npos);
}

}  // namespace
}  // namespace everup::app
