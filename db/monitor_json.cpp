// See monitor_json.h. A Reader walks one object and knows which fields were asked for; what is left over at its end is
// unknown. A merge patch is applied to the whole JSON of the draft (secrets included), and the result is read like a
// POST body: one reader for both.
#include "db/monitor_json.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "db/strict_json.h"

namespace everup::db {
namespace {
using nlohmann::json;
using nlohmann::ordered_json;

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json parse_text(std::string_view text, FieldErrors& errors, bool& syntax) {
  check_json(text, errors, syntax);
  return errors.empty() ? json::parse(text.begin(), text.end(), nullptr, false) : json();
}

// ---- json → fields
// ----------------------------------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(const json& object, std::string pointer, FieldErrors& errors)
      : object_(object), pointer_(std::move(pointer)), errors_(errors) {
    if (!object_.is_object()) complain(errors_, pointer_, "wrong_type", "an object is expected");
  }
  std::string at(const std::string& name) const { return pointer_ + "/" + pointer_step(name); }
  FieldErrors& errors() { return errors_; }
  void wrong(const std::string& name, const char* code, std::string detail) {
    complain(errors_, at(name), code, std::move(detail));
  }

  // The field, or null when absent; it counts as known from now on.
  const json* find(const std::string& name) {
    known_.push_back(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void text(const std::string& name, std::string& out) {
    const json* value = find(name);
    if (value != nullptr) text_of(*value, name, out);
  }
  void text_of(const json& value, const std::string& name, std::string& out) {
    if (!value.is_string()) return wrong(name, "wrong_type", "a string is expected");
    if (value.get_ref<const std::string&>().find('\0') != std::string::npos)
      return wrong(name, "invalid_text", "NUL is not allowed");
    out = value.get<std::string>();
  }
  void boolean(const std::string& name, bool& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong(name, "wrong_type", "true or false is expected");
    out = value->get<bool>();
  }
  template <class T>
  void integer(const std::string& name, T& out, std::int64_t low = std::numeric_limits<T>::min(),
               std::int64_t high = std::numeric_limits<T>::max()) {
    if (const json* value = find(name)) integer_of(*value, name, out, low, high);
  }
  template <class T>
  void integer_of(const json& value, const std::string& name, T& out, std::int64_t low, std::int64_t high) {
    if (!value.is_number_integer()) return wrong(name, "wrong_type", "a whole number is expected");
    const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high);
    if (huge || value.get<std::int64_t>() < low) {
      return wrong(name, "out_of_range", std::to_string(low) + " to " + std::to_string(high) + " are allowed");
    }
    out = static_cast<T>(value.get<std::int64_t>());
  }
  // One of the words; `out` is left alone when it is none of them.
  template <class T>
  void word(const std::string& name, T& out, const std::vector<std::pair<const char*, T>>& words) {
    const json* value = find(name);
    if (value == nullptr) return;
    std::string text = value->is_number_integer() ? dump(*value) : std::string{}, allowed;
    if (value->is_string()) text = value->get<std::string>();
    for (const auto& [word, meaning] : words) {
      if (text == word) return static_cast<void>(out = meaning);
      allowed += (allowed.empty() ? "" : ", ") + std::string(word);
    }
    wrong(name, "invalid_value", "one of these is expected: " + allowed);
  }
  // The elements of a list, or nothing.
  const json* list(const std::string& name) {
    const json* value = find(name);
    if (value == nullptr || value->is_array()) return value;
    wrong(name, "wrong_type", "a list is expected");
    return nullptr;
  }
  void finish() {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string allowed;
      for (const std::string& one : known_) allowed += (allowed.empty() ? "" : ", ") + one;
      wrong(name, "unknown_field", "there is no such field; allowed: " + allowed);
    }
  }

