// When a whole examination is due, and what is remembered of the one before.
#include "checker/tls_memory.h"

#include <gtest/gtest.h>

namespace everup::checker {
namespace {

using std::chrono::hours;
using Verdict = HeartbleedReport::Verdict;
constexpr Instant kStart{1'000'000'000};

TlsReport report_with(const std::string& sha256, Verdict heartbleed) {
  TlsReport report;
  TlsCertificate leaf;
  leaf.sha256 = sha256, leaf.serial = "1", leaf.issuer = "CN=ca", leaf.key_sha256 = "k";
  report.chain = {leaf};
  report.heartbleed.verdict = heartbleed;
  return report;
}

TEST(TlsMemory, AWholeExaminationIsDueOnceADay) {
  TlsMemory memory;
  EXPECT_TRUE(memory.due(memory.find(MonitorId{1}, 1), nullptr, kStart)) << "the first look";
  memory.note(MonitorId{1}, 1, report_with("a", Verdict::kNotVulnerable), true, kStart);
  const TlsMemory::Entry* entry = memory.find(MonitorId{1}, 1);
  ASSERT_NE(entry, nullptr);
  EXPECT_FALSE(memory.due(entry, nullptr, kStart + hours(23)));
  EXPECT_TRUE(memory.due(entry, nullptr, kStart + hours(24)));
  EXPECT_EQ(memory.find(MonitorId{1}, 2), nullptr) << "edited";
  EXPECT_EQ(memory.find(MonitorId{2}, 1), nullptr);
}

TEST(TlsMemory, DoubtIsAskedSooner) {
  for (const Verdict verdict : {Verdict::kVulnerable, Verdict::kInconclusive}) {
    TlsMemory memory;
    memory.note(MonitorId{1}, 1, report_with("a", verdict), true, kStart);
    const TlsMemory::Entry* entry = memory.find(MonitorId{1}, 1);
    EXPECT_FALSE(memory.due(entry, nullptr, kStart + hours(5)));
    EXPECT_TRUE(memory.due(entry, nullptr, kStart + hours(6)));
  }
}

TEST(TlsMemory, AnotherCertificateIsDueAtOnceAndToldOnce) {
  TlsMemory memory;
  memory.note(MonitorId{1}, 1, report_with("a", Verdict::kNotVulnerable), true, kStart);
  TlsReport next = report_with("b", Verdict::kNotAsked);
  next.chain[0].serial = "2", next.chain[0].key_sha256 = "other";
  EXPECT_TRUE(memory.due(memory.find(MonitorId{1}, 1), &next.chain[0], kStart + hours(1)));
  EXPECT_EQ(TlsMemory::changed(*memory.find(MonitorId{1}, 1), next.chain[0]),
            (std::vector<std::string>{"serial", "key"}));
  memory.note(MonitorId{1}, 1, next, true, kStart + hours(1));
  EXPECT_FALSE(memory.due(memory.find(MonitorId{1}, 1), &next.chain[0], kStart + hours(2)));
  EXPECT_TRUE(TlsMemory::changed(*memory.find(MonitorId{1}, 1), next.chain[0]).empty());
  EXPECT_EQ(memory.find(MonitorId{1}, 1)->heartbleed, Verdict::kNotVulnerable) << "nobody asked meanwhile";
}

TEST(TlsMemory, IsBoundedAndForgetsTheLongestUnexamined) {
  TlsMemory memory;
  const TlsReport report = report_with("a", Verdict::kNotVulnerable);
  const auto all = static_cast<std::int64_t>(TlsMemory::kEntriesMax);
  for (std::int64_t id = 1; id <= all; ++id) memory.note(MonitorId{id}, 1, report, true, kStart);
  memory.note(MonitorId{1}, 1, report, true, kStart + hours(24));
  memory.note(MonitorId{all + 1}, 1, report, true, kStart + hours(24));
  EXPECT_EQ(memory.size(), TlsMemory::kEntriesMax);
  EXPECT_NE(memory.find(MonitorId{1}, 1), nullptr);
  EXPECT_EQ(memory.find(MonitorId{2}, 1), nullptr);
  EXPECT_NE(memory.find(MonitorId{all + 1}, 1), nullptr);
}

}  // namespace
}  // namespace everup::checker
