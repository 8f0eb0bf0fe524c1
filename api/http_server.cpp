// See api/http_server.h. What httplib 0.11.4 must never be given, and why (faults 2.4): header values are
// percent-decoded after validation (so '%' is doubled), Range allocates without bound, Accept-Encoding and Expect make
// it write by itself, a Content-Type of forms or multipart starts further parsers. So its head is made anew here from
// an allow-list. svr_sock_ = 0, or a content provider would send a head and no body. The answer is taken in the
// post-routing handler; the bytes that httplib writes are dropped.
#include "api/http_server.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <optional>

#include "api/parameters.h"
#include "api/problem.h"

namespace everup::api {
namespace {

// One request on its way through httplib; the thread that handles it is the thread that began it.
struct Exchange {
  Call* call = nullptr;
  std::optional<Answer> answer;  // the handler's
  bool taken = false;            // post-routing was reached with it
};
thread_local Exchange* current_exchange = nullptr;

class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string head, const std::string& body) : head_(std::move(head)), body_(body) {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const std::string& part = at_ < head_.size() ? head_ : body_;
    const std::size_t offset = at_ < head_.size() ? at_ : at_ - head_.size();
    const std::size_t n = std::min(size, part.size() - offset);
    std::memcpy(to, part.data() + offset, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* /*from*/, size_t size) override { return static_cast<ssize_t>(size); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return 0; }

 private:
  std::string head_;
  const std::string& body_;
  std::size_t at_ = 0;
};

std::string regex_of(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{') {
      out += "([^/]+)";
      i = pattern.find('}', i);
    } else {
      if (std::strchr(".+*?()[]\\^$|", pattern[i]) != nullptr) out += '\\';
      out += pattern[i];
    }
  }
  // "{token}.svg" must not swallow the suffix: [^/]+ is greedy, the anchored match gives it back.
  return out;
}

std::string doubled_percent(std::string_view value) {
  std::string out;
  for (const char c : value) {
    out += c;
    if (c == '%') out += "25";
  }
  return out;
}

std::string regenerated_head(const HttpRequest& request, std::string_view path, std::size_t body_bytes) {
  static constexpr std::array<std::string_view, 5> kAllowed{"authorization", "if-match", "if-none-match",
                                                            "idempotency-key", "origin"};
  std::string head = request.method;
  head.append(" ").append(path);
  if (!request.query.empty()) head.append("?").append(request.query);
  head.append(" HTTP/1.1\r\nHost: ").append(doubled_percent(request.host)).append("\r\n");
  for (const auto name : kAllowed) {
    if (const std::string* value = request.find(name))
      head.append(name).append(": ").append(doubled_percent(*value)).append("\r\n");
  }
  head.append("Content-Length: ").append(std::to_string(body_bytes)).append("\r\n\r\n");
  return head;
}

void run_handler(const Route& route, const httplib::Request& request, httplib::Response& response) {
  Exchange& exchange = *current_exchange;
  Call& call = *exchange.call;
  for (std::size_t i = 1; i < request.matches.size(); ++i) call.path.push_back(request.matches[i].str());
  for (const auto& [name, value] : request.params) call.query.emplace_back(name, value);
  call.body = request.body;
  const FieldErrors unknown = unknown_parameters(call, route.parameters);
  exchange.answer = unknown.empty() ? route.handler(call) : Answer(invalid_fields(unknown));
  const auto* now = std::get_if<HttpResponse>(&*exchange.answer);
  response.status = now == nullptr ? 202 : now->status;
}

}  // namespace

struct HttpServer::Router final : httplib::Server {
  Router() { svr_sock_ = 0; }
  ~Router() override { svr_sock_ = INVALID_SOCKET; }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void add(const Route& route) {
    const std::string pattern = regex_of(route.pattern);
    const Handler handler = [&route](const httplib::Request& request, httplib::Response& response) {
      run_handler(route, request, response);
    };
    if (route.method == "GET") Get(pattern, handler);
    if (route.method == "POST") Post(pattern, handler);
    if (route.method == "PUT") Put(pattern, handler);
    if (route.method == "PATCH") Patch(pattern, handler);
    if (route.method == "DELETE") Delete(pattern, handler);
  }
  bool process(httplib::Stream& stream) {
    bool closed = false;
    return process_request(stream, true, closed, nullptr);
  }
};

HttpServer::HttpServer(const std::vector<Route>& table) : router_(std::make_unique<Router>()) {
  for (const Route& route : table) router_->add(route);
  router_->set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
    response.status = 500;
    current_exchange->answer = problem(500, "internal", "the request could not be carried out");
  });
  // httplib's own 404 and 400 come without an answer of ours.
  router_->set_post_routing_handler([](const httplib::Request&, httplib::Response&) {
    current_exchange->taken = current_exchange->answer.has_value();
  });
}

HttpServer::~HttpServer() = default;

Answer HttpServer::handle(const HttpRequest& request, std::string_view path, std::string body, Call& call) const {
  Exchange exchange;
  exchange.call = &call;
  MemoryStream stream(regenerated_head(request, path, body.size()), body);
  current_exchange = &exchange;
  const bool fine = router_->process(stream);
  current_exchange = nullptr;
  // A path that fits a route only while it is escaped ("%2F" in an id) names nothing.
  if (!fine || !exchange.taken) return problem(404, "not_found", "nothing is here");
  return *std::move(exchange.answer);
}

}  // namespace everup::api
