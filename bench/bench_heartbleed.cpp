// Heartbleed verdicts against fakes and Debian's own servers on loopback: right ones of all, time (median, 99 %, worst)
// and CPU of the prober's thread. Usage: bench_heartbleed [runs per case]. Exits 1 when a verdict is wrong.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "checker/heartbleed_probe.h"
#include "net/clock.h"
#include "net/loop.h"
#include "tests/support/heartbleed_server.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"

namespace {

using namespace everup;
using test::Heart;

double thread_cpu_us() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) * 1e6 + static_cast<double>(spent.tv_nsec) / 1e3;
}

class Bench {
 public:
  explicit Bench(int runs) : runs_(runs) {}
  void of(const char* name, std::uint16_t port, std::string_view wanted, TlsPrelude prelude = TlsPrelude::kNone) {
    std::vector<double> times_ms;
    int right = 0;
    const double before = thread_cpu_us();
    for (int run = 0; run < runs_; ++run) {
      const Instant started = clock_.now().mono;
      right += ask(port, prelude).reason == wanted ? 1 : 0;
      times_ms.push_back(static_cast<double>((clock_.now().mono - started).count()) / 1e6);
    }
    const double cpu_us = (thread_cpu_us() - before) / runs_;
    std::sort(times_ms.begin(), times_ms.end());
    const auto at = [&](double share) { return times_ms[static_cast<std::size_t>(share * (runs_ - 1))]; };
    std::printf("%-34s %5d of %d right   ms: median %6.2f  99 %% %6.2f  worst %6.2f   CPU us %5.0f\n", name, right,
                runs_, at(0.5), at(0.99), times_ms.back(), cpu_us);
    std::fflush(stdout);
    all_right_ = all_right_ && right == runs_;
  }
  void of(const char* name, test::HeartbleedServerOptions options, std::string_view wanted) {
    const TlsPrelude prelude = options.prelude;
    const test::HeartbleedServer server(std::move(options));
    of(name, server.port(), wanted, prelude);
  }
  bool all_right() const { return all_right_; }

 private:
  HeartbleedReport ask(std::uint16_t port, TlsPrelude prelude) {
    checker::TlsPlace place;
    place.loop = &loop_;
    place.address = *net::Address::parse("127.0.0.1", port);
    place.prelude = prelude;
    place.host = place.server_name = "shop.test";
    std::optional<HeartbleedReport> report;
    const checker::HeartbleedProbe probe(place, std::nullopt, clock_.now().mono + std::chrono::seconds(20),
                                         [&](HeartbleedReport&& said) { report = std::move(said); });
    while (!report) loop_.run_once(std::chrono::milliseconds(1000));
    return std::move(*report);
  }

  const int runs_;
  bool all_right_ = true;
  net::SystemClock clock_;
  net::Loop loop_{clock_};
};

test::HeartbleedServerOptions with(Heart heart, TlsPrelude prelude = TlsPrelude::kNone,
                                   std::uint16_t version = 0x0303) {
  test::HeartbleedServerOptions options;
  options.heart = heart;
  options.prelude = prelude;
  options.version_max = version;
  return options;
}

void fakes(Bench& bench) {
  bench.of("vulnerable, TLS 1.2", with(Heart::kVulnerable), "over_read_proved");
  bench.of("vulnerable, TLS 1.1", with(Heart::kVulnerable, TlsPrelude::kNone, 0x0302), "over_read_proved");
  bench.of("vulnerable, TLS 1.0", with(Heart::kVulnerable, TlsPrelude::kNone, 0x0301), "over_read_proved");
  bench.of("vulnerable, blocking", with(Heart::kVulnerableBlocking), "over_read_proved");
  bench.of("vulnerable, behind SMTP", with(Heart::kVulnerable, TlsPrelude::kSmtp), "over_read_proved");
  bench.of("patched, TLS 1.2", with(Heart::kPatched), "within_bounds");
  bench.of("patched, TLS 1.0", with(Heart::kPatched, TlsPrelude::kNone, 0x0301), "within_bounds");
  bench.of("patched, blocking (2 connections)", with(Heart::kPatchedBlocking), "within_bounds");
  bench.of("patched, behind SMTP", with(Heart::kPatched, TlsPrelude::kSmtp), "within_bounds");
  bench.of("rejects heartbeats", with(Heart::kRejects), "heartbeats_rejected");
  bench.of("closes (3 connections)", with(Heart::kCloses), "heartbeats_unanswered");
  bench.of("lies", with(Heart::kLies), "foreign_reply");
  test::HeartbleedServerOptions large = with(Heart::kPatched);
  large.certificate = std::string(100'000, 'c');
  bench.of("patched, a flight of 100 KB", large, "within_bounds");
}

void real_ones(Bench& bench) {
  test::TempDir dir;
  test::TestCa ca(dir);
  const test::CertificateFiles files = ca.issue("good", "DNS:shop.test");
  const auto real = [&](const char* name, std::vector<std::string> argv, std::string_view wanted) {
    const std::uint16_t port = test::free_port();
    for (std::string& word : argv) {
      if (word == "PORT") word = std::to_string(port);
    }
    test::Child child(std::move(argv));
    if (!test::wait_until_accepts("127.0.0.1", port)) return void(std::printf("%s did not start\n", name));
    bench.of(name, port, wanted);
  };
  const std::vector<std::string> gnutls = {
      "gnutls-serv", "--http", "--quiet", "--x509certfile", files.certificate,    "--x509keyfile",
      files.key,     "--port", "PORT",    "--priority",     "NORMAL:-VERS-TLS1.3"};
  std::vector<std::string> beating = gnutls;
  beating.emplace_back("--heartbeat");
  real("gnutls-serv --heartbeat", beating, "heartbeats_rejected");
  real("gnutls-serv", gnutls, "no_extension");
  real("openssl s_server",
       {"openssl", "s_server", "-www", "-accept", "PORT", "-cert", files.certificate, "-key", files.key},
       "no_extension");
  real("openssl s_server -tls1_3",
       {"openssl", "s_server", "-www", "-tls1_3", "-accept", "PORT", "-cert", files.certificate, "-key", files.key},
       "tls1_3_only");
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1'000);
  fakes(bench);
  real_ones(bench);
  return bench.all_right() ? 0 : 1;
}
