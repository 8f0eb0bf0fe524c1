// The cases of bench/faults that judge what is stored, one test each: in their short form they count and do not measure
// time; with EVERUP_LONG (./test --long) they are what the bench runs.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/paths.h"
#include "tests/support/process.h"

namespace everup::test {
namespace {

class FaultTest : public ::testing::TestWithParam<const char*> {};

TEST_P(FaultTest, Holds) {
  std::vector<std::string> words{EVERUP_FAULTS, "run", GetParam()};
  if (std::getenv("EVERUP_LONG") == nullptr) words.emplace_back("--short");
  Child faults(std::move(words));
  const auto status = faults.wait(std::chrono::minutes(30));
  EXPECT_EQ(status, 0) << faults.all_output(std::chrono::seconds(5));
}

// Without EVERUP_LONG those that bring in all the parts once: a database that stands still, disks that are full, kills,
// and a second node.
std::vector<const char*> cases() {
  if (std::getenv("EVERUP_LONG") == nullptr) return {"database-frozen", "every-disk-full", "kill-9", "node-killed"};
  return {"database-stopped", "database-frozen", "database-crashing", "database-disk-full", "every-disk-full",
          "hour-away",        "kill-9",          "node-frozen",       "node-killed"};
}

INSTANTIATE_TEST_SUITE_P(Case, FaultTest, ::testing::ValuesIn(cases()),
                         [](const ::testing::TestParamInfo<const char*>& one) {
                           std::string name(one.param);
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace everup::test
