// Streams that become TLS: against openssl's and GnuTLS's own servers, with every kind of wrong certificate, and
// against servers that break the rules of STARTTLS.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "net/stream.h"
#include "net/tls_store.h"
#include "tests/net_stream/talk.h"
#include "tests/support/fake_server.h"
#include "tests/support/pki.h"
#include "tests/support/ports.h"
#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::net::test {
namespace {

using everup::test::CertificateFiles;
using everup::test::Child;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::TempDir;
using everup::test::TestCa;

// openssl s_server on an ephemeral port; -rev answers every line turned round.
class OpensslServer {
 public:
  explicit OpensslServer(const CertificateFiles& files, std::vector<std::string> more = {})
      : child_(arguments(files, std::move(more))) {
    EXPECT_TRUE(child_.wait_for_output("ACCEPT ")) << child_.output();
    EXPECT_TRUE(child_.wait_for_output("\n", std::chrono::seconds(5)));
    const std::string text = child_.output();
    const std::size_t end = text.find('\n', text.find("ACCEPT "));
    port_ = static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':', end) + 1)));
  }
  std::uint16_t port() const { return port_; }
  Child& child() { return child_; }

 private:
  static std::vector<std::string> arguments(const CertificateFiles& files, std::vector<std::string> more) {
    std::vector<std::string> result = {"openssl", "s_server",        "-accept", "127.0.0.1:0", "-rev",
                                       "-cert",   files.certificate, "-key",    files.key};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  Child child_;
  std::uint16_t port_ = 0;
};

class SecuredStream : public ::testing::Test {
 protected:
  SecuredStream() : ca_(dir_), good_(ca_.issue("good", "DNS:mail.test,IP:127.0.0.1")) {
    trust_ = *(*TrustStore::none())->with(ca_.pem());
  }
  StreamTls verified(const std::string& host = "mail.test", bool enforce = true) {
    StreamTls tls;
    tls.trust = trust_;
    tls.host = host;
    tls.enforce = enforce;
    return tls;
  }
  // Connects and makes it TLS at once; the event told last.
  static char shake(Talk& talk, std::uint16_t port, const StreamTls& tls) {
    talk.connect(port);
    EXPECT_TRUE(talk.until('C'));
    talk.stream().secure(tls);
    EXPECT_EQ(talk.events(), "C") << "told from inside secure()";
    EXPECT_TRUE(talk.turn_until([&] { return talk.events().find_first_of("TF") != std::string::npos; }));
    return talk.events().back();
  }

  TempDir dir_;
  TestCa ca_;
  CertificateFiles good_;
  std::shared_ptr<const TrustStore> trust_;
};

TEST_F(SecuredStream, AGoodCertificateAndWordsThroughIt) {
  OpensslServer server(good_);
  Talk talk;
  ASSERT_EQ(shake(talk, server.port(), verified()), 'T') << talk.stream().failure().detail;
  EXPECT_TRUE(talk.stream().secured());
  const TlsFacts& facts = talk.stream().tls();
  EXPECT_EQ(facts.version, "TLSv1.3");
  EXPECT_EQ(facts.cipher.substr(0, 4), "TLS_");
  EXPECT_EQ(facts.verification, Cause::kOk);
  EXPECT_FALSE(facts.stapled);
  ASSERT_TRUE(facts.certificate);
  EXPECT_EQ(facts.certificate->subject, "CN=good");
  EXPECT_EQ(facts.certificate->verify_error, "");
  EXPECT_EQ(talk.stream().leaf_not_after(), facts.certificate->not_after);
  EXPECT_GT(talk.stream().times().secured, talk.stream().times().connected);
  ASSERT_TRUE(talk.stream().write("olleh\n"));
  ASSERT_TRUE(talk.until_received("hello\n"));
  EXPECT_EQ(talk.take(), "hello\n");
  talk.stream().close();
  EXPECT_TRUE(server.child().wait_for_output("CONNECTION CLOSED"));
}

TEST_F(SecuredStream, ALongAnswerAndALongQuestion) {
  OpensslServer server(good_, {"-tls1_2"});
  Talk talk;
  ASSERT_EQ(shake(talk, server.port(), verified()), 'T');
  EXPECT_EQ(talk.stream().tls().version, "TLSv1.2");
  std::string line;
  for (int i = 0; i < 1600; ++i) line += "0123456789";
  ASSERT_TRUE(talk.stream().write(line + "\n"));
  std::string answer;
  ASSERT_TRUE(talk.turn_until([&] {
    answer += talk.take();
    return answer.ends_with('\n');
  }));
  EXPECT_EQ(std::string(answer.rbegin() + 1, answer.rend()), line);
}

