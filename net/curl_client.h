// One blocking HTTP request, for the command line as a client of our own API (SHAPES 15). Not for probes: those are
// curl_transfer.
//
// Any thread; at most one redirect is never followed, proxies come from the environment as a person at a shell expects.
// Limits: 30 s in all, 64 MiB of answer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/result.h"

namespace everup::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  std::string unix_socket;           // path; empty: by the URL's host
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  long timeout_ms = 30'000;
};

struct ClientAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

// kUnavailable: nobody answered; kTimeout; kExhausted: the answer is too large.
Result<ClientAnswer> http_request(const ClientRequest& request);

}  // namespace everup::net
