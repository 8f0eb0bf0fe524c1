// See copy_lines.h.
#include "db/copy_lines.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace everup::db {
namespace {

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
}

std::int64_t start_ms(const Observation& observation) {
  const std::int64_t late = (observation.started_at - observation.slot_at).count();
  return std::clamp<std::int64_t>(late, std::numeric_limits<std::int32_t>::min(),
                                  std::numeric_limits<std::int32_t>::max());
}

}  // namespace

std::array<std::int64_t, kResultNumbers> numbers_of(const Observation& o) {
  const Timings& t = o.timings;
  const bool looked = !o.missed;
  return {o.monitor.value,
          o.slot_at.ms,
          start_ms(o),
          t.dns_us,
          t.connect_us,
          t.tls_us,
          t.wait_us,
          t.transfer_us,
          t.total_us,
          o.revision,
          o.look,
          o.covered,
          o.code,
          o.region,
          looked ? static_cast<std::int16_t>(o.verdict) : std::int16_t{0},
          looked ? static_cast<std::int16_t>(o.cause) : static_cast<std::int16_t>(*o.missed),
          looked ? static_cast<std::int16_t>(o.phase) : std::int16_t{0},
          static_cast<std::int16_t>(o.trigger)};
}

void append_result_line(std::string& out, const Observation& observation) {
  for (const std::int64_t number : numbers_of(observation)) {
    append_number(out, number);
    out += '\t';
  }
  if (observation.detail.empty()) {
    out += "\\N";
  } else {
    append_escaped(out, observation.detail);
  }
  out += '\n';
}

void ArrayText::comma() {
  if (text_.size() > 1) text_ += ',';
}

void ArrayText::add(std::int64_t number) {
  comma();
  append_number(text_, number);
}

void ArrayText::add_null() {
  comma();
  text_ += "NULL";
}

void ArrayText::add_text(std::string_view text) {
  comma();
  text_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

std::string ArrayText::take() {
  text_ += '}';
  return std::exchange(text_, "{");
}

}  // namespace everup::db
