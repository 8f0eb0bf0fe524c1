#include "checker/deliverability_probe.h"

#include <utility>

namespace everup::checker {
namespace {

// Evidence is printable text; a policy file's line ends are spelled out in it.
std::string with_line_ends(std::string text) {
  for (const auto& [spelled, meant] : {std::pair("\\x0d", ""), std::pair("\\x0a", "\n"), std::pair("\\x09", " ")}) {
    for (std::size_t at = text.find(spelled); at != std::string::npos; at = text.find(spelled, at))
      text.replace(at, 4, meant);
  }
  return text;
}

}  // namespace

DeliverabilityProbe::DeliverabilityProbe(const HttpShared& shared, net::RecordResolver& records,
                                         const MailQuestion& question, Instant deadline, bool strict_policy,
                                         Viewed viewed)
    : shared_(shared),
      records_(records),
      question_(question),
      deadline_(deadline),
      strict_policy_(strict_policy),
      viewed_(std::move(viewed)) {
  step_soon();
}

DeliverabilityProbe::~DeliverabilityProbe() { shared_.loop.cancel(turn_); }

// Answers that come together are judged together.
void DeliverabilityProbe::step_soon() {
  if (turn_) return;
  turn_ = shared_.loop.at(shared_.loop.now().mono, [this] {
    turn_ = {};
    step();
  });
}

void DeliverabilityProbe::step() {
  auto view = judge_mail(question_, facts_, file_);
  if (view) {
    const Viewed viewed = std::move(viewed_);  // it may destroy this
    return viewed(std::move(*view));
  }
  for (const auto& wanted : facts_.take_wanted()) ask(wanted);
  if (file_.wanted && !file_.fetched && !policy_look_) fetch_policy();
  EVERUP_ASSERT(open_ > 0 || policy_look_);  // who is not done waits for somebody
}

void DeliverabilityProbe::ask(const DnsFacts::Wanted& wanted) {
  ++open_;
  queries_.push_back(records_.ask(wanted.name, wanted.type, deadline_, [this, wanted](net::Records&& answer) {
    --open_;
    facts_.learn(wanted, std::move(answer));
    step_soon();
  }));
}

void DeliverabilityProbe::fetch_policy() {
  policy_plan_.kind = Kind::kHttps;
  policy_plan_.url = "https://mta-sts." + question_.domain + "/.well-known/mta-sts.txt";
  HttpSettings settings;
  settings.options.follow_redirects = false;
  policy_plan_.settings = std::make_shared<const KindSettings>(std::move(settings));
  Question question;
  question.plan = &policy_plan_;
  question.deadline = deadline_;
  question.strict_policy = strict_policy_;
  policy_look_ =
      std::make_unique<HttpProbe>(shared_, question, [this](Outcome&& outcome) { on_policy(std::move(outcome)); });
}

void DeliverabilityProbe::on_policy(Outcome&& outcome) {
  file_.fetched = true;
  file_.ours = outcome.verdict == Verdict::kInconclusive;
  if (outcome.cause != Cause::kOk)
    file_.trouble = outcome.detail.empty() ? std::string(facts(outcome.cause).english) : outcome.detail;
  else if (outcome.code != 200)
    file_.trouble = "the web server said " + std::to_string(outcome.code);
  else if (outcome.evidence)
    file_.body = with_line_ends(outcome.evidence->body_excerpt);
  step_soon();  // the look is still on the stack
}

}  // namespace everup::checker
