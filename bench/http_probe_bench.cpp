// CPU µs per look at an nginx on loopback, everything but the scheduler and the database included: one address, and
// spread over many of 127.0.0.0/8. Usage: bench_http_probe [looks] [in flight].
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/probe_load.h"
#include "tests/support/nginx.h"

int main(int argc, char** argv) {
  using namespace everup;
  const int count = argc > 1 ? std::atoi(argv[1]) : 50'000;
  const int in_flight = argc > 2 ? std::atoi(argv[2]) : 50;
  test::TempDir dir;
  const std::string hosts = dir.write("hosts", "127.0.0.1 shop.test\n");
  test::Nginx server(dir, "location / { return 200 \"fine\\n\"; }", {}, "0.0.0.0");
  bench::ProbeLoad load(hosts, {});
  const std::string port = ":" + std::to_string(server.port()) + "/health";
  std::vector<std::string> spread;
  for (int i = 0; i < 50'000; ++i) {
    spread.push_back("http://127." + std::to_string(1 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
                     std::to_string(i % 256) + port);
  }
  load.run({"http://shop.test" + port}, std::min(count, 5'000), in_flight);  // warm
  for (int round = 0; round < 3; ++round) {
    const double named = load.run({"http://shop.test" + port}, count, in_flight);
    const double numbered = load.run({"http://127.0.0.1" + port}, count, in_flight);
    const double far = load.run(spread, count, in_flight);
    std::printf("CPU us per look: one name %.1f, one address %.1f, 50000 addresses %.1f\n", named, numbered, far);
    std::fflush(stdout);
  }
  return 0;
}
