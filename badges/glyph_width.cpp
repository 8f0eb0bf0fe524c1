// See glyph_width.h.
#include "badges/glyph_width.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace everup::badges {
namespace {

struct Widths {
  std::uint16_t first, last;
  std::int16_t regular11, regular10, bold10;  // hundredths of a pixel; -1: not known
};
constexpr Widths kWidths[] = {
#include "badges/verdana_widths.inc"
};

struct CapitalRun {
  std::uint16_t first, last;
  std::uint8_t stride;
  std::int32_t delta;
};
constexpr CapitalRun kCapitals[] = {
#include "badges/upper_case.inc"
};

struct Capitals {
  std::uint16_t letter;
  std::array<std::uint16_t, 3> become;  // 0: no more
};
constexpr Capitals kManyCapitals[] = {
#include "badges/upper_case_many.inc"
};

// The row that `c` may belong to: the last that does not begin after it.
template <class Row, std::size_t N>
const Row* row_of(const Row (&rows)[N], char32_t c) {
  const auto* after = std::upper_bound(std::begin(rows), std::end(rows), c,
                                       [](char32_t value, const Row& row) { return value < row.first; });
  if (after == std::begin(rows) || c > std::prev(after)->last) return nullptr;
  return std::prev(after);
}

std::int16_t listed(const Widths& row, Face face) {
  switch (face) {
    case Face::kRegular11:
      return row.regular11;
    case Face::kRegular10:
      return row.regular10;
    case Face::kBold10:
      return row.bold10;
  }
  return -1;
}

double glyph_px(char32_t c, Face face) {
  const Widths* row = row_of(kWidths, c);
  if (row == nullptr || listed(*row, face) < 0) row = row_of(kWidths, U'm');
  return listed(*row, face) / 100.0;
}

}  // namespace

double text_px(std::u32string_view text, Face face) {
  double sum = 0;
  for (const char32_t c : text) sum += glyph_px(c, face);
  return sum;
}

std::u32string capitals(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    const auto* many = std::find_if(std::begin(kManyCapitals), std::end(kManyCapitals),
                                    [c](const Capitals& one) { return one.letter == c; });
    if (many != std::end(kManyCapitals)) {
      for (const std::uint16_t one : many->become)
        if (one != 0) out.push_back(one);
      continue;
    }
    const CapitalRun* run = row_of(kCapitals, c);
    const bool changes = run != nullptr && (c - run->first) % run->stride == 0;
    out.push_back(changes ? static_cast<char32_t>(static_cast<std::int32_t>(c) + run->delta) : c);
  }
  return out;
}

}  // namespace everup::badges
