// See amend_plan.h.
#include "db/amend_plan.h"

#include <algorithm>
#include <utility>

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

// Looks that settle the state of the span in which the window begins, a millisecond apart, just before it.
void seed(LateEvidence& evidence) {
  const WallTime from = evidence.from;
  const auto holds = std::find_if(evidence.spans.begin(), evidence.spans.end(),
                                  [from](const LedgerSpan& s) { return s.span.from < from && s.span.contains(from); });
  if (holds == evidence.spans.end() || holds->state == State::kUnknown) return;
  constexpr std::int64_t kLooks = 10;  // patience is at most that
  Observed look;
  for (const Revision& revision : evidence.history) {
    if (revision.from_at <= from - milliseconds(kLooks)) look.revision = revision.revision;
  }
  look.verdict = static_cast<Verdict>(holds->state);  // up, degraded and down have the numbers of the verdicts
  look.cause = cause_from_number(holds->reason.cause).value_or(Cause::kOk);
  for (std::int64_t i = kLooks; i > 0; --i) {
    look.started_at = look.slot_at = from - milliseconds(i);
    evidence.results.push_back(look);
  }
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

LatePlan plan_late(LateEvidence evidence) {
  seed(evidence);
  const Recomputed recomputed =
      recompute(evidence.monitor, std::move(evidence.results), std::move(evidence.gaps), std::move(evidence.history));
  LatePlan plan;
  if (recomputed.spans.empty()) return plan;
  // Without a standing nothing was ever concluded: the whole of it comes from the evidence.
  const bool resync = evidence.resync || !evidence.standing;
  WallTime limit = kOpenEnd;
  if (!resync) limit = std::min(evidence.standing->booked_since, evidence.standing->pending_since.value_or(kOpenEnd));
  plan.amendment = plan_amendment(evidence.spans, recomputed.spans, evidence.from, limit);
  if (!resync) return plan;
  plan.standing = recomputed.standing;
  if (evidence.standing && evidence.standing->health == recomputed.standing.health) {
    plan.standing->health_since = evidence.standing->health_since;
  }
  plan.standing->version = (evidence.standing ? evidence.standing->version : 0) + kResyncStep;
  return plan;
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
