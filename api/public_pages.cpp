// What needs no key: badges behind 128-bit tokens (reports: report_pages.cpp). Unknown, rotated, private and deleted
// ones look the same: 404 with an SVG. No cookies, no name beyond what the owner opened (SHAPES 16).
#include "api/house.h"
#include "api/problem.h"
#include "badges/badge.h"
#include "core/ledger.h"
#include "net/digest.h"

namespace everup::api {
namespace {

constexpr std::int64_t kLedgerSlackMs = 2 * kDayMs;

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

struct BadgeKind {
  bool json = false;
  int cache_s = 300;
};

HttpResponse badge_answer(const badges::BadgeText& text, const BadgeKind& kind, int status = 200) {
  return kind.json ? shields(text, status, kind.cache_s) : svg(text, status);
}

// The ledger of a badge's monitor, or the answer when there is none.
std::variant<db::PublicLedger, HttpResponse> badge_ledger(const Call& call, const badges::BadgeOptions& options,
                                                          const BadgeKind& kind, WallTime from) {
  if (!net::is_token(call.path[0])) return badge_answer(badges::not_found_badge(options), kind, 404);
  auto ledger = call.house->ledger().by_token(db::TokenKind::kBadge, call.path[0], from, call.now);
  if (ledger.ok()) return *std::move(ledger);
  if (ledger.error().code == ErrorCode::kNotFound) return badge_answer(badges::not_found_badge(options), kind, 404);
  return failed(call, ledger.error());
}

Answer uptime_badge(Call& call, const BadgeKind& kind) {
  const auto parsed = badges::parse_badge_options(call.query);
  if (!parsed.errors.empty()) return invalid_fields(parsed.errors);
  const auto length = rolling_window_ms(call.path[1]);
  if (!length) return badge_answer(badges::not_found_badge(parsed.options), kind, 404);
  auto found = badge_ledger(call, parsed.options, kind, call.now - milliseconds(*length + kLedgerSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  const auto& input = std::get<db::PublicLedger>(found).input;
  const Tally total = tally(timeline_of(input, rolling_window(input, *length, call.now), call.now));
  return badge_answer(badges::uptime_badge(uptime_of(total), total, call.path[1], parsed.options), kind);
}

Answer status_badge(Call& call, const BadgeKind& kind) {
  const auto parsed = badges::parse_badge_options(call.query);
  if (!parsed.errors.empty()) return invalid_fields(parsed.errors);
  auto found = badge_ledger(call, parsed.options, kind, call.now - milliseconds(kLedgerSlackMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  return badge_answer(badges::status_badge(std::get<db::PublicLedger>(found).state, parsed.options), kind);
}

}  // namespace

Answer uptime_badge_svg(Call& call) { return uptime_badge(call, {false, 300}); }
Answer uptime_badge_json(Call& call) { return uptime_badge(call, {true, 300}); }
Answer status_badge_svg(Call& call) { return status_badge(call, {false, 60}); }
Answer status_badge_json(Call& call) { return status_badge(call, {true, 60}); }

Answer badge_link(Call& call) {
  const BadgeKind kind;
  auto found = badge_ledger(call, {}, kind, call.now - milliseconds(kDayMs));
  if (auto* refusal = std::get_if<HttpResponse>(&found)) return std::move(*refusal);
  const auto& monitor = std::get<db::PublicLedger>(found).monitor;
  if (monitor.report_token.empty()) return badge_answer(badges::not_found_badge(), kind, 404);
  HttpResponse response;
  response.status = 302;
  response.set("Location", call.house->options.base_url + "/report/" + monitor.report_token);
  return response;
}

}  // namespace everup::api