 private:
  const json& object_;
  std::string pointer_;
  FieldErrors& errors_;
  std::vector<std::string> known_;
};

const std::vector<std::pair<const char*, HttpVersion>> kHttpVersions{
    {"any", HttpVersion::kAny}, {"1.1", HttpVersion::k1_1}, {"2", HttpVersion::k2}};
const std::vector<std::pair<const char*, IpVersion>> kIpVersions{
    {"any", IpVersion::kAny}, {"4", IpVersion::k4}, {"6", IpVersion::k6}};
const std::vector<std::pair<const char*, HttpAuth::Type>> kAuthTypes{{"none", HttpAuth::Type::kNone},
                                                                     {"basic", HttpAuth::Type::kBasic},
                                                                     {"digest", HttpAuth::Type::kDigest},
                                                                     {"bearer", HttpAuth::Type::kBearer}};
template <class T>
const char* word_of(const std::vector<std::pair<const char*, T>>& words, T value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return words.front().first;
}

void read_confirm(const json& object, const std::string& pointer, FieldErrors& errors, Patience& out) {
  Reader reader(object, pointer, errors);
  reader.integer("failures", out.failures, 1, 10);
  reader.integer("successes", out.successes, 1, 10);
  if (const json* retry = reader.find("retry_s")) {
    const bool list = retry->is_array();
    if (list && (retry->empty() || retry->size() > out.retry_s.size())) {
      reader.wrong("retry_s", "out_of_range", "a number, or a list of 1 to 5 of them, is expected");
    } else {
      const std::size_t count = list ? retry->size() : 1;
      Patience fresh = out;
      fresh.retry_s.fill(0);
      fresh.retry_count = static_cast<std::uint8_t>(count);
      for (std::size_t i = 0; i < count; ++i)
        reader.integer_of(list ? (*retry)[i] : *retry, "retry_s", fresh.retry_s[i], 1, 3600);
      out = fresh;
    }
  }
  reader.finish();
}

// A secret that may be absent or null: then it stays what it was ("" for a new one). True: there is one now.
bool read_secret(Reader& reader, const std::string& name, std::string& out, bool was_set) {
  bool ignored = false;
  reader.boolean(name + "_set", ignored);  // as we print it
  const json* value = reader.find(name);
  if (value == nullptr || value->is_null()) return was_set;
  reader.text_of(*value, name, out);
  return true;
}

void read_auth(const json& object, const std::string& pointer, FieldErrors& errors, const HttpAuth& before,
               HttpAuth& out) {
  if (object.is_null()) return;
  Reader reader(object, pointer, errors);
  if (reader.find("type") == nullptr)
    reader.wrong("type", "required", "one of these is expected: basic, digest, bearer");
  reader.word("type", out.type, kAuthTypes);
  const bool bearer = out.type == HttpAuth::Type::kBearer;
  const bool kept = before.type == out.type;
  if (kept) out.secret = before.secret;
  if (out.type != HttpAuth::Type::kNone) {
    const char* secret = bearer ? "token" : "password";
    if (!bearer) reader.text("user", out.user);
    if (!read_secret(reader, secret, out.secret, kept)) {
      reader.wrong(secret, "required", std::string("a ") + secret + " is expected; stored ones are never returned");
    }
  }
  reader.finish();
}

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const HttpHeader* former(const std::vector<HttpHeader>& headers, const std::string& name, std::size_t occurrence) {
  for (const HttpHeader& header : headers) {
    if (lowered(header.name) == lowered(name) && occurrence-- == 0) return &header;
  }
  return nullptr;
}

// A list of {"name","value"}, or an object name → value.
void read_headers(const json& value, const std::string& pointer, FieldErrors& errors,
                  const std::vector<HttpHeader>& before, std::vector<HttpHeader>& out) {
  json list = value;
  if (value.is_object()) {
    list = json::array();
    for (const auto& [name, text] : value.items()) list.push_back({{"name", name}, {"value", text}});
  }
  if (!list.is_array()) return complain(errors, pointer, "wrong_type", "a list of {\"name\",\"value\"} is expected");
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string key = value.is_object() ? pointer_step(list[i]["name"].get<std::string>()) : std::to_string(i);
    Reader reader(list[i], pointer + "/" + key, errors);
    HttpHeader header;
    if (reader.find("name") == nullptr) reader.wrong("name", "required", "a header's name is expected");
    reader.text("name", header.name);
    const HttpHeader* old = former(before, header.name, seen[lowered(header.name)]++);
    const bool kept = header.secret() && old != nullptr;
    if (kept) header.value = old->value;
    if (!read_secret(reader, "value", header.value, kept)) reader.wrong("value", "required", "a string is expected");
    reader.finish();
    out.push_back(std::move(header));
  }
}

