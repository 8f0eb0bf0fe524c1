// Replies of a mail server, read line by line from bytes cut anywhere: RFC 5321 section 4.2, enhanced codes RFC 2034
// and 3463.
//
// Strict where it matters for the verdict (three digits, one code in all lines of a reply, limits), lenient where the
// field is: bare LF ends a line, "250" without text is a reply, lines may have 2 KiB instead of 512 bytes, any byte may
// stand in the text (what is odd is noted in the reply, for whoever shows it).
//
// Pure value, no I/O. Limits: kLineMax bytes a line with its end, kLinesMax lines a reply; beyond them a fault. After a
// fault the reader stays there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace everup::checker {

struct SmtpReply {
  int code = 0;                             // 200 … 599
  std::vector<std::string> lines;           // the texts behind the code, raw
  std::string enhanced;                     // "2.1.5" of the first line; empty: none
  bool bare_lf = false;                     // a line ended without CR
  bool eight_bit = false, control = false;  // bytes above 127; NUL and its like

  int category() const { return code / 100; }
  std::string_view text() const { return lines.empty() ? std::string_view() : std::string_view(lines.front()); }
  // RFC 2034, section 4: the class of the enhanced code is the first digit of the code.
  bool enhanced_fits() const { return enhanced.empty() || enhanced.front() - '0' == category(); }
};

enum class SmtpFault : std::uint8_t { kNone, kNotAReply, kMixedCodes, kLineTooLong, kTooManyLines };
std::string_view english(SmtpFault fault);

class SmtpReplyReader {
 public:
  static constexpr std::size_t kLineMax = 2048;
  static constexpr std::size_t kLinesMax = 64;

  enum class Step : std::uint8_t {
    kMore,   // everything was taken, the line is not complete
    kLine,   // a continuation line is complete: line()
    kReply,  // the last line is complete: line(), take()
    kFault,  // fault(), line() as far as it came
  };
  // Takes at most one line; `used` says how many bytes that was.
  Step read(std::string_view bytes, std::size_t* used);

  std::string_view line() const { return line_; }  // without its end; until the next read()
  SmtpReply take();                                // after kReply; the reader begins anew
  SmtpFault fault() const { return fault_; }
  bool empty() const { return line_.empty() || line_done_; }  // nothing of an unfinished line

 private:
  Step judge_line();
  Step broken(SmtpFault fault);

  SmtpReply reply_;
  std::string line_;
  std::size_t line_bytes_ = 0;
  bool line_done_ = false;
  SmtpFault fault_ = SmtpFault::kNone;
};

// "5.1.1" at the beginning of `text`, followed by a space or the end; empty: none.
std::string_view enhanced_code(std::string_view text);

}  // namespace everup::checker
