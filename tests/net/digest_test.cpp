#include "net/digest.h"

#include <gtest/gtest.h>

#include <set>

namespace everup::net {
namespace {

TEST(DigestTest, Sha256KnownAnswers) {  // FIPS 180-2, appendix B
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(DigestTest, HmacKnownAnswers) {  // RFC 4231, cases 1, 2 and 6
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(DigestTest, Base64KnownAnswers) {  // RFC 4648, section 10
  const std::pair<std::string, std::string> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xfb\xff\xfe", "+//+"}};
  for (const auto& [plain, coded] : cases) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(from_base64(coded), plain);
  }
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url("f"), "Zg");
}

TEST(DigestTest, EveryLengthComesBack) {
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string bytes = random_bytes(size);
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
    EXPECT_EQ(from_hex(hex(bytes)), bytes);
  }
}

TEST(DigestTest, DecodingIsStrict) {
  for (const char* bad :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Z===", "====", "=", "Zm9v=", "-__-"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
  for (const char* bad : {"Z", "Zh", "Zg==", "+//+"}) EXPECT_FALSE(from_base64url(bad)) << bad;
  for (const char* bad : {"0", "0g", "0x", " 0"}) EXPECT_FALSE(from_hex(bad)) << bad;
  EXPECT_EQ(from_hex("fFAa"), "\xff\xaa");
}

TEST(DigestTest, ConstantTimeEquality) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(DigestTest, TokensAreDistinctAndRecognised) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = random_token();
    EXPECT_EQ(token.size(), 26U);
    EXPECT_TRUE(is_token(token)) << token;
    EXPECT_TRUE(seen.insert(token).second);
  }
  for (std::string bad :
       {"", "0", "00000000000000000000000000i", "0000000000000000000000000I", "0000000000000000000000000000"}) {
    EXPECT_FALSE(is_token(bad)) << bad;
  }
  EXPECT_TRUE(is_token("00000000000000000000000000"));
}

// RFC 2104's second example.
TEST(DigestTest, HmacMd5) {
  EXPECT_EQ(hex(hmac_md5("Jefe", "what do ya want for nothing?")), "750c783e6ab0b503eaa86e310a5db738");
}

}  // namespace
}  // namespace everup::net