void read_options(const json& object, const std::string& pointer, FieldErrors& errors, const HttpOptions& before,
                  HttpOptions& out) {
  Reader reader(object, pointer, errors);
  reader.text("method", out.method);
  if (const json* headers = reader.find("headers"))
    read_headers(*headers, reader.at("headers"), errors, before.headers, out.headers);
  reader.text("body", out.body);
  if (const json* auth = reader.find("auth")) read_auth(*auth, reader.at("auth"), errors, before.auth, out.auth);
  reader.boolean("follow_redirects", out.follow_redirects);
  reader.integer("max_redirects", out.max_redirects);
  reader.boolean("verify_tls", out.verify_tls);
  reader.word("ip_version", out.ip_version, kIpVersions);
  reader.word("http_version", out.http_version, kHttpVersions);
  reader.text("ca", out.ca_pem);
  reader.finish();
}

void read_header_expect(const json& object, const std::string& pointer, FieldErrors& errors, HeaderExpect& out) {
  using Test = HeaderExpect::Test;
  Reader reader(object, pointer, errors);
  if (reader.find("name") == nullptr) reader.wrong("name", "required", "a header's name is expected");
  reader.text("name", out.name);
  int tests = 0;
  for (const auto& [name, test] :
       {std::pair{"equals", Test::kEquals}, {"contains", Test::kContains}, {"regex", Test::kRegex}}) {
    if (reader.find(name) == nullptr) continue;
    reader.text(name, out.value);
    out.test = test, ++tests;
  }
  bool absent = false;
  if (reader.find("absent") != nullptr) {
    reader.boolean("absent", absent);
    if (!absent) reader.wrong("absent", "invalid_value", "only true is allowed");
    out.test = Test::kAbsent, ++tests;
  }
  if (tests != 1) complain(errors, pointer, "required", "exactly one of equals, contains, regex, absent is expected");
  reader.finish();
}

void read_json_expect(const json& object, const std::string& pointer, FieldErrors& errors, JsonExpect& out) {
  Reader reader(object, pointer, errors);
  if (reader.find("path") == nullptr) reader.wrong("path", "required", "a path like $.a.b is expected");
  reader.text("path", out.path);
  const json* equals = reader.find("equals");
  if (equals == nullptr) return reader.wrong("equals", "required", "the wanted JSON value is expected");
  out.equals = dump(*equals);
  if (out.equals.size() > 1024) reader.wrong("equals", "too_long", "at most 1024 bytes of JSON are allowed");
  reader.finish();
}

template <class T, class Fn>
void read_list(Reader& reader, const std::string& name, std::size_t most, std::vector<T>& out, Fn each) {
  const json* list = reader.list(name);
  if (list == nullptr) return;
  if (list->size() > most) return reader.wrong(name, "too_many", "at most " + std::to_string(most) + " are allowed");
  for (std::size_t i = 0; i < list->size(); ++i)
    each((*list)[i], reader.at(name) + "/" + std::to_string(i), out.emplace_back());
}

