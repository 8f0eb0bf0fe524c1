// Pages from templates; the only home of mustache. Values are escaped on the way in; `raw` ones are markup made by us
// (SVG). Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everup::reports {

// The values of one page or of one row of it.
struct Fields {
  std::vector<std::pair<std::string, std::string>>
      texts;                                        // {{name}}, escaped; {{{name}}} in a template means raw markup
  std::vector<std::pair<std::string, bool>> flags;  // {{#name}}…{{/name}}
  std::vector<std::pair<std::string, std::vector<Fields>>> lists;  // {{#name}}…{{/name}}, once per element
};
// Throws nothing; a template that does not parse is our bug (asserted).
std::string render_page(std::string_view page_template, const Fields& fields);

}  // namespace everup::reports
