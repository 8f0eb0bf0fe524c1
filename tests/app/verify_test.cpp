// `everup verify` at the shell, on the reports of a running service: genuine ones, changed ones, months in a row.
#include <gtest/gtest.h>

#include "tests/app/service.h"

namespace everup {
namespace {

using test::Json;
using test::Service;

class Verify : public testing::Test {
 protected:
  Verify() {
    service.start();
    service.open_account();
    token = Json::parse(service.call("POST", "/api/v1/monitors", R"({"target":"http://127.0.0.1:9/"})").body)
                .at("report_token");
  }
  std::string keep(const std::string& name, const std::string& text) const { return service.dir().write(name, text); }
  std::string fetch(const std::string& path, const std::string& name) const {
    const auto answer = service.get(path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return keep(name, answer.body);
  }
  Service service;
  std::string token;
};

TEST_F(Verify, ALiveReportIsGenuineUntilAByteChanges) {
  const std::string keys = fetch("/.well-known/everup-keys.json", "keys.json");
  const std::string report = fetch("/report/" + token + ".json", "report.json");
  const auto genuine = service.run({"verify", report, "--key", keys});
  EXPECT_EQ(genuine.first, 0) << genuine.second;
  EXPECT_NE(genuine.second.find("genuine: 127.0.0.1 (mon_"), std::string::npos) << genuine.second;
  EXPECT_NE(service.run({"verify", report}).second.find("signed under root key"), std::string::npos);
  std::string changed = service.get("/report/" + token + ".json").body;
  changed.replace(changed.find("\"down_ms\":0"), 11, "\"down_ms\":1");
  const auto refused = service.run({"verify", keep("changed.json", changed), "--key", keys});
  EXPECT_EQ(refused.first, 1);
  EXPECT_NE(refused.second.find("down_ms is 1, the spans say 0"), std::string::npos) << refused.second;
  EXPECT_NE(refused.second.find("signature: it does not fit"), std::string::npos);
  EXPECT_EQ(service.run({"verify", report, "--period", "2026-11"}).first, 1);
  EXPECT_EQ(service.run({"verify", report, "--key", "/nowhere"}).first, 1);
  EXPECT_EQ(service.run({"verify", "/nowhere"}).first, 1);
  EXPECT_EQ(service.run({"verify"}).first, 2);
  const Json told = Json::parse(service.run({"verify", report, "--key", keys, "--json"}).second);
  EXPECT_EQ(told.at("genuine"), true);
}

TEST_F(Verify, ClosedMonthsFollowEachOther) {
  service.sql(
      "UPDATE monitors SET created_at = 1767225600000, revised_at = 1767225600000; "
      "UPDATE monitor_versions SET from_at = 1767225600000; DELETE FROM report_heads; DELETE FROM spans; "
      "INSERT INTO spans SELECT id, 1, 1767225600000, 1773144000000, 1, 0, 0 FROM monitors; "
      "INSERT INTO spans SELECT id, 1, 1773144000000, 1773144595000, 3, 21, 0 FROM monitors");
  ASSERT_EQ(service.stop(), 0);
  service.start();  // closes at the start
  const std::string report = "/report/" + token;
  ASSERT_TRUE(test::until([&] { return service.sql("SELECT count(*) >= 3 FROM report_months") == "t"; }));
  const std::string keys = fetch("/.well-known/everup-keys.json", "keys.json");
  std::vector<std::string> words{"verify"};
  for (const std::string month : {"2026-01", "2026-02", "2026-03"})
    words.push_back(fetch(report + "/" + month + ".json", month + ".json"));
  words.insert(words.end(), {"--key", keys});
  const auto genuine = service.run(words);
  EXPECT_EQ(genuine.first, 0) << genuine.second;
  std::swap(words[1], words[2]);
  const auto swapped = service.run(words);
  EXPECT_EQ(swapped.first, 1);
  EXPECT_NE(swapped.second.find("chain: 2026-01: it is number 1, after number 2 (2026-02)"), std::string::npos)
      << swapped.second;
}

}  // namespace
}  // namespace everup
