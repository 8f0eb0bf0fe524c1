// The private cluster, migrations and sessions against a real PostgreSQL.
#include <gtest/gtest.h>

#include "tests/support/postgres.h"

namespace everup::db {
namespace {

TEST(Cluster, IsThere) {
  test::TestDatabase database;
  EXPECT_EQ(database.sql("SELECT count(*) FROM monitors")[0][0].as<int>(), 0);
  EXPECT_EQ(database.session(Role::kApi)->lost(), false);
}

}  // namespace
}  // namespace everup::db
