// See monitor_json.h. A merge patch is applied to the whole JSON of the draft (secrets included), and the result is
// read like a POST body: one reader for both. What each kind may be told is in its <kind>_settings_json.cpp.
#include "db/monitor_json.h"

#include <algorithm>

#include "db/kind_json.h"

namespace everup::db {
namespace {

json parse_text(std::string_view text, FieldErrors& errors, bool& syntax) {
  check_json(text, errors, syntax);
  return errors.empty() ? json::parse(text.begin(), text.end(), nullptr, false) : json();
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

void read_links(const json& object, const std::string& pointer, FieldErrors& errors, PublicLinks& out) {
  Reader reader(object, pointer, errors);
  reader.boolean("badge", out.badge);
  reader.boolean("report", out.report);
  reader.boolean("show_target", out.show_target);
  reader.finish();
}

// `options`, `expect` and `warn` of one kind. A heartbeat expects nothing but itself.
template <class Settings>
void read_settings(const json& object, const std::string& pointer, FieldErrors& errors, const Settings& before,
                   Settings& out) {
  const auto part = [&](const char* name, auto read) {
    if (!object.is_object() || !object.contains(name)) return;
    Reader reader(object[name], pointer + "/" + name, errors);
    read(reader);
    reader.finish();
  };
  part("options", [&](Reader& reader) { read_options(reader, before.options, out.options); });
  if constexpr (requires { out.expect; }) {
    part("expect", [&](Reader& reader) { read_expect(reader, out.expect); });
    part("warn", [&](Reader& reader) { read_expect(reader, out.warn); });
  } else {
    part("expect", [](Reader&) {});
    part("warn", [](Reader&) {});
  }
}

// `before` gives the secrets that are not repeated; of another kind, it gives none. `out` holds the kind's defaults.
void read_kind(const json& object, const std::string& pointer, FieldErrors& errors, const KindSettings& before,
               KindSettings& out) {
  std::visit(
      [&]<class Settings>(Settings& settings) {
        const auto* same = std::get_if<Settings>(&before);
        read_settings(object, pointer, errors, same == nullptr ? Settings{} : *same, settings);
      },
      out);
}

// The shorthand of a target ("?starttls=require") as the option that it means; RFC 3986 text, not yet decoded.
json shorthand_value(const std::string& value) {
  if (value == "true" || value == "false") return value == "true";
  const bool number = !value.empty() && value.size() <= 6 &&
                      std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? json(std::stoi(value)) : json(value);
}

// Two flags are written as numbers by habit: mx=1, tcp=1.
json shorthand_flag(const std::string& name, const std::string& value) {
  if ((name == "mx" || name == "tcp" || name == "tls") && (value == "1" || value == "0")) return value == "1";
  if (name == "ip_version" || name == "min_version") return value;
  return shorthand_value(value);
}

void read_target(Reader& reader, MonitorDraft& out, json& shorthand) {
  std::string target;
  const bool given = reader.find("target") != nullptr;
  const std::size_t errors_before = reader.errors().size();
  reader.text("target", target);
  if (!given) reader.wrong("target", "required", "a URL like https://example.com/health is expected");
  if (!given || reader.errors().size() != errors_before) return;
  auto parsed = parse_target_with_options(target);
  if (!parsed) {
    const FieldError error = target_error(parsed.error());
    return reader.wrong("target", error.code.c_str(), error.detail);
  }
  out.target = std::move(parsed->target);
  for (const auto& [name, value] : parsed->options) shorthand[name] = shorthand_flag(name, value);
}

// The object with the target's shorthand among its options; an option that is given twice must be the same.
json with_shorthand(const json& object, const json& shorthand, Reader& reader) {
  json whole = object;
  if (shorthand.empty()) return whole;
  json& options = whole["options"];
  if (options.is_null()) options = json::object();
  if (!options.is_object()) return whole;  // told by its reader
  for (const auto& [name, value] : shorthand.items()) {
    if (options.contains(name) && options[name] != value) {
      reader.wrong("target", "conflict",
                   "the query says " + name + "=" + dump(value) + " and options." + name + " says otherwise");
    }
    options[name] = value;
  }
  return whole;
}

// `before` gives the secrets that are not repeated.
void read_draft(const json& object, const std::string& pointer, FieldErrors& errors, const KindSettings& before,
                MonitorDraft& out) {
  Reader reader(object, pointer, errors);
  json shorthand = json::object();
  read_target(reader, out, shorthand);
  out.name = out.target.host.empty() ? "Heartbeat" : out.target.host.substr(0, 100);
  out.timeout_ms = default_timeout_ms(out.target.kind);
  reader.text("name", out.name);
  reader.text("slug", out.slug);
  reader.integer("interval_s", out.interval_s);
  reader.integer("timeout_ms", out.timeout_ms);
  if (const json* confirm = reader.find("confirm")) read_confirm(*confirm, reader.at("confirm"), errors, out.confirm);
  for (const char* part : {"options", "expect", "warn"}) reader.find(part);
  out.settings = default_settings(out.target.kind);
  read_kind(with_shorthand(object, shorthand, reader), pointer, errors, before, out.settings);
  read_list(reader, "tags", 20, out.tags, [&](const json& value, const std::string& at, std::string& tag) {
    value.is_string() ? static_cast<void>(tag = value.get<std::string>())
                      : complain(errors, at, "wrong_type", "a string is expected");
  });
  reader.boolean("paused", out.paused);
  reader.text("timezone", out.timezone);
  if (const json* links = reader.find("public")) read_links(*links, reader.at("public"), errors, out.links);
  reader.finish();
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

ordered_json options_of(const KindSettings& settings, Secrets secrets) {
  return std::visit([&](const auto& one) { return to_json(one.options, secrets); }, settings);
}

enum class Demand { kExpect, kWarn };
ordered_json demand_of(const KindSettings& settings, Demand demand) {
  return std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.expect; }) {
          return to_json(demand == Demand::kExpect ? one.expect : one.warn);
        } else {
          return ordered_json::object();
        }
      },
      settings);
}

