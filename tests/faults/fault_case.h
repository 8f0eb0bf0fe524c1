// A case of bench/faults as a test: its short form counts and does not measure time; with EVERUP_LONG (./test --long)
// it is what the bench runs.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/paths.h"
#include "tests/support/process.h"

namespace everup::test {

inline void expect_holds(const char* name) {
  std::vector<std::string> words{EVERUP_FAULTS, "run", name};
  if (std::getenv("EVERUP_LONG") == nullptr) words.emplace_back("--short");
  Child faults(std::move(words));
  const auto status = faults.wait(std::chrono::minutes(100));
  EXPECT_EQ(status, 0) << faults.all_output(std::chrono::seconds(5));
}

inline std::string test_name(const ::testing::TestParamInfo<const char*>& one) {
  std::string name(one.param);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

}  // namespace everup::test
