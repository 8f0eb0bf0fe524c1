// See amend_plan.h.
#include "db/amend_plan.h"

#include <algorithm>

namespace everup::db {
namespace {

// Clipped to the window, holes filled with unknown, equal neighbours joined.
std::vector<LedgerSpan> normal(const std::vector<LedgerSpan>& spans, Span window) {
  std::vector<LedgerSpan> out;
  const auto put = [&](Span span, State state, Reason reason) {
    if (span.empty()) return;
    if (!out.empty() && out.back().state == state && out.back().reason == reason) {
      out.back().span.to = span.to;
    } else {
      out.push_back({span, state, reason});
    }
  };
  WallTime at = window.from;
  for (const LedgerSpan& span : spans) {
    const Span part = intersect(span.span, {at, window.to});
    if (part.empty()) continue;
    put({at, part.from}, State::kUnknown, {});
    put(part, span.state, span.reason);
    at = part.to;
  }
  put({at, window.to}, State::kUnknown, {});
  return out;
}

}  // namespace

std::optional<Amendment> plan_amendment(const std::vector<LedgerSpan>& stored,
                                        const std::vector<LedgerSpan>& recomputed, WallTime from, WallTime limit) {
  if (limit <= from) return std::nullopt;
  const auto a = normal(stored, {from, limit}), b = normal(recomputed, {from, limit});
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() && y == b.end()) return std::nullopt;
  // Both cover the whole window, so both have a span here; when only the ends differ the difference begins at the
  // earlier one.
  const bool same_state = x->state == y->state && x->reason == y->reason && x->span.from == y->span.from;
  const WallTime first = same_state ? std::min(x->span.to, y->span.to) : std::min(x->span.from, y->span.from);
  const Span window{first, limit};
  return Amendment{window, normal(stored, window), normal(recomputed, window)};
}

std::string spans_json(const std::vector<LedgerSpan>& spans) {
  std::string out = "[";
  for (const LedgerSpan& span : spans) {
    if (out.size() > 1) out += ',';
    out += "{\"from\":" + std::to_string(span.span.from.ms) +
           ",\"to\":" + (span.span.to == kOpenEnd ? "null" : std::to_string(span.span.to.ms)) +
           ",\"state\":" + std::to_string(static_cast<int>(span.state)) +
           ",\"cause\":" + std::to_string(span.reason.cause) + ",\"gap\":" + std::to_string(span.reason.gap) + "}";
  }
  return out + "]";
}

}  // namespace everup::db