void read_expect(const json& object, const std::string& pointer, FieldErrors& errors, HttpExpect& out) {
  Reader reader(object, pointer, errors);
  if (const json* status = reader.find("status"); status != nullptr && status->is_number_unsigned()) {
    out.status = dump(*status);  // 204 as well as "204"
  } else {
    reader.text("status", out.status);
  }
  reader.text("body_contains", out.body_contains);
  reader.text("body_absent", out.body_absent);
  reader.text("body_regex", out.body_regex);
  read_list(reader, "json", 10, out.json,
            [&](const json& v, const std::string& at, JsonExpect& one) { read_json_expect(v, at, errors, one); });
  read_list(reader, "header", 10, out.header,
            [&](const json& v, const std::string& at, HeaderExpect& one) { read_header_expect(v, at, errors, one); });
  if (reader.find("latency_ms_max") != nullptr)
    reader.integer("latency_ms_max", out.latency_ms_max.emplace(0), 1, 60'000);
  if (reader.find("certificate_days_min") != nullptr) {
    reader.integer("certificate_days_min", out.certificate_days_min.emplace(0), 0, 825);
  }
  if (reader.find("http_version") != nullptr)
    reader.word("http_version", out.http_version.emplace(HttpVersion::kAny), kHttpVersions);
  if (reader.find("compressed") != nullptr) reader.boolean("compressed", out.compressed.emplace(false));
  reader.finish();
}

void read_links(const json& object, const std::string& pointer, FieldErrors& errors, PublicLinks& out) {
  Reader reader(object, pointer, errors);
  reader.boolean("badge", out.badge);
  reader.boolean("report", out.report);
  reader.boolean("show_target", out.show_target);
  reader.finish();
}

// The error's "code: detail" or plain text → one field error.
void complain_target(FieldErrors& errors, const std::string& pointer, const Error& error) {
  std::string what = error.what, code = "invalid_target";
  if (what.starts_with("#/target: ")) what.erase(0, 10);
  const auto colon = what.find(": ");
  if (colon != std::string::npos && what.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == colon) {
    code = what.substr(0, colon);
    what.erase(0, colon + 2);
  }
  complain(errors, pointer, code, what);
}

// `before` gives the secrets that are not repeated.
void read_draft(const json& object, const std::string& pointer, FieldErrors& errors, const HttpOptions& before,
                MonitorDraft& out) {
  Reader reader(object, pointer, errors);
  std::string target;
  const bool given = reader.find("target") != nullptr;
  const std::size_t errors_before = errors.size();
  reader.text("target", target);
  if (!given) reader.wrong("target", "required", "a URL like https://example.com/health is expected");
  if (given && errors.size() == errors_before) {
    auto parsed = parse_target(target);
    parsed ? static_cast<void>(out.target = *parsed) : complain_target(errors, reader.at("target"), parsed.error());
  }
  out.name = out.target.host.substr(0, 100);
  reader.text("name", out.name);
  reader.text("slug", out.slug);
  reader.integer("interval_s", out.interval_s);
  reader.integer("timeout_ms", out.timeout_ms);
  if (const json* confirm = reader.find("confirm")) read_confirm(*confirm, reader.at("confirm"), errors, out.confirm);
  if (const json* options = reader.find("options"))
    read_options(*options, reader.at("options"), errors, before, out.http().options);
  if (const json* expect = reader.find("expect")) read_expect(*expect, reader.at("expect"), errors, out.http().expect);
  if (const json* warn = reader.find("warn")) read_expect(*warn, reader.at("warn"), errors, out.http().warn);
  read_list(reader, "tags", 20, out.tags, [&](const json& value, const std::string& at, std::string& tag) {
    value.is_string() ? static_cast<void>(tag = value.get<std::string>())
                      : complain(errors, at, "wrong_type", "a string is expected");
  });
  reader.boolean("paused", out.paused);
  reader.text("timezone", out.timezone);
  if (const json* links = reader.find("public")) read_links(*links, reader.at("public"), errors, out.links);
  reader.finish();
}

// ---- fields → json
// ------------------------------------------------------------------------------------------------------------------

enum class Secrets { kHidden, kLeftOut, kIncluded };  // the API's shape; storage; inside, for a merge

void put_secret(ordered_json& object, const char* name, const std::string& value, Secrets secrets) {
  switch (secrets) {
    case Secrets::kHidden:
      object[name] = nullptr;
      object[std::string(name) + "_set"] = true;
      return;
    case Secrets::kLeftOut:
      return;
    case Secrets::kIncluded:
      object[name] = value;
      return;
  }
}

ordered_json options_object(const HttpOptions& options, Secrets secrets) {
  const HttpOptions defaults;
  ordered_json out = ordered_json::object();
  if (options.method != defaults.method) out["method"] = options.method;
  for (const HttpHeader& header : options.headers) {
    ordered_json one{{"name", header.name}};
    header.secret() ? put_secret(one, "value", header.value, secrets) : static_cast<void>(one["value"] = header.value);
    out["headers"].push_back(std::move(one));
  }
  if (!options.body.empty()) out["body"] = options.body;
  if (options.auth.type != HttpAuth::Type::kNone) {
    ordered_json auth{{"type", word_of(kAuthTypes, options.auth.type)}};
    const bool bearer = options.auth.type == HttpAuth::Type::kBearer;
    if (!bearer) auth["user"] = options.auth.user;
    put_secret(auth, bearer ? "token" : "password", options.auth.secret, secrets);
    out["auth"] = std::move(auth);
  }
  if (options.follow_redirects != defaults.follow_redirects) out["follow_redirects"] = options.follow_redirects;
  if (options.max_redirects != defaults.max_redirects) out["max_redirects"] = options.max_redirects;
  if (options.verify_tls != defaults.verify_tls) out["verify_tls"] = options.verify_tls;
  if (options.ip_version != defaults.ip_version) out["ip_version"] = word_of(kIpVersions, options.ip_version);
  if (options.http_version != defaults.http_version) out["http_version"] = word_of(kHttpVersions, options.http_version);
  if (!options.ca_pem.empty()) out["ca"] = options.ca_pem;
  return out;
}

ordered_json header_object(const HeaderExpect& expect) {
  using Test = HeaderExpect::Test;
  ordered_json out{{"name", expect.name}};
  switch (expect.test) {
    case Test::kEquals:
      out["equals"] = expect.value;
      break;
    case Test::kContains:
      out["contains"] = expect.value;
      break;
    case Test::kRegex:
      out["regex"] = expect.value;
      break;
    case Test::kAbsent:
      out["absent"] = true;
      break;
  }
  return out;
}

ordered_json expect_object(const HttpExpect& expect) {
  ordered_json out = ordered_json::object();
  for (const auto& [name, text] : {std::pair{"status", &expect.status},
                                   {"body_contains", &expect.body_contains},
                                   {"body_absent", &expect.body_absent},
                                   {"body_regex", &expect.body_regex}}) {
    if (!text->empty()) out[name] = *text;
  }
  for (const JsonExpect& one : expect.json) {
    out["json"].push_back({{"path", one.path}, {"equals", ordered_json::parse(one.equals, nullptr, false)}});
  }
  for (const HeaderExpect& one : expect.header) out["header"].push_back(header_object(one));
  if (expect.latency_ms_max) out["latency_ms_max"] = *expect.latency_ms_max;
  if (expect.certificate_days_min) out["certificate_days_min"] = *expect.certificate_days_min;
  if (expect.http_version) out["http_version"] = word_of(kHttpVersions, *expect.http_version);
  if (expect.compressed) out["compressed"] = *expect.compressed;
  return out;
}

ordered_json confirm_object(const Patience& confirm) {
  ordered_json out{{"failures", confirm.failures}, {"successes", confirm.successes}};
  if (confirm.retry_count <= 1) {
    out["retry_s"] = confirm.retry_s[0];
  } else {
    out["retry_s"] = std::vector<std::uint16_t>(confirm.retry_s.begin(), confirm.retry_s.begin() + confirm.retry_count);
  }
  return out;
}

ordered_json links_object(const PublicLinks& links) {
  return {{"badge", links.badge}, {"report", links.report}, {"show_target", links.show_target}};
}

// The whole draft as a POST body would say it.
ordered_json draft_object(const MonitorDraft& draft) {
  return {{"name", draft.name},
          {"slug", draft.slug},
          {"target", draft.target.url()},
          {"interval_s", draft.interval_s},
          {"timeout_ms", draft.timeout_ms},
          {"confirm", confirm_object(draft.confirm)},
          {"options", options_object(draft.http().options, Secrets::kIncluded)},
          {"expect", expect_object(draft.http().expect)},
          {"warn", expect_object(draft.http().warn)},
          {"tags", draft.tags},
          {"paused", draft.paused},
          {"timezone", draft.timezone},
          {"public", links_object(draft.links)}};
}

std::string header_key(const std::vector<HttpHeader>& headers, std::size_t index) {
  const auto same = std::count_if(headers.begin(), headers.begin() + static_cast<std::ptrdiff_t>(index),
                                  [&](const HttpHeader& header) { return header.name == headers[index].name; });
  return "headers." + headers[index].name + (same == 0 ? "" : "#" + std::to_string(same + 1));
}

std::string secrets_json(const HttpOptions& options) {
  ordered_json out = ordered_json::object();
  if (options.auth.type == HttpAuth::Type::kBearer) out["auth.token"] = options.auth.secret;
  if (options.auth.type == HttpAuth::Type::kBasic || options.auth.type == HttpAuth::Type::kDigest)
    out["auth.password"] = options.auth.secret;
  for (std::size_t i = 0; i < options.headers.size(); ++i) {
    if (options.headers[i].secret()) out[header_key(options.headers, i)] = options.headers[i].value;
  }
  return out.empty() ? std::string{} : dump(out);
}

// Puts the secrets back where options_object left them out. Absent ones stay empty: their key may be lost.
bool add_secrets(std::string_view text, HttpOptions& options) {
  if (text.empty()) return true;
  const json secrets = json::parse(text, nullptr, false);
  if (!secrets.is_object()) return false;
  const auto put = [&](const std::string& name, std::string& out) {
    const auto found = secrets.find(name);
    if (found != secrets.end() && found->is_string()) out = found->get<std::string>();
  };
  put(options.auth.type == HttpAuth::Type::kBearer ? "auth.token" : "auth.password", options.auth.secret);
  for (std::size_t i = 0; i < options.headers.size(); ++i) {
    if (options.headers[i].secret()) put(header_key(options.headers, i), options.headers[i].value);
  }
  return true;
}

// Storage leaves out the secrets, which the strict reader wants: empty ones stand in for it.
void fill_in_secrets(json& options) {
  if (!options.is_object()) return;
  if (const auto auth = options.find("auth"); auth != options.end() && auth->is_object()) {
    (*auth)[auth->value("type", "") == "bearer" ? "token" : "password"] = "";
  }
  if (const auto headers = options.find("headers"); headers != options.end() && headers->is_array()) {
    for (json& header : *headers) {
      if (header.is_object() && !header.contains("value")) header["value"] = "";
    }
  }
}

}  // namespace

