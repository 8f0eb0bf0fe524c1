// `everup account create` and `everup key create`: what an operator does at his shell, beside a running serve or not.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/answer.h"
#include "app/commands.h"
#include "app/database.h"
#include "app/monitor_command.h"
#include "app/people_command.h"
#include "seal/password.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

bool plausible_email(const std::string& email) {
  const auto at = email.rfind('@');
  return at != std::string::npos && at > 0 && at + 1 < email.size() && email.size() <= 254 &&
         email.find_first_of(" \t\r\n<>,;\"") == std::string::npos;
}

}  // namespace

int account_create(const Settings& settings, const AccountCreate& create, bool json) {
  if (!plausible_email(create.email))
    return failed("account create", {ErrorCode::kInvalid, "--email must be an e-mail address"}, kUsage);
  const auto op = open_operator(settings);
  if (!op) return failed("account create", op.error(), kConfiguration);
  const auto phc = password_hash(create.password_file);
  if (!phc) return failed("account create", phc.error(), kUsage);
  const auto account = op->store->create_account(create.email, create.name.empty() ? create.email : create.name, *phc);
  if (!account) return failed("account create", account.error(), kFailed);
  if (const auto written = write_cli_key(*op, *account); !written)
    return failed("account create", written.error(), kFailed);
  if (json)
    return printed(Json{{"id", to_string(account->id)}, {"name", account->name}, {"email", create.email}}.dump());
  return printed(to_string(account->id));
}

int key_create(const Settings& settings, const KeyCreate& create, bool json) {
  const auto scope = db::parse_scope(create.scope);
  if (!scope) return failed("key create", {ErrorCode::kInvalid, "--scope must be read, write or admin"}, kUsage);
  std::optional<WallTime> expires_at;
  if (!create.expires.empty()) {
    const auto& text = create.expires;
    const auto ms = text.ends_with('d') ? parse_duration_ms(text.substr(0, text.size() - 1), kDayMs) : std::nullopt;
    if (!ms || *ms == 0) return failed("key create", {ErrorCode::kInvalid, "--expires must be days, like 90d"}, kUsage);
    expires_at = system_clock().now().wall + milliseconds(*ms);
  }
  const auto op = open_operator(settings);
  if (!op) return failed("key create", op.error(), kConfiguration);
  const auto account = op->store->find_account(create.account);
  if (!account) return failed("key create", account.error(), kFailed);
  const auto key = op->store->create_key(account->id, create.name, *scope, expires_at);
  if (!key) return failed("key create", key.error(), kFailed);
  if (json)
    return printed(Json{
        {"id", to_string(key->info.id)},
        {"account", to_string(account->id)},
        {"scope", create.scope},
        {"key",
         key->text}}.dump());
  return printed(key->text);
}

}  // namespace everup::app
