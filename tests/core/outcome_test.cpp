// The committed list of numbers, printable text, transcripts, histograms.
#include "core/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "core/histogram.h"
#include "core/standing.h"
#include "core/stats.h"
#include "core/target.h"
#include "core/utf8.h"
#include "tests/paths.h"

namespace everup {
namespace {

template <class Enum>
void list(std::set<std::string>& lines, const std::string& what, std::initializer_list<Enum> values) {
  for (const Enum value : values)
    lines.insert(what + " " + std::to_string(static_cast<int>(value)) + " " + std::string(slug(value)));
}

std::set<std::string> numbers_in_code() {
  std::set<std::string> lines;
  for (const auto& row : all_causes()) {
    lines.insert("cause " + std::to_string(static_cast<int>(row.cause)) + " " + std::string(row.slug) + " " +
                 std::string(slug(row.verdict)) + " " + std::string(slug(row.phase)));
  }
  list(lines, "verdict", {Verdict::kUp, Verdict::kDegraded, Verdict::kDown, Verdict::kInconclusive});
  list(lines, "phase",
       {Phase::kNone, Phase::kDns, Phase::kConnect, Phase::kTls, Phase::kRequest, Phase::kWait, Phase::kTransfer,
        Phase::kAssert});
  list(lines, "state",
       {State::kUp, State::kDegraded, State::kDown, State::kUnknown, State::kMaintenance, State::kPaused,
        State::kBeforeCreation});
  list(lines, "trigger", {Trigger::kSlot, Trigger::kConfirm, Trigger::kCreated, Trigger::kManual});
  list(lines, "gap",
       {GapReason::kOverload, GapReason::kRestart, GapReason::kLeaseLost, GapReason::kClock, GapReason::kBlind,
        GapReason::kSpoolFull, GapReason::kPoison});
  list(lines, "kind",
       {Kind::kHttp, Kind::kHttps, Kind::kSmtp, Kind::kSmtps, Kind::kTls, Kind::kTcp, Kind::kDns, Kind::kPing,
        Kind::kHeartbeat});
  return lines;
}

TEST(Outcome, NumbersEqualTheCommittedListBothWays) {
  std::ifstream file(EVERUP_SOURCE_DIR "/tests/core/outcome_numbers.txt");
  ASSERT_TRUE(file.good());
  std::set<std::string> committed;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    EXPECT_TRUE(committed.insert(line).second) << "twice: " << line;
  }
  const auto code = numbers_in_code();
  for (const auto& line : code) EXPECT_TRUE(committed.count(line)) << "not in the list: " << line;
  for (const auto& line : committed) EXPECT_TRUE(code.count(line)) << "not in the code: " << line;
}

TEST(Outcome, TheTableIsWhole) {
  std::set<std::string_view> slugs;
  std::set<std::int16_t> numbers;
  for (const auto& row : all_causes()) {
    EXPECT_TRUE(slugs.insert(row.slug).second) << row.slug;
    EXPECT_TRUE(numbers.insert(static_cast<std::int16_t>(row.cause)).second) << row.slug;
    EXPECT_FALSE(row.english.empty());
    EXPECT_EQ(&facts(row.cause), &row);
    EXPECT_EQ(cause_from_number(static_cast<std::int16_t>(row.cause)), row.cause);
    EXPECT_EQ(row.verdict == Verdict::kUp, row.cause == Cause::kOk);
  }
  for (int number = -200; number < 400; ++number) {
    EXPECT_EQ(cause_from_number(static_cast<std::int16_t>(number)).has_value(),
              numbers.count(static_cast<std::int16_t>(number)) > 0);
  }
}

TEST(Outcome, OursIsNeverTheirs) {
  for (const Cause ours : {Cause::kDnsUnavailable, Cause::kAddressRefused, Cause::kNetworkUnreachable,
                           Cause::kOwnResources, Cause::kOwnNetwork, Cause::kShutdown, Cause::kInternal}) {
    EXPECT_EQ(facts(ours).verdict, Verdict::kInconclusive) << facts(ours).slug;
  }
}

TEST(Outcome, DetailIsPrintableAndShort) {
  const Outcome o = outcome_of(Cause::kConnectRefused, std::string("bad\nline\0", 9) + std::string(500, 'x'));
  EXPECT_EQ(o.verdict, Verdict::kDown);
  EXPECT_EQ(o.phase, Phase::kConnect);
  EXPECT_EQ(o.detail.size(), 200u);
  EXPECT_TRUE(o.detail.starts_with("bad\\x0aline\\x00xx"));
  EXPECT_EQ(outcome_of(Cause::kOk, "fine").detail, "");
}

TEST(Printable, EscapesWhatHidesOrBreaks) {
  EXPECT_EQ(printable("plain \xC5\xBEluť", 100), "plain žluť");
  EXPECT_EQ(printable("a\tb\r\n\x7f", 100), "a\\x09b\\x0d\\x0a\\x7f");
  EXPECT_EQ(printable("\xC2\x85", 100), "\\u{85}");
  EXPECT_EQ(printable("\xE2\x80\xAE", 100), "\\u{202e}");
  EXPECT_EQ(printable("\xC0\xAF\xED\xA0\x80\xF5", 100), "\\xc0\\xaf\\xed\\xa0\\x80\\xf5");
  EXPECT_EQ(printable("\xE2\x82", 100), "\\xe2\\x82");
  EXPECT_EQ(printable("\xF0\x9F\x98\x80", 100), "\xF0\x9F\x98\x80");
  EXPECT_EQ(printable("abc", 0), "");
}

TEST(Printable, IsCutAtACharacterAndIsAlwaysPlain) {
  EXPECT_EQ(printable("aaž", 3), "aa");
  EXPECT_EQ(printable("aa\n", 5), "aa");
  std::mt19937 random(9);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::size_t most = random() % 80;
    const std::string text = printable(bytes, most);
    ASSERT_LE(text.size(), most);
    ASSERT_TRUE(plain_text(text));
    ASSERT_EQ(printable(text, most), text);
  }
}

