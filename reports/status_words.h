// What a status page says, in its language. Pure; any thread. Dates and durations are written the same in all of them
// (2026-11-22 14:30 +01:00, 9 min 55 s).
#pragma once

#include <string_view>

#include "core/standing.h"
#include "reports/page_template.h"

namespace everup::reports {

// `key` as in the table of status_words.cpp; English where the language has no such word. An unknown key is our bug
// (asserted).
std::string_view word(std::string_view language, std::string_view key);
std::string_view state_word(std::string_view language, State state);
// Every word under its key, for a template.
void add_words(std::string_view language, Fields& page);

}  // namespace everup::reports