// The whole draft as a POST body would say it.
ordered_json draft_object(const MonitorDraft& draft) {
  return {{"name", draft.name},
          {"slug", draft.slug},
          {"target", draft.target.url()},
          {"interval_s", draft.interval_s},
          {"timeout_ms", draft.timeout_ms},
          {"confirm", confirm_object(draft.confirm)},
          {"options", options_of(draft.settings, Secrets::kIncluded)},
          {"expect", demand_of(draft.settings, Demand::kExpect)},
          {"warn", demand_of(draft.settings, Demand::kWarn)},
          {"tags", draft.tags},
          {"paused", draft.paused},
          {"timezone", draft.timezone},
          {"public", links_object(draft.links)}};
}

std::string secrets_json(const KindSettings& settings) {
  ordered_json out = ordered_json::object();
  std::visit([&](const auto& one) { give_secrets(one.options, out); }, settings);
  return out.empty() ? std::string{} : dump(out);
}

// Puts the secrets back where to_json left them out. Absent ones stay empty: their key may be lost.
bool add_secrets(std::string_view text, KindSettings& settings) {
  if (text.empty()) return true;
  const json secrets = json::parse(text, nullptr, false);
  if (!secrets.is_object()) return false;
  std::visit([&](auto& one) { take_secrets(secrets, one.options); }, settings);
  return true;
}

// Storage leaves out the secrets, which the strict reader wants: empty ones stand in for it.
void fill_in_secrets(json& options) {
  if (!options.is_object()) return;
  if (const auto auth = options.find("auth"); auth != options.end() && auth->is_object()) {
    const std::string type = auth->value("type", "");
    (*auth)[type == "bearer" || type == "xoauth2" ? "token" : "password"] = "";
  }
  if (const auto headers = options.find("headers"); headers != options.end() && headers->is_array()) {
    for (json& header : *headers) {
      if (header.is_object() && !header.contains("value")) header["value"] = "";
    }
  }
}

// A target of another kind has none of the former one's options and expectations; its timeout stays.
void forget_other_kind(const json& patch, Kind before, json& whole) {
  const auto target = whole.find("target");
  if (target == whole.end() || !target->is_string()) return;
  const auto parsed = parse_target_with_options(target->get_ref<const std::string&>());
  if (!parsed || default_settings(parsed->target.kind).index() == default_settings(before).index()) return;
  for (const char* part : {"options", "expect", "warn"}) {
    whole[part] = patch.contains(part) && patch[part].is_object() ? patch[part] : json::object();
  }
}

}  // namespace

Parsed<MonitorDraft> parse_draft(std::string_view text) {
  Parsed<MonitorDraft> out;
  const json value = parse_text(text, out.errors, out.syntax);
  if (out.ok()) read_draft(value, "#", out.errors, KindSettings{}, out.value);
  return out;
}

Parsed<std::vector<MonitorDraft>> parse_bulk(std::string_view text, std::size_t max) {
  Parsed<std::vector<MonitorDraft>> out;
  const json value = parse_text(text, out.errors, out.syntax);
  if (!out.ok()) return out;
  Reader reader(value, "#", out.errors);
  if (reader.find("monitors") == nullptr) reader.wrong("monitors", "required", "a list of monitors is expected");
  read_list(reader, "monitors", max, out.value, [&](const json& one, const std::string& at, MonitorDraft& draft) {
    read_draft(one, at, out.errors, KindSettings{}, draft);
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
  forget_other_kind(patch, draft.target.kind, whole);
  read_draft(whole, "#", out.errors, draft.settings, out.value);
  return out;
}

std::string confirm_json(const Patience& confirm) { return dump(confirm_object(confirm)); }
std::string options_json(const KindSettings& settings) { return dump(options_of(settings, Secrets::kHidden)); }
std::string expect_json(const KindSettings& settings) { return dump(demand_of(settings, Demand::kExpect)); }
std::string warn_json(const KindSettings& settings) { return dump(demand_of(settings, Demand::kWarn)); }
std::string links_json(const PublicLinks& links) { return dump(links_object(links)); }

StoredSettings to_storage(const MonitorDraft& draft) {
  return {confirm_json(draft.confirm), dump(options_of(draft.settings, Secrets::kLeftOut)), expect_json(draft.settings),
          warn_json(draft.settings), secrets_json(draft.settings)};
}

bool any_secret(const KindSettings& settings) {
  const json secrets = json::parse(secrets_json(settings), nullptr, false);
  return secrets.is_object() && std::any_of(secrets.begin(), secrets.end(), [](const json& one) { return one != ""; });
}

Result<KindSettings> settings_from_storage(Kind kind, std::string_view options, std::string_view expect,
                                           std::string_view warn, std::string_view secrets) {
  KindSettings out = default_settings(kind);
  FieldErrors errors;
  json stored = {{"options", json::parse(options, nullptr, false)},
                 {"expect", json::parse(expect, nullptr, false)},
                 {"warn", json::parse(warn, nullptr, false)}};
  fill_in_secrets(stored["options"]);
  read_kind(stored, "#", errors, KindSettings{}, out);
  if (!add_secrets(secrets, out)) complain(errors, "#/secrets", "wrong_type", "an object is expected");
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
