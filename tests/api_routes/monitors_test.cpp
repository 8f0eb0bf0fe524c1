// Monitors through the API: life of one, bad input, entity tags, idempotency, bulk, data, checks by hand, a database
// that is away.
#include "net/loop.h"
#include "tests/api_routes/house_fixture.h"

namespace everup::api {
namespace {

class Monitors : public ApiTest {};

TEST_F(Monitors, LifeOfOne) {
  start();
  const auto made = call("POST", "/api/v1/monitors", owner_write,
                         R"({"target":"http://192.0.2.1/health","name":"Shop","tags":["prod"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = pick(made.body, "id");
  EXPECT_EQ(made.field("location"), "/api/v1/monitors/" + id);
  EXPECT_EQ(pick(made.body, "state"), "unknown");
  EXPECT_EQ(pick(made.body, "slug"), "shop");
  const auto by_slug = call("GET", "/api/v1/monitors/slug:shop", owner_read);
  EXPECT_EQ(pick(by_slug.body, "id"), id);
  EXPECT_EQ(pick(call("GET", "/api/v1/monitors/slug%3Ashop", owner_read).body, "id"), id);
  const auto patched = call("PATCH", "/api/v1/monitors/" + id, owner_write, R"({"interval_s":300})",
                            "Content-Type: application/merge-patch+json\r\n");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(pick(patched.body, "interval_s"), "300");
  EXPECT_EQ(pick(patched.body, "revision"), "2");
  EXPECT_EQ(pick(call("POST", "/api/v1/monitors/" + id + "/pause", owner_write).body, "state"), "paused");
  EXPECT_EQ(pick(call("POST", "/api/v1/monitors/" + id + "/resume", owner_write, "{}").body, "paused"), "false");
  const std::string badge = pick(by_slug.body, "badge_token");
  const auto rotated = call("POST", "/api/v1/monitors/" + id + "/rotate_tokens", owner_write, R"({"badge":true})");
  EXPECT_NE(pick(rotated.body, "badge_token"), badge);
  EXPECT_EQ(pick(rotated.body, "report_token"), pick(by_slug.body, "report_token"));
  EXPECT_EQ(call("DELETE", "/api/v1/monitors/" + id, owner_write).status, 204);
  EXPECT_EQ(call("GET", "/api/v1/monitors/" + id, owner_read).status, 404);
}

TEST_F(Monitors, EveryKindThatHasAProbeIsTaken) {
  start();
  for (const auto& [target, kind] : {std::pair{"https://192.0.2.1/", "https"},
                                     {"smtp://192.0.2.1:587?starttls=require", "smtp"},
                                     {"smtps://192.0.2.1", "smtps"},
                                     {"tls://192.0.2.1", "tls"},
                                     {"tcp://192.0.2.1:5432", "tcp"},
                                     {"dns://example.com?type=MX", "dns"},
                                     {"ping://192.0.2.1", "ping"}}) {
    const auto made = call("POST", "/api/v1/monitors", owner_write, R"({"target":")" + std::string(target) + R"("})");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(pick(made.body, "kind"), kind);
    const auto read = call("GET", "/api/v1/monitors/" + pick(made.body, "id"), owner_read);
    EXPECT_EQ(read.status, 200) << read.body;
    EXPECT_EQ(pick(read.body, "target"), pick(made.body, "target"));
  }
}

TEST_F(Monitors, BadInputIsNamedAllAtOnce) {
  start();
  struct Row {
    const char* body;
    int status;
    const char* pointer;
  };
  for (const Row& row : {Row{"{", 400, "bad_json"}, Row{"[]", 422, "#"}, Row{"{}", 422, "#/target"},
                         Row{R"({"target":5})", 422, "#/target"}, Row{R"({"target":"ftp://x"})", 422, "#/target"},
                         Row{R"({"target":"http://u:p@x/"})", 422, "options.auth"},
                         Row{R"({"target":"http://a/","interval_s":0})", 422, "#/interval_s"},
                         Row{R"({"target":"http://a/","interval_s":"60"})", 422, "#/interval_s"},
                         Row{R"({"target":"http://a/","interval_s":1e99})", 422, "#/interval_s"},
                         Row{R"({"target":"http://a/","intervall":5})", 422, "#/intervall"},
                         Row{R"({"target":"http://a/","target":"http://b/"})", 422, "#/target"},
                         Row{R"({"target":"http://a/","timezone":"Mars/Base"})", 422, "#/timezone"},
                         Row{R"({"target":"http://a/","expect":{"body_regex":"("}})", 422, "#/expect/body_regex"},
                         Row{R"({"target":"http://a/","options":{"method":"BREW"}})", 422, "#/options/method"},
                         Row{R"({"target":"heartbeat://:80"})", 422, "#/target"},
                         Row{R"({"target":"heartbeat://","options":{"cron":"0 25 * * *"}})", 422, "#/options/cron"},
                         Row{R"({"target":"heartbeat://","options":{"cron":"@daily","timezone":"Mars/Base"}})", 422,
                             "#/options/timezone"},
                         Row{R"({"target":"http://a/","tags":["a b"]})", 422, "#/tags"}}) {
    const auto reply = call("POST", "/api/v1/monitors", owner_write, row.body);
    EXPECT_TRUE(reply.status == row.status || (row.status == 422 && reply.status == 400))
        << row.body << " " << reply.status << reply.body;
    EXPECT_NE(reply.body.find(row.pointer), std::string::npos) << row.body << " " << reply.body;
  }
  const auto two =
      call("POST", "/api/v1/monitors", owner_write, R"({"target":"http://a/","interval_s":0,"timeout_ms":1})");
  EXPECT_NE(two.body.find("#/interval_s"), std::string::npos);
  EXPECT_NE(two.body.find("#/timeout_ms"), std::string::npos);
  EXPECT_EQ(call("POST", "/api/v1/monitors", owner_write, std::string(50'000, '[')).status, 400);
  const auto type = call("POST", "/api/v1/monitors", owner_write, "{}", "Content-Type: text/plain\r\n");
  EXPECT_EQ(type.status, 415);
  EXPECT_NE(type.body.find("application/json"), std::string::npos);
  EXPECT_EQ(call("POST", "/api/v1/monitors", owner_write, "{}",
                 "Content-Type: application/json\r\nContent-Encoding: gzip\r\n")
                .status,
            415);
  EXPECT_EQ(call("POST", "/api/v1/monitors", owner_write, std::string(70'000, ' ')).status, 413);
  EXPECT_EQ(call("GET", "/api/v1/me", owner_read, "{}").status, 400) << "a body on GET";
  EXPECT_EQ(sql_value("SELECT count(*) FROM monitors"), "0") << "nothing was written";
}

TEST_F(Monitors, QueriesAreJudged) {
  start();
  const std::string id = make(owner_write);
  for (const char* query : {"limit=0", "limit=201", "limit=x", "state=sleepy", "kind=ftp", "sort=size", "include=all",
                            "cursor=rubbish", "q=a&q=b"}) {
    EXPECT_EQ(call("GET", std::string("/api/v1/monitors?") + query, owner_read).status, 400) << query;
  }
  for (const char* query :
       {"uptime?window=31d", "uptime?window=7d&from=1", "uptime?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "results?limit=10001", "results?from=soon", "results?include=x", "results?cursor=zzz", "spans?cursor=x",
        "series?step=0", "series?step=1", "series?from=0", "spans?limit=0"}) {
    const auto reply = call("GET", "/api/v1/monitors/" + id + "/" + query, owner_read);
    EXPECT_EQ(reply.status, 400) << query << reply.body;
    EXPECT_NE(reply.body.find("\"parameter\":"), std::string::npos) << query << reply.body;
  }
}

TEST_F(Monitors, EntityTags) {
  start();
  const std::string path = "/api/v1/monitors/" + make(owner_write);
  const std::string tag = call("GET", path, owner_read).field("etag");
  ASSERT_TRUE(tag.starts_with("\"r1.")) << tag;
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"interval_s":90})", "If-Match: \"r7\"\r\n").status, 412);
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"interval_s":90})", "If-Match: " + tag + "\r\n").status, 200);
  EXPECT_EQ(call("PATCH", path, owner_write, R"({"interval_s":91})", "If-Match: " + tag + "\r\n").status, 412)
      << "it has changed";
  EXPECT_EQ(call("DELETE", path, owner_write, "", "If-Match: " + tag + "\r\n").status, 412);
  const std::string now = call("GET", path, owner_read).field("etag");
  EXPECT_EQ(call("DELETE", path, owner_write, "", "If-Match: " + now + "\r\n").status, 204);
  const std::string version = call("GET", "/api/v1/version", "").field("etag");
  EXPECT_EQ(call("GET", "/api/v1/version", "", "", "If-None-Match: " + version + "\r\n").status, 304);
}

TEST_F(Monitors, IdempotencyKeys) {
  start();
  const std::string body = R"({"target":"http://192.0.2.1/"})", key = "Idempotency-Key: k-1\r\n";
  const auto first = call("POST", "/api/v1/monitors", owner_write, body, key);
  const auto again = call("POST", "/api/v1/monitors", owner_write, body, key);
  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.field("location"), first.field("location"));
  EXPECT_EQ(again.field("idempotent-replayed"), "true");
  EXPECT_EQ(call("POST", "/api/v1/monitors", owner_write, R"({"target":"http://192.0.2.2/"})", key).status, 422);
  EXPECT_EQ(
      call("POST", "/api/v1/monitors", owner_write, body, "Idempotency-Key: " + std::string(300, 'a') + "\r\n").status,
      400);
  EXPECT_EQ(call("POST", "/api/v1/monitors", other_admin, body, key).status, 201) << "keys are an account's own";
  EXPECT_EQ(sql_value("SELECT count(*) FROM monitors"), "2");
}

TEST_F(Monitors, BulkIsAllOrNone) {
  start();
  std::string good = R"({"monitors":[)", bad = good;
  for (int i = 0; i < 500; ++i)
    good += (i > 0 ? "," : "") + std::string(R"({"target":"http://192.0.2.1/)") + std::to_string(i) +
            R"(","interval_s":30})";
  for (int i = 0; i < 20; ++i)
    bad +=
        (i > 0 ? "," : "") + std::string(R"({"target":")") + (i == 17 ? "nonsense://x" : "http://192.0.2.1/") + R"("})";
  const auto refused = call("POST", "/api/v1/monitors/bulk", owner_write, bad + "]}");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(refused.body.find("#/monitors/17/target"), std::string::npos) << refused.body;
  EXPECT_EQ(sql_value("SELECT count(*) FROM monitors"), "0");
  const auto made = call("POST", "/api/v1/monitors/bulk", owner_write, good + "]}");
  EXPECT_EQ(made.status, 201) << made.body.substr(0, 300);
  EXPECT_EQ(sql_value("SELECT count(*) FROM monitors"), "500");
  int pages = 0;
  std::set<std::string> seen;
  for (std::string cursor; pages < 10; ++pages) {
    const auto page =
        call("GET", "/api/v1/monitors?limit=200&include=uptime_30d" + (cursor.empty() ? "" : "&cursor=" + cursor),
             owner_read);
    ASSERT_EQ(page.status, 200) << page.body.substr(0, 300);
    for (std::size_t at = 0; (at = page.body.find("\"id\":\"mon_", at)) != std::string::npos; ++at)
      seen.insert(page.body.substr(at + 6, 17));
    if (page.body.ends_with("\"next_cursor\":null}")) break;
    const std::size_t at = page.body.rfind("\"next_cursor\":\"") + 15;
    cursor = page.body.substr(at, page.body.find('"', at) - at);
    EXPECT_NE(page.field("link").find("rel=\"next\""), std::string::npos);
  }
  EXPECT_EQ(seen.size(), 500U);
}

TEST_F(Monitors, DataOfANewMonitorIsEmptyAndHonest) {
  start();
  const std::string path = "/api/v1/monitors/" + make(owner_write);
  EXPECT_EQ(call("GET", path + "/results", owner_read).body, R"({"data":[],"next_cursor":null})");
  const auto uptime = call("GET", path + "/uptime?window=24h", owner_read);
  ASSERT_EQ(uptime.status, 200) << uptime.body;
  EXPECT_EQ(pick(uptime.body, "uptime_percent"), "null");
  EXPECT_EQ(pick(uptime.body, "display"), "n/a");
  EXPECT_EQ(pick(uptime.body, "before_creation_s"), "86400");
  const auto series = call("GET", path + "/series", owner_read);
  EXPECT_EQ(pick(series.body, "step_s"), "300");
  EXPECT_EQ(call("GET", path + "/spans", owner_read).body, R"({"data":[],"next_cursor":null})");
}

TEST_F(Monitors, UptimeComesFromTheSpans) {
  start();
  const std::string id = make(owner_write);
  const std::string number = sql_value("SELECT id FROM monitors");
  // Up for 90 minutes, down for the 30 minutes before the last 10, up since; watched until now.
  sql("UPDATE monitors SET created_at = created_at - 7200000");
  sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) SELECT id, 1, created_at, created_at + "
      "4800000, 1, 0 FROM monitors");
  sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) SELECT id, 1, created_at + 4800000, "
      "created_at + 6600000, 3, 20 FROM monitors");
  sql("INSERT INTO spans (monitor_id, region, from_at, to_at, state, cause) SELECT id, 1, created_at + 6600000, NULL, "
      "1, 0 FROM monitors");
  sql("INSERT INTO shard_marks (region, shard, observed_through) SELECT 1, shard, created_at + 7200000 FROM monitors "
      "ON CONFLICT (region, shard) DO UPDATE SET observed_through = excluded.observed_through");
  const auto spans = call("GET", "/api/v1/monitors/" + id + "/spans?limit=2", owner_read);
  EXPECT_EQ(spans.status, 200) << spans.body;
  const auto uptime = call("GET", "/api/v1/monitors/" + id + "/uptime?window=24h", owner_read);
  EXPECT_EQ(pick(uptime.body, "down_s"), "1800") << uptime.body;
  EXPECT_EQ(pick(uptime.body, "incidents"), "1");
  EXPECT_EQ(
      call("GET", "/api/v1/monitors/" + id + "/spans", owner_read).body.find("connect_refused") != std::string::npos,
      true);
  const auto badge = call("GET", "/badge/" + sql_value("SELECT badge_token FROM monitors") + "/uptime/24h.svg", "");
  EXPECT_EQ(badge.status, 200);
  const std::string shown = pick(uptime.body, "display");
  EXPECT_NE(badge.body.find(shown.substr(0, 4)), std::string::npos) << "badge and API agree: " << shown << "\n"
                                                                    << badge.body;
}

// A prober that answers at once, on the loop, as the real one does.
class OkProber final : public checker::ProbeMaker {
 public:
  explicit OkProber(net::Loop& loop) : loop_(loop) {}
  std::unique_ptr<checker::Probe> start(const checker::Question& question, checker::Done done) override {
    class P final : public checker::Probe {};
    loop_.at(loop_.now().mono, [done = std::move(done), url = question.plan->url] {
      Outcome outcome = outcome_of(Cause::kConnectRefused, "asked " + url);
      outcome.evidence = std::make_unique<Evidence>();
      done(std::move(outcome));
    });
    return std::make_unique<P>();
  }

 private:
  net::Loop& loop_;
};

TEST_F(Monitors, TestOfAnUnsavedOne) {
  ApiOptions options;
  options.make_prober = [](net::Loop& loop) -> Result<std::unique_ptr<checker::ProbeMaker>> {
    return std::unique_ptr<checker::ProbeMaker>(std::make_unique<OkProber>(loop));
  };
  options.refuse_target = [](const Target& target) -> std::optional<std::string> {
    return target.host == "10.0.0.1" ? std::optional<std::string>("10.0.0.1 is a private address") : std::nullopt;
  };
  start(std::move(options));
  const auto reply = call("POST", "/api/v1/monitors/test", owner_write, R"({"target":"http://192.0.2.1/x"})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(pick(reply.body, "verdict"), "down");
  EXPECT_EQ(pick(reply.body, "detail"), "asked http://192.0.2.1/x");
  const auto refused = call("POST", "/api/v1/monitors/test", owner_write, R"({"target":"http://10.0.0.1/"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find("address_refused"), std::string::npos);
  EXPECT_EQ(sql_value("SELECT count(*) FROM monitors"), "0");
}

TEST_F(Monitors, CheckByHand) {
  start();
  const std::string path = "/api/v1/monitors/" + make(owner_write) + "/check";
  std::string first_body;
  int first_status = 0;
  std::thread waiting([&] {
    const auto reply = call("POST", path, owner_write);  // nobody takes the command: 202 after 10 s
    first_status = reply.status;
    first_body = reply.body;
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (sql_value("SELECT count(*) FROM commands") != "1" && std::chrono::steady_clock::now() < end) {
  }
  const auto again = call("POST", path, owner_write);
  EXPECT_EQ(again.status, 429) << again.body;
  EXPECT_EQ(again.field("retry-after"), "10");
  waiting.join();
  EXPECT_EQ(first_status, 202) << first_body;
  EXPECT_TRUE(pick(first_body, "command").starts_with("cmd_"));
}

}  // namespace
}  // namespace everup::api
