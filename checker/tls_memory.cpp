#include "checker/tls_memory.h"

namespace everup::checker {

const TlsMemory::Entry* TlsMemory::find(MonitorId id, std::int32_t revision) const {
  const auto found = by_id_.find(id.value);
  return found == by_id_.end() || found->second->revision != revision ? nullptr : &*found->second;
}

bool TlsMemory::due(const Entry* entry, const TlsCertificate* certificate, Instant now) const {
  if (entry == nullptr) return true;
  const bool doubtful = entry->heartbleed == HeartbleedReport::Verdict::kVulnerable ||
                        entry->heartbleed == HeartbleedReport::Verdict::kInconclusive;
  if (now - entry->whole_at >= (doubtful ? kDoubtfulEvery : kWholeEvery)) return true;
  return certificate != nullptr && certificate->sha256 != entry->sha256;
}

std::vector<std::string> TlsMemory::changed(const Entry& entry, const TlsCertificate& certificate) {
  std::vector<std::string> out;
  if (entry.sha256.empty()) return out;
  if (entry.serial != certificate.serial) out.emplace_back("serial");
  if (entry.issuer != certificate.issuer) out.emplace_back("issuer");
  if (entry.key_sha256 != certificate.key_sha256) out.emplace_back("key");
  return out;
}

void TlsMemory::note(MonitorId id, std::int32_t revision, const TlsReport& report, bool whole, Instant now) {
  auto found = by_id_.find(id.value);
  if (found == by_id_.end()) {
    if (!whole) return;  // nothing to go on from
    if (entries_.size() >= kEntriesMax) {
      by_id_.erase(entries_.front().id.value);
      entries_.pop_front();
    }
    found = by_id_.emplace(id.value, entries_.emplace(entries_.end())).first;
    found->second->id = id;
  }
  Entry& entry = *found->second;
  if (entry.revision != revision) {
    entry = Entry();
    entry.id = id, entry.revision = revision;
  }
  if (!report.chain.empty()) {
    const TlsCertificate& leaf = report.chain.front();
    entry.serial = leaf.serial, entry.issuer = leaf.issuer;
    entry.key_sha256 = leaf.key_sha256, entry.sha256 = leaf.sha256;
  }
  if (report.heartbleed.verdict != HeartbleedReport::Verdict::kNotAsked && !report.heartbleed.remembered) {
    entry.heartbleed = report.heartbleed.verdict;
    entry.reason = report.heartbleed.reason, entry.detail = report.heartbleed.detail;
    entry.version = report.heartbleed.version;
  }
  if (!whole) return;
  entry.whole_at = now;
  entries_.splice(entries_.end(), entries_, found->second);
}

}  // namespace everup::checker
