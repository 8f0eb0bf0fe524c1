// cpp-httplib as router and parser, and nothing more: it is given a complete request through an in-memory stream and
// never sees a socket (DESIGN 4.4, RULES D 2). The only file that includes httplib is http_server.cpp.
#pragma once

#include <memory>
#include <vector>

#include "api/routes.h"

namespace everup::api {

class HttpServer {
 public:
  explicit HttpServer(const std::vector<Route>& table);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Fills call.path, call.query and call.body from what the router parsed and runs the handler. `path` is normalised
  // and fits a route. An exception of a handler is a 500 problem. Any thread, also several at once.
  Answer handle(const HttpRequest& request, std::string_view path, std::string body, Call& call) const;

 private:
  struct Router;
  std::unique_ptr<Router> router_;
};

}  // namespace everup::api
