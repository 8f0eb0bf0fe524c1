// Capped lines. A line longer than kLineMax is cut; a line that finds no room is counted in dropped().
#include "core/transcript.h"

#include <algorithm>

#include "core/outcome.h"

namespace everup {

namespace {
constexpr std::size_t kLineMax = 4096;
}

void Transcript::add(std::int32_t at_ms, Direction direction, bool tls, std::string_view raw) {
  if (lines_.size() >= kLinesMax || bytes_ >= kBytesMax) {
    ++dropped_;
    return;
  }
  if (raw.ends_with('\n')) raw.remove_suffix(1);
  if (raw.ends_with('\r')) raw.remove_suffix(1);
  lines_.push_back({at_ms, direction, tls, printable(raw, std::min(kLineMax, kBytesMax - bytes_))});
  bytes_ += lines_.back().text.size();
}

}  // namespace everup
