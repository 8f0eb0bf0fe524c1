#include "net/limits.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

#include "net/fd.h"
#include "net/handle.h"

namespace everup::net {
namespace {

TEST(LimitsTest, CountsReallyOpenDescriptors) {
  const auto before = open_descriptors();
  ASSERT_TRUE(before.ok());
  std::vector<Fd> more;
  for (int i = 0; i < 10; ++i) more.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(*open_descriptors(), *before + 10);
  more.clear();
  EXPECT_EQ(*open_descriptors(), *before);
}

TEST(LimitsTest, RoomIsLimitMinusOpenMinusSpare) {
  ASSERT_TRUE(raise_descriptor_limit().ok());
  const std::int64_t limit = *descriptor_limit(), open = *open_descriptors();
  EXPECT_EQ(*descriptor_room(), limit - open - kDescriptorsSpare);
}

TEST(LimitsTest, RaisingTwiceChangesNothing) {
  const auto first = raise_descriptor_limit();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*raise_descriptor_limit(), *first);
  EXPECT_EQ(*descriptor_limit(), *first);
}

TEST(LimitsTest, TooFewIsAnErrorThatNamesTheWayOut) {
  EXPECT_TRUE(enough_descriptors(128).ok());
  const auto refused = enough_descriptors(127);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().what,
            "the limit of open descriptors is 127, at least 128 are needed: raise it with ulimit -n or LimitNOFILE=");
}

TEST(FdTest, MovesAndClosesOnce) {
  Fd a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = a.value();
  Fd b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): it is what is tested
  EXPECT_EQ(b.value(), number);
  EXPECT_GE(::fcntl(number, F_GETFD), 0);
  b.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

int freed = 0;
void count_free(int* value) { ++freed, delete value; }
TEST(HandleTest, FreesAndCostsNothing) {
  using IntHandle = Handle<int, count_free>;
  static_assert(sizeof(IntHandle) == sizeof(int*));
  { const IntHandle handle(new int(1)); }
  EXPECT_EQ(freed, 1);
}

}  // namespace
}  // namespace everup::net
