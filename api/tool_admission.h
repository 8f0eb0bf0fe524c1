// What the browser tools have in common before anything runs: why somebody is refused, in words; how strangers are
// counted; the form with what is wrong. Handler threads; the counts are the database's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/routes.h"
#include "core/result.h"
#include "db/tool_test_store.h"
#include "reports/tool_page.h"

namespace everup::api {

struct Refused {
  int status = 422;
  std::string_view code;
  std::string detail;
  FieldErrors errors;
  int retry_after_s = 0;
};
HttpResponse as_problem(const Refused& refused);

// Stores that a test begins; nothing: it may.
std::optional<Refused> count_test(const Call& call, const db::ToolTest& row);
// Another site's page must not make its visitors' browsers test for it.
std::optional<Refused> refuse_foreign_form(const Call& call);

// A page of the tools: with their policy, never cached, never indexed.
HttpResponse page_answer(std::string body, int status = 200);
reports::ToolForm form_of(const Call& call, reports::Tool tool);
HttpResponse refused_form(reports::ToolForm&& form, const Refused& refused);

}  // namespace everup::api
