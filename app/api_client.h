// The command line as a client of the HTTP API (SHAPES 15): where it is, which key it shows, and how its problems read.
#pragma once

#include <string>

#include "app/settings.h"
#include "core/result.h"

namespace everup::app {

class ApiClient {
 public:
  // EVERUP_API_URL, else EVERUP_BASE_URL, else the listener; EVERUP_API_KEY(_FILE), else DATA_DIR/cli.key.
  static Result<ApiClient> open(const Settings& settings, const std::string& data_dir);
  // Where the API is, without a trailing slash, and the unix socket that leads there (empty: none).
  static std::string base_url(const Settings& settings);
  static std::string unix_socket(const Settings& settings);

  // JSON in, JSON out. An answer of 400 and more is an Error whose text is the problem's detail and every field's.
  Result<std::string> call(const std::string& method, const std::string& path, const std::string& body = {}) const;

 private:
  std::string url_, unix_socket_, key_;
};

std::string percent_encode(const std::string& text);

}  // namespace everup::app
