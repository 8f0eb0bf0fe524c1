// Alerts through storms, kills and outages of our own: the cases of bench/faults/alerts.cpp, and blind.cpp.
#include "tests/faults/fault_case.h"

namespace everup::test {
namespace {

class AlertStormTest : public ::testing::TestWithParam<const char*> {};

TEST_P(AlertStormTest, Holds) { expect_holds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Case, AlertStormTest,
                         ::testing::Values("alert-storm-killed", "alert-account-down", "alert-database-away",
                                           "alert-restart", "line-cut"),
                         test_name);

}  // namespace
}  // namespace everup::test
