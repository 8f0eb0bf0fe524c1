// What needs no key: badges behind 128-bit tokens (reports: report_pages.cpp). Unknown, rotated, private and deleted
// ones look the same: 404 with an SVG. No cookies, no name beyond what the owner opened (SHAPES 16).
#include "api/badge_answers.h"
#include "api/house.h"
#include "api/problem.h"
#include "core/ledger.h"
#include "db/report_store.h"
#include "net/digest.h"

namespace everup::api {
namespace {

constexpr BadgeForm kSvgForm{false, 300}, kJsonForm{true, 300}, kStatusSvgForm{false, 60}, kStatusJsonForm{true, 60};

HttpResponse svg(const badges::BadgeText& text, int status) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::string(badges::kBadgeType);
  response.body = badges::badge_svg(text);
  response.set("Content-Security-Policy", std::string(badges::kBadgeCsp));
  return response;
}

HttpResponse shields(const badges::BadgeText& text, int status, int cache_s) {
  HttpResponse response = json_answer(badges::shields_json(text, cache_s), status);
  response.compressible = false;
  return response;
}

HttpResponse refused(const Call& call, const Error& error, const badges::BadgeOptions& options, const BadgeForm& form) {
  if (error.code == ErrorCode::kNotFound) return badge_answer(badges::not_found_badge(options), form, 404);
  return failed(call, error);
}

// The ledger of a badge's monitor, or the answer when there is none.
std::variant<db::PublicLedger, HttpResponse> badge_ledger(const Call& call, const badges::BadgeOptions& options,
                                                          const BadgeForm& form, WallTime from) {
  if (!net::is_token(call.path[0])) return badge_answer(badges::not_found_badge(options), form, 404);
  auto ledger = call.house->ledger().by_token(db::TokenKind::kBadge, call.path[0], from, call.now);
  if (ledger.ok()) return *std::move(ledger);
  return refused(call, ledger.error(), options, form);
}

Answer answered(BadgeWords words, const BadgeForm& form) {
  if (auto* refusal = std::get_if<HttpResponse>(&words)) return std::move(*refusal);
  return badge_answer(std::get<badges::BadgeText>(words), form);
}

using WindowWords = BadgeWords (*)(const Call&, const badges::BadgeOptions&, const BadgeForm&, std::int64_t,
                                   const std::string&);

Answer window_badge(const Call& call, const BadgeForm& form, WindowWords words) {
  const auto parsed = badges::parse_badge_options(call.query);
  if (!parsed.errors.empty()) return invalid_fields(parsed.errors);
  const auto length = rolling_window_ms(call.path[1]);
  if (!length) return badge_answer(badges::not_found_badge(parsed.options), form, 404);
  return answered(words(call, parsed.options, form, *length, call.path[1]), form);
}

using PlainWords = BadgeWords (*)(const Call&, const badges::BadgeOptions&, const BadgeForm&);

Answer plain_badge(const Call& call, const BadgeForm& form, PlainWords words) {
  const auto parsed = badges::parse_badge_options(call.query);
  if (!parsed.errors.empty()) return invalid_fields(parsed.errors);
  return answered(words(call, parsed.options, form), form);
}

// Whole days, and −1 from the end on.
std::int64_t days_until(WallTime end, WallTime now) { return end <= now ? -1 : (end - now).count() / kDayMs; }

}  // namespace

HttpResponse badge_answer(const badges::BadgeText& text, const BadgeForm& form, int status) {
  return form.json ? shields(text, status, form.cache_s) : svg(text, status);
}

BadgeWords uptime_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form,
                        std::int64_t length_ms, const std::string& window) {
  auto found = badge_ledger(call, options, form, call.now - milliseconds(length_ms + db::LedgerStore::kSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  const auto& input = std::get<db::PublicLedger>(found).input;
  const Tally total = tally(timeline_of(input, rolling_window(input, length_ms, call.now), call.now));
  return badges::uptime_badge(uptime_of(total), total, window, options);
}

BadgeWords status_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form) {
  auto found = badge_ledger(call, options, form, call.now - milliseconds(db::LedgerStore::kSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  return badges::status_badge(std::get<db::PublicLedger>(found).state, options);
}

BadgeWords response_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form,
                          std::int64_t length_ms, const std::string& window) {
  if (!net::is_token(call.path[0]) || call.house->options.reports == nullptr)
    return badge_answer(badges::not_found_badge(options), form, 404);
  const auto median = call.house->options.reports->median_us(db::TokenKind::kBadge, call.path[0],
                                                             {call.now - milliseconds(length_ms), call.now});
  if (!median) return refused(call, median.error(), options, form);
  return badges::response_badge(*median, window, options);
}

BadgeWords cert_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form) {
  if (!net::is_token(call.path[0]) || call.house->options.reports == nullptr)
    return badge_answer(badges::not_found_badge(options), form, 404);
  const auto end = call.house->options.reports->certificate_end(db::TokenKind::kBadge, call.path[0]);
  if (!end) return refused(call, end.error(), options, form);
  std::optional<std::int64_t> days;
  if (*end) days = days_until(**end, call.now);
  return badges::cert_badge(days, options);
}

Answer uptime_badge_svg(Call& call) { return window_badge(call, kSvgForm, uptime_words); }
Answer uptime_badge_json(Call& call) { return window_badge(call, kJsonForm, uptime_words); }
Answer response_badge_svg(Call& call) { return window_badge(call, kSvgForm, response_words); }
Answer response_badge_json(Call& call) { return window_badge(call, kJsonForm, response_words); }
Answer status_badge_svg(Call& call) { return plain_badge(call, kStatusSvgForm, status_words); }
Answer status_badge_json(Call& call) { return plain_badge(call, kStatusJsonForm, status_words); }
Answer cert_badge_svg(Call& call) { return plain_badge(call, kSvgForm, cert_words); }
Answer cert_badge_json(Call& call) { return plain_badge(call, kJsonForm, cert_words); }

Answer badge_link(Call& call) {
  auto found = badge_ledger(call, {}, kSvgForm, call.now - milliseconds(kDayMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  const auto& monitor = std::get<db::PublicLedger>(found).monitor;
  if (monitor.report_token.empty()) return badge_answer(badges::not_found_badge(), kSvgForm, 404);
  HttpResponse response;
  response.status = 302;
  response.set("Location", call.house->options.base_url + "/report/" + monitor.report_token);
  return response;
}

}  // namespace everup::api
