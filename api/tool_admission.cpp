// See api/tool_admission.h.
#include "api/tool_admission.h"

#include "api/drafts.h"
#include "api/house.h"
#include "api/problem.h"
#include "api/tool_rules.h"

namespace everup::api {

HttpResponse as_problem(const Refused& refused) {
  if (!refused.errors.empty()) return bad_body(refused.errors, refused.status == 400);
  HttpResponse response = problem(refused.status, refused.code, refused.detail);
  if (refused.retry_after_s > 0) response.set("Retry-After", std::to_string(refused.retry_after_s));
  return response;
}

std::optional<Refused> count_test(const Call& call, const db::ToolTest& row) {
  const auto admission = call.house->options.tools.store->begin(row);
  if (!admission.ok()) {
    call.house->log(call.request_id, admission.error().what);
    return Refused{503, "unavailable", "the database cannot be reached", {}, 5};
  }
  switch (*admission) {
    case db::ToolAdmission::kTaken:
      break;
    case db::ToolAdmission::kClientLimit:
      return Refused{429,
                     "too_many_tests",
                     "five tests in ten minutes were made from your network (" + row.client + "): please wait",
                     {},
                     600};
    case db::ToolAdmission::kHostLimit:
      return Refused{429, "too_many_tests", row.host + " was tested twenty times within a day: please wait", {}, 3600};
  }
  return std::nullopt;
}

std::optional<Refused> refuse_foreign_form(const Call& call) {
  const std::string* site = call.request->find("sec-fetch-site");
  const bool foreign = site != nullptr && *site == "cross-site";
  if (!foreign) return std::nullopt;
  return Refused{403, "forbidden", "please send the form from this page itself", {}, 0};
}

HttpResponse page_answer(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(body);
  response.compressible = true;
  response.set("Content-Security-Policy", std::string(reports::kToolCsp));
  response.set("X-Robots-Tag", "noindex");
  response.set("Cache-Control", "no-store");
  return response;
}

reports::ToolForm form_of(const Call& call, reports::Tool tool) {
  const ToolOptions& options = call.house->options.tools;
  reports::ToolForm form;
  form.tool = tool;
  form.limits = stranger_limits(tool, options);
  form.closed = !open_to_strangers(tool, options);
  form.version = call.house->options.version;
  return form;
}

HttpResponse refused_form(reports::ToolForm&& form, const Refused& refused) {
  for (const FieldError& error : refused.errors) {
    const std::string field = error.pointer.size() > 2 ? error.pointer.substr(2) : "";
    form.errors.push_back(field.empty() ? error.detail : field + ": " + error.detail);
  }
  if (refused.errors.empty()) form.errors.push_back(refused.detail);
  HttpResponse response = page_answer(reports::tool_form_html(form), refused.status);
  if (refused.retry_after_s > 0) response.set("Retry-After", std::to_string(refused.retry_after_s));
  return response;
}

}  // namespace everup::api
