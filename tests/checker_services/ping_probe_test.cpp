// Looks by ICMP echo, on loopback and into the void of a network namespace's own.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/checker/look.h"

namespace everup::checker::test {
namespace {

TEST(PingProbe, LoopbackAnswersBothFamilies) {
  Look look;
  look.of<PingSettings>().options.count = 3;
  const Outcome v4 = look.at("ping://127.0.0.1");
  EXPECT_EQ(v4.cause, Cause::kOk) << v4.detail;
  EXPECT_EQ(v4.evidence->body_excerpt, "3 of 3 pings answered");
  EXPECT_GE(v4.timings.wait_us, 0);
  EXPECT_LT(v4.timings.total_us, 200'000) << "the gaps between pings are not its latency";
  const Outcome v6 = look.at("ping://[::1]");
  EXPECT_EQ(v6.cause, Cause::kOk) << v6.detail;
}

TEST(PingProbe, ARefusedAddressIsNotPinged) {
  LookOptions options;
  options.allow = "";
  Look strict(options);
  EXPECT_EQ(strict.at("ping://127.0.0.1").cause, Cause::kAddressRefused);
}

TEST(PingProbe, ANameThatIsNotThereIsNotPinged) {
  Look look;
  const Outcome outcome = look.at("ping://a-name-of-nobody.test", 2'000);
  EXPECT_EQ(outcome.phase, Phase::kDns);
}

}  // namespace
}  // namespace everup::checker::test
