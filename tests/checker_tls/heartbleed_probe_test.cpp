// Heartbleed asked of servers: fakes with every fault, and the real ones of Debian.
#include "checker/heartbleed_probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/clock.h"
#include "net/loop.h"
#include "tests/support/heartbleed_server.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::checker {
namespace {

using test::Heart;
using test::HeartbleedServer;
using test::HeartbleedServerOptions;
using Verdict = HeartbleedReport::Verdict;

class Asker {
 public:
  HeartbleedReport ask(std::uint16_t port, TlsPrelude prelude = TlsPrelude::kNone, int limit_ms = 20'000,
                       std::optional<bool> tls13 = std::nullopt) {
    TlsPlace place;
    place.loop = &loop_;
    place.address = *net::Address::parse("127.0.0.1", port);
    place.prelude = prelude;
    place.host = "shop.test", place.server_name = "shop.test";
    place.started = clock_.now().mono;
    std::optional<HeartbleedReport> report;
    HeartbleedProbe probe(place, tls13, clock_.now().mono + std::chrono::milliseconds(limit_ms),
                          [&](HeartbleedReport&& said) { report = std::move(said); });
    const Instant limit = clock_.now().mono + std::chrono::seconds(60);
    while (!report && clock_.now().mono < limit) loop_.run_once(std::chrono::milliseconds(100));
    EXPECT_TRUE(report) << "never ended";
    return report.value_or(HeartbleedReport{});
  }