Parsed<MonitorDraft> parse_draft(std::string_view text) {
  Parsed<MonitorDraft> out;
  const json value = parse_text(text, out.errors, out.syntax);
  if (out.ok()) read_draft(value, "#", out.errors, {}, out.value);
  return out;
}

Parsed<std::vector<MonitorDraft>> parse_bulk(std::string_view text, std::size_t max) {
  Parsed<std::vector<MonitorDraft>> out;
  const json value = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  Reader reader(value, "#", out.errors);
  if (reader.find("monitors") == nullptr) reader.wrong("monitors", "required", "a list of monitors is expected");
  read_list(reader, "monitors", max, out.value, [&](const json& one, const std::string& at, MonitorDraft& draft) {
    read_draft(one, at, out.errors, {}, draft);
  });
  reader.finish();
  if (out.ok() && out.value.empty()) reader.wrong("monitors", "required", "at least one monitor is expected");
  return out;
}

Parsed<MonitorDraft> apply_merge_patch(const MonitorDraft& draft, std::string_view text) {
  Parsed<MonitorDraft> out;
  const json patch = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  json whole = json::parse(dump(draft_object(draft)));
  whole.merge_patch(patch);
  const auto slug = patch.find("slug");
  if (slug != patch.end() && slug->is_null()) whole["slug"] = draft.slug;  // stable: it is never made anew
  read_draft(whole, "#", out.errors, draft.http().options, out.value);
  return out;
}

