// Looks by ICMP echo on loopback, in networks of the test's own.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/checker/look.h"
#include "tests/support/netns.h"

namespace everup::checker::test {
namespace {

// In a network of the test's own, whose setting says who may ping.
void let_groups_ping(const char* range) {
  std::ofstream setting("/proc/sys/net/ipv4/ping_group_range");
  setting << range << std::endl;
  ASSERT_TRUE(setting.good());
}

TEST(PingProbe, LoopbackAnswersBothFamilies) {
  everup::test::in_own_network([] {
    let_groups_ping("0 2147483647");
    Look look;
    look.of<PingSettings>().options.count = 3;
    const Outcome v4 = look.at("ping://127.0.0.1");
    EXPECT_EQ(v4.cause, Cause::kOk) << v4.detail;
    ASSERT_TRUE(v4.evidence);
    EXPECT_EQ(v4.evidence->body_excerpt, "3 of 3 pings answered");
    EXPECT_GE(v4.timings.wait_us, 0);
    const Outcome v6 = look.at("ping://[::1]");
    EXPECT_EQ(v6.cause, Cause::kOk) << v6.detail;
  });
}

TEST(PingProbe, WithoutLeaveItIsOurTroubleAndTheSettingIsNamed) {
  everup::test::in_own_network([] {
    let_groups_ping("1 0");
    Look look;
    const Outcome outcome = look.at("ping://127.0.0.1");
    EXPECT_EQ(outcome.cause, Cause::kPingForbidden);
    EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
    EXPECT_NE(outcome.detail.find("net.ipv4.ping_group_range"), std::string::npos);
  });
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
