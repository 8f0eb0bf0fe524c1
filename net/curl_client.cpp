#include "net/curl_client.h"

#include <curl/curl.h>

#include <memory>

namespace everup::net {
namespace {

constexpr std::size_t kAnswerBytesMax = 64UL * 1024 * 1024;

struct Body {
  std::string bytes;
  bool too_large = false;
};

extern "C" std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& body = *static_cast<Body*>(user);
  if (body.bytes.size() + size * count > kAnswerBytesMax) {
    body.too_large = true;
    return 0;
  }
  try {
    body.bytes.append(data, size * count);
  } catch (...) {
    body.too_large = true;
    return 0;
  }
  return size * count;
}

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void set_options(CURL* easy, const ClientRequest& request, const curl_slist* headers, Body& body) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request.timeout_ms);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  if (!request.unix_socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

Error error_of(CURLcode code, const ClientRequest& request, const Body& body) {
  const auto what =
      request.url + ": " + (body.too_large ? "the answer is larger than 64 MiB" : curl_easy_strerror(code));
  if (body.too_large) return {ErrorCode::kExhausted, what};
  return {code == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable, what};
}

}  // namespace

Result<ClientAnswer> http_request(const ClientRequest& request) {
  const Easy easy(curl_easy_init(), curl_easy_cleanup);
  if (!easy) return Error{ErrorCode::kExhausted, "http client: out of memory"};
  Headers headers(nullptr, curl_slist_free_all);
  for (const auto& line : request.headers) {
    auto* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return Error{ErrorCode::kExhausted, "http client: out of memory"};
    headers.release();  // NOLINT(bugprone-unused-return-value): append returns the same list
    headers.reset(longer);
  }
  Body body;
  set_options(easy.get(), request, headers.get(), body);
  const auto code = curl_easy_perform(easy.get());
  if (code != CURLE_OK) return error_of(code, request, body);
  ClientAnswer answer;
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  const char* type = nullptr;
  curl_easy_getinfo(easy.get(), CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) answer.content_type = type;
  answer.body = std::move(body.bytes);
  return answer;
}

}  // namespace everup::net
