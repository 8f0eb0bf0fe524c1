// bench/load: nginx on loopback, a private `everup serve`, N monitors, T seconds of checks alone and T seconds with an
// API question every two seconds; then what a check cost in each, and how late it was in both.
//
// With --smtp the target is Postfix's smtp-sink and a look is banner, EHLO, MAIL, RCPT, RSET and QUIT; it writes no
// log, so lateness is not told then.
//
// Lateness and missed slots come from the target's own log against next_slot(), stored checks from SQL, CPU from /proc
// — nothing from what everup says of itself. Everything runs on loopback and is stopped at the end.
//
//   load --monitors 100000 --interval 60 --seconds 120 [--spread 50000] [--https | --smtp] [--json] [--everup PATH]
//   [--directory DIR]

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/lateness.h"
#include "bench/process.h"
#include "bench/target_nginx.h"
#include "core/ids.h"
#include "net/curl_client.h"

namespace everup::bench {
namespace {

struct Options {
  int monitors = 1000, interval_s = 60, seconds = 60, spread = 0, warmup_s = -1;
  bool https = false, smtp = false, json = false;
  std::string everup = "build/release/app/everup", directory;
};

Options parse_options(int argc, char** argv) {
  Options o;
  const auto value = [&](int& i) -> std::string {
    return ++i < argc ? argv[i] : (give_up(std::string(argv[i - 1]) + " needs a value"), "");
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--monitors")
      o.monitors = std::atoi(value(i).c_str());
    else if (word == "--interval")
      o.interval_s = std::atoi(value(i).c_str());
    else if (word == "--seconds")
      o.seconds = std::atoi(value(i).c_str());
    else if (word == "--warmup")
      o.warmup_s = std::atoi(value(i).c_str());
    else if (word == "--spread")
      o.spread = std::atoi(value(i).c_str());
    else if (word == "--everup")
      o.everup = value(i);
    else if (word == "--directory")
      o.directory = value(i);
    else if (word == "--https")
      o.https = true;
    else if (word == "--smtp")
      o.smtp = true;
    else if (word == "--json")
      o.json = true;
    else
      give_up(
          "usage: load [--monitors N] [--interval S] [--seconds T] [--warmup S] [--spread ADDRESSES] [--https | "
          "--smtp] "
          "[--json] [--everup PATH]");
  }
  if (o.monitors < 1 || o.interval_s < 1 || o.seconds < 1)
    give_up("--monitors, --interval and --seconds must be at least 1");
  if (o.warmup_s < 0) o.warmup_s = std::min(o.interval_s, 60) + 5;
  return o;
}

void wait_ms(int ms) { poll(nullptr, 0, ms); }

// A running `everup serve` with its own private cluster.
struct Service {
  pid_t pid = -1;
  std::string base, key, data_dir, socket_dir;
  std::vector<std::string> psql_prefix;

