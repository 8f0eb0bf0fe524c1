// Rows of `results` as the text that COPY reads, many rows to one write. Pure; included by recorder_sql.cpp, tests and
// the bench.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/ports.h"

namespace everup::db {

inline constexpr std::size_t kResultNumbers = 18;
// Every column of results but the last, `detail`; the numbers of numbers_of() in their order.
inline constexpr std::array<std::string_view, kResultNumbers> kCopiedColumns{
    "monitor_id", "slot_at", "start_ms", "dns_us", "connect_us", "tls_us",  "wait_us", "transfer_us", "total_us",
    "revision",   "look",    "covered",  "code",   "region",     "verdict", "cause",   "phase",       "trigger"};

// A missed slot has verdict 0 and its reason as cause.
std::array<std::int64_t, kResultNumbers> numbers_of(const Observation& observation);
// One line with its '\n'. `detail` is \N when the look was ok.
void append_result_line(std::string& out, const Observation& observation);

// "{1,2,NULL}" and {"a","b"}: array parameters.
class ArrayText {
 public:
  void add(std::int64_t number);
  void add_null();
  void add_text(std::string_view text);
  std::string take();

 private:
  void comma();
  std::string text_ = "{";
};

}  // namespace everup::db
