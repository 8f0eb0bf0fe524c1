// Web servers: options, expectations and secrets as JSON.
#include <algorithm>
#include <map>

#include "db/kind_json.h"

namespace everup::db {
namespace {

const std::vector<std::pair<const char*, HttpVersion>> kHttpVersions{
    {"any", HttpVersion::kAny}, {"1.1", HttpVersion::k1_1}, {"2", HttpVersion::k2}};
const std::vector<std::pair<const char*, HttpAuth::Type>> kAuthTypes{{"none", HttpAuth::Type::kNone},
                                                                     {"basic", HttpAuth::Type::kBasic},
                                                                     {"digest", HttpAuth::Type::kDigest},
                                                                     {"bearer", HttpAuth::Type::kBearer}};
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

std::string header_key(const std::vector<HttpHeader>& headers, std::size_t index) {
  const auto same = std::count_if(headers.begin(), headers.begin() + static_cast<std::ptrdiff_t>(index),
                                  [&](const HttpHeader& header) { return header.name == headers[index].name; });
  return "headers." + headers[index].name + (same == 0 ? "" : "#" + std::to_string(same + 1));
}

}  // namespace

void read_options(Reader& reader, const HttpOptions& before, HttpOptions& out) {
  FieldErrors& errors = reader.errors();
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
}

void read_expect(Reader& reader, HttpExpect& out) {
  FieldErrors& errors = reader.errors();
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
  reader.maybe_integer("latency_ms_max", out.latency_ms_max, 1, 60'000);
  reader.maybe_integer("certificate_days_min", out.certificate_days_min, 0, 825);
  if (reader.find("http_version") != nullptr)
    reader.word("http_version", out.http_version.emplace(HttpVersion::kAny), kHttpVersions);
  reader.maybe_boolean("compressed", out.compressed);
}

ordered_json to_json(const HttpOptions& options, Secrets secrets) {
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

ordered_json to_json(const HttpExpect& expect) {
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

void give_secrets(const HttpOptions& options, ordered_json& out) {
  if (options.auth.type == HttpAuth::Type::kBearer) out["auth.token"] = options.auth.secret;
  if (options.auth.type == HttpAuth::Type::kBasic || options.auth.type == HttpAuth::Type::kDigest)
    out["auth.password"] = options.auth.secret;
  for (std::size_t i = 0; i < options.headers.size(); ++i) {
    if (options.headers[i].secret()) out[header_key(options.headers, i)] = options.headers[i].value;
  }
}

void take_secrets(const json& secrets, HttpOptions& options) {
  const auto put = [&](const std::string& name, std::string& out) {
    const auto found = secrets.find(name);
    if (found != secrets.end() && found->is_string()) out = found->get<std::string>();
  };
  put(options.auth.type == HttpAuth::Type::kBearer ? "auth.token" : "auth.password", options.auth.secret);
  for (std::size_t i = 0; i < options.headers.size(); ++i) {
    if (options.headers[i].secret()) put(header_key(options.headers, i), options.headers[i].value);
  }
}

}  // namespace everup::db
