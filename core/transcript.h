// What was said on the wire, line by line: capped, printable, secrets masked by whoever adds them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace everup {

enum class Direction : std::uint8_t { kIn, kOut, kNote };

struct TranscriptLine {
  std::int32_t at_ms = 0;  // since the look started
  Direction direction = Direction::kNote;
  bool tls = false;
  std::string text;  // printable
};

// At most kLinesMax lines and kBytesMax bytes; what comes later is counted, not kept.
class Transcript {
 public:
  static constexpr std::size_t kLinesMax = 400;
  static constexpr std::size_t kBytesMax = 64 * 1024;
  void add(std::int32_t at_ms, Direction direction, bool tls, std::string_view raw);
  const std::vector<TranscriptLine>& lines() const { return lines_; }
  std::size_t dropped() const { return dropped_; }

 private:
  std::vector<TranscriptLine> lines_;
  std::size_t bytes_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace everup
