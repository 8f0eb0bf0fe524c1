// How a command answers: its line, and the exit code that goes with it (SHAPES 3). Main thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/commands.h"
#include "core/result.h"

namespace everup::app {

// "everup COMMAND: what" on standard error; the code.
int failed(const char* command, const Error& error, int code = kFailed);
int wrong_usage(const char* command, const std::string& what);
// One line on standard output. kFailed when nobody takes it.
int printed(const std::string& line);
// A member as a person reads it: a string without quotes, "-" for what is not there.
std::string text_of(const nlohmann::ordered_json& object, const char* key);

}  // namespace everup::app
