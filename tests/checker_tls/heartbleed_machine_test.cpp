// The records, one connection, and the table of decisions, without a socket.
#include <gtest/gtest.h>

#include "checker/heartbleed_decision.h"
#include "checker/heartbleed_exchange.h"
#include "checker/heartbleed_records.h"
#include "net/digest.h"

namespace everup::checker {
namespace {

using Verdict = HeartbleedReport::Verdict;

TEST(HeartbleedRecords, AskForOneByteTooMuchAndForNone) {
  const std::string nonce(kNonceBytes, 'n'), padding(kPaddingBytes, '.');
  const std::string p = over_read_request(0x0302, nonce), c = control_request(0x0302, nonce, padding);
  EXPECT_EQ(net::hex(p.substr(0, 8)), "1803022003012001");
  EXPECT_EQ(p.size(), 5 + 3 + kNonceBytes);
  EXPECT_EQ(net::hex(c.substr(0, 8)), "1803022013012000");
  EXPECT_EQ(c.size(), 5 + 3 + kNonceBytes + kPaddingBytes);
}

TEST(HeartbleedRecords, AreRecognisedByOurOwnBytesOnly) {
  const std::string p(kNonceBytes, 'p'), c(kNonceBytes, 'c');
  const auto head = [](int type, std::size_t claimed) {
    return static_cast<char>(type) + std::string{static_cast<char>(claimed >> 8), static_cast<char>(claimed & 0xff)};
  };
  const std::string over = head(2, kNonceBytes + 1) + p + "!" + std::string(16, '.');
  EXPECT_EQ(recognise_heartbeat(over, p, c), HeartbeatReply::kOverRead);
  EXPECT_EQ(recognise_heartbeat(over, {}, c), HeartbeatReply::kForeign) << "nobody asked for it";
  EXPECT_EQ(recognise_heartbeat(head(2, kNonceBytes) + c + std::string(16, '.'), p, c), HeartbeatReply::kControl);
  for (const std::string& lie :
       {head(1, kNonceBytes + 1) + p + "!" + std::string(16, '.'), head(2, kNonceBytes) + p + std::string(17, '.'),
        head(2, kNonceBytes + 1) + c + "!" + std::string(16, '.'), head(2, kNonceBytes) + c + std::string(15, '.'),
        head(2, kNonceBytes + 1) + p + std::string(16, '.'), over.substr(0, 3), std::string(), std::string("\x02")}) {
    EXPECT_EQ(recognise_heartbeat(lie, p, c), HeartbeatReply::kForeign);
  }
}

// ---- the table ---------------------------------------------------------------------------------------------

HeartbleedConnection ended(const HeartbleedDecision& decision, HeartbleedEnd end, int alert = -1) {
  HeartbleedConnection connection;
  connection.attempt = decision.attempt();
  connection.end = end;
  connection.alert = alert;
  connection.version = 0x0303;
  connection.extension = end < HeartbleedEnd::kNoExtension;
  return connection;
}

struct Turn {
  HeartbleedEnd end;
  int alert = -1;
};

// Feeds the ends until a verdict; every one of them must be wanted.
HeartbleedReport table(std::vector<Turn> turns, std::optional<bool> tls13 = std::nullopt) {
  HeartbleedDecision decision(tls13, true);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const bool goes_on = decision.after(ended(decision, turns[i].end, turns[i].alert));
    EXPECT_EQ(goes_on, i + 1 < turns.size()) << "connection " << i + 1;
  }
  return decision.report();
}

using E = HeartbleedEnd;

TEST(HeartbleedDecision, Row1VulnerableByProofOnly) {
  EXPECT_EQ(table({{E::kOverRead}}).verdict, Verdict::kVulnerable);
  EXPECT_EQ(table({{E::kBeatEnd}, {E::kBeatSilence}, {E::kOverRead}}).verdict, Verdict::kVulnerable);
}

TEST(HeartbleedDecision, Rows2And4VerifiedByTheControl) {
  for (const auto& turns : std::vector<std::vector<Turn>>{{{E::kControlAnswered}},
                                                          {{E::kBeatEnd}, {E::kControlAnswered}},
                                                          {{E::kBeatSilence}, {E::kControlAnswered}},
                                                          {{E::kBeatEnd}, {E::kBeatEnd}, {E::kControlAnswered}}}) {
    const HeartbleedReport report = table(turns);
    EXPECT_EQ(report.verdict, Verdict::kNotVulnerable);
    EXPECT_EQ(report.reason, "within_bounds");
    EXPECT_EQ(report.connections, static_cast<int>(turns.size()));
  }
}

TEST(HeartbleedDecision, Row3AnAlertRejectsHeartbeats) {
  EXPECT_EQ(table({{E::kBeatAlert, 10}}).reason, "heartbeats_rejected");
  EXPECT_EQ(table({{E::kBeatAlert, 10}}).verdict, Verdict::kNotVulnerable);
}

TEST(HeartbleedDecision, Row5SilenceIsNeverGreen) {
  for (const E first : {E::kBeatEnd, E::kBeatSilence}) {
    for (const Turn second : {Turn{E::kBeatEnd}, Turn{E::kBeatSilence}, Turn{E::kBeatAlert, 10}}) {
      for (const Turn third :
           {Turn{E::kBeatEnd}, Turn{E::kBeatSilence}, Turn{E::kBeatAlert, 10}, Turn{E::kNoExtension}}) {
        const HeartbleedReport report = table({{first}, second, third});
        EXPECT_EQ(report.verdict, Verdict::kInconclusive);
        EXPECT_EQ(report.reason, "heartbeats_unanswered");
      }
    }
  }
}

TEST(HeartbleedDecision, Row6OurVersionMistakeIsRepeatedWithOlderOnes) {
  EXPECT_EQ(table({{E::kBeatAlert, 70}, {E::kControlAnswered}}).verdict, Verdict::kNotVulnerable);
  EXPECT_EQ(table({{E::kBeatAlert, 70}, {E::kBeatAlert, 70}, {E::kOverRead}}).verdict, Verdict::kVulnerable);
  const HeartbleedReport report = table({{E::kBeatAlert, 70}, {E::kBeatAlert, 70}, {E::kBeatAlert, 70}});
  EXPECT_EQ(report.verdict, Verdict::kInconclusive);
  EXPECT_EQ(report.reason, "version_confusion");
}

TEST(HeartbleedDecision, Row7NoExtension) {
  EXPECT_EQ(table({{E::kNoExtension}}).reason, "no_extension");
  EXPECT_EQ(table({{E::kNoExtension}}).verdict, Verdict::kNotVulnerable);
}

TEST(HeartbleedDecision, Row8AgainWithoutTheName) {
  HeartbleedDecision decision(std::nullopt, true);
  ASSERT_TRUE(decision.attempt().server_name);
  ASSERT_TRUE(decision.after(ended(decision, E::kHelloAlert, 112)));
  EXPECT_FALSE(decision.attempt().server_name);
  EXPECT_FALSE(decision.after(ended(decision, E::kOverRead)));
  EXPECT_EQ(decision.report().verdict, Verdict::kVulnerable);
  EXPECT_EQ(table({{E::kHelloEnd}, {E::kControlAnswered}}).verdict, Verdict::kNotVulnerable);
  EXPECT_EQ(table({{E::kHelloEnd}, {E::kHelloEnd}}).reason, "closed_in_handshake");
  EXPECT_EQ(table({{E::kHelloAlert, 112}, {E::kHelloAlert, 112}}).reason, "handshake_alert");
}

TEST(HeartbleedDecision, Row9OnlyTls13) {
  for (const int alert : {70, 40, 80}) {
    EXPECT_EQ(table({{E::kHelloAlert, alert}}, true).reason, "tls1_3_only");
    EXPECT_EQ(table({{E::kHelloAlert, alert}, {E::kSpeaksTls13}}).verdict, Verdict::kNotVulnerable);
  }
  EXPECT_EQ(table({{E::kHelloAlert, 40}}, false).reason, "handshake_alert");
  EXPECT_EQ(table({{E::kHelloAlert, 40}, {E::kHelloAlert, 70}}).verdict, Verdict::kInconclusive);
  EXPECT_EQ(table({{E::kHelloAlert, 47}}, true).verdict, Verdict::kInconclusive);
  EXPECT_EQ(table({{E::kHelloAlert, 70}, {E::kHelloEnd}, {E::kHelloAlert, 70}, {E::kControlAnswered}}).reason,
            "within_bounds")
      << "1.2 refused, 1.3 not spoken, 1.0 refused, 1.1 it is";
}

TEST(HeartbleedDecision, Row10WhatIsNotTlsProvesNothing) {
  EXPECT_EQ(table({{E::kNotTls}}).reason, "not_tls");
  EXPECT_EQ(table({{E::kHelloSilence}}).reason, "no_server_hello");
  EXPECT_EQ(table({{E::kPrelude}}).reason, "starttls_failed");
  EXPECT_EQ(table({{E::kUnreachable}}).reason, "connection_failed");
  for (const E end : {E::kNotTls, E::kHelloSilence, E::kPrelude, E::kUnreachable}) {
    EXPECT_EQ(table({{end}}).verdict, Verdict::kInconclusive);
  }
}

TEST(HeartbleedDecision, Row11ALiarIsNeverVulnerable) {
  EXPECT_EQ(table({{E::kForeignReply}}).reason, "foreign_reply");
  EXPECT_EQ(table({{E::kForeignReply}}).verdict, Verdict::kInconclusive);
}

// Whatever a server does, the number of connections is bounded, and no path of ends without an answer is green.
TEST(HeartbleedDecision, EveryPathEndsAndNoSilentOneIsGreen) {
  const std::vector<Turn> turns = {{E::kOverRead},    {E::kControlAnswered}, {E::kBeatAlert, 10},  {E::kBeatAlert, 70},
                                   {E::kBeatEnd},     {E::kBeatSilence},     {E::kForeignReply},   {E::kNoExtension},
                                   {E::kSpeaksTls13}, {E::kHelloAlert, 112}, {E::kHelloAlert, 70}, {E::kHelloAlert, 40},
                                   {E::kHelloEnd},    {E::kHelloSilence},    {E::kNotTls},         {E::kUnreachable},
                                   {E::kPrelude}};
  struct Path {
    HeartbleedDecision decision;
    bool said = false;  // the server said something about itself
  };
  std::vector<Path> open{{HeartbleedDecision(std::nullopt, true), false}};
  int paths = 0;
  for (int depth = 0; !open.empty(); ++depth) {
    ASSERT_LE(depth, HeartbleedDecision::kConnectionsMax);
    std::vector<Path> next;
    for (const Path& path : open) {
      for (const Turn& turn : turns) {
        const bool newest = path.decision.attempt().beats == Beats::kNone;
        if (newest != (turn.end == E::kSpeaksTls13) && turn.end < E::kHelloAlert) continue;  // cannot be
        if (newest && (turn.end == E::kNotTls || turn.end == E::kUnreachable || turn.end == E::kPrelude)) continue;
        Path copy = path;
        const bool answer = turn.end == E::kControlAnswered || turn.end == E::kBeatAlert ||
                            turn.end == E::kNoExtension || turn.end == E::kSpeaksTls13;
        copy.said = copy.said || answer;
        if (copy.decision.after(ended(path.decision, turn.end, turn.alert))) {
          next.push_back(copy);
          continue;
        }
        ++paths;
        const Verdict said = copy.decision.report().verdict;
        EXPECT_TRUE(said != Verdict::kNotVulnerable || answer);
        EXPECT_TRUE(said != Verdict::kVulnerable || turn.end == E::kOverRead);
        EXPECT_NE(copy.decision.report().verdict, Verdict::kNotAsked);
      }
    }
    open = std::move(next);
    ASSERT_LT(open.size(), 200'000U);
  }
  EXPECT_GT(paths, 100);
}

// ---- one connection ----------------------------------------------------------------------------------------

TEST(HeartbleedExchange, ForgetsNothingAndKeepsNothing) {
  HeartbleedExchange exchange({}, "shop.test", HeartbleedRandom::make(Beats::kPair));
  EXPECT_NE(exchange.hello().find("shop.test"), std::string::npos);
  const std::string text = "500 OOPS\r\n";
  EXPECT_EQ(exchange.on_bytes(text, 3), 0U);
  ASSERT_TRUE(exchange.ended());
  EXPECT_EQ(exchange.take().end, HeartbleedEnd::kNotTls);
}

TEST(HeartbleedExchange, WarningsAreNoAnswers) {
  HeartbleedExchange exchange({}, "shop.test", HeartbleedRandom::make(Beats::kPair));
  const std::string warning("\x15\x03\x01\x00\x02\x01\x70", 7);
  EXPECT_EQ(exchange.on_bytes(warning, 1), warning.size());
  EXPECT_FALSE(exchange.ended());
  exchange.on_silence();
  EXPECT_EQ(exchange.take().end, HeartbleedEnd::kHelloSilence);
}

TEST(HeartbleedExchange, AHeartbeatBeforeOursIsALie) {
  HeartbleedExchange exchange({}, "shop.test", HeartbleedRandom::make(Beats::kPair));
  exchange.on_bytes(std::string("\x18\x03\x03\x00\x03\x02\x00\x00", 8), 1);
  ASSERT_TRUE(exchange.ended());
  const HeartbleedConnection connection = exchange.take();
  EXPECT_EQ(connection.end, HeartbleedEnd::kForeignReply);
  ASSERT_EQ(connection.seen.size(), 1U);
  EXPECT_EQ(connection.seen[0].type, 24);
  EXPECT_EQ(connection.seen[0].length, 3);
}

}  // namespace
}  // namespace everup::checker
