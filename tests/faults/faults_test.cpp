// The cases of bench/faults that judge what is stored, one test each: in their short form they count and do not measure
// time; with EVERUP_LONG (./test --long) they are what the bench runs.
#include "tests/faults/fault_case.h"

namespace everup::test {
namespace {

class FaultTest : public ::testing::TestWithParam<const char*> {};

TEST_P(FaultTest, Holds) { expect_holds(GetParam()); }

// Without EVERUP_LONG those that bring in all the parts once: a database that stands still, disks that are full, kills,
// and a second node.
std::vector<const char*> cases() {
  if (std::getenv("EVERUP_LONG") == nullptr) return {"database-frozen", "every-disk-full", "kill-9", "node-killed"};
  return {"database-stopped", "database-frozen", "database-crashing", "database-disk-full", "every-disk-full",
          "hour-away",        "kill-9",          "node-frozen",       "node-killed"};
}

INSTANTIATE_TEST_SUITE_P(Case, FaultTest, ::testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace everup::test
