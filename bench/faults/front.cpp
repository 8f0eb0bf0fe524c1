// Strangers' bytes at our door: framing that two parsers read differently, endless lines, broken requests by the
// hundred thousand, and nginx in front. (Slow strangers: front_slow.cpp.)

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "bench/faults/house.h"
#include "tests/api/client.h"
#include "tests/support/http_cases.h"
#include "tests/support/nginx.h"

namespace everup::bench {
namespace {

using test::Client;
using test::HttpCase;
using test::kHttpCases;

// 501 and 505 are the right answers to methods, codings and versions nobody knows (RFC 9110, 15.6.2 and 15.6.6).
bool ours_failed(int status) { return status >= 500 && status != 501 && status != 505; }

// Sends all and waits for the other side to close; the status lines that came. `hung` counts those that did not end
// within ten seconds. nginx takes a half-closed connection for a client that went away: there its short timeouts end
// it.
std::vector<int> statuses(std::uint16_t port, const std::string& bytes, int* hung, bool half_close = true) {
  Client client(port);
  client.send(bytes);
  if (half_close) shutdown(client.fd(), SHUT_WR);
  if (!client.closed(std::chrono::seconds(10))) ++*hung;
  std::vector<int> out;
  const std::string& text = client.rest();
  for (std::size_t at = text.find("HTTP/1.1 "); at != std::string::npos; at = text.find("HTTP/1.1 ", at + 9)) {
    out.push_back(std::atoi(text.c_str() + at + 9));
  }
  return out;
}

std::vector<HttpCase> more_cases() {
  const auto chunked = [](const std::string& size) {
    return test::post("Transfer-Encoding: chunked\r\n", size + "\r\nabc\r\n0\r\n\r\n");
  };
  std::vector<HttpCase> all = kHttpCases;
  all.push_back({"negative chunk", chunked("-1"), 411, ""});
  all.push_back({"huge chunk", chunked("ffffffffffffffffff"), 411, ""});
  all.push_back({"chunk extension", chunked("3;a=\"\n\""), 411, ""});
  all.push_back({"spoofed REMOTE_ADDR", test::get("REMOTE_ADDR: 6.6.6.6\r\n"), 200, ""});
  all.push_back({"escaped CR LF", test::get("X-Request-Id: a%0d%0aSet-Cookie: x=1\r\n"), 200, ""});
  for (const char* path : {"/..%2f..%2fetc/passwd", "/%00", "//", "/;x", "/%c0%ae%c0%ae/"}) {
    all.push_back({path, "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""});
  }
  return all;
}

void framing(Run& run) {
  House house(run);
  const std::uint16_t port = house.service().port();
  const auto before = house.usage();
  int wrong = 0, hung = 0, failed = 0, rows = 0;
  for (const HttpCase& row : more_cases()) {
    ++rows;
    const auto got = statuses(port, row.bytes, &hung);
    for (const int status : got) failed += ours_failed(status) ? 1 : 0;
    // One answer at most to what is refused, and it says so.
    const bool right = row.status == 200 ? got.size() <= 1 : got.size() == 1 && got[0] >= 400;
    if (!right) {
      ++wrong;
      run.note(fmt::format("{}: {} answers, first {}", row.name, got.size(), got.empty() ? 0 : got[0]));
    }
  }
  run.found({fmt::format("{} requests of the table at `everup serve`", rows),
             fmt::format("{} read wrongly, {} left open, {} answered 5xx", wrong, hung, failed), "0, 0, 0",
             wrong == 0 && hung == 0 && failed == 0});

  Client client(port);
  const std::string megabyte(1'000'000, 'a');
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  int megabytes = 0;
  while (megabytes < 200 && client.send(megabyte)) ++megabytes;
  const auto after = house.usage();
  const auto grown = (after.rss_bytes - before.rss_bytes) / 1024;
  run.found({"a header line of 200 MB", fmt::format("closed after {} MB, RSS {:+} KiB", megabytes, grown),
             "closed before its end, <= 4096 KiB", megabytes < 200 && grown <= 4096});
  run.found({"all of it", fmt::format("{} descriptors before, {} after", before.descriptors, after.descriptors),
             "at most 2 more", after.descriptors <= before.descriptors + 2});
}

void fuzz(Run& run) {
  House house(run);
  const std::uint16_t port = house.service().port();
  const int count = run.options().brief ? 10'000 : 100'000;
  test::HttpFuzzer fuzzer(run.options().seed);
  int hung = 0, failed = 0;
  std::int64_t answers = 0, warm_rss = 0;
  for (int i = 0; i < count; ++i) {
    const std::string bytes = fuzzer.next();
    for (const int status : statuses(port, bytes, &hung)) {
      ++answers;
      if (!ours_failed(status)) continue;
      ++failed;
      run.note(fmt::format("number {}: {}", i, status));
    }
    if (i == count / 5) warm_rss = house.usage().rss_bytes;
    if (i % 10'000 == 9'999) run.note(fmt::format("{} of {}", i + 1, count));
  }
  const auto grown = (house.usage().rss_bytes - warm_rss) / 1024;
  run.found({fmt::format("{} broken requests, seed {}", count, run.options().seed),
             fmt::format("{} answers, {} of them 5xx, {} left open, RSS {:+} KiB since the first fifth", answers,
                         failed, hung, grown),
             "no 5xx, none open, <= 2048 KiB", failed == 0 && hung == 0 && grown <= 2048});
  const bool alive =
      house.service().get("/healthz").status == 200 && house.service().get("/api/v1/monitors").status == 200;
  run.found({"the same", alive ? "answers as before" : "does not answer", "answers", alive});
}

// One upstream connection, kept alive: what only one of the two takes for a request would answer somebody else's.
void behind_nginx(Run& run) {
  House house(run);
  test::TempDir dir;
  const std::string log = dir.file("seen.log");
  auto nginx = std::make_unique<test::Nginx>(
      dir,
      "access_log " + log +
          " seen; location / { proxy_pass http://us; proxy_http_version 1.1; proxy_set_header Connection \"\"; "
          "keepalive_timeout 100ms; client_body_timeout 300ms; } client_header_timeout 300ms;",
      "", "127.0.0.1",
      fmt::format("log_format seen '$upstream_status'; upstream us {{ server 127.0.0.1:{}; keepalive 1; }}",
                  house.service().port()));
  int strangers = 0, hung = 0, failed = 0, rows = 0;
  for (const HttpCase& row : more_cases()) {
    for (const int status : statuses(nginx->port(), row.bytes, &hung, false))
      failed += status == 502 || status == 504 ? 1 : 0;
    const std::string mark = fmt::format("innocent-{}", ++rows);
    Client innocent(nginx->port());
    const auto answer = innocent.ask(test::request("GET", "/healthz", "X-Request-Id: " + mark + "\r\n"));
    if (answer.status != 200 || answer.field("x-request-id") != mark) {
      ++strangers;
      run.note(fmt::format("after {}: {} with id {}", row.name, answer.status, answer.field("x-request-id")));
    }
  }
  nginx.reset();  // SIGQUIT: the log is complete
  std::ifstream in(log);
  int handed_on = 0, twice = 0;
  for (std::string line; std::getline(in, line);) {
    handed_on += line.empty() || line == "-" ? 0 : 1;
    twice += line.find(',') != std::string::npos ? 1 : 0;
  }
  run.found(
      {fmt::format("{} requests of the table through nginx 1.22, each followed by an innocent one", rows),
       fmt::format("nginx handed {} on, {} of them twice; {} innocents got another's answer, {} 502 or 504, {} left "
                   "open",
                   handed_on, twice, strangers, failed, hung),
       "0 twice, 0, 0, 0", twice == 0 && strangers == 0 && failed == 0 && hung == 0});
}

const Case kFraming{"front-framing", 6, "Doubtful framing, endless lines and path tricks get one 4xx or a close.",
                    framing};
const Case kFuzz{"front-fuzz", 6, "A hundred thousand broken requests: no crash, no 5xx, no growth.", fuzz};
const Case kNginx{"front-nginx", 6, "nginx and we never disagree on the number of requests.", behind_nginx};

}  // namespace
}  // namespace everup::bench
