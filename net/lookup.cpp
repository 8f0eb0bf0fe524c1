#include "net/lookup.h"

#include <algorithm>

#include "core/outcome.h"

namespace everup::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kTtlMinS = 1, kTtlMaxS = 300;
constexpr seconds kNegativeTtl{5};
constexpr milliseconds kSuspicion{300};  // silence for so long makes us ask the control questions
constexpr milliseconds kControlMax{2'000};
constexpr milliseconds kControlSpacing{200};
constexpr milliseconds kHopeless{
    1'000};  // all silent for so long: the servers are away, however short the caller's deadline

std::string key_of(const std::string& name, Family family) { return name + (family == Family::kV4 ? '\4' : '\6'); }

bool wanted(IpVersion version, Family family) {
  switch (version) {
    case IpVersion::kAny:
      return true;
    case IpVersion::k4:
      return family == Family::kV4;
    case IpVersion::k6:
      return family == Family::kV6;
  }
  return true;
}

// RFC 6761: these never leave the machine.
bool localhost(std::string_view name) { return name == "localhost" || name.ends_with(".localhost"); }

std::string_view family_words(IpVersion version) {
  switch (version) {
    case IpVersion::kAny:
      return "no address";
    case IpVersion::k4:
      return "no IPv4 address";
    case IpVersion::k6:
      return "no IPv6 address";
  }
  return "no address";
}

// When both families brought nothing, the one that leaves more doubt decides.
int doubt(LookupFailure failure) {
  switch (failure) {
    case LookupFailure::kNone:
      return 0;
    case LookupFailure::kNameError:
      return 1;
    case LookupFailure::kServerFailure:
      return 2;
    case LookupFailure::kDeadline:
      return 3;
    case LookupFailure::kUnavailable:
      return 4;
    case LookupFailure::kCancelled:
      return 5;
  }
  return 0;
}

Finding failed(LookupFailure failure, std::string detail) {
  return {failure, false, std::move(detail), {}, kNegativeTtl};
}

}  // namespace

std::string_view slug(LookupFailure failure) {
  switch (failure) {
    case LookupFailure::kNone:
      return "none";
    case LookupFailure::kNameError:
      return "name_error";
    case LookupFailure::kServerFailure:
      return "server_failure";
    case LookupFailure::kUnavailable:
      return "unavailable";
    case LookupFailure::kDeadline:
      return "deadline";
    case LookupFailure::kCancelled:
      return "cancelled";
  }
  return "none";
}

Query::Query(std::shared_ptr<PendingQuery> pending) : pending_(std::move(pending)) {}
Query& Query::operator=(Query&& other) noexcept {
  if (this != &other) {
    cancel();
    pending_ = std::move(other.pending_);
  }
  return *this;
}
Query::~Query() { cancel(); }

void Query::cancel() {
  const auto mine = std::move(pending_);
  if (!mine || !mine->on_resolved) return;
  if (const auto state = mine->state.lock())
    state->cancel(*mine);
  else
    mine->on_resolved = nullptr;
}

bool Query::pending() const { return pending_ && pending_->on_resolved && !pending_->state.expired(); }

Resolver::Resolver(Loop& loop, ResolverOptions options)
    : state_(std::make_shared<ResolverState>(loop, std::move(options))) {}
Resolver::~Resolver() = default;
Query Resolver::resolve(std::string_view name, IpVersion version, Instant deadline, OnResolved on_resolved) {
  return state_->resolve(name, version, deadline, std::move(on_resolved));
}
void Resolver::shutdown() { state_->shutdown(); }
void Resolver::clear_cache() { state_->clear_cache(); }
ResolverStats Resolver::stats() const { return state_->stats(); }
const ResolverOptions& Resolver::options() const { return state_->options(); }
std::vector<Address> Resolver::servers() { return state_->servers(); }

ResolverState::ResolverState(Loop& loop, ResolverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      cache_(options_.cache_max),
      hosts_(options_.hosts_file),
      channel_(
          loop, options_, [this](std::uint64_t id, DnsAnswer&& answer) { on_answer(id, std::move(answer)); },
          [this] { return on_tick(); }) {}

ResolverState::~ResolverState() {
  loop_.cancel(ready_timer_);
  const auto drop = [this](const std::weak_ptr<PendingQuery>& waiter) {
    if (const auto query = waiter.lock()) cancel(*query);
  };
  for (const Waiter& query : ready_) drop(query);
  for (Questions* each : {&waiting_, &in_flight_}) {
    for (Question& question : *each) std::for_each(question.waiters.begin(), question.waiters.end(), drop);
  }
}

ResolverStats ResolverState::stats() const {
  ResolverStats out = stats_;
  out.in_flight = in_flight_.size();
  out.waiting = waiting_.size();
  out.cached = cache_.size();
  return out;
}

void ResolverState::cancel(PendingQuery& query) {
  loop_.cancel(query.deadline);
  loop_.cancel(query.delay);
  loop_.cancel(query.doubt);
  const Resolver::OnResolved gone = std::exchange(query.on_resolved, nullptr);
}

Query ResolverState::resolve(std::string_view name, IpVersion version, Instant deadline,
                             Resolver::OnResolved on_resolved) {
  ++stats_.resolved;
  const auto query = std::make_shared<PendingQuery>();
  query->state = weak_from_this();
  query->on_resolved = std::move(on_resolved);
  begin(query, name, version, deadline);
  return Query(query);
}

void ResolverState::begin(const Waiter& query, std::string_view name, IpVersion version, Instant deadline) {
  Resolution& resolution = query->resolution;
  resolution.name = printable(name, 253);
  if (shut_) return fail(query, LookupFailure::kCancelled, "Everup is stopping");
  auto literal = Address::parse_any_spelling(name);
  if (!literal) {
    auto ascii = ascii_name(name);
    if (!ascii) return fail(query, LookupFailure::kNameError, ascii.error().what);
    resolution.name = *std::move(ascii);
    literal = Address::parse_any_spelling(resolution.name);  // full-width digits become ASCII ones
    if (!literal && ends_in_number(resolution.name)) {
      return fail(query, LookupFailure::kNameError, resolution.name + " is neither an address nor a host name");
    }
  }
  if (literal) {
    resolution.name = literal->host();
    resolution.cached = true;
    resolution.ttl = seconds(kTtlMaxS);
    if (!wanted(version, literal->family)) {
      return fail(query, LookupFailure::kNameError, resolution.name + " has " + std::string(family_words(version)));
    }
    (literal->v4() ? resolution.v4 : resolution.v6).push_back(*literal);
    return finish_later(query);
  }
  if (answer_without_asking(query, version)) return;
  if (deadline <= now()) return fail(query, LookupFailure::kDeadline, "no time was left to look up " + resolution.name);
  query->deadline = loop_.at(deadline, [this, weak = std::weak_ptr(query)] {
    if (const auto late = weak.lock()) on_deadline(late);
  });
  if (!query->resolution.v4.empty() || !query->resolution.v6.empty()) arm_delay(query);  // one family was in the cache
  if (deadline - now() < 2 * kSuspicion) {  // too short for the ordinary suspicion
    query->doubt = loop_.at(now() + (deadline - now()) / 2, [this, weak = std::weak_ptr(query)] {
      if (const auto doubtful = weak.lock()) on_doubt(doubtful);
    });
  }
  if (query->waits_v4) want(query, Family::kV4);
  if (query->waits_v6 && query->on_resolved) want(query, Family::kV6);
}

// localhost, the hosts file and the cache. What they do not know is left in waits_v4 and waits_v6.
bool ResolverState::answer_without_asking(const Waiter& query, IpVersion version) {
  Resolution& resolution = query->resolution;
  std::vector<Address> local;
  if (const auto* known = hosts_.find(resolution.name, now())) local = *known;
  if (local.empty() && localhost(resolution.name)) local = {*Address::parse("127.0.0.1"), *Address::parse("::1")};
  for (const Address& address : local) {
    if (wanted(version, address.family)) (address.v4() ? resolution.v4 : resolution.v6).push_back(address);
  }
  resolution.ttl = seconds(kTtlMaxS);
  resolution.cached = true;
  query->waits_v4 = wanted(version, Family::kV4);
  query->waits_v6 = wanted(version, Family::kV6);
  if (!resolution.v4.empty() || !resolution.v6.empty()) {
    query->waits_v4 = query->waits_v6 = false;
    finish_later(query);
    return true;
  }
  for (const Family family : {Family::kV4, Family::kV6}) {
    if (!wanted(version, family)) continue;
    const auto* entry = cache_.find(key_of(resolution.name, family), now());
    if (entry == nullptr) continue;
    accept(query, family, entry->finding, std::chrono::ceil<seconds>(entry->expires - now()));
  }
  if (!waits(*query)) {
    ++stats_.cache_hits;
    finish_later(query);
    return true;
  }
  resolution.cached = false;
  return false;
}

void ResolverState::want(const Waiter& query, Family family) {
  const std::string key = key_of(query->resolution.name, family);
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    at->second->waiters.push_back(query);
    return;
  }
  if (waiting_.size() >= options_.waiting_max) {
    return fail(query, LookupFailure::kUnavailable,
                "too many lookups wait already (" + std::to_string(waiting_.size()) + ")");
  }
  waiting_.push_back({next_id_++, query->resolution.name, key, family, Stage::kWaiting, {}, {}, {query}});
  const auto question = std::prev(waiting_.end());
  by_key_.emplace(question->key, question);
  by_id_.emplace(question->id, question);
  start_waiting();
}

void ResolverState::start_waiting() {
  while (!waiting_.empty() && in_flight_.size() < options_.in_flight_max) {
    const auto question = waiting_.begin();
    const auto alive = [](const std::weak_ptr<PendingQuery>& waiter) {
      const auto query = waiter.lock();
      return query && query->on_resolved;
    };
    if (std::any_of(question->waiters.begin(), question->waiters.end(), alive)) {
      ask(question);
    } else {
      by_key_.erase(question->key);
      by_id_.erase(question->id);
      waiting_.erase(question);
    }
  }
}

void ResolverState::ask(Questions::iterator question) {
  in_flight_.splice(in_flight_.end(), waiting_, question);
  question->stage = Stage::kAsked;
  question->started = now();
  ++stats_.questions;
  channel_.ask(question->name, question->family == Family::kV4 ? QuestionType::kA : QuestionType::kAaaa, question->id);
}

void ResolverState::on_answer(std::uint64_t id, DnsAnswer&& answer) {
  const bool good = answer.kind == DnsAnswer::Kind::kAddresses || answer.kind == DnsAnswer::Kind::kNoName ||
                    answer.kind == DnsAnswer::Kind::kNoData;
  if (const auto control = controls_.find(id); control != controls_.end()) {
    if (good) note_good(control->second);
    stats_.controls_good += good;
    controls_.erase(control);
    return controls_.empty() ? end_control() : judge_suspects(false);
  }
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return;  // settled meanwhile: its time was over
  const Questions::iterator question = at->second;
  if (good) note_good(question->name);
  const auto ttl = seconds(std::clamp(answer.ttl_s, kTtlMinS, kTtlMaxS));
  switch (answer.kind) {
    case DnsAnswer::Kind::kAddresses:
      return settle(question, {LookupFailure::kNone, false, {}, std::move(answer.addresses), ttl});
    case DnsAnswer::Kind::kNoName: {
      Finding none =
          failed(LookupFailure::kNameError, "there is no such name: " + question->name + " (" + answer.words + ')');
      none.no_name = true;
      return settle(question, std::move(none));
    }
    case DnsAnswer::Kind::kNoData:
      return settle(question, failed(LookupFailure::kNameError, question->name + " has no address (NODATA)"));
    case DnsAnswer::Kind::kFailure:
    case DnsAnswer::Kind::kSilence:
      return suspect(question, std::move(answer.words));
    case DnsAnswer::Kind::kOurTrouble:
      return settle(question,
                    failed(LookupFailure::kUnavailable, "cannot ask about " + question->name + ": " + answer.words));
  }
}

void ResolverState::suspect(Questions::iterator question, std::string words) {
  question->stage = Stage::kSuspected;
  question->words = std::move(words);
  if (good_since(question->started, question->name)) return settle(question, verdict_on(*question));
  if (control_allowed()) start_control();
}

// A question that brought no good answer: is it the name's fault or ours? Call it when no more evidence will come.
Finding ResolverState::verdict_on(const Question& question) const {
  const auto& trouble = channel_.trouble_at();
  if (trouble && *trouble >= question.started) {
    return failed(LookupFailure::kUnavailable, "cannot ask about " + question.name + ": " + channel_.trouble());
  }
  const std::string words = question.words.empty() ? "no answer" : question.words;
  if (good_since(question.started, question.name)) {
    return failed(LookupFailure::kServerFailure, "the name servers of " + question.name + " fail (" + words + ')');
  }
  return failed(LookupFailure::kUnavailable,
                "our DNS servers do not work (" + words + " for " + question.name + ", nor for others)");
}

// Every 100 ms while anything is in flight.
bool ResolverState::on_tick() {
  const auto self = shared_from_this();
  if (!controls_.empty() && *control_started_ + kControlMax <= now()) end_control();
  while (!in_flight_.empty() && in_flight_.front().started + options_.question_max <= now()) {
    settle(in_flight_.begin(), verdict_on(in_flight_.front()));
  }
  const auto doubtful = [this](const Question& question) {
    return question.stage == Stage::kSuspected ||
           (question.started + kSuspicion <= now() && !good_since(question.started, question.name));
  };
  if (control_allowed() && std::any_of(in_flight_.begin(), in_flight_.end(), doubtful)) start_control();
  return !in_flight_.empty() || !controls_.empty();
}

bool ResolverState::control_allowed() const {
  return controls_.empty() && (!control_started_ || *control_started_ + kControlSpacing <= now());
}

void ResolverState::start_control() {
  control_started_ = now();
  controls_.emplace(next_id_++, ".");
  for (const Good& good : good_) {
    if (!good.name.empty() && good.name != ".") controls_.emplace(next_id_++, good.name);
  }
  stats_.controls += controls_.size();
  for (const auto& [id, name] : controls_) channel_.ask(name, name == "." ? QuestionType::kNs : QuestionType::kA, id);
}

// All control questions are answered, or their time is over: whoever is suspected is judged.
void ResolverState::end_control() {
  controls_.clear();
  judge_suspects(true);
}

// Judges the suspected questions for which the servers have shown meanwhile that they work; `all`: the others too.
void ResolverState::judge_suspects(bool all) {
  std::vector<std::uint64_t> suspects;
  for (const Question& question : in_flight_) {
    const bool old = control_started_ && question.started <= *control_started_;
    const bool ripe =
        question.stage == Stage::kSuspected && ((all && old) || good_since(question.started, question.name));
    if (ripe) suspects.push_back(question.id);
  }
  for (const std::uint64_t id : suspects) {
    if (const auto at = by_id_.find(id); at != by_id_.end()) settle(at->second, verdict_on(*at->second));
  }
}

void ResolverState::note_good(const std::string& name) {
  if (good_[0].name != name) std::swap(good_[0], good_[1]);
  good_[0] = {name, now()};
}

bool ResolverState::good_since(Instant when, const std::string& except) const {
  return std::any_of(good_.begin(), good_.end(),
                     [&](const Good& good) { return !good.name.empty() && good.name != except && good.at > when; });
}

void ResolverState::settle(Questions::iterator question, Finding finding) {
  const auto self = shared_from_this();
  const bool certain = finding.failure == LookupFailure::kNone || finding.failure == LookupFailure::kNameError;
  if (certain) cache_.put(question->key, finding, now() + finding.ttl);
  by_key_.erase(question->key);
  by_id_.erase(question->id);
  Questions mine;
  mine.splice(mine.begin(), question->stage == Stage::kWaiting ? waiting_ : in_flight_, question);
  for (const auto& waiter : mine.front().waiters) {
    const auto query = waiter.lock();
    if (!query || !query->on_resolved) continue;
    accept(query, mine.front().family, finding, finding.ttl);
    if (!waits(*query)) finish(query);
  }
  start_waiting();
}

// Takes what is known of one family; does not finish.
void ResolverState::accept(const Waiter& query, Family family, const Finding& finding, seconds ttl) {
  Resolution& resolution = query->resolution;
  (family == Family::kV4 ? query->waits_v4 : query->waits_v6) = false;
  if (finding.failure == LookupFailure::kNone) {
    (family == Family::kV4 ? resolution.v4 : resolution.v6) = finding.addresses;
    resolution.ttl = std::min(resolution.ttl, ttl);
    if (waits(*query) && query->deadline) arm_delay(query);
    return;
  }
  if (doubt(finding.failure) > doubt(query->worst)) {
    query->worst = finding.failure;
    resolution.detail = finding.detail;
  }
  if (finding.no_name) query->waits_v4 = query->waits_v6 = false;  // NXDOMAIN holds for every type (RFC 8020)
}

// One family is here: the other one gets a little time to come too (RFC 8305, section 3).
void ResolverState::arm_delay(const Waiter& query) {
  if (query->delay) return;
  query->delay = loop_.at(now() + options_.resolution_delay, [this, weak = std::weak_ptr(query)] {
    if (const auto waiting = weak.lock()) finish(waiting);
  });
}

// Half of a short time is over without an answer: are the servers there at all? on_deadline() will want to know.
void ResolverState::on_doubt(const Waiter& query) {
  if (waits(*query) && !good_since(now() - 2 * kSuspicion, query->resolution.name) && control_allowed())
    start_control();
}

// The caller's time is over: whatever is known by now decides.
void ResolverState::on_deadline(const Waiter& query) {
  for (const Family family : {Family::kV4, Family::kV6}) {
    if (!(family == Family::kV4 ? query->waits_v4 : query->waits_v6)) continue;
    const std::string& name = query->resolution.name;
    Finding finding = failed(LookupFailure::kDeadline, "no answer about " + name + " before the deadline");
    const auto at = by_key_.find(key_of(name, family));
    if (at != by_key_.end() && at->second->stage == Stage::kWaiting) {
      finding = failed(LookupFailure::kUnavailable, "the lookup of " + name + " could not start in time");
    } else if (at != by_key_.end()) {
      const Question& question = *at->second;
      if (good_since(question.started, name) || question.started + kHopeless <= now()) finding = verdict_on(question);
    }
    accept(query, family, finding, kNegativeTtl);
  }
  finish(query);
}

void ResolverState::fail(const Waiter& query, LookupFailure failure, std::string detail) {
  query->waits_v4 = query->waits_v6 = false;
  query->worst = failure;
  query->resolution.detail = std::move(detail);
  finish_later(query);
}

void ResolverState::finish_later(const Waiter& query) {
  loop_.cancel(query->deadline);
  ready_.push_back(query);
  if (ready_timer_) return;
  ready_timer_ = loop_.at(now(), [this] { run_ready(); });
}

void ResolverState::run_ready() {
  const auto self = shared_from_this();
  ready_timer_ = {};
  std::vector<Waiter> mine;
  mine.swap(ready_);
  for (const Waiter& query : mine) {
    if (query->on_resolved) finish(query);
  }
}

void ResolverState::finish(const Waiter& query) {
  loop_.cancel(query->deadline);
  loop_.cancel(query->delay);
  loop_.cancel(query->doubt);
  query->waits_v4 = query->waits_v6 = false;
  Resolution& resolution = query->resolution;
  if (resolution.v4.empty() && resolution.v6.empty()) {
    resolution.failure = query->worst;
    resolution.ttl = resolution.failure == LookupFailure::kNameError ? kNegativeTtl : seconds(kTtlMinS);
    ++stats_.failures[static_cast<std::size_t>(resolution.failure)];
  } else {
    resolution.detail.clear();
  }
  const Resolver::OnResolved tell = std::exchange(query->on_resolved, nullptr);
  if (tell) tell(std::move(resolution));
}

void ResolverState::shutdown() {
  shut_ = true;
  for (Questions* each : {&waiting_, &in_flight_}) {
    for (Question& question : *each) {
      for (const auto& waiter : question.waiters) {
        const auto query = waiter.lock();
        if (query && query->on_resolved && waits(*query)) fail(query, LookupFailure::kCancelled, "Everup is stopping");
      }
      question.waiters.clear();
    }
  }
}

}  // namespace everup::net
