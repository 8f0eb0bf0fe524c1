#include "alerts/retry_table.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace everup::alerts {
namespace {

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr std::array<std::int64_t, 7> kMail{10 * kSecond, 30 * kSecond, 2 * kMinute, 5 * kMinute,
                                            15 * kMinute, 30 * kMinute, kHour};
constexpr std::array<std::int64_t, 9> kWebhook{5 * kSecond, 5 * kMinute, 30 * kMinute, 2 * kHour, 5 * kHour,
                                               10 * kHour,  14 * kHour,  20 * kHour,   24 * kHour};

}  // namespace

std::optional<milliseconds> retry_delay(RetryTable table, int attempt) {
  const auto at = static_cast<std::size_t>(std::max(attempt, 1) - 1);
  switch (table) {
    case RetryTable::kMail:
      return milliseconds(kMail.at(std::min(at, kMail.size() - 1)));
    case RetryTable::kWebhook:
      return at < kWebhook.size() ? std::optional(milliseconds(kWebhook.at(at))) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<WallTime> next_try(const RetryQuestion& question) {
  const auto delay = retry_delay(question.table, question.attempt);
  if (!delay) return std::nullopt;
  const auto asked = std::min(question.asked_for.value_or(milliseconds(0)), kMailLifetime);
  const auto least = std::max(*delay, asked);
  const auto extra =
      static_cast<std::int64_t>(static_cast<double>(least.count()) * 0.1 * std::clamp(question.jitter, 0.0, 1.0));
  const WallTime when = question.now + least + milliseconds(extra);
  const bool too_old = question.table == RetryTable::kMail && when > question.created_at + kMailLifetime;
  return too_old ? std::nullopt : std::optional(when);
}

}  // namespace everup::alerts
