// Errors as people and programs read them: RFC 9457 with a stable code, a request id and one entry per wrong field.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http_response.h"
#include "core/result.h"

namespace everup::api {

// application/problem+json; `type` is the page /problems/{code}. The request id is filled in when the answer is written
// (finish_problem).
HttpResponse problem(int status, std::string_view code, std::string_view detail, const FieldErrors& errors = {});
// 422 with all field errors at once; pointers that do not begin with '#' become "parameter" and make it 400.
HttpResponse invalid_fields(const FieldErrors& errors);
// What a store's failure means to the caller. Details of ours are not told: they belong into the log.
HttpResponse problem_of(const Error& error);
// Puts the request id into a problem's body.
void finish_problem(HttpResponse* response, std::string_view request_id);

// Every code with a sentence of help: the pages under /problems/, and the list that a test compares with the code.
struct ProblemFacts {
  std::string_view code;
  int status;
  std::string_view title;
  std::string_view help;
};
const ProblemFacts* find_problem(std::string_view code);
std::string problem_page_html(const ProblemFacts& facts);

}  // namespace everup::api
