// See api/http_response.h. A gzipped answer's ETag carries "-gz" (RFC 9110, 8.8.3: codings are different
// representations); comparisons forgive the mark, so that a client may bring either.
#include "api/http_response.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "api/encoding.h"

namespace everup::api {
namespace {

constexpr std::size_t kGzipFrom = 1024;

bool line_safe(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void add_line(std::string* out, std::string_view name, std::string_view value) {
  if (!line_safe(value) || !line_safe(name))
    return;  // nothing of ours has such a value; a split response is worse than a lost field
  out->append(name).append(": ").append(value).append("\r\n");
}

std::uint64_t fnv(std::string_view text, std::uint64_t seed) {
  std::uint64_t h = seed;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93ULL;
  return h ^ (h >> 32);
}

void make_not_modified(HttpResponse* response) {
  response->status = 304;
  response->body.clear();
  response->content_type.clear();
}

}  // namespace

void HttpResponse::set(std::string_view name, std::string value) {
  for (Field& field : fields) {
    if (iequals(field.name, name)) {
      field.value = std::move(value);
      return;
    }
  }
  fields.push_back({std::string(name), std::move(value)});
}

void HttpResponse::append(std::string_view name, std::string value) {
  const std::string* there = find(name);
  set(name, there == nullptr ? std::move(value) : *there + ", " + value);
}

const std::string* HttpResponse::find(std::string_view name) const {
  for (const Field& field : fields) {
    if (iequals(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string content_etag(std::string_view content) {
  std::array<char, 40> text{};
  const auto a = fnv(content, 0xcbf29ce484222325ULL);
  const auto b = fnv(content, 0x9e3779b97f4a7c15ULL ^ content.size());
  std::snprintf(text.data(), text.size(), "\"%016llx%016llx\"", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return text.data();
}

bool etag_listed(std::string_view list, std::string_view etag, bool weak) {
  bool listed = false;
  for_each_element(list, [&](std::string_view entry) {
    if (entry == "*") listed = true;
    if (weak && entry.starts_with("W/")) entry.remove_prefix(2);
    if (weak && entry.ends_with("-gz\"")) {
      listed = listed || std::string(entry.substr(0, entry.size() - 4)) + '"' == etag;
    }
    listed = listed || entry == etag;
  });
  return listed;
}

void negotiate(const HttpRequest& request, HttpResponse* response) {
  const bool safe = request.method == "GET" || request.method == "HEAD";
  if (response->compressible) response->append("Vary", "Accept-Encoding");
  const std::string* asked = request.find("accept-encoding");
  const bool gzip =
      response->compressible && response->body.size() >= kGzipFrom && asked != nullptr && accepts_gzip(*asked);
  if (safe && response->status == 200 && !response->etag.empty()) {
    const std::string* known = request.find("if-none-match");
    if (known != nullptr && etag_listed(*known, response->etag, true)) make_not_modified(response);
  }
  if (!gzip) return;
  if (!response->etag.empty()) response->etag.insert(response->etag.size() - 1, "-gz");
  if (response->body.empty()) return;  // 304: the tag of the coded form, no body
  if (auto packed = gzip_bytes(response->body); packed.ok()) {
    response->body = std::move(*packed);
    response->set("Content-Encoding", "gzip");
  } else if (!response->etag.empty()) {
    response->etag.erase(response->etag.size() - 4, 3);
  }
}

std::string serialise(const HttpResponse& response, const WriteFacts& facts, std::string_view date) {
  std::string out;
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  out.reserve(512 + (facts.head ? 0 : response.body.size()));
  out.append("HTTP/1.1 ")
      .append(std::to_string(response.status))
      .append(" ")
      .append(reason_phrase(response.status))
      .append("\r\n");
  add_line(&out, "Date", date);
  if (!bodiless) {
    if (!response.content_type.empty()) add_line(&out, "Content-Type", response.content_type);
    // A stream's length is not known: chunks, or (HTTP/1.0) until the connection ends.
    if (response.stream == nullptr) {
      add_line(&out, "Content-Length", std::to_string(response.body.size()));
    } else if (!facts.http_1_0) {
      add_line(&out, "Transfer-Encoding", "chunked");
    }
  }
  if (!response.etag.empty()) add_line(&out, "ETag", response.etag);
  for (const Field& field : response.fields) add_line(&out, field.name, field.value);
  if (response.close || !facts.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (facts.http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (bodiless || facts.head) return out;
  if (response.stream != nullptr && !facts.http_1_0) {
    add_chunk(&out, response.body);
  } else {
    out.append(response.body);
  }
  return out;
}

void add_chunk(std::string* out, std::string_view bytes) {
  if (bytes.empty()) return;  // would end the stream
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  out->append(size.data()).append(bytes).append("\r\n");
}

std::string http_date(WallTime t) {
  static constexpr std::array<const char*, 7> kDays{"Thu", "Fri", "Sat", "Sun",
                                                    "Mon", "Tue", "Wed"};  // 1970-01-01 was a Thursday
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::int64_t seconds = t.ms / 1000;
  const std::string iso = rfc3339(WallTime{seconds * 1000});  // 2026-11-22T04:05:06Z
  const auto weekday = static_cast<std::size_t>(seconds / 86'400 % 7);
  const auto month = static_cast<std::size_t>(std::clamp((iso[5] - '0') * 10 + (iso[6] - '0') - 1, 0, 11));
  return std::string(kDays.at(weekday)) + ", " + iso.substr(8, 2) + " " + kMonths.at(month) + " " + iso.substr(0, 4) +
         " " + iso.substr(11, 8) + " GMT";
}

std::string_view reason_phrase(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Phrase, 34> kPhrases{{
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  const auto* found =
      std::find_if(kPhrases.begin(), kPhrases.end(), [status](const Phrase& p) { return p.status == status; });
  return found == kPhrases.end() ? "Unknown" : found->text;
}

}  // namespace everup::api
