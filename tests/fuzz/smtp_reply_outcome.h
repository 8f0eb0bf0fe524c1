// What the reader of mail replies makes of bytes that come in pieces of `step`: one text, so that two ways of cutting
// can be compared. Aborts when a limit is passed. Shared by the fuzzer and the replay of its corpus.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "checker/smtp_reply.h"

namespace everup::fuzz {

inline std::string smtp_reply_outcome(std::string_view bytes, std::size_t step) {
  using checker::SmtpReplyReader;
  SmtpReplyReader reader;
  std::string out;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      std::size_t used = 0;
      const auto said = reader.read(piece, &used);
      if (used > piece.size() || reader.line().size() > SmtpReplyReader::kLineMax) std::abort();
      piece.remove_prefix(used);
      if (said == SmtpReplyReader::Step::kFault) return out + "fault " + std::string(english(reader.fault()));
      if (said == SmtpReplyReader::Step::kMore && used == 0) std::abort();  // no progress
      if (said != SmtpReplyReader::Step::kReply) continue;
      const auto reply = reader.take();
      if (reply.lines.empty() || reply.lines.size() > SmtpReplyReader::kLinesMax || reply.code < 200 ||
          reply.code > 599)
        std::abort();
      out += std::to_string(reply.code) + " " + reply.enhanced;
      for (const std::string& line : reply.lines) out += "|" + line;
      out += reply.bare_lf ? " lf" : "";
      out += reply.eight_bit ? " 8" : "";
      out += reply.control ? " c\n" : "\n";
    }
  }
  return out;
}

}  // namespace everup::fuzz
