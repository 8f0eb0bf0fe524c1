#include "app/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/privileges.h"
#include "db/data_dir.h"
#include "db/migrate.h"
#include "db/private_cluster.h"
#include "net/clock.h"
#include "seal/box.h"
#include "seal/key_file.h"

namespace everup::app {
namespace {

db::PoolOptions pool_options(const db::DatabaseAccess& access, db::Role role) {
  db::PoolOptions options;
  options.access = access;
  options.role = role;
  options.application_name = "everup command";
  options.sessions_max = 1;
  options.clock = &system_clock();
  return options;
}

}  // namespace

const Clock& system_clock() {
  static const net::SystemClock clock;
  return clock;
}

Result<std::string> data_dir_of(const Settings& settings) {
  if (!settings.text("DATA_DIR").empty()) return settings.text("DATA_DIR");
  return default_data_dir();
}

Result<db::Vault> open_vault(const Settings& settings, const std::string& data_dir, bool create) {
  const auto& given = settings.text("SECRET_KEY");
  if (given.empty() && !settings.text("DATABASE_URL").empty()) {
    return Error{
        ErrorCode::kInvalid,
        "EVERUP_SECRET_KEY must be given when EVERUP_DATABASE_URL is set: every node needs the same one. Make it with: "
        "head -c 32 /dev/urandom | base64"};
  }
  const auto key = given.empty() ? seal::key_from_file(data_dir + "/secret.key", create) : seal::parse_key(given);
  if (!key)
    return Error{key.error().code,
                 (given.empty() ? data_dir + "/secret.key: " : "EVERUP_SECRET_KEY: ") + key.error().what};
  const auto box = std::make_shared<const seal::Box>(std::vector<seal::KeyBytes>{*key});
  return db::Vault{[box](std::string_view plain, std::string_view context) { return box->seal(plain, context); },
                   [box](std::string_view sealed, std::string_view context) { return box->open(sealed, context); },
                   [](std::string_view bytes) { return seal::sha256(bytes); }};
}

Result<db::DatabaseAccess> find_database(const Settings& settings) {
  if (!settings.text("DATABASE_URL").empty())
    return db::DatabaseAccess{.url = settings.text("DATABASE_URL"), .role_prefix = {}};
  const auto data_dir = data_dir_of(settings);
  if (!data_dir) return data_dir.error();
  if (!db::DataDir::exists(*data_dir)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("no database: EVERUP_DATABASE_URL is empty and there is no data directory at {}; "
                             "`everup serve` makes one",
                             *data_dir)};
  }
  if (const auto became = become_owner_of(*data_dir); !became) return became.error();
  auto url = db::PrivateCluster::attach(*data_dir);
  if (!url) {
    return Error{ErrorCode::kNotFound, fmt::format("no database answers in {} ({}); start it with `everup serve`",
                                                   *data_dir, url.error().what)};
  }
  return db::DatabaseAccess{.url = *std::move(url), .role_prefix = {}};
}

Result<Operator> open_operator(const Settings& settings) {
  auto access = find_database(settings);
  if (!access) return access.error();
  const auto data_dir = data_dir_of(settings);
  if (!data_dir) return data_dir.error();
  auto vault = open_vault(settings, *data_dir, false);
  if (!vault) return vault.error();
  auto schema = db::check_schema(*access);
  if (!schema) return schema.error();
  // A command is a node of its own: ids stay unique beside a running serve.
  return open_operator(schema->access, *std::move(vault), *data_dir, "command");
}

Result<Operator> open_operator(const db::DatabaseAccess& access, db::Vault vault, const std::string& data_dir,
                               const std::string& node) {
  Operator out;
  out.data_dir = data_dir;
  out.vault = std::make_unique<const db::Vault>(std::move(vault));
  out.owner_pool = std::make_unique<db::Pool>(pool_options(access, db::Role::kOwner));
  out.worker_pool = std::make_unique<db::Pool>(pool_options(access, db::Role::kWorker));
  auto ids = db::IdSource::open(*out.worker_pool, node, system_clock());
  if (!ids) return ids.error();
  out.ids = *std::move(ids);
  out.store = std::make_unique<db::OperatorStore>(*out.owner_pool, *out.ids, *out.vault, system_clock());
  return out;
}

Status write_cli_key(const Operator& op, const db::Account& account) {
  const auto path = op.data_dir + "/cli.key";
  if (first_line_of(path, 1024).ok()) return ok();
  const auto key = op.store->create_key(account.id, "everup command line", db::Scope::kWrite, std::nullopt);
  if (!key) return key.error();
  return write_private_file(path, key->text + "\n");
}

Status write_private_file(const std::string& path, const std::string& text) {
  const auto fresh = path + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Error{ErrorCode::kRefused, fmt::format("{}: {}", fresh, std::strerror(errno))};
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  const int error = errno;
  close(fd);
  if (!written || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return Error{ErrorCode::kRefused, fmt::format("{}: {}", path, std::strerror(written ? errno : error))};
  }
  return ok();
}

Result<std::string> first_line_of(const std::string& path, std::size_t bytes_max) {
  std::ifstream file;
  if (path != "-") file.open(path);
  std::istream& in = path == "-" ? std::cin : file;
  std::string line;
  if (!in || !std::getline(in, line))
    return Error{ErrorCode::kInvalid, "cannot read a line from " + (path == "-" ? "standard input" : path)};
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > bytes_max)
    return Error{ErrorCode::kInvalid, fmt::format("the first line of {} is longer than {} bytes", path, bytes_max)};
  return line;
}

}  // namespace everup::app
