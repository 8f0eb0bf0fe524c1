// What is wrong with a definition, field by field: shared by the files that judge one (monitor.cpp, kind_check.cpp).
// Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/kind_settings.h"
#include "core/result.h"

namespace everup {

class Complaints {
 public:
  void wrong(std::string pointer, std::string code, std::string detail) {
    errors_.push_back({std::move(pointer), std::move(code), std::move(detail)});
  }
  void need(bool good, const std::string& pointer, const std::string& code, const std::string& detail) {
    if (!good) wrong(pointer, code, detail);
  }
  void range(std::int64_t value, std::int64_t low, std::int64_t high, const std::string& pointer) {
    need(value >= low && value <= high, pointer, "out_of_range",
         "must be between " + std::to_string(low) + " and " + std::to_string(high));
  }
  FieldErrors take() { return std::move(errors_); }

 private:
  FieldErrors errors_;
};

inline bool no_controls(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}
// options.ca
void check_ca(const std::string& pem, Complaints& complaints);

// Everything but the web, which has a grammar of its own in monitor.cpp.
void check_settings(const SmtpSettings& settings, const Target& target, Complaints& complaints);
void check_settings(const TlsSettings& settings, const Target& target, Complaints& complaints);
void check_settings(const TcpSettings& settings, const Target& target, Complaints& complaints);
void check_settings(const DnsSettings& settings, const Target& target, Complaints& complaints);
void check_settings(const PingSettings& settings, const Target& target, Complaints& complaints);
void check_settings(const HeartbeatSettings& settings, const Target& target, Complaints& complaints);

}  // namespace everup
