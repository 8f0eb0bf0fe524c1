// What is remembered between two looks at a TLS server: its certificate, when it was last examined whole, and what
// Heartbleed's answer was then (SHAPES 10). It belongs to the process: a restart, or a shard's move to another loop,
// asks once more.
//
// One per loop thread. Limit: kEntriesMax monitors; beyond it the longest unexamined is forgotten, and examined again.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/time.h"
#include "core/tls_report.h"

namespace everup::checker {

class TlsMemory {
 public:
  static constexpr std::size_t kEntriesMax = 200'000;
  static constexpr std::chrono::hours kWholeEvery{24};
  // A server that was vulnerable, or would not say, is asked sooner: who mends it wants to see it.
  static constexpr std::chrono::hours kDoubtfulEvery{6};

  struct Entry {
    MonitorId id;
    std::int32_t revision = 0;
    Instant whole_at;  // of the last whole examination
    std::string serial, issuer, key_sha256, sha256;
    HeartbleedReport::Verdict heartbleed = HeartbleedReport::Verdict::kNotAsked;
    std::string reason, detail, version;
  };

  // Null: never seen, or by another revision.
  const Entry* find(MonitorId id, std::int32_t revision) const;
  // Is a whole examination due? `certificate`: the leaf of this look, or null when there was none.
  bool due(const Entry* entry, const TlsCertificate* certificate, Instant now) const;
  // "serial", "issuer", "key": what differs from the look before.
  static std::vector<std::string> changed(const Entry& entry, const TlsCertificate& certificate);
  // After a look. `whole`: everything was examined.
  void note(MonitorId id, std::int32_t revision, const TlsReport& report, bool whole, Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  std::list<Entry> entries_;  // longest unexamined first
  std::unordered_map<std::int64_t, std::list<Entry>::iterator> by_id_;
};

}  // namespace everup::checker
