// The tools with real probes: strangers' by one policy, signed-in users' by another; and a mail server that says its
// next line when the test lets it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "checker/make_probe.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/resolver.h"
#include "tests/api_routes/house_fixture.h"
#include "tests/support/fake_server.h"
#include "tests/support/postgres.h"
#include "tests/support/tempdir.h"

namespace everup::api {

using test::must;

class Prober final : public checker::ProbeMaker, public checker::MailViewer {
 public:
  Prober(net::Loop& loop, const net::AddressPolicy& policy, const std::string& ca_file,
         const net::ResolverOptions& names)
      : resolver_(loop, names) {
    checker::ProbeSettings settings;
    settings.ca_file = ca_file;
    settings.ehlo_name = "tester.example";
    settings.dnsbl_zones = {"bl.test"};
    probes_ = must(checker::Probes::make(loop, resolver_, policy, settings));
  }
  std::unique_ptr<checker::Probe> start(const checker::Question& question, checker::Done done) override {
    return probes_->start(question, std::move(done));
  }
  std::unique_ptr<checker::Probe> view(const checker::MailQuestion& question, Instant deadline, bool strict_policy,
                                       checker::Viewed viewed) override {
    return probes_->view(question, deadline, strict_policy, std::move(viewed));
  }

 private:
  net::Resolver resolver_;
  std::unique_ptr<checker::Probes> probes_;
};

// A mail server that says its next line when it is told to.
class SlowMail {
 public:
  explicit SlowMail(std::string greeting = "220 slow.example ESMTP")
      : greeting_(std::move(greeting)), server_([this](test::FakeConnection& c) { serve(c); }) {}
  ~SlowMail() { say(1'000'000); }
  std::uint16_t port() const { return server_.port(); }
  void say(int lines) {
    const std::lock_guard lock(mutex_);
    allowed_ += lines;
    changed_.notify_all();
  }
  std::string heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  bool line(test::FakeConnection& c, const std::string& text) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return allowed_ > 0; });
    --allowed_;
    lock.unlock();
    return c.send(text + "\r\n");
  }
  void serve(test::FakeConnection& c) {
    if (!line(c, greeting_)) return;
    for (std::string rest;;) {
      std::size_t end = 0;
      while ((end = rest.find("\r\n")) == std::string::npos) {
        const std::string more = c.read_some();
        if (more.empty()) return;
        rest += more;
      }
      const std::string command = rest.substr(0, end);
      rest.erase(0, end + 2);
      {
        const std::lock_guard lock(mutex_);
        heard_ += command + "\n";
      }
      const bool ehlo = command.starts_with("EHLO");
      if (ehlo && !line(c, "250-slow.example greets you")) return;
      if (!line(c, ehlo ? "250 8BITMIME" : command == "QUIT" ? "221 bye" : "250 2.1.0 fine")) return;
    }
  }

  const std::string greeting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0;
  std::string heard_;
  test::FakeServer server_;
};

class Tools : public ApiTest {
 protected:
  ~Tools() override { stop(); }  // before the policies go
  void serve(std::vector<std::uint16_t> ports, bool open = true, const std::string& public_allow = "loopback") {
    private_policy_ = std::make_unique<net::AddressPolicy>(must(net::AllowList::parse("loopback")), kNobody);
    public_policy_ = std::make_unique<net::AddressPolicy>(
        must(net::AllowList::parse(public_allow, "EVERUP_PUBLIC_TOOLS_ALLOW_TARGETS")), kNobody);
    ApiOptions options;
    options.make_prober = [this](net::Loop& loop) { return prober(loop, *private_policy_); };
    options.tools.make_prober = [this](net::Loop& loop) { return prober(loop, *public_policy_); };
    options.tools.policy = public_policy_.get();
    options.tools.smtp = options.tools.tls = open;
    options.base_url = base_url_;
    options.tools.ports = std::move(ports);
    start(std::move(options));
  }
  static std::string mail_to(const SlowMail& server, const std::string& options = "{}") {
    return R"({"target":"smtp://127.0.0.1:)" + std::to_string(server.port()) + R"(","options":)" + options + "}";
  }
  std::string begin(const std::string& body, const std::string& key = "") const {
    const auto reply = call("POST", "/api/v1/smtp_tests", key, body);
    EXPECT_EQ(reply.status, 202) << reply.body;
    EXPECT_EQ(reply.field("location"), "/api/v1/smtp_tests/" + pick(reply.body, "id"));
    return pick(reply.body, "id");
  }
  // A stream that is open, and what it brought so far.
  std::unique_ptr<test::Client> open(const std::string& path, const std::string& fields = "") const {
    auto client = std::make_unique<test::Client>(port());
    client->send(test::request("GET", path, fields));
    return client;
  }
  static bool comes(test::Client& client, const std::string& text) {
    while (client.rest().find(text) == std::string::npos) {
      if (!client.more()) return false;
    }
    return true;
  }
  std::string ended(const std::string& path) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::string body;
    while (std::chrono::steady_clock::now() < end) {
      body = call("GET", path, "").body;
      if (pick(body, "state") != "running") break;
    }
    return body;
  }
  void wait_until_stored() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (sql_value("SELECT count(*) FROM tool_tests WHERE report IS NULL") != "0" &&
           std::chrono::steady_clock::now() < end) {
    }
  }

  test::TempDir dir_;
  std::string ca_file_;
  net::ResolverOptions names_;  // before serve(), as is the next
  std::string base_url_;

 private:
  Result<std::unique_ptr<checker::ProbeMaker>> prober(net::Loop& loop, const net::AddressPolicy& policy) const {
    return std::unique_ptr<checker::ProbeMaker>(std::make_unique<Prober>(loop, policy, ca_file_, names_));
  }
  const std::vector<net::Address> kNobody;
  std::unique_ptr<net::AddressPolicy> private_policy_, public_policy_;
};

}  // namespace everup::api