TEST_F(SecuredStream, EveryKindOfWrongEnforcedAndTold) {
  TestCa stranger(dir_, "stranger");
  struct Case {
    CertificateFiles files;
    std::string host;
    Cause cause;
  };
  const std::vector<Case> cases = {
      {ca_.issue("old", "DNS:mail.test", "20200101000000Z", "20210101000000Z"), "mail.test", Cause::kTlsExpired},
      {ca_.issue("young", "DNS:mail.test", "20950101000000Z", "20960101000000Z"), "mail.test", Cause::kTlsNotYetValid},
      {good_, "other.test", Cause::kTlsWrongHost},
      {good_, "127.0.0.2", Cause::kTlsWrongHost},
      {stranger.issue("theirs", "DNS:mail.test"), "mail.test", Cause::kTlsUnknownIssuer},
      {ca_.self_signed("self", "DNS:mail.test"), "mail.test", Cause::kTlsSelfSigned}};
  for (const Case& wrong : cases) {
    OpensslServer server(wrong.files);
    Talk strict;
    EXPECT_EQ(shake(strict, server.port(), verified(wrong.host)), 'F');
    EXPECT_EQ(strict.stream().failure().cause, wrong.cause) << strict.stream().failure().detail;
    ASSERT_TRUE(strict.stream().tls().certificate) << "the refused certificate is remembered";
    EXPECT_NE(strict.stream().tls().certificate->verify_error, "");
    Talk lenient;
    EXPECT_EQ(shake(lenient, server.port(), verified(wrong.host, false)), 'T');
    EXPECT_EQ(lenient.stream().tls().verification, wrong.cause);
    EXPECT_EQ(lenient.stream().tls().certificate->verify_error, strict.stream().failure().detail);
    ASSERT_TRUE(lenient.stream().write("cba\n"));
    EXPECT_TRUE(lenient.until_received("abc\n")) << "the dialogue goes on";
  }
  OpensslServer server(good_);
  Talk address;
  EXPECT_EQ(shake(address, server.port(), verified("127.0.0.1")), 'T') << address.stream().failure().detail;
  address.destroy();  // s_server serves one at a time
  Talk blind;
  StreamTls none;
  EXPECT_EQ(shake(blind, server.port(), none), 'T');
  EXPECT_EQ(blind.stream().tls().certificate->subject, "CN=good");
}

TEST_F(SecuredStream, AStapleIsHeard) {
  const CertificateFiles files = ca_.issue("stapled", "DNS:mail.test");
  {
    OpensslServer server(files, {"-status_file", ca_.staple(files)});
    Talk talk;
    ASSERT_EQ(shake(talk, server.port(), verified()), 'T') << talk.stream().failure().detail;
    EXPECT_TRUE(talk.stream().tls().stapled);
    EXPECT_EQ(talk.stream().tls().verification, Cause::kOk);
  }
  OpensslServer server(files, {"-status_file", ca_.revoke(files)});
  Talk strict;
  EXPECT_EQ(shake(strict, server.port(), verified()), 'F');
  EXPECT_EQ(strict.stream().failure().cause, Cause::kTlsRevoked);
  Talk lenient;
  EXPECT_EQ(shake(lenient, server.port(), verified("mail.test", false)), 'T');
  EXPECT_EQ(lenient.stream().tls().verification, Cause::kTlsRevoked);
}

// A server that refuses every name but one (RFC 6066, section 3): the name goes without its trailing dot.
TEST_F(SecuredStream, NamesGoAsSni) {
  OpensslServer server(
      good_, {"-servername", "mail.test", "-servername_fatal", "-cert2", good_.certificate, "-key2", good_.key});
  Talk dotted;
  EXPECT_EQ(shake(dotted, server.port(), verified("mail.test.")), 'T') << dotted.stream().failure().detail;
  dotted.destroy();
  Talk other;
  EXPECT_EQ(shake(other, server.port(), verified("other.test", false)), 'F');
  EXPECT_EQ(other.stream().failure().cause, Cause::kTlsHandshake);
  EXPECT_EQ(other.stream().failure().tls_alert, 112);
}

TEST_F(SecuredStream, AlpnIsAgreed) {
  OpensslServer server(good_, {"-alpn", "smtp,http/1.1"});
  Talk talk;
  StreamTls tls = verified();
  tls.alpn = "smtp";
  ASSERT_EQ(shake(talk, server.port(), tls), 'T') << talk.stream().failure().detail;
  EXPECT_EQ(talk.stream().tls().alpn, "smtp");
}

TEST_F(SecuredStream, GnuTlsAnswersToo) {
  const std::uint16_t port = everup::test::free_port();
  Child server({"gnutls-serv", "--echo", "--port", std::to_string(port), "--x509certfile", good_.certificate,
                "--x509keyfile", good_.key});
  ASSERT_TRUE(server.wait_for_output("listening on IPv4")) << server.output();
  Talk talk;
  ASSERT_EQ(shake(talk, port, verified()), 'T') << talk.stream().failure().detail;
  ASSERT_TRUE(talk.stream().write("hello\n"));
  EXPECT_TRUE(talk.until_received("hello\n"));
}

