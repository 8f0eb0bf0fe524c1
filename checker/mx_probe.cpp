#include "checker/mx_probe.h"

#include <algorithm>
#include <utility>

namespace everup::checker {

struct MxProbe::Leg {
  net::MxHost host;
  IpVersion family = IpVersion::kAny;
  CheckPlan plan;
  std::unique_ptr<Probe> probe;
  std::optional<Outcome> outcome;

  std::string name() const {
    const char* over = family == IpVersion::k4 ? " (IPv4)" : family == IpVersion::k6 ? " (IPv6)" : "";
    return host.host + over;
  }
};

MxProbe::MxProbe(const SmtpShared& shared, net::RecordResolver& records, const Question& question, Done done)
    : shared_(shared),
      question_(question),
      done_(std::move(done)),
      settings_(settings_of<SmtpSettings>(*question.plan)),
      started_(shared.loop.clock().now().mono) {
  auto target = parse_target(question_.plan->url);
  if (!target.ok()) {
    timer_ = shared_.loop.at(shared_.loop.now().mono, [this, what = target.error().what] {
      timer_ = {};
      end(outcome_of(Cause::kInternal, "target: " + what));
    });
    return;
  }
  target_ = std::move(*target);
  query_ = records.ask(target_.host, net::RecordType::kMx, question_.deadline,
                       [this](net::Records&& found) { on_mx(std::move(found)); });
}

MxProbe::~MxProbe() { shared_.loop.cancel(timer_); }

void MxProbe::on_mx(net::Records&& found) {
  dns_us_ = static_cast<std::int32_t>((shared_.loop.clock().now().mono - started_).count() / 1000);
  if (found.no_data) return ask_hosts({net::MxHost{0, target_.host}});  // the implicit MX
  if (!found.ok()) {
    const bool theirs = found.failure == net::LookupFailure::kNameError;
    return end(outcome_of(theirs ? Cause::kDnsFailure : Cause::kDnsUnavailable, "MX: " + found.detail));
  }
  const bool null_mx = found.mx.size() == 1 && found.mx.front().host.empty();
  if (null_mx) return end(outcome_of(Cause::kSmtpNullMx, "the domain's MX is \".\": it takes no mail (RFC 7505)"));
  std::erase_if(found.mx, [](const net::MxHost& one) { return one.host.empty(); });
  if (found.mx.empty()) return end(outcome_of(Cause::kDnsFailure, "MX: no host in the answer"));
  found.mx.resize(std::min(found.mx.size(), kHostsMax));
  ask_hosts(std::move(found.mx));
}

// Each host is resolved here to learn its families; its dialogues take the answer from the resolver's cache.
void MxProbe::ask_hosts(std::vector<net::MxHost> hosts) {
  hosts_ = std::move(hosts);
  unresolved_ = hosts_.size();
  lookups_.resize(hosts_.size());
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    lookups_[i] = shared_.resolver.resolve(hosts_[i].host, settings_->options.ip_version, question_.deadline,
                                           [this, i](net::Resolution&& found) { on_host(i, std::move(found)); });
  }
}

void MxProbe::on_host(std::size_t host, net::Resolution&& found) {
  if (!found.v4.empty()) add_leg(hosts_[host], IpVersion::k4);
  if (!found.v6.empty()) add_leg(hosts_[host], IpVersion::k6);
  if (!found.ok())
    add_leg(hosts_[host], settings_->options.ip_version);  // its dialogue says what is wrong with the name
  --unresolved_;
}

void MxProbe::add_leg(const net::MxHost& host, IpVersion family) {
  auto leg = std::make_unique<Leg>();
  leg->host = host;
  leg->family = family;
  leg->plan = *question_.plan;
  Target target = target_;
  target.host = host.host;
  leg->plan.url = target.url();
  SmtpSettings settings = *settings_;
  settings.options.mx = false;
  settings.options.ip_version = family;
  leg->plan.settings = std::make_shared<const KindSettings>(std::move(settings));
  Question question = question_;
  question.plan = &leg->plan;
  question.live = nullptr;  // they speak at the same time: the evidence tells them apart
  question.want_evidence = true;
  Leg& it = *leg;
  legs_.push_back(std::move(leg));
  it.probe = std::make_unique<SmtpProbe>(shared_, question, [this, &it](Outcome&& outcome) {
    it.outcome = std::move(outcome);
    check_end();
  });
}

void MxProbe::check_end() {
  const bool open = unresolved_ > 0 ||
                    std::any_of(legs_.begin(), legs_.end(), [](const auto& leg) { return !leg->outcome.has_value(); });
  if (!open) end(whole());
}

Outcome MxProbe::whole() const {
  std::vector<const Leg*> order;
  for (const auto& leg : legs_) order.push_back(leg.get());
  std::stable_sort(order.begin(), order.end(), [](const Leg* a, const Leg* b) {
    return std::pair(a->host.preference, a->host.host) < std::pair(b->host.preference, b->host.host);
  });
  const auto counts = [](const Leg* leg) { return leg->outcome->verdict != Verdict::kInconclusive; };
  const Leg* first_bad = nullptr;
  std::size_t bad = 0, counted = 0;
  for (const Leg* leg : order) {
    if (!counts(leg)) continue;
    ++counted;
    if (leg->outcome->verdict == Verdict::kUp) continue;
    ++bad;
    if (first_bad == nullptr) first_bad = leg;
  }
  const Leg* telling = first_bad != nullptr ? first_bad : order.front();
  const Outcome& told = *telling->outcome;
  const std::string words =
      telling->name() + ": " + (told.detail.empty() ? std::string(facts(told.cause).english) : told.detail);
  Outcome outcome = outcome_of(Cause::kOk);
  if (counted == 0 || bad == counted)
    outcome = outcome_of(told.cause, told.cause == Cause::kOk ? "" : printable(words, 200));
  if (counted == 0 || bad == counted) outcome.verdict = told.verdict;
  if (bad > 0 && bad < counted) {
    outcome = outcome_of(
        Cause::kSmtpMxPartial,
        printable(std::to_string(bad) + " of " + std::to_string(counted) + " fail, the first is " + words, 200));
  }
  outcome.code = told.code;
  outcome.timings = told.timings;
  outcome.certificate_not_after = told.certificate_not_after;
  outcome.evidence = std::make_unique<Evidence>(told.evidence ? *told.evidence : Evidence{});
  constexpr std::size_t kHopsMax = 16;
  for (const Leg* leg : order) {
    if (outcome.evidence->hops.size() == kHopsMax) break;
    const Outcome& one = *leg->outcome;
    const bool placed = one.evidence && !one.evidence->address.empty();
    const std::string where = placed ? " " + one.evidence->address : "";
    const std::string what(facts(one.cause).slug);
    outcome.evidence->hops.push_back(
        printable(std::to_string(leg->host.preference) + " " + leg->name() + where + " " + what, 300));
  }
  return outcome;
}

// `done_` may destroy this probe: it is the last thing that happens.
void MxProbe::end(Outcome&& outcome) {
  if (timer_) shared_.loop.cancel(std::exchange(timer_, {}));
  query_.cancel();
  outcome.timings.dns_us = dns_us_;
  outcome.timings.total_us = static_cast<std::int32_t>(
      std::clamp<std::int64_t>((shared_.loop.clock().now().mono - started_).count() / 1000, 0, INT32_MAX));
  if (!question_.want_evidence && outcome.verdict == Verdict::kUp) outcome.evidence.reset();
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace everup::checker
