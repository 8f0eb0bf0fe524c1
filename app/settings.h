// Every setting of Everup in one table: name, default, meaning, check. The table drives flags, environment, file,
// `config check` and --help.
//
// Precedence: flag > environment (EVERUP_NAME, or EVERUP_NAME_FILE for secrets) > file (--config, EVERUP_CONFIG,
// /etc/everup/everup.yaml; same names in lower case without EVERUP_) > default. An unknown key in the file or an
// impossible value is an error that names the setting; the program exits 78 then. Read once at start, then immutable:
// any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace everup::app {

struct Setting {
  std::string_view name;      // "DATA_DIR"
  std::string_view fallback;  // default as text
  bool secret = false;        // never a flag, masked when printed, also readable from NAME_FILE
  std::string_view prose;     // one line for --help and docs
  std::optional<std::string> (*check)(const std::string& value) = nullptr;  // what is wrong with it, or nothing
};
const std::vector<Setting>& settings_table();

std::string flag_of(const Setting& setting);      // "--data-dir"
std::string file_key_of(const Setting& setting);  // "data_dir"

struct SettingSources {
  std::map<std::string, std::string, std::less<>> flags;       // by setting name
  std::function<const char*(const std::string&)> environment;  // getenv
  std::string config_file;  // --config; empty: EVERUP_CONFIG, then /etc/everup/everup.yaml if it exists
};

class Settings {
 public:
  static Result<Settings> read(const SettingSources& sources);
  const std::string& text(std::string_view name) const;
  std::int64_t number(std::string_view name) const;  // of a setting whose check says it is one
  bool given(std::string_view name) const;           // not the default
  // "name value origin" lines, secrets masked.
  std::string table() const;
  std::string json() const;
  const std::string& config_file() const { return config_file_; }

 private:
  struct Value {
    std::string text, origin;
  };
  std::map<std::string, Value, std::less<>> values_;
  std::string config_file_;
};

}  // namespace everup::app
