// See strict_json.h. A SAX pass: it knows where it is, so that every error has its pointer.
#include "db/strict_json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace everup::db {
namespace {
using nlohmann::json;

class Walker final : public nlohmann::json_sax<json> {
 public:
  Walker(FieldErrors& errors, bool& syntax) : errors_(errors), syntax_(syntax) {}
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return enter(false); }
  bool start_array(std::size_t) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    Frame& top = frames_.back();
    top.key = name;
    if (!top.keys.insert(name).second) complain(errors_, pointer(), "duplicate_field", "this field stands here twice");
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("not_json", "the body is not JSON: error at byte " + std::to_string(position));
  }

 private:
  struct Frame {
    bool array = false;
    std::size_t next = 0;  // index of the element that comes
    std::string key;
    std::set<std::string> keys;
  };
  std::string pointer() const {
    std::string text = "#";
    for (const Frame& frame : frames_)
      text += "/" + (frame.array ? std::to_string(frame.next - 1) : pointer_step(frame.key));
    return text;
  }
  bool stop(std::string code, std::string detail) {
    syntax_ = true;
    complain(errors_, "#", std::move(code), std::move(detail));
    return false;
  }
  bool value() {
    if (frames_.empty()) return stop("wrong_type", "the body must be a JSON object");
    if (frames_.back().array) ++frames_.back().next;
    return true;
  }
  bool enter(bool array) {
    if (frames_.empty() && array) return stop("wrong_type", "the body must be a JSON object");
    if (!frames_.empty() && frames_.back().array) ++frames_.back().next;
    if (frames_.size() >= kJsonDepthMax) return stop("too_deep", "at most 32 levels of nesting are allowed");
    frames_.push_back({array, 0, {}, {}});
    return true;
  }
  bool leave() {
    frames_.pop_back();
    return true;
  }

  FieldErrors& errors_;
  bool& syntax_;
  std::vector<Frame> frames_;
};
}  // namespace

void complain(FieldErrors& errors, std::string pointer, std::string code, std::string detail) {
  if (errors.size() < kFieldErrorsMax) errors.push_back({std::move(pointer), std::move(code), std::move(detail)});
}

std::string pointer_step(const std::string& key) {
  std::string out;
  for (const char c : key.substr(0, 100)) c == '~' ? out += "~0" : c == '/' ? out += "~1" : out += c;
  return out;
}

void check_json(std::string_view text, FieldErrors& errors, bool& syntax) {
  Walker walker(errors, syntax);
  json::sax_parse(text.begin(), text.end(), &walker);
}

}  // namespace everup::db
