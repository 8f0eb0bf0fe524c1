// A Postfix of a test's own below its TempDir: plain with STARTTLS, wrapped in TLS, and behind postscreen, each on a
// port of loopback. It needs root, as ./test has; nothing of the system's own Postfix is touched.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/pki.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

class Postfix {
 public:
  Postfix(const TempDir& dir, const CertificateFiles& files)
      : smtp_(free_port()), smtps_(free_port()), screened_(free_port()) {
    const std::string home = dir.file("postfix");
    for (const char* part : {"", "/queue", "/data", "/etc"}) std::filesystem::create_directories(home + part);
    const passwd* user = getpwnam("postfix");
    if (user == nullptr || chown((home + "/data").c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("postfix: no such user, or not root");
    dir.write("postfix/etc/main.cf", main(home, files));
    dir.write("postfix/etc/master.cf", master());
    child_ = std::make_unique<Child>(std::vector<std::string>{"postfix", "-c", home + "/etc", "start-fg"});
    for (const std::uint16_t port : {smtp_, smtps_})
      if (!wait_until_accepts("127.0.0.1", port)) throw std::runtime_error("postfix: " + child_->output());
  }
  std::uint16_t smtp() const { return smtp_; }
  std::uint16_t smtps() const { return smtps_; }
  std::uint16_t screened() const { return screened_; }
  Child& child() { return *child_; }

 private:
  static std::string main(const std::string& home, const CertificateFiles& files) {
    return "compatibility_level = 3.6\nqueue_directory = " + home + "/queue\ndata_directory = " + home +
           "/data\ncommand_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n"
           "setgid_group = postdrop\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.test\n"
           "mydestination = example.test\nmynetworks = 192.0.2.1/32\nalias_maps =\nlocal_transport = discard\n"
           "local_recipient_maps = inline:{bob=x,grey=x}\nsmtpd_relay_restrictions = reject_unauth_destination\n"
           "smtpd_recipient_restrictions = check_recipient_access inline:{{grey@example.test = 450 4.2.0 Greylisted}}\n"
           "maillog_file = /dev/stdout\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = " +
           files.certificate + "\nsmtpd_tls_key_file = " + files.key +
           "\nmessage_size_limit = 10240000\npostscreen_greet_action = enforce\npostscreen_greet_wait = 2s\n"
           "postscreen_access_list =\npostscreen_cache_map =\n";
  }
  std::string master() const {
    const auto place = [](std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); };
    return place(smtp_) + " inet n - n - - smtpd\n" + place(smtps_) +
           " inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n" + place(screened_) +
           " inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\n"
           "tlsproxy unix - - n - 0 tlsproxy\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
           "tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\n"
           "defer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\n"
           "discard unix - - n - - discard\nerror unix - - n - - error\nanvil unix - - n - 1 anvil\n"
           "postlog unix-dgram n - n - 1 postlogd\n";
  }

  std::uint16_t smtp_, smtps_, screened_;
  std::unique_ptr<Child> child_;
};

// smtp-sink, with its fault options.
class SmtpSink {
 public:
  explicit SmtpSink(std::vector<std::string> options = {}) : port_(free_port()) {
    std::vector<std::string> words = {"smtp-sink", "-u", "nobody", "-h", "sink.test"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"127.0.0.1:" + std::to_string(port_), "128"});
    child_ = std::make_unique<Child>(std::move(words));
    if (!wait_until_accepts("127.0.0.1", port_)) throw std::runtime_error("smtp-sink: " + child_->output());
  }
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
