#include "checker/smtp_reply.h"

#include <algorithm>
#include <utility>

#include "checker/words.h"

namespace everup::checker {

namespace {

// How many digits stand at `from`, at most four.
std::size_t digits(std::string_view text, std::size_t from) {
  std::size_t count = 0;
  while (count < 4 && from + count < text.size() && digit(text[from + count])) ++count;
  return count;
}

}  // namespace

std::string_view english(SmtpFault fault) {
  switch (fault) {
    case SmtpFault::kNone:
      return "no fault";
    case SmtpFault::kNotAReply:
      return "this is not a reply of RFC 5321";
    case SmtpFault::kMixedCodes:
      return "a reply with two different codes";
    case SmtpFault::kLineTooLong:
      return "a reply line of more than 2048 bytes";
    case SmtpFault::kTooManyLines:
      return "a reply of more than 64 lines";
  }
  return "unknown";
}

std::string_view enhanced_code(std::string_view text) {
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.') return {};
  const std::size_t subject = digits(text, 2);
  if (subject < 1 || subject > 3 || 2 + subject >= text.size() || text[2 + subject] != '.') return {};
  const std::size_t detail = digits(text, 3 + subject);
  if (detail < 1 || detail > 3) return {};
  const std::size_t end = 3 + subject + detail;
  return end == text.size() || text[end] == ' ' ? text.substr(0, end) : std::string_view();
}

SmtpReplyReader::Step SmtpReplyReader::broken(SmtpFault fault) {
  fault_ = fault;
  line_done_ = true;
  return Step::kFault;
}

SmtpReplyReader::Step SmtpReplyReader::read(std::string_view bytes, std::size_t* used) {
  *used = 0;
  if (fault_ != SmtpFault::kNone) return Step::kFault;
  if (std::exchange(line_done_, false)) line_.clear(), line_bytes_ = 0;
  const std::size_t end = bytes.find('\n');
  const std::size_t count = end == std::string_view::npos ? bytes.size() : end + 1;
  const std::size_t room = kLineMax - line_bytes_;
  *used = std::min(count, room);
  line_bytes_ += *used;
  const bool whole = end != std::string_view::npos && *used == count;
  line_.append(bytes.substr(0, *used - (whole ? 1 : 0)));
  if (!whole) return *used < count || line_bytes_ == kLineMax ? broken(SmtpFault::kLineTooLong) : Step::kMore;
  line_done_ = true;
  if (line_.ends_with('\r')) {
    line_.pop_back();
  } else {
    reply_.bare_lf = true;
  }
  return judge_line();
}

SmtpReplyReader::Step SmtpReplyReader::judge_line() {
  const std::string_view line = line_;
  if (digits(line, 0) != 3 || line[0] < '2' || line[0] > '5') return broken(SmtpFault::kNotAReply);
  const char mark = line.size() > 3 ? line[3] : ' ';
  if (mark != ' ' && mark != '-') return broken(SmtpFault::kNotAReply);
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (reply_.code != 0 && reply_.code != code) return broken(SmtpFault::kMixedCodes);
  if (reply_.lines.size() == kLinesMax) return broken(SmtpFault::kTooManyLines);
  reply_.code = code;
  const std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 128) reply_.eight_bit = true;
    if (byte < 32 && c != '\t') reply_.control = true;
  }
  if (reply_.lines.empty()) reply_.enhanced = enhanced_code(text);
  reply_.lines.emplace_back(text);
  return mark == '-' ? Step::kLine : Step::kReply;
}

SmtpReply SmtpReplyReader::take() { return std::exchange(reply_, SmtpReply{}); }

}  // namespace everup::checker