TEST_F(SecuredStream, AHandshakeThatCannotSucceed) {
  FakeServer plain([](FakeConnection& connection) {
    char hello[512];
    if (recv(connection.fd(), hello, sizeof hello, 0) > 0) connection.send("500 what?\r\n");
    connection.wait_for_close();
  });
  Talk talk;
  EXPECT_EQ(shake(talk, plain.port(), verified()), 'F');
  EXPECT_EQ(talk.stream().failure().cause, Cause::kTlsHandshake);
  FakeServer leaving([](FakeConnection& connection) {
    char hello[4096];
    if (recv(connection.fd(), hello, sizeof hello, 0) > 0) return;
  });
  Talk left;
  EXPECT_EQ(shake(left, leaving.port(), verified()), 'F');
  EXPECT_EQ(left.stream().failure().cause, Cause::kTlsReset);
  FakeServer rude([](FakeConnection& connection) {
    char hello[16];
    if (recv(connection.fd(), hello, sizeof hello, 0) > 0) connection.reset();
  });
  Talk reset;
  EXPECT_EQ(shake(reset, rude.port(), verified()), 'F');
  EXPECT_EQ(reset.stream().failure().cause, Cause::kTlsReset);
  OpensslServer old(good_, {"-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"});  // no RSA key: no suite
  Talk alert;
  EXPECT_EQ(shake(alert, old.port(), verified()), 'F');
  EXPECT_EQ(alert.stream().failure().cause, Cause::kTlsHandshake);
  EXPECT_EQ(alert.stream().failure().tls_alert, 40);
}

TEST_F(SecuredStream, APlainBannerWhereTlsIsExpectedIsNoInjection) {
  FakeServer server([](FakeConnection& connection) {
    connection.send("220 plain.test ESMTP\r\n");
    connection.wait_for_close();
  });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.until('R'));
  talk.stream().secure(verified());
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kTlsHandshake);
  EXPECT_NE(talk.stream().failure().detail.find("220 plain.test ESMTP"), std::string::npos);
}

// RFC 3207, section 6; CVE-2011-0411: what comes behind the 220 in clear must never be taken for an answer inside TLS.
TEST_F(SecuredStream, PlaintextBehindStarttlsIsInjection) {
  FakeServer server([](FakeConnection& connection) {
    connection.send("220 ready\r\n250 injected\r\n");
    connection.wait_for_close();
  });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.until_received("injected\r\n"));
  talk.stream().consume(11);
  talk.stream().secure(verified());
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kStartTlsInjection);
  EXPECT_EQ(talk.stream().failure().detail, "plain text where TLS begins: 250 injected\\x0d\\x0a");
}

// The same when it is still in the kernel's buffer as we begin.
TEST_F(SecuredStream, PlaintextThatWasNotReadYetIsInjectionToo) {
  std::promise<void> arrived;
  FakeServer server([&](FakeConnection& connection) {
    connection.send("220 ready\r\n");
    char go = 0;
    if (recv(connection.fd(), &go, 1, 0) != 1) return;
    connection.send("250 injected\r\n");
    arrived.set_value();  // on loopback the bytes are with the receiver when send() returns
    connection.wait_for_close();
  });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.until_received("ready\r\n"));
  talk.stream().consume(11);
  ASSERT_TRUE(talk.stream().write("g"));
  // Without turning the loop: until the kernel has it.
  ASSERT_TRUE(arrived.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
  talk.stream().secure(verified());
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kStartTlsInjection);
}

TEST_F(SecuredStream, DestroyedInsideAndInTheMiddle) {
  OpensslServer server(good_);
  Talk inside;
  inside.then = [&](StreamEvent event) {
    if (event == StreamEvent::kSecured) inside.destroy();
  };
  inside.connect(server.port());
  ASSERT_TRUE(inside.until('C'));
  inside.stream().secure(verified());
  ASSERT_TRUE(inside.turn_until([&] { return !inside.alive(); }));
  Talk middle;
  middle.connect(server.port());
  ASSERT_TRUE(middle.until('C'));
  middle.stream().secure(verified());
  middle.destroy();
  middle.drain();
  EXPECT_EQ(middle.events(), "C");
}

TEST_F(SecuredStream, TheContextLivesWithTheStore) {
  OpensslServer server(good_);
  for (int round = 0; round < 3; ++round) {
    auto own = *(*TrustStore::none())->with(ca_.pem());
    StreamTls tls = verified();
    tls.trust = own;
    own.reset();
    Talk talk;
    EXPECT_EQ(shake(talk, server.port(), tls), 'T');
  }
}

}  // namespace
}  // namespace everup::net::test
