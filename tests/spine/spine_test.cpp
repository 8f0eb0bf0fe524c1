// Short lives of the spine: the same seed twice, and single faults with an exact end.
#include <gtest/gtest.h>

#include "tests/spine/world.h"

namespace everup::spine {
namespace {

TEST(Spine, TheSameSeedWritesTheSameLog) {
  for (const std::uint64_t seed : {7U, 9U}) {  // one node, two nodes
    Plan plan = plan_of(seed);
    plan.hours = 4;
    plan.keep_log = true;
    const Told one = live(plan), two = live(plan);
    EXPECT_GT(one.log.size(), 10'000U);
    EXPECT_EQ(one.log, two.log);
    plan.seed += 100;
    EXPECT_NE(live(plan).log, one.log);
  }
}

}  // namespace
}  // namespace everup::spine
