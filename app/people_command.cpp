#include "app/people_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/answer.h"
#include "app/api_client.h"
#include "app/commands.h"
#include "db/people_operator.h"
#include "seal/password.h"

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;

db::PeopleOperator people_of(const Operator& op) { return {*op.owner_pool, *op.ids, *op.vault, system_clock()}; }

// Opens the database and finds the account; on failure prints and answers the exit code.
template <class Command>
int with_account(const char* name, const Settings& settings, const UserWords& words, Command command) {
  const auto op = open_operator(settings);
  if (!op) return failed(name, op.error(), kConfiguration);
  const auto account = op->store->find_account(words.account);
  if (!account) return failed(name, account.error());
  return command(*op, *account);
}

}  // namespace

Result<std::string> password_hash(const std::string& file) {
  if (file.empty()) return std::string();
  const auto password = first_line_of(file, seal::kPasswordBytesMax);
  if (!password) return password.error();
  return seal::hash_password(*password);
}

Result<std::string> new_setup_path(const Operator& op) {
  auto token = people_of(op).new_setup_token();
  if (!token) return token.error();
  return "/setup/" + *token;
}

int setup_link(const Settings& settings, bool json) {
  const auto op = open_operator(settings);
  if (!op) return failed("setup-link", op.error(), kConfiguration);
  const auto path = new_setup_path(*op);
  if (!path) return failed("setup-link", path.error());
  const auto link = ApiClient::base_url(settings) + *path;
  return printed(json ? Json{{"link", link}}.dump() : link);
}

int user_add(const Settings& settings, const UserWords& words, bool json) {
  const auto role = db::parse_member_role(words.role);
  if (!role) return failed("user add", {ErrorCode::kInvalid, "--role must be owner, admin, editor or viewer"}, kUsage);
  const auto phc = password_hash(words.password_file);
  if (!phc) return failed("user add", phc.error(), kUsage);
  return with_account("user add", settings, words, [&](const Operator& op, const db::Account& account) {
    const auto user = people_of(op).add_member(account.id, words.email, *role, *phc);
    if (!user) return failed("user add", user.error(), user.error().code == ErrorCode::kInvalid ? kUsage : kFailed);
    return printed(json ? Json{{"id", to_string(*user)}, {"email", words.email}, {"role", words.role}}.dump()
                        : to_string(*user));
  });
}

int user_list(const Settings& settings, const UserWords& words, bool json) {
  return with_account("user list", settings, words, [&](const Operator& op, const db::Account& account) {
    const auto members = people_of(op).members(account.id);
    if (!members) return failed("user list", members.error());
    Json list = Json::array();
    for (const auto& member : *members) {
      list.push_back({{"id", to_string(member.user)},
                      {"email", member.email},
                      {"role", db::name(member.role)},
                      {"password", member.has_password},
                      {"second_factor", member.has_factor}});
      if (!json)
        fmt::print("{}  {:<6}  {}{}\n", to_string(member.user), db::name(member.role), member.email,
                   member.has_password ? "" : "  (no password yet: everup user password)");
    }
    return json ? printed(list.dump()) : std::fflush(stdout) == 0 ? kDone : kFailed;
  });
}

int user_remove(const Settings& settings, const UserWords& words) {
  return with_account("user remove", settings, words, [&](const Operator& op, const db::Account& account) {
    const Status removed = people_of(op).remove_member(account.id, words.email);
    return removed.ok() ? kDone : failed("user remove", removed.error());
  });
}

int user_password(const Settings& settings, const UserWords& words) {
  const auto phc = password_hash(words.password_file);
  if (!phc) return failed("user password", phc.error(), kUsage);
  const auto op = open_operator(settings);
  if (!op) return failed("user password", op.error(), kConfiguration);
  const Status changed = people_of(*op).reset_password(words.email, *phc);
  return changed.ok() ? kDone : failed("user password", changed.error());
}

}  // namespace everup::app
