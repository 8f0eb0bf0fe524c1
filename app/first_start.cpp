#include "app/first_start.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "app/commands.h"
#include "app/database.h"
#include "app/privileges.h"
#include "seal/password.h"

namespace everup::app {

Result<AccountId> first_start(const Settings& settings, const Foundation& foundation, const std::string& base_url) {
  const auto op = open_operator(foundation.access, foundation.vault, foundation.data_dir.path(), "command");
  if (!op) return op.error();
  const auto accounts = op->store->accounts(1);
  if (!accounts) return accounts.error();
  if (!accounts->empty()) return accounts->front().id;
  const auto& email = settings.text("OWNER_EMAIL");
  if (!email.empty()) {
    const auto& password = settings.text("OWNER_PASSWORD");
    if (password.empty())
      return Error{ErrorCode::kInvalid, "EVERUP_OWNER_EMAIL is set, so EVERUP_OWNER_PASSWORD_FILE must be too"};
    const auto phc = seal::hash_password(password);
    if (!phc) return Error{ErrorCode::kInvalid, "EVERUP_OWNER_PASSWORD_FILE: " + phc.error().what};
    const auto account = op->store->create_account(email, email, *phc);
    if (!account) return account.error();
    spdlog::info("made account {} for {}", to_string(account->id), email);
    if (const auto written = write_cli_key(*op, *account); !written) return written.error();
    return account->id;
  }
  std::string at;
  auto fallback = default_data_dir();
  if (!fallback || *fallback != foundation.data_dir.path())
    at = fmt::format("EVERUP_DATA_DIR={} ", foundation.data_dir.path());
  fmt::print(stderr,
             "\nThere is no account yet. In another terminal make one, and a key for the API:\n"
             "  {0}everup account create --email you@example.org\n"
             "  {0}everup key create --name laptop\n"
             "Then add a monitor, and see {1}\n"
             "  {0}everup monitor add https://example.org/\n\n",
             at, base_url.empty() ? "it" : base_url);
  return AccountId{};
}

}  // namespace everup::app
