// RFC 8785: its own examples, and what is no JSON.
#include "reports/canonical_json.h"

#include <gtest/gtest.h>

namespace everup::reports {
namespace {

std::string canonical(std::string_view text) {
  const auto out = canonical_json(text);
  return out ? *out : "error: " + out.error().what;
}

TEST(CanonicalJson, IsThatOfTheRfc) {
  // Section 3.2.2 and 3.2.3.
  EXPECT_EQ(canonical(R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],)"
                      R"("string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})"),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
  EXPECT_EQ(
      canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}"),
      "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\xef\xac\xb3\":3}")
      << "by UTF-16 units, not by code points";
}

TEST(CanonicalJson, NumbersAreEcmascripts) {
  EXPECT_EQ(ecmascript_number(0), "0");
  EXPECT_EQ(ecmascript_number(-0.0), "0");
  EXPECT_EQ(ecmascript_number(99.982), "99.982");
  EXPECT_EQ(ecmascript_number(-1.5), "-1.5");
  EXPECT_EQ(ecmascript_number(1795321505678), "1795321505678");
  EXPECT_EQ(ecmascript_number(1e21), "1e+21");
  EXPECT_EQ(ecmascript_number(1e20), "100000000000000000000");
  EXPECT_EQ(ecmascript_number(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(ecmascript_number(0.000001), "0.000001");
  EXPECT_EQ(ecmascript_number(1e-7), "1e-7");
  EXPECT_EQ(ecmascript_number(5e-324), "5e-324");
  EXPECT_EQ(ecmascript_number(1.7976931348623157e308), "1.7976931348623157e+308");
}

TEST(CanonicalJson, BlanksAndOrderDoNotCount) {
  EXPECT_EQ(canonical(" { \"b\" : [ ] ,\n\"a\" : { } } "), "{\"a\":{},\"b\":[]}");
  EXPECT_EQ(canonical(canonical("{\"z\":1.0,\"a\":\"\\u00e9\"}")), "{\"a\":\"é\",\"z\":1}");
}

TEST(CanonicalJson, WhatIsNoneIsRefused) {
  for (const char* bad : {"", "{", "{\"a\":1,}", "[1 2]", "{\"a\":1,\"a\":2}", "nul", "01", "1e999", "\"\\ud800\"",
                          "\"\xff\"", "{\"a\":1} x", "// c\n1"})
    EXPECT_FALSE(canonical_json(bad)) << bad;
  EXPECT_TRUE(canonical_json(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(canonical_json(std::string(100'000, '[')));
  EXPECT_TRUE(canonical_json("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")) << "brackets in a string do not nest";
}

TEST(CanonicalJson, AMemberComesAndGoes) {
  const auto whole = attached("{\"b\":1,\"d\":2}", "c", "{\"y\":1,\"x\":2}");
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole, "{\"b\":1,\"c\":{\"x\":2,\"y\":1},\"d\":2}");
  const auto parts = detached(*whole, "c");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->rest, "{\"b\":1,\"d\":2}");
  EXPECT_EQ(parts->member, "{\"x\":2,\"y\":1}");
  EXPECT_FALSE(detached(*whole, "e"));
  EXPECT_FALSE(attached("[]", "c", "1"));
}

}  // namespace
}  // namespace everup::reports
