// A real `everup serve` with its own private cluster, and the command line beside it, for tests of the whole house.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "net/curl_client.h"
#include "tests/paths.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

using Json = nlohmann::json;
using Environment = std::map<std::string, std::string>;

// A monitor that is judged within seconds.
inline constexpr const char* kQuick =
    R"({"name":"Shop","interval_s":1,"timeout_ms":1000,"confirm":{"failures":2,"successes":2,"retry_s":1}})";

// `everup WORDS…` run to its end: its exit code (-1: killed) and all that it printed.
inline std::pair<int, std::string> run_everup(std::vector<std::string> words, const Environment& environment = {}) {
  words.insert(words.begin(), EVERUP_BINARY);
  Child::Options options;
  options.environment = environment;
  Child child(std::move(words), options);
  child.close_input();
  const auto status = child.wait();
  return {status.value_or(-1), child.all_output(std::chrono::seconds(5))};
}

// Asks again until `done` says so; false at the limit.
template <class Ask>
bool until(Ask ask, std::chrono::milliseconds limit = std::chrono::seconds(90)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    if (ask()) return true;
    poll(nullptr, 0, 50);
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

class Service {
 public:
  explicit Service(const Environment& more = {}, std::string binary = EVERUP_BINARY)
      : binary_(std::move(binary)), port_(free_port()) {
    environment_ = {{"EVERUP_DATA_DIR", dir_.path() + "/data"},
                    {"EVERUP_LISTEN", "127.0.0.1:" + std::to_string(port_)},
                    {"EVERUP_ALLOW_TARGETS", "loopback"},
                    {"EVERUP_USER", "nobody"},
                    {"EVERUP_RATE_LIMIT", "0"},
                    {"EVERUP_CONFIG", ""}};
    environment_.erase("EVERUP_CONFIG");
    for (const auto& [name, value] : more) environment_[name] = value;
  }

  void launch() { child_ = std::make_unique<Child>(std::vector<std::string>{binary_, "serve"}, options()); }
  void start() {
    launch();
    if (!until([&] { return ready() || child_->wait(std::chrono::milliseconds(0)).has_value(); }) || !ready()) {
      throw std::runtime_error("everup did not come up: " + child_->output());
    }
  }
  int stop(int signal = SIGTERM) {
    child_->signal(signal);
    const auto status = child_->wait();
    if (!status) throw std::runtime_error("everup did not end: " + child_->output());
    return *status;
  }
  Child& child() { return *child_; }
  bool ready() const {
    const auto answer = net::http_request(
        {.method = "GET", .url = base() + "/readyz", .unix_socket = {}, .headers = {}, .body = {}, .timeout_ms = 5000});
    return answer.ok() && answer->status == 200;
  }

  // The command line beside it: exit code and merged output.
  std::pair<int, std::string> run(std::vector<std::string> words) const {
    words.insert(words.begin(), binary_);
    Child command(std::move(words), options());
    command.close_input();
    const auto status = command.wait();
    return {status.value_or(-1), command.all_output(std::chrono::seconds(5))};
  }
  std::string run_ok(std::vector<std::string> words) const {
    const auto name = words.at(0);
    auto [status, text] = run(std::move(words));
    if (status != 0) throw std::runtime_error("everup " + name + " failed: " + text);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  net::ClientAnswer get(const std::string& path) const { return call("GET", path); }
  net::ClientAnswer call(const std::string& method, const std::string& path, const std::string& body = {}) const {
    net::ClientRequest request{.method = method,
                               .url = base() + path,
                               .unix_socket = {},
                               .headers = {"Expect:"},
                               .body = body,
                               .timeout_ms = 30'000};
    if (!key_.empty()) request.headers.push_back("Authorization: Bearer " + key_);
    if (!body.empty()) request.headers.push_back("Content-Type: application/json");
    auto answer = net::http_request(request);
    if (!answer) throw std::runtime_error(answer.error().what + "\n" + child_->output());
    return *std::move(answer);
  }
  // Makes the first account and an admin key, which all calls use from then on.
  void open_account() {
    run_ok({"account", "create", "--email", "owner@example.org"});
    use_key(run_ok({"key", "create", "--name", "test", "--scope", "admin"}));
  }
  // One statement in its database, as psql prints it: "|" between columns, a line a row. Throws when PostgreSQL does
  // not answer.
  std::string sql(const std::string& statement) const {
    const auto given = environment_.find("EVERUP_DATABASE_URL");
    const std::string where = given != environment_.end()
                                  ? given->second
                                  : "host=" + postmaster_line(5) + " user=everup dbname=everup connect_timeout=10";
    auto text = run_tool({"psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", where, "-c", statement});
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  pid_t postmaster() const { return static_cast<pid_t>(std::stol(postmaster_line(1))); }
  Json json(const std::string& path) const { return Json::parse(get("/api/v1" + path).body); }

  // One more address for the same port; before start().
  void also_listen(const std::string& address) {
    environment_["EVERUP_LISTEN"] += " " + address + ":" + std::to_string(port_);
  }
  std::uint16_t port() const { return port_; }
  const std::string& key() const { return key_; }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string data_dir() const { return environment_.at("EVERUP_DATA_DIR"); }
  const TempDir& dir() const { return dir_; }
  void use_key(std::string key) { key_ = std::move(key); }

 private:
  Child::Options options() const {
    Child::Options options;
    options.environment = environment_;
    return options;
  }
  std::string postmaster_line(int number) const {
    std::ifstream in(data_dir() + "/pg/postmaster.pid");
    std::string line;
    for (int i = 0; i < number; ++i) std::getline(in, line);
    if (line.empty()) throw std::runtime_error("the private cluster does not run");
    return line;
  }
  TempDir dir_;
  std::string binary_;
  std::uint16_t port_;
  Environment environment_;
  std::string key_;
  std::unique_ptr<Child> child_;
};

// nginx on a fixed port, stopped and started at will.
class WebServer {
 public:
  WebServer() : port_(free_port()) {
    dir_.write("nginx.conf", "daemon off; master_process off; error_log stderr; pid " + dir_.path() +
                                 "/pid;\nevents {}\nhttp { access_log " + dir_.path() +
                                 "/access.log; client_body_temp_path " + dir_.path() + "/t; proxy_temp_path " +
                                 dir_.path() + "/t; fastcgi_temp_path " + dir_.path() + "/t; uwsgi_temp_path " +
                                 dir_.path() + "/t; scgi_temp_path " + dir_.path() + "/t; server { listen 127.0.0.1:" +
                                 std::to_string(port_) + "; location / { return 200 \"fine\\n\"; } } }\n");
  }
  void start() {
    child_ = std::make_unique<Child>(
        std::vector<std::string>{"nginx", "-c", dir_.path() + "/nginx.conf", "-p", dir_.path()});
    if (!wait_until_accepts("127.0.0.1", port_)) throw std::runtime_error("nginx: " + child_->output());
  }
  void stop() { child_.reset(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  // That its own log has seen.
  std::ptrdiff_t requests() const {
    std::ifstream log(dir_.path() + "/access.log");
    return std::count(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>(), '\n');
  }

 private:
  TempDir dir_;
  std::uint16_t port_;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
