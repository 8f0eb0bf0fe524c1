// Failures as values. A dependency that failed is a Result error; a target that failed is an Outcome (core/outcome.h);
// our own bug is EVERUP_ASSERT.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace everup {

enum class ErrorCode {
  kInvalid,  // the caller's input is wrong
  kNotFound,
  kConflict,     // exists already, or changed meanwhile
  kUnavailable,  // a dependency is away: try again
  kTimeout,
  kInDoubt,    // it may or may not have happened (commit)
  kRefused,    // policy or permission
  kExhausted,  // a limit of ours is reached
  kCorrupt,    // stored bytes are not what we wrote
  kInternal,
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string what;  // "context: detail"
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : value_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<0>(value_); }
  const T& operator*() const& { return std::get<0>(value_); }
  T&& operator*() && { return std::get<0>(std::move(value_)); }
  T* operator->() { return &std::get<0>(value_); }
  const T* operator->() const { return &std::get<0>(value_); }
  const Error& error() const { return std::get<1>(value_); }

 private:
  std::variant<T, Error> value_;
};

struct Done {
  bool operator==(const Done&) const = default;
};
using Status = Result<Done>;
inline Status ok() { return Done{}; }

// One wrong field of an input. `pointer` is a JSON pointer fragment ("#/interval_s"); `code` is stable, `detail` says
// what is allowed.
struct FieldError {
  std::string pointer;
  std::string code;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};
using FieldErrors = std::vector<FieldError>;

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
#define EVERUP_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::everup::assertion_failed(#expression, __FILE__, __LINE__))

}  // namespace everup
