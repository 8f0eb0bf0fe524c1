#include "app/first_start.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands.h"
#include "app/database.h"
#include "app/people_command.h"
#include "app/privileges.h"
#include "seal/password.h"

namespace everup::app {
namespace {

std::string link_file(const std::string& data_dir) { return data_dir + "/setup-link"; }

// The link is a secret: a terminal shows it to the person who started us, a log shows it to everybody.
Status tell_setup_link(const Operator& op, const std::string& base_url) {
  std::string at;
  auto fallback = default_data_dir();
  if (!fallback || *fallback != op.data_dir) at = fmt::format("EVERUP_DATA_DIR={} ", op.data_dir);
  std::string where = fmt::format("{}everup setup-link prints a link that makes one in the browser.", at);
  if (!base_url.empty()) {
    const auto path = new_setup_path(op);
    if (!path) return path.error();
    if (isatty(STDERR_FILENO) == 1) {
      where = fmt::format("Make it in the browser; this link works once:\n\n  {}{}\n", base_url, *path);
    } else {
      const auto written = write_private_file(link_file(op.data_dir), base_url + *path + "\n");
      if (!written) return written.error();
      where = fmt::format("The link that makes one in the browser is in {}", link_file(op.data_dir));
    }
  }
  fmt::print(stderr,
             "\nThere is no account yet. {}\n"
             "Without a browser: {}everup account create --email you@example.org --password-file -\n\n",
             where, at);
  return ok();
}

}  // namespace

void forget_setup_link(const std::string& data_dir) { std::remove(link_file(data_dir).c_str()); }

Result<AccountId> first_start(const Settings& settings, const Foundation& foundation, const std::string& base_url) {
  const auto op = open_operator(foundation.access, foundation.vault, foundation.data_dir.path(), "command");
  if (!op) return op.error();
  const auto accounts = op->store->accounts(1);
  if (!accounts) return accounts.error();
  if (!accounts->empty()) {
    forget_setup_link(foundation.data_dir.path());
    return accounts->front().id;
  }
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
  if (const auto told = tell_setup_link(*op, base_url); !told) return told.error();
  return AccountId{};
}

}  // namespace everup::app
