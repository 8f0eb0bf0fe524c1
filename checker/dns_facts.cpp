#include "checker/dns_facts.h"

#include <algorithm>

namespace everup::checker {

std::string name_key(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

const net::Records* DnsFacts::find(std::string_view name, net::RecordType type) {
  Key key{type, name_key(name)};
  if (const auto known = known_.find(key); known != known_.end()) return &known->second;
  if (asked_.contains(key)) return nullptr;
  if (asked_.size() >= kQuestionsMax) {
    static const net::Records kTooMany{
        net::LookupFailure::kUnavailable, "we ask at most 120 questions for one domain", false, {}, {}, {}};
    return &kTooMany;
  }
  wanted_.push_back({key.second, type});
  asked_.insert(std::move(key));
  return nullptr;
}

void DnsFacts::learn(const Wanted& question, net::Records&& answer) {
  known_.insert_or_assign(Key{question.type, question.name}, std::move(answer));
}

}  // namespace everup::checker
