// Which database a command means, and what every user of it needs: the vault, the ids, the sessions.
#pragma once

#include <memory>
#include <string>

#include "app/settings.h"
#include "core/clock.h"
#include "core/result.h"
#include "db/account_store.h"
#include "db/id_source.h"
#include "db/pool.h"
#include "db/session.h"
#include "db/vault.h"

namespace everup::app {

// EVERUP_DATA_DIR or its default; creates nothing.
Result<std::string> data_dir_of(const Settings& settings);

// The secret box of this installation: EVERUP_SECRET_KEY, else DATA_DIR/secret.key (made when `create`). With
// EVERUP_DATABASE_URL the setting must be given (SHAPES 19).
Result<db::Vault> open_vault(const Settings& settings, const std::string& data_dir, bool create);

// For a command beside a running serve: the given database, or the private cluster that answers in the data directory.
// Becomes the owner of the data directory first. kNotFound: neither is there; the text says what was looked for.
Result<db::DatabaseAccess> find_database(const Settings& settings);

// What the account and key commands work with. Members die in reverse order.
struct Operator {
  std::string data_dir;
  std::unique_ptr<const db::Vault> vault;  // the store refers to it: it must not move
  std::unique_ptr<db::Pool> owner_pool, worker_pool;
  std::unique_ptr<db::IdSource> ids;
  std::unique_ptr<db::OperatorStore> store;
};
Result<Operator> open_operator(const Settings& settings);
// The same over a database that is already known (serve's first start).
Result<Operator> open_operator(const db::DatabaseAccess& access, db::Vault vault, const std::string& data_dir,
                               const std::string& node);

// The account's key for `everup monitor` and its kin on this machine (SHAPES 15): DATA_DIR/cli.key, unless there is
// one.
Status write_cli_key(const Operator& op, const db::Account& account);

// 0600 in the data directory, replaced as a whole.
Status write_private_file(const std::string& path, const std::string& text);
Result<std::string> first_line_of(const std::string& path, std::size_t bytes_max);  // "-": standard input

const Clock& system_clock();

}  // namespace everup::app
