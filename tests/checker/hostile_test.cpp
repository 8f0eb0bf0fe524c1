// One look at each hostile server: the right word for it, whatever it does, and nothing left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checker/look.h"
#include "tests/support/hostile.h"

namespace everup::checker::test {
namespace {

using everup::test::HostileZoo;
using everup::test::TempDir;

constexpr int kLastsMs = 600, kEndsMs = 20'000;

TEST(Hostile, EveryKindHasItsCauseAndLeavesNothingOpen) {
  const TempDir dir;
  HostileZoo zoo(dir.path());
  LookOptions options;
  options.hosts = "127.0.0.1 localhost\n";
  options.ca_file = dir.write("ca.pem", zoo.ca().pem());
  Look look(options);
  look.at("http://localhost:1/");  // what is opened once and kept
  for (auto& cage : zoo.cages()) {
    SCOPED_TRACE(cage.what.name);
    look.loop().take_longest_turn();
    const Outcome outcome = look.at(cage.url(), cage.what.lasts ? kLastsMs : kEndsMs);
    EXPECT_THAT(cage.what.causes, ::testing::Contains(outcome.cause))
        << facts(outcome.cause).slug << ": " << outcome.detail;
    RecordProperty(cage.what.name + "_turn_us", static_cast<int>(look.loop().take_longest_turn().count() / 1000));
    EXPECT_EQ(outcome.verdict, facts(outcome.cause).verdict);
    EXPECT_EQ(everup::test::sockets_to(cage.server->port()), 0);
  }
}

}  // namespace
}  // namespace everup::checker::test
