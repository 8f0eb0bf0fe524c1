// See api/name_gate.h.
#include "api/name_gate.h"

#include <algorithm>
#include <utility>

namespace everup::api {

NameGate::NameGate(net::Loop& loop, const net::AddressPolicy& policy, const net::ResolverOptions& options)
    : loop_(loop), policy_(policy), resolver_(loop, options) {}

NameGate::~NameGate() = default;

void NameGate::judge(std::vector<Name> names, std::function<void(Refusals&&)> done) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [](const Name& name) { return net::Address::parse(name.host).has_value(); });
  const std::uint64_t number = next_number_++;
  Judgement& judgement = judgements_[number];
  judgement.deadline = loop_.now().mono + kPatience;
  judgement.queries.reserve(names.size());
  judgement.names = std::move(names);
  judgement.done = std::move(done);
  if (judgement.names.empty()) {
    loop_.at(loop_.now().mono, [this, number] { end(number); });
    return;
  }
  ask_more(number);
}

// Callbacks of the resolver come in a later turn, all of them at the deadline at the latest: a judgement always ends.
void NameGate::ask_more(std::uint64_t number) {
  Judgement& j = judgements_.at(number);
  while (j.queries.size() < j.names.size() && j.queries.size() - j.answered < kAtOnceMax) {
    const std::size_t index = j.queries.size();
    j.queries.push_back(resolver_.resolve(
        j.names[index].host, j.names[index].version, j.deadline,
        [this, number, index](net::Resolution&& resolution) { on_answer(number, index, resolution); }));
  }
}

void NameGate::on_answer(std::uint64_t number, std::size_t index, const net::Resolution& resolution) {
  Judgement& j = judgements_.at(number);
  ++j.answered;
  std::string refusal;
  bool any_allowed = false;
  for (const auto* addresses : {&resolution.v4, &resolution.v6}) {
    for (const net::Address& address : *addresses) {
      const net::Ruling ruling = policy_.judge(address);
      any_allowed = any_allowed || ruling.allowed;
      if (!ruling.allowed && refusal.empty()) refusal = policy_.refusal(j.names[index].host, address, ruling);
    }
  }
  if (!refusal.empty() && !any_allowed) j.refusals.emplace(j.names[index], std::move(refusal));
  const bool late = loop_.now().mono >= j.deadline;
  if (late || j.answered == j.names.size()) return end(number);
  ask_more(number);
}

void NameGate::end(std::uint64_t number) {
  const auto node = judgements_.extract(number);
  node.mapped().done(std::move(node.mapped().refusals));
}

}  // namespace everup::api
