#include "checker/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace everup::checker {
namespace {

TEST(Pattern, FindsAnywhere) {
  const auto pattern = Pattern::compile("o+k$");
  ASSERT_TRUE(pattern.ok());
  EXPECT_TRUE((*pattern)->found_in("all oook"));
  EXPECT_FALSE((*pattern)->found_in("ok?"));
  EXPECT_FALSE((*pattern)->found_in(""));
  EXPECT_TRUE((*Pattern::compile("(?i)HeLLo"))->found_in(std::string("\xff\xfe hello", 8)));
}

TEST(Pattern, BadOnesSayWhy) {
  std::string why;
  EXPECT_TRUE(regex_ok("^a.*b$", &why));
  EXPECT_FALSE(regex_ok("(", &why));
  EXPECT_NE(why.find("missing )"), std::string::npos) << why;
  EXPECT_FALSE(regex_ok("(?=look)", nullptr)) << "RE2 has no look-ahead";
  EXPECT_FALSE(regex_ok("(a)\\1", nullptr)) << "nor back references";
  EXPECT_FALSE(regex_ok(std::string(kPatternBytesMax + 1, 'a'), &why));
  EXPECT_NE(why.find("1024"), std::string::npos);
}

TEST(Pattern, MemoryIsBounded) {
  std::string why;
  EXPECT_FALSE(regex_ok("((((a{100}){100}){100}){100})", &why));
  EXPECT_FALSE(regex_ok("(\\pL{500}|\\pN{500})(x{1000}){0,10}", &why)) << "a program beyond the bound is refused";
}

TEST(Pattern, TimeIsLinear) {
  const auto pattern = Pattern::compile("(a+)+$");
  ASSERT_TRUE(pattern.ok());
  EXPECT_FALSE((*pattern)->found_in(std::string(1 << 20, 'a') + "b"));  // a backtracking engine would never end
}

}  // namespace
}  // namespace everup::checker
