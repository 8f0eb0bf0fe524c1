// See channel_rows.h.
#include "db/channel_rows.h"

#include <charconv>
#include <pqxx/pqxx>

#include "db/alert_keys.h"
#include "db/rows.h"

namespace everup::db {
namespace {
Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("alerts: ") + what}; }
}  // namespace

const char* const kChannelColumns =
    "c.id, c.account_id, c.user_id IS NOT NULL, c.name, c.kind, c.address, c.url, c.body, c.secrets, c.timezone, "
    "c.quiet_from, c.quiet_to, c.hold_down, c.digest_after, c.enabled, c.strikes, c.last_error, c.last_error_at, "
    "c.last_sent_at, c.link_token, c.revision, c.created_at";

Result<StoredChannel> channel_in(const pqxx::row& row, const Vault& vault, int first) {
  const auto at = [&](int column) { return row[first + column]; };
  StoredChannel out;
  Channel& c = out.draft.settings;
  c.id.value = at(0).as<std::int64_t>(), c.account.value = at(1).as<std::int64_t>();
  out.automatic = at(2).as<bool>();
  const int kind = at(4).as<int>();
  if (kind < 1 || kind > static_cast<int>(ChannelKind::kTemplate)) return corrupt("unknown kind of channel");
  c.kind = static_cast<ChannelKind>(kind);
  c.name = at(3).c_str(), c.to = at(5).c_str(), c.url = at(6).c_str(), c.body = at(7).c_str();
  if (!at(8).is_null()) {
    const auto opened = vault.open(pqxx::binarystring(at(8)).str(), channel_secrets_context(c.account, c.id));
    out.secrets_lost = !opened || !read_channel_secrets(*opened, c);  // one that cannot be read stops nobody
  }
  c.timezone = at(9).c_str();
  if (!at(10).is_null()) out.draft.quiet = QuietHours{at(10).as<int>(), at(11).as<int>()};
  out.draft.hold_down = at(12).as<bool>();
  out.draft.digest_after = at(13).as<int>();
  c.enabled = at(14).as<bool>();
  out.strikes = at(15).as<int>();
  if (!at(16).is_null()) out.last_error = at(16).c_str();
  out.last_error_at = time_in(at(17)), out.last_sent_at = time_in(at(18));
  out.link_token = at(19).c_str();
  out.revision = at(20).as<std::int32_t>();
  out.created_at.ms = at(21).as<std::int64_t>();
  return out;
}

const char* const kPolicyColumns =
    "p.id, p.account_id, p.name, array_to_string(p.tags, ' '), array_to_string(p.monitors, ' '), "
    "array_to_string(p.kinds, ' '), array_to_string(p.delays_s, ' '), array_to_string(p.channels, ' '), p.remind_s, "
    "p.revision, p.created_at";

Result<StoredPolicy> policy_in(const pqxx::row& row) {
  StoredPolicy out;
  out.id.value = row[0].as<std::int64_t>(), out.account.value = row[1].as<std::int64_t>();
  out.draft.name = row[2].c_str();
  out.draft.tags = words_of(row[3].c_str());
  for (const std::int64_t id : numbers_of_words(row[4].c_str())) out.draft.monitors.push_back(MonitorId{id});
  for (const std::int64_t number : numbers_of_words(row[5].c_str())) {
    const auto kind = alert_kind(number);
    if (!kind) return corrupt("unknown kind of alert in a policy");
    out.draft.on.push_back(*kind);
  }
  const auto delays = numbers_of_words(row[6].c_str()), channels = numbers_of_words(row[7].c_str());
  if (delays.size() != channels.size()) return corrupt("a policy's delays and channels are no pairs");
  for (std::size_t i = 0; i < delays.size(); ++i) {
    const auto delay = static_cast<std::int32_t>(delays[i]);
    if (out.draft.steps.empty() || out.draft.steps.back().delay_s != delay) out.draft.steps.push_back({delay, {}});
    out.draft.steps.back().channels.push_back(ChannelId{channels[i]});
  }
  out.draft.remind_s = row[8].as<std::int32_t>();
  out.revision = row[9].as<std::int32_t>();
  out.created_at.ms = row[10].as<std::int64_t>();
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::vector<std::int64_t> numbers_of_words(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (const std::string& word : words_of(text)) {
    std::int64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace everup::db
