#include "checker/deliverability_json.h"

#include <nlohmann/json.hpp>

namespace everup::checker {

std::string deliverability_json(const MailView& view) {
  using Json = nlohmann::ordered_json;
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  const MailQuestion& question = view.question;
  Json findings = Json::array();
  for (const MailFinding& one : view.findings) {
    findings.push_back({{"check", one.check},
                        {"level", word(one.level)},
                        {"found", one.found},
                        {"means", one.means},
                        {"publish", text(one.publish)}});
  }
  Json spf{{"record", text(view.spf_record)}, {"lookups_worst", view.spf_cost}};
  if (view.spf) {
    spf["result"] = word(view.spf->result);
    spf["matched"] = text(view.spf->matched);
    spf["why"] = text(view.spf->why);
    spf["lookups"] = view.spf->lookups;
    spf["void_lookups"] = view.spf->voids;
  }
  const Json all{{"domain", question.domain},
                 {"address", question.address ? Json(question.address->host()) : Json(nullptr)},
                 {"mail_from", question.mail_from},
                 {"helo", text(question.helo)},
                 {"verdict", slug(view.verdict)},
                 {"organisational_domain", view.organisation},
                 {"spf", spf},
                 {"dmarc", {{"record", text(view.dmarc_record)}}},
                 {"findings", findings},
                 {"questions", view.questions}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace everup::checker
