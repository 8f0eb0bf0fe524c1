// The dialogues before TLS, whole and byte by byte, good and bad.
#include "checker/starttls_prelude.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/tls_report.h"

namespace everup::checker {
namespace {

struct Talk {
  TlsPrelude kind;
  std::vector<std::pair<std::string, std::string>> turns;  // what we say first, what the server answers
};

std::string ldap(char result) {
  return std::string("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01", 9) + result + std::string("\x04\x00\x04\x00", 4);
}

const std::vector<Talk>& good_talks() {
  static const std::vector<Talk> kTalks = {
      {TlsPrelude::kSmtp,
       {{"", "220-mx.test wait\r\n220 ready\r\n"},
        {"EHLO us.test\r\n", "250-mx.test\r\n250-size 0\r\n250-startTLS\r\n250 \r\n"},
        {"STARTTLS\r\n", "220 2.0.0 go\r\n"}}},
      {TlsPrelude::kLmtp,
       {{"", "220 ready\n"}, {"LHLO us.test\r\n", "250-x\n250 STARTTLS\n"}, {"STARTTLS\r\n", "220 go\n"}}},
      {TlsPrelude::kImap,
       {{"", "* OK [CAPABILITY IMAP4rev1] ready\r\n"}, {"e1 STARTTLS\r\n", "* CAPABILITY X\r\ne1 OK begin\r\n"}}},
      {TlsPrelude::kPop3, {{"", "+OK <1@x>\r\n"}, {"STLS\r\n", "+OK begin\r\n"}}},
      {TlsPrelude::kFtp,
       {{"", "220-Welcome\r\n 230 is only text\r\nand so is this\r\n220 ready\r\n"}, {"AUTH TLS\r\n", "234 go\r\n"}}},
      {TlsPrelude::kXmpp,
       {{"<?xml version='1.0'?><stream:stream to='shop.test' version='1.0' xmlns='jabber:client' "
         "xmlns:stream='http://etherx.jabber.org/streams'>",
         "<?xml version='1.0'?><stream:stream id='1'><stream:features><starttls "
         "xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"},
        {"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}}},
      {TlsPrelude::kLdap,
       {{std::string("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                     "1.3.6.1.4.1.1466.20037",
                     31),
         ldap(0)}}},
      {TlsPrelude::kPostgres, {{std::string("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8), "S"}}},
  };
  return kTalks;
}

// Feeds what the server says in steps, keeping what was not taken, as a stream does.
void hear(StartTlsPrelude& prelude, std::string& kept, std::string_view said, std::size_t step) {
  while (!said.empty()) {
    kept += said.substr(0, step);
    said.remove_prefix(std::min(step, said.size()));
    kept.erase(0, prelude.on_bytes(kept));
  }
}

TEST(StartTlsPrelude, EveryProtocolWholeAndByteByByte) {
  for (const Talk& talk : good_talks()) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
      StartTlsPrelude prelude(talk.kind, "us.test", "shop.test");
      std::string kept;
      for (const auto& [ours, theirs] : talk.turns) {
        ASSERT_EQ(prelude.state(), StartTlsPrelude::State::kTalking) << slug(talk.kind) << " " << prelude.detail();
        EXPECT_EQ(prelude.to_send(), ours) << slug(talk.kind);
        hear(prelude, kept, theirs, step);
      }
      EXPECT_EQ(prelude.state(), StartTlsPrelude::State::kReady) << slug(talk.kind) << " " << prelude.detail();
      EXPECT_TRUE(kept.empty());
      EXPECT_TRUE(prelude.to_send().empty());
      EXPECT_FALSE(prelude.take_lines().empty());
    }
  }
}

TEST(StartTlsPrelude, ABytePastTheLastWordIsInjection) {
  for (const Talk& talk : good_talks()) {
    StartTlsPrelude prelude(talk.kind, "us.test", "shop.test");
    std::string kept;
    for (std::size_t i = 0; i < talk.turns.size(); ++i) {
      const bool last = i + 1 == talk.turns.size();
      hear(prelude, kept, talk.turns[i].second + (last ? "x" : ""), 4096);
    }
    EXPECT_EQ(prelude.state(), StartTlsPrelude::State::kFailed) << slug(talk.kind);
    EXPECT_EQ(prelude.cause(), Cause::kStartTlsInjection) << slug(talk.kind);
  }
}

struct Bad {
  TlsPrelude kind;
  std::string said;
  Cause cause;
};

TEST(StartTlsPrelude, RefusalsHaveTheirCause) {
  const std::string greeting = "220 x\r\n", offers = "250-x\r\n250 STARTTLS\r\n";
  const std::string features =
      "<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
  for (const Bad& bad : std::vector<Bad>{
           {TlsPrelude::kSmtp, "554 no\r\n", Cause::kSmtpBannerRejected},
           {TlsPrelude::kSmtp, "421 closing\r\n", Cause::kSmtpUnavailable},
           {TlsPrelude::kSmtp, "SSH-2.0-x\r\n", Cause::kSmtpProtocol},
           {TlsPrelude::kSmtp, "220-a\r\n221 b\r\n", Cause::kSmtpProtocol},
           {TlsPrelude::kSmtp, greeting + "502 no\r\n", Cause::kStartTlsUnavailable},
           {TlsPrelude::kSmtp, greeting + "250 SIZE\r\n", Cause::kStartTlsUnavailable},
           {TlsPrelude::kSmtp, greeting + offers + "454 later\r\n", Cause::kStartTlsRefused},
           {TlsPrelude::kSmtp, std::string(3000, 'a'), Cause::kSmtpProtocol},
           {TlsPrelude::kImap, "* BYE\r\n", Cause::kSmtpBannerRejected},
           {TlsPrelude::kImap, "* PREAUTH in\r\n", Cause::kStartTlsUnavailable},
           {TlsPrelude::kImap, "* OK\r\ne1 BAD what\r\n", Cause::kStartTlsRefused},
           {TlsPrelude::kPop3, "-ERR busy\r\n", Cause::kSmtpBannerRejected},
           {TlsPrelude::kPop3, "+OK\r\n-ERR no\r\n", Cause::kStartTlsRefused},
           {TlsPrelude::kFtp, "220 x\r\n530 no\r\n", Cause::kStartTlsRefused},
           {TlsPrelude::kXmpp, "<stream:stream><stream:features></stream:features>", Cause::kStartTlsUnavailable},
           {TlsPrelude::kXmpp, features + "<failure xmlns='x'/>", Cause::kStartTlsRefused},
           {TlsPrelude::kXmpp, "HTTP/1.1 400\r\n", Cause::kSmtpProtocol},
           {TlsPrelude::kLdap, ldap(52), Cause::kStartTlsRefused},
           {TlsPrelude::kLdap, "HTTP/1.1 400\r\n", Cause::kSmtpProtocol},
           {TlsPrelude::kLdap, std::string("\x30\x84\x7f\xff\xff\xff", 6), Cause::kSmtpProtocol},
           {TlsPrelude::kPostgres, "N", Cause::kStartTlsUnavailable},
           {TlsPrelude::kPostgres, "E", Cause::kSmtpProtocol},
       }) {
    StartTlsPrelude prelude(bad.kind, "us.test", "shop.test");
    std::string kept;
    hear(prelude, kept, bad.said, 1);
    EXPECT_EQ(prelude.state(), StartTlsPrelude::State::kFailed) << bad.said;
    EXPECT_EQ(facts(prelude.cause()).slug, facts(bad.cause).slug) << bad.said << ": " << prelude.detail();
  }
}

TEST(StartTlsPrelude, HasLimits) {
  StartTlsPrelude endless(TlsPrelude::kSmtp, "us.test", "shop.test");
  std::string lines, kept;
  for (int i = 0; i < 100; ++i) lines += "220-more\r\n";
  hear(endless, kept, lines, 4096);
  EXPECT_EQ(endless.state(), StartTlsPrelude::State::kFailed);
  StartTlsPrelude xml(TlsPrelude::kXmpp, "us.test", "shop.test");
  kept.clear();
  hear(xml, kept, "<a" + std::string(20'000, ' '), 4096);
  EXPECT_EQ(xml.state(), StartTlsPrelude::State::kFailed);
}

TEST(StartTlsPrelude, NothingOfTheHostLeavesItsAttribute) {
  StartTlsPrelude prelude(TlsPrelude::kXmpp, "us.test", "a'/><evil x='");
  EXPECT_EQ(prelude.to_send().find("<evil"), std::string::npos);
}

}  // namespace
}  // namespace everup::checker
