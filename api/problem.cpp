// See api/problem.h. The table is the whole vocabulary: a code without a row here is our bug (asserted in problem()).
#include "api/problem.h"

#include <algorithm>
#include <array>

#include "api/json_text.h"

namespace everup::api {
namespace {

constexpr std::array<ProblemFacts, 42> kProblems{{
    {"invalid_fields", 422, "Some fields are not valid",
     "Each entry of errors names one field by a JSON pointer and says what is allowed."},
    {"invalid_parameter", 400, "A query parameter is not valid",
     "Each entry of errors names one parameter and says what is allowed."},
    {"bad_json", 400, "The body is not JSON", "Send one JSON object in UTF-8, at most 32 levels deep, no key twice."},
    {"unsupported_media_type", 415, "The content type is not the one this resource takes",
     "POST takes application/json, PATCH application/merge-patch+json or application/json."},
    {"unsupported_encoding", 415, "Request bodies are read uncompressed", "Leave Content-Encoding out."},
    {"body_not_allowed", 400, "This method takes no body", "Send the request without a body."},
    {"body_too_large", 413, "The body is too large", "64 KiB for most resources, 16 MiB for /monitors/bulk."},
    {"unauthorized", 401, "A key is needed", "Send Authorization: Bearer everup_… ; `everup key create` makes a key."},
    {"forbidden", 403, "The key's scope does not allow this",
     "Use a key of the scope named in detail: read < write < admin."},
    {"not_found", 404, "Nothing is here",
     "The path or the id is wrong, the object is deleted, or it belongs to another account."},
    {"method_not_allowed", 405, "The method is not allowed here", "The Allow field lists those that are."},
    {"method_not_implemented", 501, "The method is not known", "GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are."},
    {"conflict", 409, "It conflicts with what is stored", "Read the object again, then repeat."},
    {"precondition_failed", 412, "The object has changed",
     "If-Match named another revision. Read it again, then repeat."},
    {"idempotency_in_progress", 409, "The same request is being worked on",
     "Repeat after a second; the first answer will be replayed."},
    {"idempotency_mismatch", 422, "The Idempotency-Key was used for another request",
     "Use a new key for a new request."},
    {"bad_idempotency_key", 400, "The Idempotency-Key is not valid", "1 to 255 visible ASCII characters."},
    {"rate_limited", 429, "Too many requests", "Wait as many seconds as Retry-After says."},
    {"check_too_soon", 429, "Checked by hand a moment ago", "At most one check by hand in 10 s for a monitor."},
    {"overloaded", 503, "Too busy", "Repeat after Retry-After seconds."},
    {"unavailable", 503, "The database cannot be reached", "Checks go on; repeat after Retry-After seconds."},
    {"shutting_down", 503, "Shutting down", "Repeat after Retry-After seconds."},
    {"internal", 500, "That is a fault of ours", "Tell your operator the request id."},
    {"bad_path", 400, "The path is not valid", "No broken escapes, no %00, at most 1024 bytes."},
    {"bad_host", 400, "The Host field is not valid", "A name or an address, with a port at most."},
    {"host_required", 400, "The Host field is missing", "HTTP/1.1 wants one."},
    {"bad_request_line", 400, "The request line is not valid", "method SP target SP HTTP/1.1"},
    {"bad_line_end", 400, "A line does not end with CR LF", "RFC 9112, section 2.2."},
    {"bad_method", 400, "The method is not a token", "RFC 9110, section 9.1."},
    {"bad_target", 400, "The request target is not valid", "A path, or an http(s) URL, of visible ASCII characters."},
    {"bad_field_name", 400, "A header name is not valid", "RFC 9112, section 5.1."},
    {"bad_field_value", 400, "A header value is not valid", "RFC 9110, section 5.5."},
    {"folded_field", 400, "A header is folded over lines", "RFC 9112, section 5.2."},
    {"duplicate_field", 400, "A header came twice", "Send it once."},
    {"ambiguous_framing", 400, "The body's length is ambiguous", "Send Content-Length alone."},
    {"bad_content_length", 400, "Content-Length is not a number", "Decimal digits only."},
    {"length_required", 411, "Content-Length is missing", "Chunked requests are not read here."},
    {"transfer_coding", 501, "The transfer coding is not known", "Send Content-Length."},
    {"uri_too_long", 414, "The request line is too long", "At most 8192 bytes."},
    {"head_too_large", 431, "The head is too large", "At most 16384 bytes, 8192 a line, 100 fields."},
    {"request_timeout", 408, "The request did not come in time", "The head within 10 s, the body at 1 KiB/s at least."},
    {"http_version", 505, "The HTTP version is not spoken here", "HTTP/1.0 and HTTP/1.1."},
}};

constexpr std::array<ProblemFacts, 5> kMoreProblems{{
    {"ownership_unproved", 403, "It is not proved that the server is yours",
     "An open-relay test is made of one's own servers only: publish the TXT record that the answer names and ask "
     "again."},
    {"too_many_tests", 429, "Too many tests",
     "Strangers make five tests in ten minutes from one network, and twenty a day of one host. A key lifts that."},
    {"field_too_long", 431, "A header line is too long", "At most 8192 bytes."},
    {"too_many_fields", 431, "Too many header fields", "At most 100."},
    {"expectation", 417, "The expectation is not known", "Only Expect: 100-continue is."},
}};

// Signing in, and what a browser's cookie may do.
constexpr std::array<ProblemFacts, 4> kPeopleProblems{{
    {"bad_credentials", 401, "The e-mail address, the password or the code is wrong",
     "Nobody is told which of them. Who has forgotten his password asks an owner of his account, or the operator."},
    {"code_required", 401, "A code of the second factor is wanted",
     "Send it as code: six digits of the authenticator, or a recovery code."},
    {"too_many_attempts", 429, "Too many attempts to sign in", "Wait as many seconds as Retry-After says."},
    {"csrf", 403, "The request does not come from a page of ours",
     "A change by cookie wants X-CSRF-Token as GET /api/v1/session tells it, and our own Origin."},
}};

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string errors_json(const FieldErrors& errors) {
  JsonWriter list = JsonWriter::array();
  for (const FieldError& error : errors) {
    JsonWriter entry = JsonWriter::object();
    entry.field(error.pointer.starts_with('#') ? "pointer" : "parameter", error.pointer);
    entry.field("code", error.code).field("detail", error.detail);
    list.raw(std::move(entry).take());
  }
  return std::move(list).take();
}

}  // namespace

const ProblemFacts* find_problem(std::string_view code) {
  const auto matches = [code](const ProblemFacts& facts) { return facts.code == code; };
  if (const auto* found = std::find_if(kProblems.begin(), kProblems.end(), matches); found != kProblems.end())
    return found;
  const auto* people = std::find_if(kPeopleProblems.begin(), kPeopleProblems.end(), matches);
  if (people != kPeopleProblems.end()) return people;
  const auto* more = std::find_if(kMoreProblems.begin(), kMoreProblems.end(), matches);
  return more == kMoreProblems.end() ? nullptr : more;
}

HttpResponse problem(int status, std::string_view code, std::string_view detail, const FieldErrors& errors) {
  const ProblemFacts* facts = find_problem(code);
  EVERUP_ASSERT(facts != nullptr);
  JsonWriter body = JsonWriter::object();
  body.field("type", "/problems/" + std::string(code)).field("title", facts->title).key("status").number(status);
  body.field("detail", detail).field("code", code);
  if (!errors.empty()) body.field_raw("errors", errors_json(errors));
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = std::move(body).take();
  response.set("Cache-Control", "no-store");
  if (status == 503) response.set("Retry-After", "2");
  return response;
}

HttpResponse invalid_fields(const FieldErrors& errors) {
  EVERUP_ASSERT(!errors.empty());
  const bool fields =
      std::any_of(errors.begin(), errors.end(), [](const FieldError& e) { return e.pointer.starts_with('#'); });
  std::string detail = errors.front().pointer + " " + errors.front().detail;
  if (errors.size() > 1) detail += " (and " + std::to_string(errors.size() - 1) + " more)";
  return fields ? problem(422, "invalid_fields", detail, errors) : problem(400, "invalid_parameter", detail, errors);
}

HttpResponse problem_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return problem(422, "invalid_fields", error.what);
    case ErrorCode::kNotFound:
      return problem(404, "not_found", "no such object");
    case ErrorCode::kConflict:
      return problem(409, "conflict", error.what);
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return problem(503, "unavailable", "the database does not answer; nothing was changed");
    case ErrorCode::kInDoubt:
      return problem(503, "unavailable", "the database went away while it stored this; read before you repeat");
    case ErrorCode::kRefused:
      return problem(403, "forbidden", error.what);
    case ErrorCode::kExhausted:
      return problem(503, "overloaded", "a limit of this service is reached");
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      break;
  }
  return problem(500, "internal", "the request could not be carried out");
}

void finish_problem(HttpResponse* response, std::string_view request_id) {
  if (response->content_type != "application/problem+json" || response->body.empty()) return;
  response->body.pop_back();
  response->body.append(",\"request_id\":").append(json_string(request_id)).append("}");
}

std::string problem_page_html(const ProblemFacts& facts) {
  return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>" + html_escape(facts.title) +
         "</title><meta name=\"robots\" content=\"noindex\"><h1>" + html_escape(facts.title) + "</h1><p>Status " +
         std::to_string(facts.status) + ", code <code>" + html_escape(facts.code) + "</code>.</p><p>" +
         html_escape(facts.help) + "</p></html>\n";
}

}  // namespace everup::api
