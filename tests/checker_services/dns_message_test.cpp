// DNS messages: what we ask, and what we make of answers, whole, cut and bent.
#include "net/dns_message.h"

#include <gtest/gtest.h>

#include <random>

namespace everup::net {
namespace {

std::string number(unsigned value) { return {static_cast<char>(value >> 8U & 255U), static_cast<char>(value & 255U)}; }
// An answer to our own question with these records, each pointing back at the question's name.
std::string reply_to(const std::string& question, unsigned flags,
                     const std::vector<std::pair<unsigned, std::string>>& records) {
  std::string out = question.substr(0, 2) + number(flags) + number(1) + number(static_cast<unsigned>(records.size())) +
                    number(0) + number(0);
  out += question.substr(12, question.size() - 12 - 11);  // without the OPT record
  for (const auto& [type, data] : records) {
    out += number(0xC00C) + number(type) + number(1) + number(0) + number(300) +
           number(static_cast<unsigned>(data.size())) + data;
  }
  return out;
}

TEST(DnsMessage, TheQuestionIsWhatRfc1035Says) {
  const auto bytes = dns_question(0x1234, "a.example", DnsType::kMx);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->substr(0, 12), std::string("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01", 12));
  EXPECT_EQ(bytes->substr(12, 15), std::string("\x01"
                                               "a\x07"
                                               "example\x00\x00\x0f\x00\x01",
                                               15));
  EXPECT_EQ(bytes->size(), 12u + 15 + 11);
  EXPECT_FALSE(dns_question(1, std::string(64, 'x') + ".example", DnsType::kA));
  const auto reverse = dns_question(1, "192.0.2.7", DnsType::kPtr);
  ASSERT_TRUE(reverse);
  EXPECT_NE(reverse->find("\x01"
                          "7\x01"
                          "2\x01"
                          "0\x03"
                          "192\x07"
                          "in-addr\x04"
                          "arpa"),
            std::string::npos);
}

TEST(DnsMessage, EveryTypeIsShownAsPeopleWriteIt) {
  const struct {
    DnsType type;
    unsigned wire;
    std::string data;
    const char* value;
  } kTable[] = {
      {DnsType::kA, 1, std::string("\xC0\x00\x02\x07", 4), "192.0.2.7"},
      {DnsType::kAaaa, 28, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16), "2001:db8::7"},
      {DnsType::kCname, 5,
       std::string("\x01"
                   "b\xC0\x0E",
                   4),
       "b.example"},
      {DnsType::kMx, 15, std::string("\x00\x0a\x02mx\xC0\x0C", 7), "10 mx.a.example"},
      {DnsType::kMx, 15, std::string("\x00\x00\x00", 3), "0 ."},
      {DnsType::kNs, 2, std::string("\x02ns\xC0\x0E", 5), "ns.example"},
      {DnsType::kTxt, 16, std::string("\x06v=spf1\x05 -all", 13), "v=spf1 -all"},
      {DnsType::kSoa, 6, std::string("\xC0\x0C\xC0\x0C\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 24),
       "a.example a.example 1 2 3 4 5"},
      {DnsType::kCaa, 257, std::string("\0\x05issueca.example", 17), "0 issue \"ca.example\""},
      {DnsType::kSrv, 33, std::string("\0\1\0\2\x01\xbb\xC0\x0C", 8), "1 2 443 a.example"},
      {DnsType::kPtr, 12, std::string("\xC0\x0C", 2), "a.example"},
  };
  for (const auto& row : kTable) {
    const auto question = dns_question(7, "a.example", row.type);
    ASSERT_TRUE(question);
    const auto reply = dns_reply(reply_to(*question, 0x8180, {{row.wire, row.data}}), "A.Example", row.type);
    ASSERT_TRUE(reply) << row.value << ": " << reply.error().what;
    ASSERT_EQ(reply->records.size(), 1u) << row.value;
    EXPECT_EQ(reply->records[0].value, row.value);
    EXPECT_EQ(reply->records[0].ttl, 300u);
    EXPECT_EQ(reply->records[0].name, "a.example");
    EXPECT_EQ(reply->id, 7);
  }
}

TEST(DnsMessage, WhatIsNoAnswerToTheQuestionIsRefused) {
  const auto question = dns_question(7, "a.example", DnsType::kA);
  const std::string address("\xC0\x00\x02\x07", 4);
  const std::string good = reply_to(*question, 0x8180, {{1, address}});
  EXPECT_TRUE(dns_reply(good, "a.example", DnsType::kA));
  EXPECT_FALSE(dns_reply(good, "b.example", DnsType::kA)) << "another name";
  EXPECT_FALSE(dns_reply(good, "a.example", DnsType::kAaaa)) << "another type";
  EXPECT_FALSE(dns_reply(*question, "a.example", DnsType::kA)) << "a question";
  EXPECT_FALSE(dns_reply(reply_to(*question, 0x8180, {{1, "abc"}}), "a.example", DnsType::kA)) << "3 bytes of address";
  EXPECT_FALSE(dns_reply(reply_to(*question, 0x8180, {{1, "abcde"}}), "a.example", DnsType::kA)) << "5 bytes";
  const auto other = dns_reply(reply_to(*question, 0x8183, {{16, std::string("\x01x", 2)}}), "a.example", DnsType::kA);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->rcode, 3);
  EXPECT_TRUE(other->records.empty()) << "records of another type do not count";
  const auto cut = dns_reply(reply_to(*question, 0x8380, {}), "a.example", DnsType::kA);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->truncated);
}

// Every prefix, and a hundred thousand bent copies: an answer or an error, never a read past the end (ASan watches).
TEST(DnsMessage, BentMessagesDoNoHarm) {
  const auto question = dns_question(7, "a.example", DnsType::kMx);
  const std::string mx("\x00\x0a\x02mx\xC0\x0C", 7);
  const std::string good = reply_to(*question, 0x8180,
                                    {{15, mx},
                                     {5, std::string("\x01"
                                                     "b\xC0\x0E",
                                                     4)},
                                     {15, mx}});
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(dns_reply(std::string(good, 0, length), "a.example", DnsType::kMx)) << length;
  }
  std::minstd_rand random(1);
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string bent = good;
    for (unsigned n = 1 + random() % 4; n > 0; --n) bent[random() % bent.size()] = static_cast<char>(random() & 255U);
    const auto reply = dns_reply(bent, "a.example", DnsType::kMx);
    taken += reply.ok();
    EXPECT_TRUE(!reply || reply->records.size() <= 3u);
  }
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 100'000);
}

}  // namespace
}  // namespace everup::net
