#include "checker/http_expectation.h"

#include <strings.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "checker/words.h"

namespace everup::checker {

namespace {

using Verdictless = std::optional<Broken>;

Verdictless broken(Cause cause, const std::string& detail) { return Broken{cause, printable(detail, 200)}; }

std::string shown(std::string_view text, std::size_t bytes_max = 60) {
  return "\"" + printable(text, bytes_max) + "\"";
}

std::string_view version_name(int version) {
  switch (version) {
    case 10:
      return "1.0";
    case 11:
      return "1.1";
    case 20:
      return "2";
    default:
      return "unknown";
  }
}

Verdictless judge_status(const HttpExpect& expect, const HttpAnswer& answer, std::string_view when_empty) {
  const std::string wanted = expect.status.empty() ? std::string(when_empty) : expect.status;
  if (wanted.empty() || status_matches(wanted, answer.status)) return std::nullopt;
  return broken(Cause::kHttpStatus, "status " + std::to_string(answer.status) + ", wanted " + wanted);
}

bool value_fits(const HeaderExpect& expect, std::string_view value, const Pattern* pattern) {
  switch (expect.test) {
    case HeaderExpect::Test::kEquals:
      return value == expect.value;
    case HeaderExpect::Test::kContains:
      return value.find(expect.value) != std::string_view::npos;
    case HeaderExpect::Test::kRegex:
      return pattern != nullptr && pattern->found_in(value);
    case HeaderExpect::Test::kAbsent:
      return false;
  }
  return false;
}

std::string_view verb(HeaderExpect::Test test) {
  switch (test) {
    case HeaderExpect::Test::kEquals:
      return "";
    case HeaderExpect::Test::kContains:
      return "containing ";
    case HeaderExpect::Test::kRegex:
      return "matching ";
    case HeaderExpect::Test::kAbsent:
      return "absent ";
  }
  return "";
}

Verdictless judge_header(const HeaderExpect& expect, const HttpAnswer& answer, Patterns& patterns) {
  const std::vector<std::string_view> values = header_values(answer.head, expect.name);
  const std::string name = "header " + printable(expect.name, 60);
  if (expect.test == HeaderExpect::Test::kAbsent) {
    if (values.empty()) return std::nullopt;
    return broken(Cause::kHeaderMismatch, name + " is " + shown(values.front()) + ", wanted none");
  }
  const auto pattern = expect.test == HeaderExpect::Test::kRegex ? patterns.find(expect.value) : nullptr;
  for (const std::string_view value : values) {
    if (value_fits(expect, value, pattern.get())) return std::nullopt;
  }
  const std::string seen = values.empty() ? " is missing" : " is " + shown(values.front());
  return broken(Cause::kHeaderMismatch,
                name + seen + ", wanted " + std::string(verb(expect.test)) + shown(expect.value));
}

// What was not found in a body that went on beyond the cap is not known.
Verdictless undecided(const std::string& what) {
  return broken(Cause::kBodyTooLarge, "the body is larger than 1 MiB, and its first 1 MiB does not decide: " + what);
}

Verdictless judge_text(const HttpExpect& expect, const HttpAnswer& answer, Patterns& patterns) {
  const auto has = [&](const std::string& text) { return answer.body.find(text) != std::string_view::npos; };
  if (!expect.body_absent.empty() && has(expect.body_absent)) {
    return broken(Cause::kBodyForbidden, "the body contains " + shown(expect.body_absent, 120));
  }
  if (!expect.body_contains.empty() && !has(expect.body_contains)) {
    if (answer.body_capped) return undecided("contains " + shown(expect.body_contains));
    return broken(Cause::kBodyMissing, "the body does not contain " + shown(expect.body_contains, 120));
  }
  if (!expect.body_absent.empty() && answer.body_capped)
    return undecided("does not contain " + shown(expect.body_absent));
  if (expect.body_regex.empty()) return std::nullopt;
  const auto pattern = patterns.find(expect.body_regex);
  if (pattern && pattern->found_in(answer.body)) return std::nullopt;
  if (answer.body_capped) return undecided("matches " + shown(expect.body_regex));
  return broken(Cause::kBodyRegex, "the body does not match " + shown(expect.body_regex, 120));
}

Verdictless judge_json(const HttpExpect& expect, const HttpAnswer& answer) {
  for (const JsonExpect& wanted : expect.json) {
    if (answer.body_capped) return undecided("JSON at " + shown(wanted.path));
    const std::string why = json_mismatch(answer.body, wanted);
    if (!why.empty()) return broken(Cause::kJsonMismatch, why);
  }
  return std::nullopt;
}

Verdictless judge_certificate(const HttpExpect& expect, const HttpAnswer& answer) {
  if (!expect.certificate_days_min || !answer.certificate_not_after) return std::nullopt;
  const std::int64_t left_ms = (*answer.certificate_not_after - answer.now).count();
  const std::int64_t days = left_ms >= 0 ? left_ms / kDayMs : -((-left_ms + kDayMs - 1) / kDayMs);
  if (days >= *expect.certificate_days_min) return std::nullopt;
  return broken(Cause::kCertificateExpiring, "the certificate ends in " + std::to_string(days) + " days (" +
                                                 rfc3339(*answer.certificate_not_after) + "), wanted at least " +
                                                 std::to_string(*expect.certificate_days_min));
}

Verdictless judge_version(const HttpExpect& expect, const HttpAnswer& answer) {
  if (!expect.http_version || *expect.http_version == HttpVersion::kAny) return std::nullopt;
  const int wanted = *expect.http_version == HttpVersion::k2 ? 20 : 11;
  if (answer.http_version == wanted) return std::nullopt;
  return broken(Cause::kHttpVersion, "HTTP version " + std::string(version_name(answer.http_version)) + ", wanted " +
                                         std::string(version_name(wanted)));
}

Verdictless judge_compression(const HttpExpect& expect, const HttpAnswer& answer) {
  if (!expect.compressed) return std::nullopt;
  bool coded = false;
  for (const std::string_view value : header_values(answer.head, "content-encoding"))
    coded = coded || (!value.empty() && value != "identity");
  if (coded == *expect.compressed) return std::nullopt;
  return broken(Cause::kNotCompressed, coded ? "the body is compressed, wanted plain" : "the body is not compressed");
}

Verdictless judge_latency(const HttpExpect& expect, const HttpAnswer& answer) {
  if (!expect.latency_ms_max || answer.total_us <= *expect.latency_ms_max * 1000) return std::nullopt;
  return broken(Cause::kTooSlow, "took " + std::to_string((answer.total_us + 999) / 1000) + " ms, wanted at most " +
                                     std::to_string(*expect.latency_ms_max) + " ms");
}

}  // namespace

std::shared_ptr<const Pattern> Patterns::find(const std::string& source) {
  if (const auto found = by_source_.find(source); found != by_source_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return order_.front().second;
  }
  auto compiled = Pattern::compile(source);
  if (order_.size() >= kPatternsMax) {
    by_source_.erase(order_.back().first);
    order_.pop_back();
  }
  order_.emplace_front(source, compiled.ok() ? *compiled : nullptr);
  by_source_.emplace(source, order_.begin());
  return order_.front().second;
}

std::vector<std::string_view> header_values(std::string_view head, std::string_view name) {
  std::vector<std::string_view> result;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::string_view line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view() : head.substr(end + 1);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      result.push_back(trimmed(line.substr(name.size() + 1)));
    }
  }
  return result;
}

