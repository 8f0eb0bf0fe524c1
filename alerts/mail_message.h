// A mail as bytes, by GMime: multipart/alternative in UTF-8 (text first, quoted-printable), Date, our stored
// Message-ID, References that thread one incident, Auto-Submitted, List-Unsubscribe on one line with one-click. The
// same input gives the same bytes, so a repeated hand-over is a repeated mail that receivers can tell.
//
// Nothing a stranger wrote can begin a header of its own: every field is one printable line (safe_text.h) or is
// refused. Thread: any. At most a few hundred KiB: words are capped before.
#pragma once

#include <string>

#include "core/result.h"
#include "core/time.h"

namespace everup::alerts {

struct MailParts {
  std::string from;  // "alerts@example.com" or "Everup <alerts@example.com>"
  std::string to;    // one address
  std::string subject, text, html;
  WallTime date;
  int offset_s = 0;                // of the Date header, east of UTC
  std::string message_id;          // without <>
  std::string thread_message_id;   // empty: this one begins the thread
  std::string unsubscribe_url;     // https; empty: none
  std::string incident_id, event;  // X-Everup-Incident, X-Everup-Event; empty: none
};

// kInvalid: `from`, `to` or a Message-ID is not one. A link that cannot stand in a header is left out.
Result<std::string> compose(const MailParts& parts);

}  // namespace everup::alerts
