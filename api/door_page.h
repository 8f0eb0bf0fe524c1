// The few pages before the dashboard: sign-in, set-up, invitation. HTML without a script, for every browser; text is
// escaped here and nowhere else. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/browser.h"
#include "api/http_response.h"

namespace everup::api {

struct FormField {
  std::string name, label, type;  // type: email, password, text
  std::string value;
  std::string autocomplete;
  bool required = true;
};
struct DoorPage {
  std::string title, lead;  // plain text
  std::string error;        // what was wrong with the last attempt; empty: nothing
  std::string action;       // where the form is posted to; empty: no form
  std::vector<FormField> fields;
  std::string button;
};
// `site`: on plain http that is not loopback the page warns. Every answer may be read by its own form only: no
// referrer, no frame, no script, a style by its hash.
HttpResponse door_page(int status, const DoorPage& page, const Site& site);
// 303, as an answer to a form.
HttpResponse see_other(std::string_view where);

}  // namespace everup::api
