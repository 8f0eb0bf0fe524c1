// See api/text_body.h.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/text_body.h"
#include "db/strict_json.h"

namespace everup::api {
namespace {

void read_field(const nlohmann::json& value, const TextField& field, FieldErrors& errors) {
  const std::string pointer = "#/" + std::string(field.name);
  const auto found = value.find(field.name);
  if (found == value.end() || found->is_null()) {
    if (field.required) db::complain(errors, pointer, "required", "is wanted");
    return;
  }
  if (!found->is_string()) return db::complain(errors, pointer, "wrong_type", "is a text");
  const auto& text = found->get_ref<const std::string&>();
  if (text.empty() || text.size() > field.bytes_max)
    return db::complain(errors, pointer, "out_of_range",
                        "is a text of 1 to " + std::to_string(field.bytes_max) + " bytes");
  *field.out = text;
}

}  // namespace

TextBody read_texts(std::string_view text, std::initializer_list<TextField> fields) {
  TextBody out;
  db::check_json(text, out.errors, out.syntax);
  if (!out.errors.empty() || out.syntax) return out;
  const auto value = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_object()) {
    db::complain(out.errors, "#", "wrong_type", "is a JSON object");
    return out;
  }
  std::string known;
  for (const TextField& field : fields) {
    known += (known.empty() ? "" : ", ") + std::string(field.name);
    read_field(value, field, out.errors);
  }
  for (const auto& [name, unused] : value.items()) {
    const bool there =
        std::any_of(fields.begin(), fields.end(), [&n = name](const TextField& f) { return n == f.name; });
    if (!there) db::complain(out.errors, "#/" + db::pointer_step(name), "unknown_field", "known are " + known);
  }
  return out;
}

}  // namespace everup::api
