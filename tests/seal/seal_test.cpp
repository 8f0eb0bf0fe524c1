// Passwords, the secret box and its key.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "seal/box.h"
#include "seal/key_file.h"
#include "seal/password.h"
#include "seal/sha256.h"
#include "seal/stream_box.h"
#include "seal/signature.h"
#include "tests/support/tempdir.h"

namespace everup::seal {
namespace {

KeyBytes key_of(unsigned char fill) {
  KeyBytes key{};
  key.fill(fill);
  return key;
}

TEST(Password, MatchesItselfOnly) {
  const auto phc = hash_password("correct horse");
  ASSERT_TRUE(phc);
  EXPECT_TRUE(phc->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *phc;
  EXPECT_TRUE(password_matches(*phc, "correct horse"));
  EXPECT_FALSE(password_matches(*phc, "correct hors"));
  EXPECT_FALSE(password_matches(*phc, ""));
  EXPECT_FALSE(needs_rehash(*phc));
}

TEST(Password, TwoHashesOfOnePasswordDiffer) {
  EXPECT_NE(*hash_password("correct horse"), *hash_password("correct horse"));
}

TEST(Password, NulBytesCount) {
  const std::string with_nul("abcd\0efgh", 9), other("abcd\0efgi", 9);
  const auto phc = hash_password(with_nul);
  ASSERT_TRUE(phc);
  EXPECT_TRUE(password_matches(*phc, with_nul));
  EXPECT_FALSE(password_matches(*phc, other));
}

TEST(Password, LengthsAreNamed) {
  for (const std::size_t length : {0u, 7u, 257u}) {
    const auto phc = hash_password(std::string(length, 'a'));
    ASSERT_FALSE(phc);
    EXPECT_EQ(phc.error().code, ErrorCode::kInvalid);
    EXPECT_NE(phc.error().what.find("8 to 256"), std::string::npos);
  }
  EXPECT_TRUE(hash_password(std::string(8, 'a')));
  EXPECT_TRUE(hash_password(std::string(256, 'a')));
}

TEST(Password, WhatIsNoPhcStringMatchesNothing) {
  for (const char* text :
       {"", "plain", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abcdefghijklmnopqrstuv"}) {
    EXPECT_FALSE(password_matches(text, "correct horse")) << text;
  }
  EXPECT_TRUE(needs_rehash("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g"));
}

TEST(Password, ManyThreadsFinish) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back([&] { good += hash_password("correct horse") ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 6);
}

TEST(Box, OpensWhatItSealed) {
  const Box box({key_of(1)});
  for (const std::string& plain :
       {std::string(), std::string("secret"), std::string(100'000, 'x'), std::string("a\0b", 3)}) {
    const std::string sealed = box.seal(plain, "1/2/secrets");
    EXPECT_EQ(*box.open(sealed, "1/2/secrets"), plain);
    EXPECT_TRUE(plain.empty() || sealed.find(plain) == std::string::npos);
  }
  EXPECT_NE(box.seal("secret", "c"), box.seal("secret", "c"));
}

TEST(Box, AnotherContextIsRefused) {
  const Box box({key_of(1)});
  const auto opened = box.open(box.seal("secret", "1/2/secrets"), "1/3/secrets");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

TEST(Box, EveryChangedBitAndEveryTruncationIsSeen) {
  const Box box({key_of(1)});
  const std::string sealed = box.seal("secret", "c");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(box.open(changed, "c")) << bit;
  }
  for (std::size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(box.open(sealed.substr(0, length), "c")) << length;
}

TEST(Box, RotationOpensOldAndSealsNew) {
  const Box old_box({key_of(1)}), new_box({key_of(2), key_of(1)}), only_new({key_of(2)});
  const std::string old_text = old_box.seal("secret", "c");
  EXPECT_EQ(*new_box.open(old_text, "c"), "secret");
  EXPECT_EQ(*only_new.open(new_box.seal("secret", "c"), "c"), "secret");
  const auto missing = only_new.open(old_text, "c");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().what.find(old_box.key_id()), std::string::npos);
  EXPECT_EQ(old_box.key_id().size(), 8u);
}

TEST(Digest, KnownAnswer) {
  const std::string digest = sha256("abc");
  ASSERT_EQ(digest.size(), 32u);
  EXPECT_EQ(static_cast<unsigned char>(digest[0]), 0xba);
  EXPECT_EQ(static_cast<unsigned char>(digest[31]), 0xad);
}

TEST(Key, BothAlphabetsAndNoPadding) {
  KeyBytes key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(0xff - i);
  std::string text = print_key(key);
  EXPECT_EQ(text.size(), 44u);
  EXPECT_EQ(*parse_key(text), key);
  EXPECT_EQ(*parse_key(" " + text + "\n"), key);
  text.pop_back();
  EXPECT_EQ(*parse_key(text), key);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  EXPECT_EQ(*parse_key(text), key);
}

TEST(Key, WrongTextIsRefusedWithoutRepeatingIt) {
  for (const std::string& text : {std::string(), std::string("short"), std::string(43, '!'), std::string(64, 'a')}) {
    const auto key = parse_key(text);
    ASSERT_FALSE(key) << text;
    EXPECT_NE(key.error().what.find("EVERUP_SECRET_KEY"), std::string::npos);
    EXPECT_TRUE(text.empty() || key.error().what.find(text) == std::string::npos);
  }
}

TEST(KeyFile, IsMadeOnceWithMode0600) {
  const test::TempDir dir;
  const std::string path = dir.file("secret.key");
  EXPECT_EQ(key_from_file(path, false).error().code, ErrorCode::kNotFound);
  const auto first = key_from_file(path, true);
  ASSERT_TRUE(first);
  EXPECT_EQ(*key_from_file(path, true), *first);
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()), 1);
}

TEST(KeyFile, ReadableByOthersIsRefused) {
  const test::TempDir dir;
  const std::string path = dir.write("secret.key", print_key(key_of(3)));
  chmod(path.c_str(), 0640);
  EXPECT_EQ(key_from_file(path, true).error().code, ErrorCode::kRefused);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(*key_from_file(path, true), key_of(3));
}

TEST(KeyFile, RubbishIsNeverReplaced) {
  const test::TempDir dir;
  const std::string path = dir.write("secret.key", "rubbish");
  chmod(path.c_str(), 0600);
  EXPECT_EQ(key_from_file(path, true).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(test::read_file(path), "rubbish");
}

TEST(Sha256, PiecesAreAsGoodAsTheWhole) {
  Sha256 hash;
  hash.add("ab"), hash.add(""), hash.add("c");
  EXPECT_EQ(hash.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256().finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

std::string sealed_stream(std::string_view plain, std::size_t step) {
  StreamSealer sealer(key_of(1));
  std::string out;
  for (std::size_t at = 0; at < plain.size(); at += step) out += sealer.add(plain.substr(at, step));
  return out + sealer.finish();
}

// What comes out, or what is wrong with it.
std::string opened_stream(std::string_view sealed, std::size_t step, unsigned char key = 1) {
  StreamOpener opener(key_of(key));
  std::string out;
  for (std::size_t at = 0; at < sealed.size(); at += step) {
    const auto plain = opener.add(sealed.substr(at, step));
    if (!plain) return plain.error().what;
    out += *plain;
  }
  const Status ended = opener.finish();
  return ended ? out : ended.error().what;
}

TEST(StreamBox, AnyLengthInAnyPiecesComesBack) {
  for (const std::size_t length : {0U, 1U, 65'535U, 65'536U, 65'537U, 200'000U}) {
    std::string plain(length, '\0');
    for (std::size_t i = 0; i < length; ++i) plain[i] = static_cast<char>(i * 31 >> 3);
    for (const std::size_t step : {1'000U, 65'536U, 300'000U})
      EXPECT_EQ(opened_stream(sealed_stream(plain, step), step + 7), plain) << length << " by " << step;
  }
}

TEST(StreamBox, NothingIsChangedCutMovedOrAddedUnseen) {
  const std::string plain(150'000, 'x'), sealed = sealed_stream(plain, 5'000);
  EXPECT_NE(opened_stream(sealed, 4'096, 2).find("another key"), std::string::npos);
  for (const std::size_t at : {0U, 9U, 33U, 40U, 70'000U, static_cast<unsigned>(sealed.size() - 1)}) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    EXPECT_TRUE(opened_stream(changed, 4'096).starts_with("sealed stream: ")) << at;
  }
  constexpr std::size_t kHead = 32, kPiece = 4 + 65'536 + 17;
  EXPECT_EQ(opened_stream(sealed.substr(0, kHead + kPiece), 4'096), "sealed stream: cut off");
  EXPECT_EQ(opened_stream(sealed.substr(0, 5), 4'096), "sealed stream: cut off");
  EXPECT_EQ(opened_stream(sealed + "moreover", 4'096), "sealed stream: more after its end");
  const std::string moved = sealed.substr(0, kHead) + sealed.substr(kHead + kPiece, kPiece) +
                            sealed.substr(kHead, kPiece) + sealed.substr(kHead + 2 * kPiece);
  EXPECT_TRUE(opened_stream(moved, 4'096).starts_with("sealed stream: "));
}

TEST(Signature, IsEd25519) {
  // RFC 8032, section 7.1, test 2.
  const std::string seed = *from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const std::string key = *from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string signature = sign(seed + key, "\x72");
  EXPECT_EQ(
      hex(signature),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
      "eeb00d291612bb0c00");
  EXPECT_TRUE(verifies(key, "\x72", signature));
  EXPECT_FALSE(verifies(key, "\x73", signature));
  EXPECT_FALSE(verifies(key.substr(1), "\x72", signature));
  EXPECT_FALSE(verifies(key, "\x72", signature.substr(1)));
  EXPECT_FALSE(verifies("", "", ""));
}

TEST(Signature, PairsAreFresh) {
  const auto one = make_signing_pair(), other = make_signing_pair();
  EXPECT_NE(one.public_key, other.public_key);
  EXPECT_TRUE(verifies(one.public_key, "text", sign(one.secret_key, "text")));
  EXPECT_FALSE(verifies(other.public_key, "text", sign(one.secret_key, "text")));
}

TEST(Signature, TextFormsAreStrict) {
  EXPECT_EQ(base64(std::string("\0\xff", 2)), "AP8=");
  EXPECT_EQ(*from_base64("AP8="), std::string("\0\xff", 2));
  EXPECT_EQ(*from_base64("AP8"), std::string("\0\xff", 2));
  EXPECT_EQ(*from_base64(""), "");
  for (const char* bad : {"AP8!", "A", "AP 8", "AP9"}) EXPECT_FALSE(from_base64(bad)) << bad;
  EXPECT_EQ(hex("\x01\xab"), "01ab");
  for (const char* bad : {"0", "0g", "01 "}) EXPECT_FALSE(from_hex(bad)) << bad;
}

}  // namespace
}  // namespace everup::seal
