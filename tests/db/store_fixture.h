// A fresh database with all stores for each test.
#pragma once

#include <gtest/gtest.h>

#include "tests/db/stores.h"

namespace everup::db {

class StoreTest : public testing::Test {
 protected:
  Stores s;
};

}  // namespace everup::db
