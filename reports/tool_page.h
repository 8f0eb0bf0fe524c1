// The browser tools' pages (SHAPES 21): the form, the test while it runs, and what it found. Pure; any thread; no
// clock.
//
//   form ─POST─▶ page of the test: while it runs an iframe into which the dialogue streams (tool_stream_*), with script
//   on the same lines by events (tool_script); when it has ended the report, as one part that is stored
//   (mail_test_html, tls_test_html) inside tool_page_html. Deliverability is asked and answered at once, below its
//   form. Who is signed in sends forms by script with his session and its CSRF token; without either he is a stranger.
//
// What a stranger's server said is text and nothing else: escaped by the templates, controls and bidi marks spelled
// out. Everything works without script and under kToolCsp; pages may be embedded anywhere, because they know nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "core/tls_report.h"
#include "core/transcript.h"

namespace everup::reports {

inline constexpr std::string_view kToolCsp =
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; frame-src 'self'; base-uri "
    "'none'; form-action 'self'";

enum class Tool : std::uint8_t { kSmtp, kTls, kMail };
std::string_view word(Tool tool);  // "smtp", "tls", "mail": as in the paths

struct ToolForm {
  Tool tool = Tool::kSmtp;
  std::string target, to, starttls;  // as typed
  std::string address, selector;     // of kMail, whose target is a domain
  std::vector<std::string> errors;   // sentences
  std::string limits;                // what strangers may do here, in words
  bool closed = false;               // strangers may not
  std::string content;               // of kMail: what deliverability_html made, below the form
  std::string version;
};
std::string tool_form_html(const ToolForm& form);

// A test, whatever became of it.
struct ToolTestPage {
  enum class State : std::uint8_t { kRunning, kElsewhere, kEnded, kLost };
  Tool tool = Tool::kSmtp;
  State state = State::kRunning;
  std::string id, target;
  std::string created;  // "22 Nov 2026, 11:05:12 UTC"
  std::string content;  // of an ended one: what mail_test_html or tls_test_html made
  std::string version;
};
std::string tool_test_html(const ToolTestPage& page);
std::string tool_missing_html(Tool tool);

// ---- what streams into the iframe: head, then lines and steps as they come, then the end
std::string tool_stream_head(Tool tool);
std::string tool_line_html(const TranscriptLine& line, std::string_view note);
std::string tool_step_html(Tool tool, std::string_view step, std::int32_t took_ms, int code);
std::string tool_stream_end(Tool tool, std::string_view id);
std::string tool_stream_broken();  // we go down in the middle of it

// What a step is, what a good answer looks like, and where that is written; empty: it speaks for itself.
std::string_view step_meaning(Tool tool, std::string_view step);

// ---- what it found
struct MailTest {
  struct Line {
    TranscriptLine line;
    std::string_view note;
  };
  struct Step {
    std::string name;
    std::int32_t at_ms = 0, took_ms = 0;  // at: its end
    int code = 0;
  };
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kInternal;
  std::string detail, stopped_at, address, enhanced;
  int code = 0;
  std::int32_t total_ms = 0;
  std::string tls_version, tls_cipher;  // empty: no TLS was spoken
  std::string tls_judgement;            // empty: trusted, and the name fits
  std::optional<CertificateFacts> certificate;
  std::vector<std::string> capabilities, findings;
  std::vector<Step> steps;
  std::vector<std::string> hosts;  // of a domain's MX: each with what became of it; empty: one server was asked
  std::vector<Line> lines;
  std::size_t dropped = 0;
  std::string save, save_link;  // the request that makes a monitor of it; the dashboard's form for it
  WallTime now;
};
std::string mail_test_html(const MailTest& test);

struct TlsTest {
  Verdict verdict = Verdict::kInconclusive;
  Cause cause = Cause::kInternal;
  std::string detail;
  std::int32_t total_ms = 0;
  const TlsReport* report = nullptr;  // never null
  bool heartbleed_withheld = false;   // a stranger asked
  std::string save, save_link;
  WallTime now;
};
std::string tls_test_html(const TlsTest& test);

struct DeliverabilityPage {
  struct Finding {
    Verdict tone = Verdict::kUp;
    std::string level, check, found, means, publish;
  };
  Verdict verdict = Verdict::kInconclusive;
  std::string domain;
  std::vector<Finding> findings;
};
std::string deliverability_html(const DeliverabilityPage& page);

// /tools/live.js
std::string_view tool_script();

}  // namespace everup::reports
