// What a message says: subject, text and facts, the same for every kind of channel. English, plain, stable after the
// tag so that mail clients thread: "[DOWN] Shop: connection refused", "[UP] Shop: after 9 min 12 s". Every time stands
// in the channel's zone and in UTC. All words are one printable line each (safe_text.h). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/time.h"
#include "core/zone.h"

namespace everup::alerts {

inline constexpr std::size_t kSubjectBytesMax = 160;
inline constexpr std::size_t kDigestAlertsMax = 50;  // listed; the rest is counted

struct Fact {
  std::string label, value;  // "Why", "connection refused"
  bool link = false;         // `value` is a URL
};
struct Story {  // of one alert
  std::string headline;
  std::vector<Fact> facts;
  std::vector<std::string> evidence;
};
struct Words {
  std::string subject;
  std::string opening;         // of a digest: what the list is; else empty
  std::vector<Story> stories;  // one; of a digest: one each, short
  std::size_t left_out = 0;    // alerts that are not listed
  std::string closing;         // why the reader gets this
};

// `zone` null: UTC only.
Words words_of(const Message& message, const Zone* zone);
std::string subject_of(const Message& message);
// "Shop is down: connection refused" without the tag.
std::string headline_of(const Alert& alert, WallTime said_at);
std::string tag_of(AlertKind kind);               // "DOWN", "STILL DOWN"
std::string duration_words(milliseconds length);  // "9 min 12 s"; whole seconds, floored
std::string time_words(WallTime t, const Zone* zone);
// A message about one incident that is already over: its DOWN and UP leave together.
bool tells_both(const Message& message);
// Its alerts are about different incidents.
bool is_digest(const Message& message);
// What a message that is no digest is about: of several alerts about one incident the UP, else the DOWN, else the last;
// the DOWN with its end when it tells both. The message has an alert.
Alert told_alert(const Message& message);

// As text, lines wrapped nowhere, "\n" between them; and as HTML without anything loaded from elsewhere, at most 30 kB.
std::string text_of(const Words& words);
std::string html_of(const Words& words);

}  // namespace everup::alerts
