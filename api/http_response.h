// An answer as handlers make it, and the one place that turns it into bytes: status line, framing, HEAD, 304, gzip,
// Date, Connection. Handlers never write a Content-Length, a Connection or a Date. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "core/time.h"

namespace everup::api {

struct StreamPlan;  // api/subscription.h

struct HttpResponse {
  int status = 200;
  std::string content_type;  // empty: no body
  std::string body;
  std::string etag;           // quoted, strong; empty: none. A 200 to GET or HEAD with it may become 304.
  std::vector<Field> fields;  // further fields, names as printed
  bool compressible = false;  // text that may be gzipped when it has 1 KiB or more
  bool close = false;         // the connection ends after it
  std::shared_ptr<const StreamPlan> stream;               // not null: the answer goes on after `body`
  void set(std::string_view name, std::string value);     // replaces
  void append(std::string_view name, std::string value);  // "a, b" for a list field that is there already
  const std::string* find(std::string_view name) const;   // any case
};

// What of the request decides how the answer is written.
struct WriteFacts {
  bool head = false;
  bool http_1_0 = false;
  bool keep_alive = true;
};

// Conditional requests and content coding: 304 when If-None-Match names the ETag, gzip when the client asks for it.
void negotiate(const HttpRequest& request, HttpResponse* response);
// The answer's bytes. `http_date` is cached by the caller (http_date()).
std::string serialise(const HttpResponse& response, const WriteFacts& facts, std::string_view http_date);

// A piece of a body whose length nobody knows (RFC 9112, 7.1); nothing for no bytes.
void add_chunk(std::string* out, std::string_view bytes);

std::string_view reason_phrase(int status);
std::string http_date(WallTime t);  // IMF-fixdate
// "…" of 128 bits over the content.
std::string content_etag(std::string_view content);
// If-None-Match / If-Match lists: does one entry name `etag`? "*" names every one. W/ and the gzip mark are ignored
// when `weak`.
bool etag_listed(std::string_view list, std::string_view etag, bool weak);

}  // namespace everup::api
