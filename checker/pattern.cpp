#include "checker/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace everup::checker {

struct Pattern::Compiled {
  explicit Compiled(const std::string& source) : expression(source, options()) {}

  static RE2::Options options() {
    RE2::Options result;
    result.set_log_errors(false);
    result.set_max_mem(static_cast<std::int64_t>(kPatternMemoryMax));
    return result;
  }
  RE2 expression;
};

Pattern::Pattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Pattern::~Pattern() = default;

Result<std::shared_ptr<const Pattern>> Pattern::compile(const std::string& source) {
  if (source.size() > kPatternBytesMax) {
    return Error{ErrorCode::kInvalid, "longer than " + std::to_string(kPatternBytesMax) + " bytes"};
  }
  auto compiled = std::make_unique<Compiled>(source);
  if (!compiled->expression.ok()) return Error{ErrorCode::kInvalid, compiled->expression.error()};
  return std::shared_ptr<const Pattern>(new Pattern(std::move(compiled)));
}

bool Pattern::found_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

bool regex_ok(const std::string& source, std::string* why) {
  const auto pattern = Pattern::compile(source);
  if (pattern.ok()) return true;
  if (why != nullptr) *why = pattern.error().what;
  return false;
}

}  // namespace everup::checker
