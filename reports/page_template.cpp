// See page_template.h.
#include "reports/page_template.h"

#include <kainjow/mustache.hpp>

#include "core/result.h"

namespace everup::reports {
namespace {

kainjow::mustache::data data_of(const Fields& fields) {
  kainjow::mustache::data data;
  for (const auto& [name, text] : fields.texts) data.set(name, text);
  for (const auto& [name, flag] : fields.flags) data.set(name, kainjow::mustache::data(flag));
  for (const auto& [name, rows] : fields.lists) {
    kainjow::mustache::data list{kainjow::mustache::data::type::list};
    for (const Fields& row : rows) list.push_back(data_of(row));
    data.set(name, list);
  }
  return data;
}

}  // namespace

std::string render_page(std::string_view page_template, const Fields& fields) {
  kainjow::mustache::mustache page{std::string(page_template)};
  EVERUP_ASSERT(page.is_valid());
  return page.render(data_of(fields));
}

}  // namespace everup::reports
