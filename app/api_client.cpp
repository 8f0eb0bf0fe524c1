#include "app/api_client.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "net/curl_client.h"

namespace everup::app {
namespace {

Result<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty()) return Error{ErrorCode::kNotFound, path};
  return line;
}

Result<std::string> find_key(const std::string& data_dir) {
  if (const char* key = std::getenv("EVERUP_API_KEY"); key != nullptr && *key != '\0') return std::string(key);
  if (const char* file = std::getenv("EVERUP_API_KEY_FILE"); file != nullptr) {
    auto key = first_line(file);
    if (!key) return Error{ErrorCode::kInvalid, fmt::format("EVERUP_API_KEY_FILE: cannot read a key from {}", file)};
    return key;
  }
  auto key = first_line(data_dir + "/cli.key");
  if (!key) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("no API key: set EVERUP_API_KEY or EVERUP_API_KEY_FILE, or make an account first "
                             "(everup account create writes {}/cli.key)",
                             data_dir)};
  }
  return key;
}

// A problem document (RFC 9457) as people read it.
std::string problem_text(const net::ClientAnswer& answer) {
  const auto problem = nlohmann::json::parse(answer.body, nullptr, false);
  if (!problem.is_object()) return fmt::format("the API answered {}", answer.status);
  auto text = problem.value("detail", problem.value("title", fmt::format("the API answered {}", answer.status)));
  const auto errors = problem.find("errors");
  if (errors == problem.end() || !errors->is_array()) return text;
  for (const auto& field : *errors) {
    text += fmt::format("\n  {}: {}", field.value("pointer", field.value("parameter", "")), field.value("detail", ""));
  }
  return text;
}

std::string listener_url(const std::string& listen) {
  if (listen.starts_with("unix:")) return "http://localhost";
  const auto colon = listen.rfind(':');
  auto host = colon == std::string::npos ? std::string("127.0.0.1") : listen.substr(0, colon);
  if (host == "0.0.0.0" || host == "*") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return "http://" + host + (colon == std::string::npos ? "" : listen.substr(colon));
}

const char* api_url() {
  const char* url = std::getenv("EVERUP_API_URL");
  return url != nullptr && *url != '\0' ? url : nullptr;
}

}  // namespace

Result<ApiClient> ApiClient::open(const Settings& settings, const std::string& data_dir) {
  ApiClient client;
  auto key = find_key(data_dir);
  if (!key) return key.error();
  client.key_ = *std::move(key);
  client.url_ = base_url(settings);
  client.unix_socket_ = unix_socket(settings);
  return client;
}

std::string ApiClient::base_url(const Settings& settings) {
  std::string url = api_url() != nullptr         ? api_url()
                    : settings.given("BASE_URL") ? settings.text("BASE_URL")
                                                 : listener_url(settings.text("LISTEN"));
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string ApiClient::unix_socket(const Settings& settings) {
  const auto& listen = settings.text("LISTEN");
  if (api_url() != nullptr || settings.given("BASE_URL") || !listen.starts_with("unix:")) return {};
  return listen.substr(5, listen.find('?') == std::string::npos ? std::string::npos : listen.find('?') - 5);
}

Result<std::string> ApiClient::call(const std::string& method, const std::string& path, const std::string& body) const {
  net::ClientRequest request;
  request.method = method;
  request.url = url_ + "/api/v1" + path;
  request.unix_socket = unix_socket_;
  request.headers = {"Authorization: Bearer " + key_, "Accept: application/json", "Expect:"};
  if (!body.empty()) request.headers.push_back("Content-Type: application/json");
  request.body = body;
  auto answer = net::http_request(request);
  if (!answer) {
    return Error{answer.error().code,
                 answer.error().what + "; is `everup serve` running? EVERUP_API_URL says where it is"};
  }
  if (answer->status >= 400 || answer->status < 200) return Error{ErrorCode::kInvalid, problem_text(*answer)};
  return std::move(answer->body);
}

std::string percent_encode(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || c == ':';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace everup::app
