// An Exim of a test's own: with STARTTLS, AUTH and an ACL that refuses, on a port of loopback. Debian's package cannot
// be installed beside Postfix, so ./test unpacks it below build/peers (deploy/packages.sh, everup_unpack). The binary
// wants its compiled-in user: it runs in a mount namespace with a passwd of the test's. It needs root, as ./test has;
// nothing of the system is touched.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/paths.h"
#include "tests/support/pki.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

class Exim {
 public:
  Exim(const TempDir& dir, const CertificateFiles& files) : port_(free_port()) {
    const std::string home = dir.file("exim"), peers = EVERUP_SOURCE_DIR "/build/peers";
    if (!std::filesystem::exists(peers + "/usr/sbin/exim4"))
      throw std::runtime_error("no exim in " + peers + ": ./test unpacks it (deploy/packages.sh)");
    std::filesystem::create_directories(home + "/spool");
    if (chown((home + "/spool").c_str(), kUser, kUser) != 0 || chown(files.key.c_str(), kUser, kUser) != 0)
      throw std::runtime_error("exim: not root");
    const std::string id = std::to_string(kUser);
    dir.write("exim/passwd",
              read_file("/etc/passwd") + "Debian-exim:x:" + id + ":" + id + "::/nonexistent:/bin/false\n");
    dir.write("exim/group", read_file("/etc/group") + "Debian-exim:x:" + id + ":\n");
    dir.write("exim/conf", configuration(home, files));
    const std::string start =
        "mount --bind \"$0/passwd\" /etc/passwd && mount --bind \"$0/group\" /etc/group && "
        "LD_LIBRARY_PATH=\"$(echo \"$1\"/usr/lib/*-linux-gnu)\" exec \"$1/usr/sbin/exim4\" -C \"$0/conf\" -bdf -oX "
        "127.0.0.1." +
        std::to_string(port_) + " -oP \"$0/pid\"";
    child_ = std::make_unique<Child>(std::vector<std::string>{"unshare", "-m", "sh", "-c", start, home, peers});
    if (!wait_until_accepts("127.0.0.1", port_)) throw std::runtime_error("exim: " + child_->output());
  }
  std::uint16_t port() const { return port_; }

 private:
  static constexpr uid_t kUser = 64'999;

  static std::string configuration(const std::string& home, const CertificateFiles& files) {
    return "primary_hostname = mx.test\nspool_directory = " + home + "/spool\nlog_file_path = " + home +
           "/spool/%slog\nkeep_environment =\ndomainlist ours = example.test\nacl_smtp_rcpt = check\n"
           "tls_advertise_hosts = *\nauth_advertise_hosts = *\nrfc1413_query_timeout = 0s\ntls_certificate = " +
           files.certificate + "\ntls_privatekey = " + files.key +
           "\nbegin acl\ncheck:\n  accept authenticated = *\n"
           "  defer domains = +ours\n    local_parts = grey\n    message = Greylisted, please come again\n"
           "  deny domains = +ours\n    local_parts = !bob\n    message = Unknown user\n"
           "  accept domains = +ours\n  deny message = relay not permitted\n"
           "begin routers\ndrop:\n  driver = redirect\n  data = :blackhole:\n"
           "begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n"
           "  server_condition = ${if and{{eq{$auth2}{bob}}{eq{$auth3}{secret}}}}\n  server_set_id = $auth2\n"
           "  server_advertise_condition = ${if def:tls_in_cipher}\n"
           "cram:\n  driver = cram_md5\n  public_name = CRAM-MD5\n"
           "  server_secret = ${if eq{$auth1}{bob}{secret}fail}\n  server_set_id = $auth1\n";
  }

  std::uint16_t port_;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
