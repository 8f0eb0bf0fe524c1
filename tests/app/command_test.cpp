// The command line alone: settings, usage, exit codes, plugin output.
#include <gtest/gtest.h>

#include "app/check_command.h"
#include "app/config.h"
#include "app/monitor_command.h"
#include "app/settings.h"
#include "tests/app/service.h"
#include "tests/paths.h"
#include "tests/support/pki.h"

namespace everup::app {
namespace {

using test::Child;
using test::TempDir;

SettingSources sources(std::map<std::string, std::string> environment, std::string file = {}) {
  auto kept = std::make_shared<std::map<std::string, std::string>>(std::move(environment));
  return {{},
          [kept](const std::string& name) { return kept->contains(name) ? kept->at(name).c_str() : nullptr; },
          std::move(file)};
}

TEST(SettingsTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const TempDir dir;
  const auto file = dir.write("everup.yaml", "workers: 3\nlog_level: debug\ntarget_limit: 7\n");
  auto from = sources({{"EVERUP_WORKERS", "5"}, {"EVERUP_LOG_LEVEL", "error"}}, file);
  from.flags["WORKERS"] = "9";
  const auto settings = Settings::read(from);
  ASSERT_TRUE(settings.ok()) << settings.error().what;
  EXPECT_EQ(settings->number("WORKERS"), 9);
  EXPECT_EQ(settings->text("LOG_LEVEL"), "error");
  EXPECT_EQ(settings->number("TARGET_LIMIT"), 7);
  EXPECT_EQ(settings->text("REGION"), "local");
  EXPECT_NE(settings->table().find("--workers"), std::string::npos) << "the origin is told";
}

TEST(SettingsTest, SecretsComeFromFilesAndAreMasked) {
  const TempDir dir;
  const auto file = dir.write("token", "open sesame\n");
  const auto settings = Settings::read(sources({{"EVERUP_METRICS_TOKEN_FILE", file}}, dir.write("c.yaml", "{}")));
  ASSERT_TRUE(settings.ok()) << settings.error().what;
  EXPECT_EQ(settings->text("METRICS_TOKEN"), "open sesame");
  EXPECT_EQ(settings->table().find("sesame"), std::string::npos);
  EXPECT_EQ(settings->json().find("sesame"), std::string::npos);
}

TEST(SettingsTest, EveryErrorNamesItsSetting) {
  const TempDir dir;
  const auto empty = dir.write("empty.yaml", "{}");
  for (const auto& [name, value] : std::map<std::string, std::string>{{"EVERUP_WORKERS", "many"},
                                                                      {"EVERUP_LISTEN", "nowhere"},
                                                                      {"EVERUP_RATE_LIMIT", "fast"},
                                                                      {"EVERUP_ALLOW_TARGETS", "everything"},
                                                                      {"EVERUP_LOG_LEVEL", "loud"},
                                                                      {"EVERUP_BASE_URL", "shop"}}) {
    const auto settings = Settings::read(sources({{name, value}}, empty));
    ASSERT_FALSE(settings.ok()) << name;
    EXPECT_NE(settings.error().what.find(name), std::string::npos) << settings.error().what;
  }
  EXPECT_NE(Settings::read(sources({}, dir.write("a.yaml", "colour: red\n"))).error().what.find("colour"),
            std::string::npos);
  EXPECT_NE(Settings::read(sources({}, dir.write("b.yaml", "workers: 1\nworkers: 2\n"))).error().what.find("twice"),
            std::string::npos);
  EXPECT_NE(Settings::read(sources({}, dir.write("d.yaml", "workers: {a: 1}\n"))).error().what.find("d.yaml:1"),
            std::string::npos);
}

TEST(DurationTest, UnitsAndBareNumbers) {
  EXPECT_EQ(parse_duration_ms("60", 1000), 60'000);
  EXPECT_EQ(parse_duration_ms("5m", 1000), 300'000);
  EXPECT_EQ(parse_duration_ms("500ms", 1000), 500);
  EXPECT_EQ(parse_duration_ms("2h", 1000), 7'200'000);
  EXPECT_EQ(parse_duration_ms("soon", 1000), std::nullopt);
  EXPECT_EQ(parse_duration_ms("-5s", 1000), std::nullopt);
}

TEST(YamlTest, ADocumentBecomesJson) {
  EXPECT_EQ(*yaml_to_json("a: 1\nb: [x, 'true', true, null]\nc: {d: \"1\"}\n"),
            R"({"a":1,"b":["x","true",true,null],"c":{"d":"1"}})");
}

TEST(ExitCodeTest, WorstInTheOrderOfThePlugins) {
  EXPECT_EQ(worse_exit(0, 3), 3);
  EXPECT_EQ(worse_exit(3, 1), 1);
  EXPECT_EQ(worse_exit(1, 2), 2);
  EXPECT_EQ(worse_exit(2, 3), 2);
}

TEST(PluginLineTest, LooksLikeCheckHttp) {
  Outcome outcome = outcome_of(Cause::kOk);
  outcome.code = 200;
  outcome.timings.total_us = 123'000;
  CheckOptions options;
  options.timeout_s = 10;
  options.warn_s = 1;
  options.crit_s = 3;
  EXPECT_EQ(plugin_line("HTTP", outcome, options), "HTTP OK - 200 in 0.123 s | time=0.123s;1;3;0;10");
}

TEST(CommandTest, CheckSpeaksPluginExitCodes) {
  test::WebServer web;
  web.start();
  const auto up = test::run_everup({"check", web.url()});
  EXPECT_EQ(up.first, 0) << up.second;
  EXPECT_TRUE(up.second.starts_with("HTTP OK - 200 in ")) << up.second;
  EXPECT_EQ(test::run_everup({"check", "-w", "0.000001", web.url()}).first, 1);
  EXPECT_EQ(test::run_everup({"check", "-c", "0.000001", web.url()}).first, 2);
  const auto json = test::run_everup({"check", "--json", web.url()});
  EXPECT_EQ(test::Json::parse(json.second)["verdict"], "up");
  const auto refused = test::run_everup({"check", "--policy", web.url()});
  EXPECT_EQ(refused.first, 3) << refused.second;
  EXPECT_NE(refused.second.find("EVERUP_ALLOW_TARGETS"), std::string::npos) << refused.second;
  web.stop();
  const auto down = test::run_everup({"check", web.url()});
  EXPECT_EQ(down.first, 2);
  EXPECT_NE(down.second.find("connection refused"), std::string::npos) << down.second;
}

TEST(CommandTest, TlsTellsEverythingOnce) {
  const TempDir dir;
  const test::TestCa ca(dir);
  const auto files = test::TestCa(dir, "other").issue("good", "DNS:localhost");
  const std::uint16_t port = test::free_port();
  Child server({"openssl", "s_server", "-www", "-quiet", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                files.certificate, "-key", files.key});
  ASSERT_TRUE(test::wait_until_accepts("127.0.0.1", port)) << server.output();
  const std::string place = "127.0.0.1:" + std::to_string(port);
  const auto good =
      test::run_everup({"tls", place, "--server-name", "localhost"}, {{"EVERUP_CA_FILE", dir.file("other.crt")}});
  EXPECT_EQ(good.first, 0) << good.second;
  EXPECT_TRUE(good.second.starts_with("TLS OK - ok in ")) << good.second;
  EXPECT_NE(good.second.find("Heartbleed    not_vulnerable"), std::string::npos) << good.second;
  const auto json = test::run_everup({"tls", place, "--json"}, {{"EVERUP_CA_FILE", ca.certificate()}});
  EXPECT_EQ(json.first, 2) << json.second;
  const auto report = test::Json::parse(json.second);
  EXPECT_EQ(report["verdict"], "down");
  EXPECT_EQ(report["protocols"]["tls1_3"], "offered");
  EXPECT_EQ(report["protocols"]["ssl3"], "refused");
  EXPECT_EQ(report["trust"]["ok"], false);
  EXPECT_EQ(report["hostname"]["cause"], "tls_wrong_host");
  EXPECT_EQ(report["chain"][0]["names"][0], "localhost");
  EXPECT_EQ(report["heartbleed"]["reason"], "no_extension");
  EXPECT_EQ(test::run_everup({"tls"}).first, 3);
  EXPECT_EQ(test::run_everup({"tls", "https://example.org/"}).first, 3);
  EXPECT_EQ(test::run_everup({"check", "tls://" + place}, {{"EVERUP_CA_FILE", ca.certificate()}}).first, 2);
}

TEST(CommandTest, WrongUsageSaysSo) {
  EXPECT_EQ(test::run_everup({"check"}).first, 3);
  EXPECT_EQ(test::run_everup({"check", "gopher://x.example/"}).first, 3);
  EXPECT_EQ(test::run_everup({"monitor"}).first, 2);
  EXPECT_EQ(test::run_everup({"nonsense"}).first, 2);
  EXPECT_EQ(test::run_everup({"--help"}).first, 0);
  EXPECT_EQ(test::run_everup({"serve", "--help"}).first, 0);
  EXPECT_EQ(test::run_everup({"--version"}).first, 0);
}

TEST(CommandTest, WithoutADatabaseTheCommandSaysWhereItLooked) {
  const TempDir dir;
  const auto [status, text] =
      test::run_everup({"account", "create", "--email", "a@example.org"}, {{"EVERUP_DATA_DIR", dir.path() + "/none"}});
  EXPECT_EQ(status, 78);
  EXPECT_NE(text.find(dir.path() + "/none"), std::string::npos) << text;
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/none"));
}

TEST(CommandTest, TooFewDescriptorsAreRefusedAtTheStart) {
  const TempDir dir;
  Child::Options options;
  options.environment = {{"EVERUP_DATA_DIR", dir.path() + "/d"}, {"EVERUP_USER", "nobody"}};
  Child child({"/bin/sh", "-c", std::string("ulimit -n 100; exec ") + EVERUP_BINARY + " serve --listen 127.0.0.1:0"},
              options);
  EXPECT_EQ(child.wait().value_or(-1), 78) << child.output();
}

}  // namespace
}  // namespace everup::app
