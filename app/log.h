// The one logger: lines on stderr, text or JSON, one event a line. Made once in main before any thread starts.
#pragma once

#include <string>

namespace everup::app {

void open_log(const std::string& format, const std::string& level);  // values as in the settings table

}  // namespace everup::app
