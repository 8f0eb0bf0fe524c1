// See monitor_columns.h.
#include "db/monitor_columns.h"

#include <pqxx/pqxx>
#include <unordered_map>
#include <unordered_set>

#include "db/monitor_json.h"
#include "db/sql_values.h"

namespace everup::db {

const char* const kMonitorColumns =
    "m.id, m.account_id, m.slug, m.name, m.target, m.interval_s, m.timeout_ms, m.confirm, m.options, m.expect, m.warn, "
    "m.secrets, "
    "array_to_string(m.tags, ' ') AS tags, m.paused, m.timezone, m.public_badge, m.public_report, m.show_target, "
    "m.badge_token, "
    "m.report_token, m.revision, m.created_at, m.updated_at";

namespace {
constexpr int kNumberedSlugs = 9;
constexpr std::size_t kSlugMax = 64, kIdDigits = 13;

// Settings with their secrets; without them when they cannot be opened.
Result<KindSettings> settings_in(const pqxx::row& row, Kind kind, const Vault& vault, const std::string& context,
                                 bool& secrets_lost) {
  std::string secrets;
  if (!row["secrets"].is_null()) {
    auto opened = vault.open(pqxx::binarystring(row["secrets"]).str(), context);
    secrets_lost = !opened;
    if (opened) secrets = *std::move(opened);
  }
  return settings_from_storage(kind, row["options"].c_str(), row["expect"].c_str(), row["warn"].c_str(), secrets);
}

std::string slug_with(const std::string& base, const std::string& tail) {
  std::string head = base.substr(0, kSlugMax - tail.size() - 1);
  while (head.ends_with('-')) head.pop_back();
  return head + "-" + tail;
}

using Slugs = std::unordered_set<std::string>;

void add_taken(pqxx::transaction_base& tx, AccountId account, const std::vector<std::string>& wanted, Slugs& taken) {
  if (wanted.empty()) return;
  for (const auto& row : tx.exec_params(
           "SELECT slug FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND slug = ANY ($2::text[])",
           account.value, array_of(wanted))) {
    taken.insert(row[0].as<std::string>());
  }
}

// What to ask the database about: every given slug and every base; the numbered ones only of bases that occur twice or
// are taken.
Slugs taken_slugs(pqxx::transaction_base& tx, AccountId account, const std::vector<MonitorDraft>& drafts,
                  const std::vector<std::string>& bases) {
  std::unordered_map<std::string, int> count;
  std::vector<std::string> wanted, numbered;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (++count[drafts[i].slug.empty() ? bases[i] : drafts[i].slug] == 1)
      wanted.push_back(drafts[i].slug.empty() ? bases[i] : drafts[i].slug);
  }
  Slugs taken;
  add_taken(tx, account, wanted, taken);
  for (const std::string& base : wanted) {
    if (count[base] == 1 && !taken.contains(base)) continue;
    for (int n = 2; n <= kNumberedSlugs; ++n) numbered.push_back(slug_with(base, std::to_string(n)));
  }
  add_taken(tx, account, numbered, taken);
  return taken;
}

std::string free_slug(const std::string& base, std::int64_t id, const Slugs& taken) {
  if (!taken.contains(base)) return base;
  for (int n = 2; n <= kNumberedSlugs; ++n) {
    std::string slug = slug_with(base, std::to_string(n));
    if (!taken.contains(slug)) return slug;
  }
  static_assert(kIdDigits < kSlugMax);
  return slug_with(base, base32_of(id));
}

}  // namespace

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Result<ReadMonitor> monitor_in(const pqxx::row& row, const Vault& vault) {
  ReadMonitor out;
  Monitor& m = out.monitor;
  m.id = MonitorId{row["id"].as<std::int64_t>()};
  m.account = AccountId{row["account_id"].as<std::int64_t>()};
  m.slug = row["slug"].as<std::string>();
  m.name = row["name"].as<std::string>();
  auto target = parse_target(row["target"].as<std::string>());
  if (!target)
    return Error{ErrorCode::kCorrupt, "monitor " + to_string(m.id) + ": stored target: " + target.error().what};
  m.target = *std::move(target);
  m.interval_s = row["interval_s"].as<int>();
  m.timeout_ms = row["timeout_ms"].as<int>();
  auto confirm = confirm_from_storage(row["confirm"].c_str());
  auto settings = settings_in(row, m.target.kind, vault, secrets_context(m.account, m.id), out.secrets_lost);
  if (!confirm) return Error{confirm.error().code, "monitor " + to_string(m.id) + ": " + confirm.error().what};
  if (!settings) return Error{settings.error().code, "monitor " + to_string(m.id) + ": " + settings.error().what};
  m.confirm = *confirm;
  m.settings = *std::move(settings);
  m.tags = words_in(row["tags"].c_str());
  m.paused = row["paused"].as<bool>();
  m.timezone = row["timezone"].as<std::string>();
  m.links = {row["public_badge"].as<bool>(), row["public_report"].as<bool>(), row["show_target"].as<bool>()};
  m.badge_token = row["badge_token"].as<std::string>();
  m.report_token = row["report_token"].as<std::string>();
  m.revision = row["revision"].as<std::int32_t>();
  m.created_at = WallTime{row["created_at"].as<std::int64_t>()};
  m.updated_at = WallTime{row["updated_at"].as<std::int64_t>()};
  return out;
}

MonitorColumns columns_of(const MonitorDraft& draft, AccountId account, MonitorId id, const Vault& vault) {
  StoredSettings stored = to_storage(draft);
  MonitorColumns out{std::move(stored.confirm), std::move(stored.options), std::move(stored.expect),
                     std::move(stored.warn),    array_of(draft.tags),      std::nullopt};
  if (!stored.secrets.empty()) out.secrets = hex_bytes(vault.seal(stored.secrets, secrets_context(account, id)));
  return out;
}

Result<std::vector<std::string>> choose_slugs(pqxx::transaction_base& tx, AccountId account,
                                              const std::vector<MonitorDraft>& drafts,
                                              const std::vector<std::int64_t>& ids, bool bulk) {
  std::vector<std::string> bases, slugs(drafts.size());
  for (const MonitorDraft& draft : drafts) bases.push_back(draft.slug.empty() ? slug_from(draft.name) : std::string{});
  Slugs taken = taken_slugs(tx, account, drafts, bases);
  for (std::size_t i = 0; i < drafts.size(); ++i) {  // given ones first: a made one must not take theirs
    if (drafts[i].slug.empty()) continue;
    if (!taken.insert(drafts[i].slug).second) {
      return Error{ErrorCode::kConflict, (bulk ? "#/monitors/" + std::to_string(i) : std::string("#")) +
                                             "/slug: another monitor has the slug " + drafts[i].slug};
    }
    slugs[i] = drafts[i].slug;
  }
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (drafts[i].slug.empty()) taken.insert(slugs[i] = free_slug(bases[i], ids[i], taken));
  }
  return slugs;
}

}  // namespace everup::db
