// CPU us per mail dialogue, everything but the scheduler and the database included: the whole envelope with smtp-sink,
// EHLO with Postfix by STARTTLS, and an HTTPS look at nginx to compare with. Usage: bench_smtp_probe [looks] [in
// flight].
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "bench/probe_load.h"
#include "tests/checker_smtp/postfix.h"
#include "tests/support/nginx.h"
#include "tests/support/pki.h"

int main(int argc, char** argv) {
  using namespace everup;
  const int count = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const int in_flight = argc > 2 ? std::atoi(argv[2]) : 20;
  test::TempDir dir;
  const std::string hosts = dir.write("hosts", "127.0.0.1 mx.test\n");
  test::TestCa ca(dir);
  const test::CertificateFiles files = ca.issue("mx", "DNS:mx.test");
  test::Nginx web(dir,
                  "ssl_certificate " + files.certificate + "; ssl_certificate_key " + files.key +
                      "; location / { return 200 \"fine\\n\"; }",
                  "ssl");
  test::SmtpSink sink;
  test::Postfix postfix(dir, files);
  bench::ProbeLoad load(hosts, ca.certificate());
  SmtpSettings envelope;
  envelope.options.from = "alice@sender.test";
  envelope.options.to = {"bob@example.test"};
  SmtpSettings secured;
  secured.options.starttls = StartTls::kRequire;
  const auto whole = std::make_shared<const KindSettings>(envelope);
  const auto required = std::make_shared<const KindSettings>(secured);
  const std::string sink_url = "smtp://mx.test:" + std::to_string(sink.port()) + "/";
  const std::string postfix_url = "smtp://mx.test:" + std::to_string(postfix.smtp()) + "/";
  const std::string web_url = "https://mx.test:" + std::to_string(web.port()) + "/";
  load.run({sink_url}, std::min(count, 2'000), in_flight, whole);  // warm
  for (int round = 0; round < 3; ++round) {
    const double plain = load.run({sink_url}, count, in_flight, whole);
    const double https = load.run({web_url}, count / 10, in_flight);
    const double starttls = load.run({postfix_url}, count / 10, in_flight, required);
    std::printf("CPU us per look: envelope %.1f, STARTTLS %.1f, HTTPS %.1f, ratio %.2f\n", plain, starttls, https,
                starttls / https);
    std::fflush(stdout);
  }
  return 0;
}
