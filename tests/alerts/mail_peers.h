// Mail relays of a test's own: a real Postfix that wants STARTTLS and a login and keeps what it took, and a server that
// speaks SMTP by a script where a real one would not misbehave.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "net/digest.h"
#include "tests/support/fake_server.h"
#include "tests/support/pki.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::alerts::test {

using everup::test::CertificateFiles;
using everup::test::Child;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::TempDir;

// The login server that Postfix asks (Dovecot's protocol): PLAIN, LOGIN and XOAUTH2 for one user.
class LoginServer {
 public:
  static constexpr const char* kUser = "alerts@example.test";
  static constexpr const char* kSecret = "correct horse";

  LoginServer() : server_([this](FakeConnection& connection) { serve(connection); }) {}
  std::uint16_t port() const { return server_.port(); }
  std::vector<std::string> mechanisms() const {
    const std::lock_guard lock(mutex_);
    return mechanisms_;
  }

 private:
  static bool right(const std::string& mechanism, const std::string& response) {
    const std::string plain = std::string("\0", 1) + kUser + std::string("\0", 1) + kSecret;
    if (mechanism == "PLAIN") return response == plain;
    return mechanism == "XOAUTH2" &&
           response == std::string("user=") + kUser + "\x01" + "auth=Bearer " + kSecret + "\x01\x01";
  }
  static std::string field(const std::string& line, std::size_t number) {
    std::size_t start = 0;
    for (; number > 0 && start != std::string::npos; --number) start = line.find('\t', start) + 1;
    return line.substr(start, line.find('\t', start) - start);
  }
  static std::string after(const std::string& line, const std::string& mark) {
    const auto at = line.find(mark);
    return at == std::string::npos ? "" : line.substr(at + mark.size());
  }
  void serve(FakeConnection& connection) {
    connection.send(
        "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tXOAUTH2\tplaintext\n"
        "SPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n");
    std::string pending, user;
    for (std::string some; !(some = connection.read_some()).empty();) {
      pending += some;
      for (std::size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
        if (const std::string answer = answer_to(pending.substr(0, end), user); !answer.empty())
          connection.send(answer + "\n");
    }
  }
  std::string answer_to(const std::string& line, std::string& user) {
    const std::string id = field(line, 1);
    if (line.starts_with("AUTH\t")) {
      const std::string mechanism = field(line, 2);
      {
        const std::lock_guard lock(mutex_);
        mechanisms_.push_back(mechanism);
      }
      user.clear();
      if (mechanism != "LOGIN" && line.find("\tresp=") == std::string::npos) {
        asked_ = mechanism;
        return "CONT\t" + id + "\t";
      }
      asked_.clear();
      if (mechanism == "LOGIN" && line.find("\tresp=") == std::string::npos)
        return "CONT\t" + id + "\t" + net::base64("Username:");
      const std::string response = net::from_base64(after(line, "\tresp=")).value_or("");
      if (mechanism == "LOGIN") {
        user = response;
        return "CONT\t" + id + "\t" + net::base64("Password:");
      }
      return verdict(id, right(mechanism, response));
    }
    if (!line.starts_with("CONT\t")) return {};
    const std::string response = net::from_base64(field(line, 2)).value_or("");
    if (!asked_.empty()) return verdict(id, right(std::exchange(asked_, {}), response));
    if (user.empty()) {
      user = response;
      return "CONT\t" + id + "\t" + net::base64("Password:");
    }
    return verdict(id, user == kUser && response == kSecret);
  }
  static std::string verdict(const std::string& id, bool good) {
    return (good ? "OK\t" : "FAIL\t") + id + "\tuser=" + kUser;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> mechanisms_;
  std::string asked_;  // touched by one connection at a time: tests log in one after another
  FakeServer server_;
};

// Postfix as a submission relay: STARTTLS, then a login, then everything is kept in a Maildir. Needs root, as ./test
// has.
class SubmissionPostfix {
 public:
  SubmissionPostfix(const TempDir& dir, const CertificateFiles& files, const std::string& client_ca = {})
      : port_(everup::test::free_port()), mails_(dir.file("postfix/mails")) {
    const std::string home = dir.file("postfix");
    for (const char* part : {"", "/queue", "/data", "/etc", "/mails"}) std::filesystem::create_directories(home + part);
    const passwd* user = getpwnam("postfix");
    if (user == nullptr || chown((home + "/data").c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("postfix: no such user, or not root");
    const passwd* nobody = getpwnam("nobody");
    if (nobody == nullptr || chown(mails_.c_str(), nobody->pw_uid, nobody->pw_gid) != 0)
      throw std::runtime_error("postfix: cannot hand over the mail directory");
    dir.write("postfix/etc/main.cf", main(home, files, client_ca, *nobody));
    dir.write("postfix/etc/master.cf", master());
    child_ = std::make_unique<Child>(std::vector<std::string>{"postfix", "-c", home + "/etc", "start-fg"});
    if (!everup::test::wait_until_accepts("127.0.0.1", port_)) throw std::runtime_error("postfix: " + child_->output());
  }
  std::uint16_t port() const { return port_; }
  LoginServer& logins() { return logins_; }
  Child& child() { return *child_; }
  // The mails that were delivered, once there are `count` of them.
  std::vector<std::string> mails(std::size_t count) {
    std::vector<std::string> found;
    for (int turn = 0; turn < 600 && found.size() < count; ++turn) {
      found.clear();
      std::error_code none;
      for (const auto& entry : std::filesystem::directory_iterator(mails_ + "/ops/new", none))
        found.push_back(everup::test::read_file(entry.path()));
      if (found.size() < count) poll(nullptr, 0, 100);
    }
    return found;
  }

 private:
  std::string main(const std::string& home, const CertificateFiles& files, const std::string& client_ca,
                   const passwd& nobody) const {
    const std::string uid = std::to_string(nobody.pw_uid), gid = std::to_string(nobody.pw_gid);
    return "compatibility_level = 3.6\nqueue_directory = " + home + "/queue\ndata_directory = " + home +
           "/data\ncommand_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n"
           "setgid_group = postdrop\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = relay.test\n"
           "mydestination =\nmynetworks = 192.0.2.1/32\nalias_maps =\nvirtual_mailbox_domains = example.test\n"
           "virtual_mailbox_base = " +
           mails_ +
           "\nvirtual_mailbox_maps = inline:{ops@example.test=ops/}\n"
           "virtual_uid_maps = static:" +
           uid + "\nvirtual_gid_maps = static:" + gid +
           "\nvirtual_minimum_uid = 1\n"
           "smtpd_relay_restrictions = permit_sasl_authenticated, reject\n"
           "smtpd_recipient_restrictions = check_recipient_access inline:{{grey@example.test = 450 4.2.0 Greylisted}},"
           " reject_unlisted_recipient\n"
           "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = inet:127.0.0.1:" +
           std::to_string(logins_.port()) +
           "\nsmtpd_sasl_security_options = noanonymous\nsmtpd_tls_auth_only = yes\nsmtpd_tls_security_level = "
           "encrypt\n"
           "smtpd_tls_cert_file = " +
           files.certificate + "\nsmtpd_tls_key_file = " + files.key +
           (client_ca.empty() ? "" : "\nsmtpd_tls_req_ccert = yes\nsmtpd_tls_CAfile = " + client_ca) +
           "\nmaillog_file = /dev/stdout\n";
  }
  std::string master() const {
    return "127.0.0.1:" + std::to_string(port_) +
           " inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
           "tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n"
           "defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\n"
           "virtual unix - n n - - virtual\nerror unix - - n - - error\nanvil unix - - n - 1 anvil\n"
           "postlog unix-dgram n - n - 1 postlogd\n";
  }

  std::uint16_t port_;
  std::string mails_;
  LoginServer logins_;
  std::unique_ptr<Child> child_;
};

// A relay in clear that answers as told: `replies` by verb ("BANNER", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT",
// "NOOP"); an empty reply hangs until the peer or the server goes, "close" hangs up, "reset" does so with RST.
class ScriptedRelay {
 public:
  using Answer = std::function<std::string(const std::string& verb, const std::string& line)>;

  explicit ScriptedRelay(Answer answer)
      : answer_(std::move(answer)), server_([this](FakeConnection& connection) { serve(connection); }) {}
  std::uint16_t port() const { return server_.port(); }
  int connections() const { return server_.accepted(); }
  std::vector<std::string> mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  // Everything that clients said.
  std::string heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  static std::string usual(const std::string& verb) {
    if (verb == "BANNER") return "220 relay.test ESMTP";
    if (verb == "EHLO") return "250-relay.test\r\n250 8BITMIME";
    if (verb == "DATA") return "354 go ahead";
    return verb == "QUIT" ? "221 bye" : "250 2.0.0 Ok: queued as SCRIPT1";
  }
  bool tell(FakeConnection& connection, const std::string& verb, const std::string& line) {
    std::string reply = answer_ ? answer_(verb, line) : "usual";
    if (reply == "usual") reply = usual(verb);
    if (reply == "reset") {
      connection.reset();
      return false;
    }
    if (reply == "close") return false;
    if (reply.empty()) {
      connection.wait_for_close();
      return false;
    }
    return connection.send(reply + "\r\n");
  }
  void serve(FakeConnection& connection) {
    if (!tell(connection, "BANNER", "")) return;
    std::string pending;
    bool in_mail = false;
    for (std::string some; !(some = connection.read_some()).empty();) {
      {
        const std::lock_guard lock(mutex_);
        heard_ += some;
      }
      pending += some;
      while (true) {
        const auto end = pending.find(in_mail ? "\r\n.\r\n" : "\r\n");
        if (end == std::string::npos) break;
        const std::string line = pending.substr(0, end);
        pending.erase(0, end + (in_mail ? 5 : 2));
        const std::string verb = in_mail ? "DOT" : line.substr(0, line.find_first_of(" :"));
        if (in_mail) {
          const std::lock_guard lock(mutex_);
          mails_.push_back(line);
        }
        if (!tell(connection, verb, line)) return;
        in_mail = verb == "DATA";
      }
    }
  }

  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<std::string> mails_;
  std::string heard_;
  FakeServer server_;
};

}  // namespace everup::alerts::test