  std::string call(const std::string& method, const std::string& path, const std::string& body = {}) const {
    net::ClientRequest request{.method = method,
                               .url = base + path,
                               .unix_socket = {},
                               .headers = {"Authorization: Bearer " + key, "Expect:"},
                               .body = body,
                               .timeout_ms = 120'000};
    if (!body.empty()) request.headers.push_back("Content-Type: application/json");
    auto answer = net::http_request(request);
    if (!answer) give_up(answer.error().what);
    if (answer->status >= 300) give_up(path + ": " + answer->body);
    return answer->body;
  }
};

pid_t postmaster_of(const Service& service) {
  std::ifstream in(service.data_dir + "/pg/postmaster.pid");
  pid_t pid = 0;
  in >> pid;
  return pid;
}

std::string first_line(const std::string& path, int line) {
  std::ifstream in(path);
  std::string text;
  for (int i = 0; i < line; ++i) std::getline(in, text);
  return text;
}

std::string sql(const Service& service, const std::string& query) {
  const auto socket_dir = first_line(service.data_dir + "/pg/postmaster.pid", 5);
  auto text = output_of({"psql", "-X", "-A", "-t", "-h", socket_dir, "-U", "everup", "-d", "everup", "-c", query});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Service start_service(const Options& o, const std::string& ca) {
  Service service;
  service.data_dir = o.directory + "/data";
  const auto port = free_port();
  service.base = fmt::format("http://127.0.0.1:{}", port);
  std::map<std::string, std::string> environment{
      {"EVERUP_DATA_DIR", service.data_dir}, {"EVERUP_LISTEN", fmt::format("127.0.0.1:{}", port)},
      {"EVERUP_ALLOW_TARGETS", "loopback"},  {"EVERUP_USER", "everup"},
      {"EVERUP_TARGET_LIMIT", "100000"},     {"EVERUP_RATE_LIMIT", "0"}};
  if (o.https) environment["EVERUP_CA_FILE"] = ca;
  service.pid = spawn({o.everup, "serve"}, environment, o.directory + "/everup.log");
  for (int i = 0; i < 600; ++i) {
    const auto answer = net::http_request({.method = "GET",
                                           .url = service.base + "/readyz",
                                           .unix_socket = {},
                                           .headers = {},
                                           .body = {},
                                           .timeout_ms = 2000});
    if (answer.ok() && answer->status == 200) break;
    if (i == 599) give_up("everup did not come up; see " + o.directory + "/everup.log");
    wait_ms(100);
  }
  setenv("EVERUP_DATA_DIR", service.data_dir.c_str(), 1);
  output_of({o.everup, "account", "create", "--email", "bench@example.com"});
  service.key = output_of({o.everup, "key", "create", "--name", "bench", "--scope", "admin"});
  while (!service.key.empty() && service.key.back() == '\n') service.key.pop_back();
  return service;
}

std::string target_url(const Options& o, std::uint16_t port, int i) {
  if (o.smtp) return fmt::format("smtp://127.0.0.1:{}", port);
  if (o.https) return fmt::format("https://localhost:{}/m/{}", port, i);
  const int n = o.spread > 0 ? i % o.spread : 0;
  const auto host = fmt::format("127.{}.{}.{}", n / 62'500, n / 250 % 250, n % 250 + 1);
  return fmt::format("http://{}:{}{}{}", host, port, o.spread > 0 && i % 3 == 0 ? "/slow/" : "/m/", i);
}

std::vector<MonitorId> add_monitors(const Options& o, const Service& service, std::uint16_t port) {
  std::vector<MonitorId> ids;
  constexpr int kChunk = 5000;
  for (int from = 0; from < o.monitors; from += kChunk) {
    auto list = nlohmann::json::array();
    for (int i = from; i < std::min(o.monitors, from + kChunk); ++i) {
      nlohmann::json monitor{
          {"target", target_url(o, port, i)}, {"name", fmt::format("m{}", i)}, {"interval_s", o.interval_s}};
      if (o.smtp) monitor["options"] = {{"from", "bench@example.com"}, {"to", {"sink@example.com"}}};
      list.push_back(std::move(monitor));
    }
    const auto answer =
        nlohmann::json::parse(service.call("POST", "/api/v1/monitors/bulk", nlohmann::json{{"monitors", list}}.dump()));
    for (const auto& id : answer.at("created")) ids.push_back(*parse_id<MonitorTag>(id.get<std::string>()));
    fmt::print(stderr, "\radded {} monitors", ids.size());
  }
  fmt::print(stderr, "\n");
  return ids;
}

struct Snapshot {
  std::int64_t results = 0, bytes = 0;
  std::string wal;
};

constexpr const char* kResultBytes =
    "SELECT coalesce(sum(pg_total_relation_size(inhrelid)),0) FROM pg_inherits WHERE inhparent='results'::regclass";

Snapshot snapshot(const Service& service) {
  Snapshot s;
  s.results = std::atoll(sql(service, "SELECT count(*) FROM results").c_str());
  s.bytes = std::atoll(sql(service, kResultBytes).c_str());
  s.wal = sql(service, "SELECT pg_current_wal_lsn()");
  return s;
}

struct Cpu {
  double everup_s = 0, postgres_s = 0;
};

Cpu cpu_of(const Service& service) { return {cpu_seconds(service.pid), tree_cpu_seconds(postmaster_of(service))}; }

std::int64_t stored_between(const Service& service, std::int64_t from_ms, std::int64_t to_ms) {
  return std::atoll(
      sql(service,
          fmt::format(
              "SELECT count(*) FROM results WHERE verdict > 0 AND slot_at + start_ms >= {} AND slot_at + start_ms < {}",
              from_ms, to_ms))
          .c_str());
}

// CPU µs for each of `checks` between two readings.
nlohmann::ordered_json cpu_per_check(const Cpu& from, const Cpu& to, std::int64_t checks) {
  const double per = 1e6 / static_cast<double>(std::max<std::int64_t>(1, checks));
  const double everup = (to.everup_s - from.everup_s) * per, postgres = (to.postgres_s - from.postgres_s) * per;
  return {{"everup", everup}, {"postgres", postgres}, {"all", everup + postgres}};
}

struct ApiTimes {
  std::vector<double> list_ms, results_ms, uptime_ms;
};

double timed_call(const Service& service, const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  service.call("GET", path);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double p99(std::vector<double> values) { return quantile(std::move(values), 0.99); }

void show_progress(const Options& o, const Service& service, std::int64_t end_ms) {
  if (o.json) return;
  fmt::print(stderr, "\r{:4d} s to go, everup {:.0f} MB ", std::max<std::int64_t>(0, end_ms - wall_ms()) / 1000,
             static_cast<double>(rss_bytes(service.pid)) / 1e6);
}

// Checks alone: nobody asks the API, so that the CPU is theirs.
void run_quietly(const Options& o, const Service& service) {
  for (const auto end = wall_ms() + o.seconds * 1000LL; wall_ms() < end; wait_ms(500)) show_progress(o, service, end);
  if (!o.json) fmt::print(stderr, "\n");
}

// The same with a question to the API every two seconds, as a person with a dashboard would.
ApiTimes run_asking(const Options& o, const Service& service, const std::vector<MonitorId>& ids) {
  ApiTimes times;
  const auto end = wall_ms() + o.seconds * 1000LL;
  std::size_t i = 0;
  while (wall_ms() < end) {
    const auto id = to_string(ids[(i++ * 7919) % ids.size()]);
    times.list_ms.push_back(timed_call(service, "/api/v1/monitors?limit=50"));
    times.results_ms.push_back(timed_call(service, "/api/v1/monitors/" + id + "/results?limit=1500"));
    times.uptime_ms.push_back(timed_call(service, "/api/v1/monitors/" + id + "/uptime?window=24h"));
    show_progress(o, service, end);
    wait_ms(2000);
  }
  if (!o.json) fmt::print(stderr, "\n");
  return times;
}

// smtp-sink, when it is asked for.
class Sink {
 public:
  explicit Sink(const Options& o) {
    if (!o.smtp) return;
    port_ = free_port();
    pid_ = spawn({"smtp-sink", "-u", "nobody", "-h", "sink.test", fmt::format("127.0.0.1:{}", port_), "4096"}, {},
                 o.directory + "/sink.log");
  }
  ~Sink() {
    if (pid_ > 0) stop(pid_, SIGTERM);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

int bench(Options o) {
  char pattern[] = "/tmp/everup-load-XXXXXX";
  const bool made = o.directory.empty();
  if (made) o.directory = mkdtemp(pattern);
  std::filesystem::create_directories(o.directory);
  std::filesystem::permissions(o.directory, std::filesystem::perms::all);
  o.everup = std::filesystem::absolute(o.everup);
  const NginxOptions nginx_options{o.directory, free_port(), o.https};
  const TargetNginx nginx(nginx_options);
  const Sink sink(o);
  const auto service = start_service(o, nginx.ca_path());
  const auto ids = add_monitors(o, service, o.smtp ? sink.port() : nginx_options.port);
  fmt::print(stderr, "warming up {} s\n", o.warmup_s);
  wait_ms(o.warmup_s * 1000);

  const auto before = snapshot(service);
  const auto from_ms = wall_ms();
  const Cpu cpu_from = cpu_of(service);
  run_quietly(o, service);
  const auto asking_ms = wall_ms();
  const Cpu cpu_asking = cpu_of(service);
  const auto api = run_asking(o, service, ids);
  const auto to_ms = wall_ms();
  const Cpu cpu_to = cpu_of(service);
  const auto rss = rss_bytes(service.pid);
  const int threads = thread_count(service.pid);
  wait_ms(4000);  // the last looks end and are stored
  const auto after = snapshot(service);
  const auto alone = stored_between(service, from_ms, asking_ms);
  const auto asked = stored_between(service, asking_ms, to_ms);
  const auto stored = alone + asked;
  const auto wrong = std::atoll(
      sql(service, fmt::format("SELECT count(*) FROM results WHERE verdict <> 1 AND slot_at >= {} AND slot_at < {}",
                               from_ms, to_ms))
          .c_str());
  const auto wal = std::atoll(
      sql(service, fmt::format("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{}')::bigint", before.wal)).c_str());
  std::vector<Watched> watched;
  for (const MonitorId id : ids) watched.push_back({id, o.interval_s * 1000LL});
  const auto late = o.smtp ? Lateness{} : lateness(arrivals_in(nginx.log_path()), watched, from_ms, to_ms);
  stop(service.pid, SIGTERM);

  const double rows = static_cast<double>(std::max<std::int64_t>(1, after.results - before.results));
  const double seconds = static_cast<double>(to_ms - from_ms) / 1000.0;
  const nlohmann::ordered_json report{
      {"monitors", o.monitors},
      {"interval_s", o.interval_s},
      {"seconds", seconds},
      {"https", o.https},
      {"smtp", o.smtp},
      {"addresses", std::max(1, o.spread)},
      {"checks_per_s", static_cast<double>(stored) / seconds},
      {"stored", stored},
      {"not_up", wrong},
      {"cpu_us_per_check", cpu_per_check(cpu_from, cpu_asking, alone)},
      {"cpu_us_per_check_while_asked", cpu_per_check(cpu_asking, cpu_to, asked)},
      {"lateness_ms", {{"p50", late.p50_ms}, {"p99", late.p99_ms}, {"max", late.max_ms}}},
      {"slots", late.slots},
      {"requests", late.requests},
      {"missed", late.missed},
      {"rss_mb", static_cast<double>(rss) / 1e6},
      {"threads", threads},
      {"bytes_per_check",
       {{"table_and_index", static_cast<double>(after.bytes - before.bytes) / rows},
        {"wal", static_cast<double>(wal) / rows}}},
      {"api_p99_ms", {{"list", p99(api.list_ms)}, {"results", p99(api.results_ms)}, {"uptime", p99(api.uptime_ms)}}}};
  fmt::print("{}\n", report.dump(o.json ? -1 : 2));
  if (made) std::filesystem::remove_all(o.directory);
  return 0;
}

}  // namespace
}  // namespace everup::bench

int main(int argc, char** argv) { return everup::bench::bench(everup::bench::parse_options(argc, argv)); }