TEST(Transcript, IsCapped) {
  Transcript t;
  t.add(1, Direction::kOut, true, "EHLO x\r\n");
  EXPECT_EQ(t.lines().front().text, "EHLO x");
  for (int i = 0; i < 1000; ++i) t.add(i, Direction::kIn, false, "y");
  EXPECT_EQ(t.lines().size(), Transcript::kLinesMax);
  EXPECT_EQ(t.dropped(), 601u);
  Transcript big;
  for (int i = 0; i < 100; ++i) big.add(i, Direction::kIn, false, std::string(10'000, 'z'));
  std::size_t bytes = 0;
  for (const auto& line : big.lines()) bytes += line.text.size();
  EXPECT_LE(bytes, Transcript::kBytesMax);
  EXPECT_EQ(big.lines().size() + big.dropped(), 100u);
}

TEST(Histogram, QuantilesAreWithinOnePercent) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    LatencyHistogram histogram, half;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 300; ++i) {
      values.push_back(static_cast<std::int64_t>(random() % 120'000'001) >> (random() % 27));
      (i % 2 == 0 ? histogram : half).add(values.back());
    }
    histogram.merge(half);
    std::sort(values.begin(), values.end());
    ASSERT_EQ(histogram.count(), 300);
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 1.0}) {
      const auto rank = std::max<std::size_t>(static_cast<std::size_t>(std::ceil(q * 300)), 1);
      const auto exact = static_cast<double>(values[rank - 1]);
      ASSERT_NEAR(static_cast<double>(*histogram.quantile_us(q)), exact, exact * 0.01) << q;
    }
  }
}

TEST(Histogram, EdgesAreKept) {
  LatencyHistogram h;
  EXPECT_FALSE(h.quantile_us(0.5));
  h.add(-7);
  h.add(1'000'000'000'000);
  h.add(5, 0);
  EXPECT_EQ(h.count(), 2);
  EXPECT_EQ(h.quantile_us(0), 0);
  EXPECT_NEAR(static_cast<double>(*h.quantile_us(1)), 120e6, 1.2e6);
  h.add(3, 1'000'000'000'000);
  EXPECT_EQ(h.count(), 2 + 0xffff'ffffLL) << "a bucket saturates";
}

TEST(Stats, SecondsFallIntoTheirBuckets) {
  SecondsHistogram h, other;
  h.add(0.005);
  h.add(0.0051);
  other.add(61);
  h.merge(other);
  EXPECT_EQ(h.buckets.front(), 1u);
  EXPECT_EQ(h.buckets[1], 1u);
  EXPECT_EQ(h.buckets.back(), 1u);
  EXPECT_DOUBLE_EQ(h.sum_s, 61.0101);
}

TEST(AssertionDeathTest, PrintsAndAborts) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(EVERUP_ASSERT(1 + 1 == 3), "everup: assertion failed: 1 \\+ 1 == 3 \\(.*outcome_test.cpp:[0-9]+\\)");
}

}  // namespace
}  // namespace everup