 private:
  net::SystemClock clock_;
  net::Loop loop_{clock_};
};

struct Case {
  const char* name;
  HeartbleedServerOptions server;
  Verdict verdict;
  const char* reason;
  int limit_ms = 20'000;
};

HeartbleedServerOptions with(Heart heart) {
  HeartbleedServerOptions options;
  options.heart = heart;
  return options;
}
template <class Change>
HeartbleedServerOptions with(Heart heart, Change change) {
  HeartbleedServerOptions options = with(heart);
  change(options);
  return options;
}

using O = HeartbleedServerOptions;
constexpr Verdict kYes = Verdict::kVulnerable, kNo = Verdict::kNotVulnerable, kDontKnow = Verdict::kInconclusive;

// Answered at once; the silent ones, which cost their waits, are apart.
std::vector<Case> quick_cases() {
  return {
      {"vulnerable", with(Heart::kVulnerable), kYes, "over_read_proved"},
      {"vulnerable, blocking", with(Heart::kVulnerableBlocking), kYes, "over_read_proved"},
      {"vulnerable, TLS 1.0", with(Heart::kVulnerable, [](O& o) { o.version_max = 0x0301; }), kYes, "over_read_proved"},
      {"vulnerable, TLS 1.1", with(Heart::kVulnerable, [](O& o) { o.version_max = 0x0302; }), kYes, "over_read_proved"},
      {"vulnerable, asks for a certificate", with(Heart::kVulnerable, [](O& o) { o.asks_certificate = true; }), kYes,
       "over_read_proved"},
      {"vulnerable, alert 112 to names", with(Heart::kVulnerable, [](O& o) { o.hates_names = true; }), kYes,
       "over_read_proved"},
      {"vulnerable, closes on names", with(Heart::kVulnerable, [](O& o) { o.closes_on_names = true; }), kYes,
       "over_read_proved"},
      {"vulnerable, a flight of 100 KB",
       with(Heart::kVulnerable, [](O& o) { o.certificate = std::string(100'000, 'c'); }), kYes, "over_read_proved"},
      {"vulnerable, in pieces", with(Heart::kVulnerable, [](O& o) { o.segment = 97; }), kYes, "over_read_proved"},
      {"patched", with(Heart::kPatched), kNo, "within_bounds"},
      {"patched, blocking", with(Heart::kPatchedBlocking), kNo, "within_bounds"},
      {"patched, TLS 1.0", with(Heart::kPatched, [](O& o) { o.version_max = 0x0301; }), kNo, "within_bounds"},
      {"patched, TLS 1.1", with(Heart::kPatched, [](O& o) { o.version_max = 0x0302; }), kNo, "within_bounds"},
      {"patched, in pieces", with(Heart::kPatched, [](O& o) { o.segment = 97; }), kNo, "within_bounds"},
      {"rejects heartbeats", with(Heart::kRejects), kNo, "heartbeats_rejected"},
      {"alert 70 but for TLS 1.0", with(Heart::kConfused), kNo, "within_bounds"},
      {"no extension", with(Heart::kVulnerable, [](O& o) { o.extension = false; }), kNo, "no_extension"},
      {"closes at heartbeats", with(Heart::kCloses), kDontKnow, "heartbeats_unanswered"},
      {"resets at heartbeats", with(Heart::kResets), kDontKnow, "heartbeats_unanswered"},
      {"lies", with(Heart::kLies), kDontKnow, "foreign_reply"},
      {"lies about the length", with(Heart::kLiesClaim), kDontKnow, "foreign_reply"},
      {"plain text", with(Heart::kVulnerable, [](O& o) { o.plain_text = true; }), kDontKnow, "not_tls"},
      {"alert 70 to everything", with(Heart::kVulnerable, [](O& o) { o.hello_alert = 70; }), kDontKnow,
       "handshake_alert"},
      {"alert 40 to everything", with(Heart::kVulnerable, [](O& o) { o.hello_alert = 40; }), kDontKnow,
       "handshake_alert"},
      {"closes in the handshake", with(Heart::kVulnerable, [](O& o) { o.hello_close = true; }), kDontKnow,
       "closed_in_handshake"},
  };
}

std::vector<Case> silent_cases() {
  return {
      {"drops heartbeats", with(Heart::kDrops), kDontKnow, "heartbeats_unanswered", 900},
      {"drops small heartbeats", with(Heart::kDropsSmall), kNo, "within_bounds", 1500},
      {"never says hello", with(Heart::kVulnerable, [](O& o) { o.hello_silence = true; }), kDontKnow, "no_server_hello",
       900},
      {"vulnerable, its flight has no end", with(Heart::kVulnerable, [](O& o) { o.ends_flight = false; }), kYes,
       "over_read_proved", 1500},
      {"patched, its flight has no end", with(Heart::kPatched, [](O& o) { o.ends_flight = false; }), kNo,
       "within_bounds", 1500},
  };
}

int times(int usual, int long_form) { return std::getenv("EVERUP_LONG") != nullptr ? long_form : usual; }

void expect_verdicts(const std::vector<Case>& cases, int runs) {
  for (const Case& one : cases) {
    const HeartbleedServer server(one.server);
    Asker asker;
    for (int run = 0; run < runs; ++run) {
      const HeartbleedReport report = asker.ask(server.port(), one.server.prelude, one.limit_ms);
      ASSERT_EQ(report.verdict, one.verdict) << one.name << ", run " << run << ": " << report.detail;
      ASSERT_EQ(report.reason, one.reason) << one.name << ", run " << run << ": " << report.detail;
    }
  }
}

TEST(Heartbleed, EveryVerdictOfEveryFakeIsRight) { expect_verdicts(quick_cases(), times(5, 1000)); }

TEST(Heartbleed, SilenceIsNeverGreen) { expect_verdicts(silent_cases(), times(1, 100)); }

TEST(Heartbleed, SegmentsOfOneByteChangeNothing) {
  for (const Heart heart : {Heart::kVulnerable, Heart::kPatched}) {
    HeartbleedServer server(with(heart, [](O& o) { o.segment = 1; }));
    Asker asker;
    EXPECT_EQ(asker.ask(server.port()).verdict, heart == Heart::kPatched ? kNo : kYes);
  }
}

TEST(Heartbleed, ThroughEveryPrelude) {
  for (const TlsPrelude prelude : {TlsPrelude::kSmtp, TlsPrelude::kLmtp, TlsPrelude::kImap, TlsPrelude::kPop3,
                                   TlsPrelude::kFtp, TlsPrelude::kXmpp, TlsPrelude::kLdap, TlsPrelude::kPostgres}) {
    for (const Heart heart : {Heart::kVulnerable, Heart::kPatched}) {
      const auto options = with(heart, [&](O& o) { o.prelude = prelude; });
      expect_verdicts({{slug(prelude).data(), options, heart == Heart::kPatched ? kNo : kYes,
                        heart == Heart::kPatched ? "within_bounds" : "over_read_proved"}},
                      times(3, 1000));
    }
    const auto injecting = with(Heart::kVulnerable, [&](O& o) { o.prelude = prelude, o.inject = "250 injected\r\n"; });
    HeartbleedServer server(injecting);
    EXPECT_EQ(Asker().ask(server.port(), prelude).reason, "starttls_failed") << slug(prelude);
  }
}

TEST(Heartbleed, PlainTextAfterStartTlsProvesNothing) {
  expect_verdicts({{"vsftpd without a certificate",
                    with(Heart::kVulnerable, [](O& o) { o.prelude = TlsPrelude::kFtp, o.plain_text = true; }),
                    kDontKnow, "not_tls"}},
                  1);
}

TEST(Heartbleed, NobodyThereIsInconclusive) {
  const std::uint16_t port = test::free_port();
  EXPECT_EQ(Asker().ask(port).reason, "connection_failed");
}

TEST(Heartbleed, TheDeadlineHolds) {
  HeartbleedServer server(with(Heart::kDrops));
  const HeartbleedReport report = Asker().ask(server.port(), TlsPrelude::kNone, 0);
  EXPECT_EQ(report.verdict, kDontKnow);
}

TEST(Heartbleed, EvidenceIsKindsAndLengthsOnly) {
  HeartbleedServer server(with(Heart::kVulnerable));
  const HeartbleedReport report = Asker().ask(server.port());
  ASSERT_GE(report.seen.size(), 2U);
  EXPECT_EQ(report.seen.front().type, 22);
  EXPECT_EQ(report.seen.back().type, 24);
  EXPECT_EQ(report.seen.back().length, 3 + 8193 + 16);
  EXPECT_EQ(report.version, "TLS 1.2");
  EXPECT_TRUE(report.extension);
}

// ---- not one leaked byte stays ----------------------------------------------------------------------------

constexpr std::size_t kSeed = 9;  // of a pattern that no other test's server has in this process

// The longest run of leaked_byte() anywhere in this process, without ever holding the pattern itself.
std::size_t longest_leak() {
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::size_t longest = 0;
  std::vector<char> block(1 << 20);
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char permissions[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, permissions) != 3 || permissions[1] != 'w') continue;
    if (to - from > (512UL << 20) || line.find("[v") != std::string::npos) continue;  // shadow of the sanitizers
    for (unsigned long at = from; at < to; at += block.size()) {
      const ssize_t got =
          pread(memory, block.data(), std::min<std::size_t>(block.size(), to - at), static_cast<off_t>(at));
      for (ssize_t i = 0; i + 64 < got; ++i) {
        std::size_t run = 0;
        while (run < 64 && block[static_cast<std::size_t>(i) + run] == test::leaked_byte(run, kSeed)) ++run;
        longest = std::max(longest, run);
      }
      explicit_bzero(block.data(), block.size());
    }
  }
  close(memory);
  return longest;
}

TEST(Heartbleed, KeepsNothingOfALeak) {
  test::Listener listener;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    HeartbleedServer::serve_forever(listener.fd(), with(Heart::kLies, [](O& o) { o.leak_seed = kSeed; }));
    _exit(0);
  }
  {
    Asker asker;
    EXPECT_EQ(asker.ask(listener.port()).reason, "foreign_reply");
    EXPECT_LE(longest_leak(), 16U) << "while the probe's loop lives";
  }
  EXPECT_LE(longest_leak(), 16U);
  std::string kept(64, '\0');
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = test::leaked_byte(i, kSeed);
  EXPECT_EQ(longest_leak(), 64U) << "the search finds what is there";
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

// ---- real servers ------------------------------------------------------------------------------------------

class RealServers : public testing::Test {
 protected:
  // Waits until `words` were printed or the port takes connections.
  std::uint16_t start(std::vector<std::string> argv, std::uint16_t port) {
    child_.emplace(std::move(argv));
    EXPECT_TRUE(test::wait_until_accepts("127.0.0.1", port)) << child_->output();
    return port;
  }
  std::uint16_t gnutls(const std::string& priority, bool heartbeat) {
    const std::uint16_t port = test::free_port();
    std::vector<std::string> argv = {
        "gnutls-serv",   "--http",   "--quiet",    "--port", std::to_string(port), "--x509certfile", files_.certificate,
        "--x509keyfile", files_.key, "--priority", priority};
    if (heartbeat) argv.emplace_back("--heartbeat");
    return start(std::move(argv), port);
  }
  std::uint16_t openssl(std::vector<std::string> more) {
    const std::uint16_t port = test::free_port();
    std::vector<std::string> argv = {
        "openssl", "s_server",         "-quiet", "-accept", "127.0.0.1:" + std::to_string(port),
        "-cert",   files_.certificate, "-key",   files_.key};
    argv.insert(argv.end(), more.begin(), more.end());
    return start(std::move(argv), port);
  }

  test::TempDir dir_;
  test::TestCa ca_{dir_};
  test::CertificateFiles files_ = ca_.issue("good", "DNS:shop.test");
  std::optional<test::Child> child_;
};

TEST_F(RealServers, OpenSslOfToday) {
  const std::uint16_t port = openssl({"-www"});
  Asker asker;
  for (int run = 0; run < times(5, 1000); ++run) ASSERT_EQ(asker.ask(port).reason, "no_extension");
}

TEST_F(RealServers, OpenSslWithTls13Only) {
  const std::uint16_t port = openssl({"-www", "-tls1_3"});
  Asker asker;
  for (int run = 0; run < times(5, 1000); ++run) ASSERT_EQ(asker.ask(port).reason, "tls1_3_only");
  EXPECT_EQ(asker.ask(port, TlsPrelude::kNone, 20'000, true).reason, "tls1_3_only");
}

TEST_F(RealServers, GnuTlsWithoutHeartbeat) {
  const std::uint16_t port = gnutls("NORMAL", false);
  Asker asker;
  for (int run = 0; run < times(5, 1000); ++run) ASSERT_EQ(asker.ask(port).reason, "no_extension");
}

TEST_F(RealServers, GnuTlsWithHeartbeat) {
  for (const char* version : {"TLS1.0", "TLS1.1", "TLS1.2"}) {
    const std::uint16_t port = gnutls(std::string("NORMAL:-VERS-ALL:+VERS-") + version, true);
    Asker asker;
    for (int run = 0; run < times(5, 1000); ++run) {
      const HeartbleedReport report = asker.ask(port);
      ASSERT_EQ(report.verdict, kNo) << version << " " << report.reason << " " << report.detail;
      ASSERT_EQ(report.reason, "heartbeats_rejected") << version << " " << report.detail;
      ASSERT_TRUE(report.extension);
    }
    child_.reset();
  }
}

}  // namespace
}  // namespace everup::checker
