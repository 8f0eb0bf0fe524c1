// See report_json.h.
#include "reports/report_json.h"

#include <nlohmann/json.hpp>

#include "core/result.h"
#include "reports/canonical_json.h"

namespace everup::reports {
namespace {

using Json = nlohmann::json;

Json percent(const std::optional<std::int64_t>& thousandths) {
  return thousandths ? Json(static_cast<double>(*thousandths) / 1000) : Json(nullptr);
}

Json figures_of(const Tally& t, const Uptime& u) {
  return {{"up_ms", t.up_ms},
          {"degraded_ms", t.degraded_ms},
          {"down_ms", t.down_ms},
          {"unknown_ms", t.unknown_ms},
          {"maintenance_ms", t.maintenance_ms},
          {"paused_ms", t.paused_ms},
          {"before_creation_ms", t.before_creation_ms},
          {"incidents", t.incidents},
          {"longest_down_ms", t.longest_down_ms},
          {"uptime_percent", percent(u.uptime)},
          {"worst_percent", percent(u.worst)},
          {"best_percent", percent(u.best)},
          {"coverage_percent", percent(u.coverage)},
          {"display", u.display}};
}

std::string_view reason_slug(const Reason& reason) {
  if (reason.gap != 0) return slug(static_cast<GapReason>(reason.gap));
  const auto cause = cause_from_number(reason.cause);
  return cause ? facts(*cause).slug : std::string_view();
}

Json spans_of(const Timeline& timeline) {
  Json list = Json::array();
  for (const LedgerSpan& piece : timeline) {
    Json one{{"from", rfc3339(piece.span.from)}, {"to", rfc3339(piece.span.to)}, {"state", slug(piece.state)}};
    if (const auto reason = reason_slug(piece.reason); !reason.empty()) {
      one["reason"] = reason;
      one["reason_text"] = reason_text(piece.reason);
    }
    list.push_back(std::move(one));
  }
  return list;
}

Json monitor_of(const std::string& id, const std::string& name, const std::optional<std::string>& target) {
  Json monitor{{"id", id}, {"name", printable(name, 2048)}};
  if (target) monitor["target"] = printable(*target, 2048);
  return monitor;
}

std::string canonical(const Json& document) {
  auto text = canonical_json(document.dump());
  EVERUP_ASSERT(text.ok());
  return *std::move(text);
}

}  // namespace

std::string figures_json(const Tally& tally, const Uptime& uptime) { return canonical(figures_of(tally, uptime)); }

std::string period_json(const PeriodModel& model, const std::optional<ChainLink>& link) {
  const PeriodInput& in = model.input;
  Json parts = Json::array();
  for (const PeriodPart& part : model.parts) {
    parts.push_back({{"period", to_string(part.period)},
                     {"from", rfc3339(part.span.from)},
                     {"to", rfc3339(part.span.to)},
                     {"figures", figures_of(part.tally, part.uptime)}});
  }
  Json document{{"format", kReportFormat},
                {"formula", kFormula},
                {"monitor", monitor_of(in.monitor_id, in.name, in.target)},
                {"period", to_string(in.period)},
                {"timezone", in.zone->name()},
                {"from", rfc3339(model.whole.from)},
                {"to", rfc3339(model.whole.to)},
                {"as_of", rfc3339(model.seen.to)},
                {"complete", model.complete},
                {"figures", figures_of(model.tally, model.uptime)},
                {"parts", std::move(parts)},
                {"spans", spans_of(model.timeline)}};
  if (link) {
    document["chain"] = {{"chain", link->chain}, {"number", link->number}};
    document["chain"]["previous"] = link->previous.empty() ? Json(nullptr) : Json(link->previous);
  }
  return canonical(document);
}

std::string overview_json(const ReportModel& model, const std::string& monitor_id) {
  const ReportInput& in = model.input;
  Json parts = Json::array();
  for (const WindowFigures& window : model.windows) {
    parts.push_back({{"window", window.name},
                     {"from", rfc3339(window.span.from)},
                     {"to", rfc3339(window.span.to)},
                     {"figures", figures_of(window.tally, window.uptime)}});
  }
  const WindowFigures& longest = model.windows.back();
  return canonical({{"format", kReportFormat},
                    {"formula", kFormula},
                    {"monitor", monitor_of(monitor_id, in.name, in.target)},
                    {"period", nullptr},
                    {"timezone", in.zone->name()},
                    {"from", rfc3339(longest.span.from)},
                    {"to", rfc3339(longest.span.to)},
                    {"as_of", rfc3339(model.as_of)},
                    {"complete", true},
                    {"state", slug(in.state)},
                    {"corrections", in.corrections},
                    {"figures", figures_of(longest.tally, longest.uptime)},
                    {"parts", std::move(parts)},
                    {"spans", spans_of(model.timeline)}});
}

}  // namespace everup::reports
