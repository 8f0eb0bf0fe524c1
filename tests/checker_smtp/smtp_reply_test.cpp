// The reader of replies: lines as they end, faults that stay, and the corpus of its fuzzer.
#include "checker/smtp_reply.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/fuzz/smtp_reply_outcome.h"
#include "tests/paths.h"
#include "tests/support/tempdir.h"

namespace everup::checker {
namespace {

using Step = SmtpReplyReader::Step;

TEST(SmtpReply, LinesComeAsTheyEnd) {
  SmtpReplyReader reader;
  std::size_t used = 0;
  EXPECT_EQ(reader.read("220-mx", &used), Step::kMore);
  EXPECT_EQ(used, 6u);
  EXPECT_EQ(reader.read(".test\r\n220 rea", &used), Step::kLine);
  EXPECT_EQ(used, 7u);
  EXPECT_EQ(reader.line(), "220-mx.test");
  EXPECT_EQ(reader.read("220 rea", &used), Step::kMore);
  EXPECT_EQ(reader.read("dy\r\nrest", &used), Step::kReply);
  EXPECT_EQ(used, 4u);
  const SmtpReply reply = reader.take();
  EXPECT_EQ(reply.code, 220);
  EXPECT_EQ(reply.lines, (std::vector<std::string>{"mx.test", "ready"}));
  EXPECT_FALSE(reply.bare_lf || reply.eight_bit || reply.control);
  EXPECT_EQ(reader.read("221 bye\r\n", &used), Step::kReply);
  EXPECT_EQ(reader.take().code, 221) << "and begins anew";
}

TEST(SmtpReply, EnhancedCodes) {
  EXPECT_EQ(enhanced_code("5.1.1 no such user"), "5.1.1");
  EXPECT_EQ(enhanced_code("2.0.0"), "2.0.0");
  EXPECT_EQ(enhanced_code("4.999.999 x"), "4.999.999");
  for (const char* none : {"", "5.1", "5.1.", "5.1.1.1", "3.1.1 x", "5.1.1x", "5.1234.1 x", "5..1 x", "10.0.0 x"})
    EXPECT_EQ(enhanced_code(none), "") << none;
  SmtpReplyReader reader;
  std::size_t used = 0;
  reader.read("550 4.1.1 x\r\n", &used);
  EXPECT_FALSE(reader.take().enhanced_fits());
}

TEST(SmtpReply, FaultsStay) {
  for (const char* bad :
       {"\r\n", "22\r\n", "120 x\r\n", "620 x\r\n", "abc\r\n", "220x\r\n", " 220 x\r\n", "220\tx\r\n"}) {
    SmtpReplyReader reader;
    std::size_t used = 0;
    EXPECT_EQ(reader.read(bad, &used), Step::kFault) << bad;
    EXPECT_EQ(reader.fault(), SmtpFault::kNotAReply);
    EXPECT_EQ(reader.read("220 fine\r\n", &used), Step::kFault);
    EXPECT_EQ(used, 0u);
  }
}

// The fuzzer's corpus, and what it once found.
TEST(SmtpReply, CutsDoNotMatter) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EVERUP_SOURCE_DIR "/tests/fuzz/smtp_reply_corpus")) {
    const std::string bytes = everup::test::read_file(entry.path().string());
    const std::string whole = fuzz::smtp_reply_outcome(bytes, bytes.size() + 1);
    EXPECT_EQ(fuzz::smtp_reply_outcome(bytes, 1), whole) << entry.path();
    EXPECT_EQ(fuzz::smtp_reply_outcome(bytes, 3), whole) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 20u);
}

}  // namespace
}  // namespace everup::checker
