// What name servers have answered so far, and what is still to be asked: the way in which whole evaluations (SPF, a
// domain's mail records) stay functions without I/O. They are called again with every answer; what they do not find
// here is noted as wanted, and they return "not yet".
//
// Values; one thread at a time. Limit: kQuestionsMax different questions; what is asked beyond is answered
// kUnavailable, so that a hostile zone ends every evaluation instead of feeding it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/dns_records.h"

namespace everup::checker {

class DnsFacts {
 public:
  static constexpr std::size_t kQuestionsMax = 120;
  struct Wanted {
    std::string name;
    net::RecordType type = net::RecordType::kTxt;
  };

  // Null: not known yet. Valid until learn().
  const net::Records* find(std::string_view name, net::RecordType type);
  void learn(const Wanted& question, net::Records&& answer);
  std::vector<Wanted> take_wanted() { return std::exchange(wanted_, {}); }
  std::size_t questions() const { return asked_.size(); }

 private:
  using Key = std::pair<net::RecordType, std::string>;
  std::map<Key, net::Records> known_;
  std::set<Key> asked_;
  std::vector<Wanted> wanted_;
};

// Lower case in ASCII, without the final dot: how names are compared.
std::string name_key(std::string_view name);
// NXDOMAIN, or an answer without such records (RFC 7208, 4.6.4: a void lookup).
inline bool is_void(const net::Records& answer) { return answer.failure == net::LookupFailure::kNameError; }

}  // namespace everup::checker