std::string confirm_json(const Patience& confirm) { return dump(confirm_object(confirm)); }
std::string options_json(const KindSettings& settings) {
  return dump(options_object(std::get<HttpSettings>(settings).options, Secrets::kHidden));
}
std::string expect_json(const KindSettings& settings) {
  return dump(expect_object(std::get<HttpSettings>(settings).expect));
}
std::string warn_json(const KindSettings& settings) {
  return dump(expect_object(std::get<HttpSettings>(settings).warn));
}
std::string links_json(const PublicLinks& links) { return dump(links_object(links)); }

StoredSettings to_storage(const MonitorDraft& draft) {
  return {confirm_json(draft.confirm), dump(options_object(draft.http().options, Secrets::kLeftOut)),
          expect_json(draft.settings), warn_json(draft.settings), secrets_json(draft.http().options)};
}

Result<KindSettings> settings_from_storage(Kind kind, std::string_view options, std::string_view expect,
                                           std::string_view warn, std::string_view secrets) {
  if (kind != Kind::kHttp && kind != Kind::kHttps) return default_settings(kind);
  HttpSettings out;
  FieldErrors errors;
  json stored = json::parse(options, nullptr, false);
  fill_in_secrets(stored);
  read_options(stored, "#/options", errors, {}, out.options);
  read_expect(json::parse(expect, nullptr, false), "#/expect", errors, out.expect);
  read_expect(json::parse(warn, nullptr, false), "#/warn", errors, out.warn);
  if (!add_secrets(secrets, out.options)) complain(errors, "#/secrets", "wrong_type", "an object is expected");
  if (!errors.empty())
    return Error{ErrorCode::kCorrupt, "stored settings: " + errors[0].pointer + ": " + errors[0].detail};
  return out;
}

Result<Patience> confirm_from_storage(std::string_view confirm) {
  Patience out;
  FieldErrors errors;
  read_confirm(json::parse(confirm, nullptr, false), "#/confirm", errors, out);
  if (!errors.empty())
    return Error{ErrorCode::kCorrupt, "stored settings: " + errors[0].pointer + ": " + errors[0].detail};
  return out;
}

std::string secrets_context(AccountId account, MonitorId monitor) {
  return std::to_string(account.value) + "/" + std::to_string(monitor.value) + "/secrets";
}

}  // namespace everup::db
