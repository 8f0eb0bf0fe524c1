// Who watches a probe while it runs: a live page, a person at a shell. Every call comes on the loop's thread, in the
// order of the events, before the probe's `done`; none may destroy the probe. The worker watches nobody.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/transcript.h"

namespace everup {
struct TlsReport;  // core/tls_report.h
}

namespace everup::checker {

struct SmtpReport;

class Live {
 public:
  virtual ~Live() = default;
  // A line as it came or went, secrets masked, printable.
  virtual void on_line(const TranscriptLine& line) = 0;
  // A step ended: its name, when (since the look started), how long it took, and the code of the answer (0: none).
  virtual void on_step(std::string_view step, std::int32_t at_ms, std::int32_t took_ms, int code) = 0;
  // The whole test, once, just before `done`.
  virtual void on_smtp(const SmtpReport&) {}
  virtual void on_tls(const TlsReport&) {}
};

}  // namespace everup::checker
