#include "app/foundation.h"

#include <spdlog/spdlog.h>

#include "app/backup.h"
#include "app/database.h"
#include "app/privileges.h"

namespace everup::app {

Result<Foundation> lay_foundation(const Settings& settings) {
  const auto path = data_dir_of(settings);
  if (!path) return path.error();
  const auto& user = settings.text("USER");
  if (const auto prepared = prepare_data_dir(*path, user); !prepared) return prepared.error();
  if (const auto became = become(user); !became) return became.error();
  auto held = db::DataDir::hold(*path);
  if (!held) return held.error();

  std::optional<db::PrivateCluster> cluster;
  db::DatabaseAccess access;
  access.url = settings.text("DATABASE_URL");
  if (access.url.empty()) {
    db::ClusterOptions options;
    options.data_dir = *path;
    options.user = is_root() ? "" : user;
    auto started = db::PrivateCluster::start(options);
    if (!started) return started.error();
    access.url = started->url();
    spdlog::info("private PostgreSQL runs in {}/pg", *path);
    cluster.emplace(*std::move(started));
  }
  auto vault = open_vault(settings, *path, true);
  if (!vault) return vault.error();
  if (cluster && settings.text("BACKUP_BEFORE_MIGRATION") == "yes") {
    const auto saved = back_up_before_migration(settings, *path, access);
    if (!saved) return saved.error();
    if (*saved) spdlog::info("the schema will change; the database was saved in {}/backups", *path);
  }
  auto migration = db::migrate(access, system_clock().now().wall);
  if (!migration) return migration.error();
  if (migration->after != migration->before) spdlog::info("schema {} → {}", migration->before, migration->after);
  access = migration->access;
  return Foundation{*std::move(held), std::move(cluster), std::move(access), *std::move(migration), *std::move(vault)};
}

}  // namespace everup::app
