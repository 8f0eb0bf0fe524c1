#include "checker/smtp_report_json.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "checker/smtp_note.h"

namespace everup::checker {

namespace {

using Json = nlohmann::ordered_json;

std::string_view word_of(Direction direction) {
  switch (direction) {
    case Direction::kIn:
      return "in";
    case Direction::kOut:
      return "out";
    case Direction::kNote:
      return "note";
  }
  return "note";
}

Json line_of(const TranscriptLine& line) {
  return {{"at_ms", line.at_ms},
          {"dir", word_of(line.direction)},
          {"tls", line.tls},
          {"text", line.text},
          {"note", smtp_note(line)}};
}

Json step_of(const SmtpReport::Step& step) {
  return {{"step", step.step},
          {"at_ms", step.at_ms},
          {"ms", step.took_ms},
          {"code", step.code == 0 ? Json(nullptr) : Json(step.code)}};
}

Json certificate_of(const CertificateFacts& certificate) {
  return {{"subject", certificate.subject},
          {"issuer", certificate.issuer},
          {"names", certificate.names},
          {"not_before", rfc3339(certificate.not_before)},
          {"not_after", rfc3339(certificate.not_after)},
          {"chain_not_after", rfc3339(certificate.chain_not_after)},
          {"sha256", certificate.sha256},
          {"verify_error", certificate.verify_error}};
}

Json tls_of(const net::TlsFacts& tls) {
  return {{"version", tls.version},
          {"cipher", tls.cipher},
          {"verification", facts(tls.verification).slug},
          {"stapled", tls.stapled},
          {"certificate", tls.certificate ? certificate_of(*tls.certificate) : Json(nullptr)}};
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string smtp_report_json(const SmtpReport& report) {
  Json json{{"verdict", slug(report.verdict)},
            {"cause", facts(report.cause).slug},
            {"detail", report.detail},
            {"stopped_at", report.stopped_at},
            {"code", report.code == 0 ? Json(nullptr) : Json(report.code)},
            {"enhanced", report.enhanced.empty() ? Json(nullptr) : Json(report.enhanced)},
            {"address", report.address},
            {"latency_ms", report.total_us / 1000.0},
            {"tls", report.tls ? tls_of(*report.tls) : Json(nullptr)},
            {"capabilities", report.capabilities},
            {"findings", report.findings}};
  if (!report.hosts.empty()) json["hosts"] = report.hosts;
  json["steps"] = Json::array();
  for (const SmtpReport::Step& step : report.steps) json["steps"].push_back(step_of(step));
  json["transcript"] = Json::array();
  for (const TranscriptLine& line : report.transcript.lines()) json["transcript"].push_back(line_of(line));
  return text_of(json);
}

std::string transcript_line_json(const TranscriptLine& line) { return text_of(line_of(line)); }
std::string smtp_step_json(const SmtpReport::Step& step) { return text_of(step_of(step)); }

}  // namespace everup::checker