bool wants_body(const HttpExpect& expect) {
  return !expect.body_contains.empty() || !expect.body_absent.empty() || !expect.body_regex.empty() ||
         !expect.json.empty();
}

std::optional<Broken> first_broken(const HttpExpect& expect, const HttpAnswer& answer,
                                   std::string_view status_when_empty, Patterns& patterns) {
  if (auto found = judge_status(expect, answer, status_when_empty)) return found;
  for (const HeaderExpect& header : expect.header) {
    if (auto found = judge_header(header, answer, patterns)) return found;
  }
  if (auto found = judge_version(expect, answer)) return found;
  if (auto found = judge_compression(expect, answer)) return found;
  if (auto found = judge_text(expect, answer, patterns)) return found;
  if (auto found = judge_json(expect, answer)) return found;
  if (auto found = judge_certificate(expect, answer)) return found;
  return judge_latency(expect, answer);
}

std::optional<std::vector<JsonStep>> parse_json_path(std::string_view path) {
  if (!path.starts_with('$')) return std::nullopt;
  path.remove_prefix(1);
  std::vector<JsonStep> steps;
  while (!path.empty()) {
    if (steps.size() >= static_cast<std::size_t>(kJsonDepthMax)) return std::nullopt;
    JsonStep step;
    if (path[0] == '.') {
      const std::size_t end = path.find_first_of(".[", 1);
      step.key = path.substr(1, end == std::string_view::npos ? end : end - 1);
      if (step.key.empty()) return std::nullopt;
      path = end == std::string_view::npos ? std::string_view() : path.substr(end);
    } else if (path[0] == '[' && path.size() > 2) {
      const bool quoted = path[1] == '\'' || path[1] == '"';
      const std::size_t end = quoted ? path.find(path[1], 2) : path.find(']', 1);
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view inside = quoted ? path.substr(2, end - 2) : path.substr(1, end - 1);
      path = path.substr(end + (quoted ? 1 : 0));
      if (!path.starts_with(']') || (!quoted && (inside.empty() || inside.size() > 7))) return std::nullopt;
      path.remove_prefix(1);
      step.is_index = !quoted;
      if (quoted) step.key = inside;
      if (!quoted && inside.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
      if (!quoted) step.index = std::strtoul(std::string(inside).c_str(), nullptr, 10);
    } else {
      return std::nullopt;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace everup::checker
