#include "app/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "app/commands.h"
#include "app/database.h"
#include "db/migrate.h"
#include "db/monitor_json.h"
#include "db/pg_tools.h"
#include "seal/key_file.h"

namespace everup::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStampChars = 16;
constexpr std::size_t kKeptBeforeMigration = 3;
constexpr int kSecretsTried = 100;
constexpr const char* kDump = "database.dump";

void sync_directory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // the files are safe; only the name could be lost
  fsync(fd);
  close(fd);
}

// Written into, then renamed; gone when it was not.
class PartialDirectory {
 public:
  static Result<PartialDirectory> make(const std::string& final_path) {
    std::string path = final_path;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    std::error_code error;
    if (fs::exists(path, error) && !fs::is_empty(path, error))
      return Error{ErrorCode::kConflict, path + ": exists and is not empty; a backup needs a directory of its own"};
    const auto parent = fs::absolute(path, error).parent_path();
    fs::create_directories(parent, error);
    if (error) return Error{ErrorCode::kRefused, parent.string() + ": cannot be made: " + error.message()};
    std::string pattern = path + ".partial-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return io_error(pattern);
    return PartialDirectory(pattern, path, parent.string());
  }
  PartialDirectory(PartialDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})), final_(other.final_), parent_(other.parent_) {}
  PartialDirectory& operator=(PartialDirectory&&) = delete;
  ~PartialDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  Status complete() {
    sync_directory(path_);
    if (std::rename(path_.c_str(), final_.c_str()) != 0) return io_error(final_);
    path_.clear();
    sync_directory(parent_);
    return ok();
  }

 private:
  PartialDirectory(std::string path, std::string final_path, std::string parent)
      : path_(std::move(path)), final_(std::move(final_path)), parent_(std::move(parent)) {}
  std::string path_, final_, parent_;
};

Status write_dump(const BackupPlan& plan, const std::string& path, const db::DatabaseFacts& facts,
                  const db::DumpSight& sight, Manifest& manifest) {
  const auto tool = db::find_pg_tool("pg_dump", facts.server_major);
  if (!tool) return tool.error();
  auto environment = db::connection_environment(plan.access.url);
  if (!environment) return environment.error();
  (*environment)["PGAPPNAME"] = "everup backup";
  if (!sight.options.empty()) (*environment)["PGOPTIONS"] = sight.options;
  std::vector<std::string> argv{*tool,           "--format=custom",           "--compress=1",
                                "--no-password", "--lock-wait-timeout=60000", "--snapshot=" + sight.snapshot};
  if (!sight.role.empty()) argv.push_back("--role=" + sight.role);
  if (!sight.role.empty() || !sight.options.empty()) argv.emplace_back("--enable-row-security");
  auto writer = BackupWriter::make(path, plan.key);
  if (!writer) return writer.error();
  db::ToolPlan dump;
  dump.argv = std::move(argv);
  dump.environment = *std::move(environment);
  dump.output = [&writer](std::string_view piece) { return writer->add(piece); };
  if (Status status = db::run_tool(dump); !status) return status;
  auto written = writer->finish();
  if (!written) return written.error();
  manifest.files[kDump] = *std::move(written);
  return ok();
}

Status write_text(const PartialDirectory& directory, const std::string& name, const std::string& text,
                  const std::optional<seal::KeyBytes>& key, Manifest& manifest) {
  auto writer = BackupWriter::make(directory.file(name), key);
  if (!writer) return writer.error();
  if (Status status = writer->add(text); !status) return status;
  auto written = writer->finish();
  if (!written) return written.error();
  manifest.files[name] = *std::move(written);
  return ok();
}

// What no dump holds: the key that opens the stored secrets, the settings.
Status write_surroundings(const Settings& settings, const BackupPlan& plan, const PartialDirectory& directory,
                          Manifest& manifest) {
  const auto& given = settings.text("SECRET_KEY");
  const auto key = given.empty() ? seal::key_from_file(plan.data_dir + "/secret.key", false) : seal::parse_key(given);
  if (!key) return Error{key.error().code, "the secret key cannot be saved: " + key.error().what};
  if (Status status = write_text(directory, "secret.key", seal::print_key(*key) + "\n", plan.key, manifest); !status)
    return status;
  if (Status status = write_text(directory, "settings.json", settings.json(), plan.key, manifest); !status)
    return status;
  if (settings.config_file().empty()) return ok();
  std::ifstream in(settings.config_file(), std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in && text.empty()) return Error{ErrorCode::kRefused, settings.config_file() + ": cannot be read"};
  return write_text(directory, "everup.yaml", text, plan.key, manifest);
}

// Reads the dump once, as a restore would, and counts.
Status count_dump(const OpenBackup& backup) {
  const db::DatabaseFacts& facts = backup.manifest().facts;
  const auto tool = db::find_pg_tool("pg_restore", facts.server_major);
  if (!tool) return tool.error();
  db::DumpedRows dumped;
  db::ToolPlan read;
  read.argv = {*tool, "--data-only", "--file=-"};
  read.input = backup.pieces(kDump);
  read.output = [&dumped](std::string_view piece) -> Status {
    dumped.add(piece);
    return ok();
  };
  if (Status status = db::run_tool(read); !status) return status;
  for (const db::TableFacts& table : facts.tables) {
    const auto at = dumped.rows().find(table.name);
    const std::int64_t rows = at == dumped.rows().end() ? 0 : at->second;
    if (rows == table.rows) continue;
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the dump holds {} rows of table {}, the database {}: a policy or a right hides them from "
                             "the role backup",
                             rows, table.name, table.rows)};
  }
  return ok();
}

// The key in the backup opens what is sealed in the database beside it.
Status check_key(const db::DatabaseAccess& access, const OpenBackup& backup) {
  if (!backup.has("secret.key")) return Error{ErrorCode::kCorrupt, backup.directory() + ": holds no secret.key"};
  const auto text = backup.text("secret.key");
  if (!text) return text.error();
  const auto key = seal::parse_key(*text);
  if (!key) return Error{ErrorCode::kCorrupt, backup.directory() + "/secret.key: is not a key"};
  const seal::Box box({*key});
  const auto sealed = db::sealed_secrets(access, kSecretsTried);
  if (!sealed) return sealed.error();
  for (const db::SealedSecrets& one : *sealed) {
    if (const auto plain = box.open(one.sealed, db::secrets_context(one.account, one.monitor)); !plain) {
      return Error{ErrorCode::kCorrupt, fmt::format("{}/secret.key does not open the secrets of {}: {}",
                                                    backup.directory(), to_string(one.monitor), plain.error().what)};
    }
  }
  return ok();
}

}  // namespace

Result<Manifest> take_backup(const Settings& settings, const BackupPlan& plan) {
  auto directory = PartialDirectory::make(plan.directory);
  if (!directory) return directory.error();
  Manifest manifest;
  manifest.everup = version();
  manifest.sealed = plan.key.has_value();
  Status status = db::with_snapshot(plan.access, [&](const db::DatabaseFacts& facts, const db::DumpSight& sight) {
    manifest.facts = facts;
    return write_dump(plan, directory->file(kDump), facts, sight, manifest);
  });
  if (!status) return status.error();
  manifest.role_prefix = plan.access.role_prefix.empty() ? manifest.facts.database : plan.access.role_prefix;
  if (status = write_surroundings(settings, plan, *directory, manifest); !status) return status.error();
  {
    Manifest unused;
    const std::string text = manifest_text(manifest);
    if (status = write_text(*directory, "manifest.json", text, std::nullopt, unused); !status) return status.error();
    const auto backup = OpenBackup::open(directory->path(), plan.key);
    if (!backup) return backup.error();
    if (status = count_dump(*backup); !status) return status.error();
  }
  if (status = directory->complete(); !status) return status.error();
  const db::BackupNote note{manifest.facts.as_of, manifest.facts.schema_version, manifest.rows(), manifest.bytes()};
  if (status = db::note_backup(plan.access, note); !status) {
    return Error{status.error().code, fmt::format("{} is complete, but the database could not be told: {}",
                                                  plan.directory, status.error().what)};
  }
  return manifest;
}

Result<bool> back_up_before_migration(const Settings& settings, const std::string& data_dir,
                                      const db::DatabaseAccess& access) {
  const auto schema = db::schema_version(access);
  if (!schema) return schema.error();
  const int newest = db::migrations().empty() ? 0 : db::migrations().back().version;
  if (*schema == 0 || *schema >= newest) return false;
  const std::string parent = data_dir + "/backups", suffix = "-before-schema-";
  BackupPlan plan;
  plan.directory = fmt::format("{}/{}{}{}", parent, stamp_of(system_clock().now().wall), suffix, newest);
  plan.data_dir = data_dir;
  plan.access = access;
  if (const auto taken = take_backup(settings, plan); !taken) {
    return Error{taken.error().code == ErrorCode::kUnavailable ? ErrorCode::kRefused : taken.error().code,
                 fmt::format("the backup before the migration to schema {} failed: {}; nothing was changed. To migrate "
                             "without one: EVERUP_BACKUP_BEFORE_MIGRATION=no",
                             newest, taken.error().what)};
  }
  prune_backups(parent, suffix, kKeptBeforeMigration);
  return true;
}

Status check_known(const Manifest& manifest) {
  const int newest = db::migrations().empty() ? 0 : db::migrations().back().version;
  if (manifest.facts.schema_version <= newest) return ok();
  return Error{ErrorCode::kConflict,
               fmt::format("the backup is of schema {} (everup {}), this everup knows up to {}; use the newer everup",
                           manifest.facts.schema_version, manifest.everup, newest)};
}

Status fill_cluster(const db::PrivateCluster& cluster, const OpenBackup& backup) {
  const Manifest& manifest = backup.manifest();
  const db::DatabaseAccess access{cluster.url(), manifest.role_prefix, manifest.facts.single_role};
  if (Status made = db::make_roles(access, manifest.facts.roles); !made) return made;
  const auto tool = db::find_pg_tool("pg_restore", manifest.facts.server_major);
  if (!tool) return tool.error();
  auto environment = db::connection_environment(access.url);
  if (!environment) return environment.error();
  db::ToolPlan load;
  load.argv = {*tool, "--exit-on-error", "--no-password", "--dbname=" + (*environment)["PGDATABASE"]};
  load.environment = *std::move(environment);
  load.input = backup.pieces(kDump);
  if (Status loaded = db::run_tool(load); !loaded) return loaded;
  const auto found = db::read_facts(access, manifest.facts.as_of);
  if (!found) return found.error();
  if (const auto differs = db::difference(manifest.facts.tables, found->tables))
    return Error{ErrorCode::kCorrupt, backup.directory() + ": " + *differs};
  for (const auto& [name, value] : manifest.facts.figures) {
    const auto at = found->figures.find(name);
    if (at == found->figures.end() || at->second != value)
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{}: the figure {} differs from what was saved", backup.directory(), name)};
  }
  return check_key(access, backup);
}

std::string stamp_of(WallTime t) {
  std::string out;
  for (const char c : rfc3339(WallTime{t.ms / 1000 * 1000})) {
    if (c != '-' && c != ':') out += c;
  }
  return out;
}

void prune_backups(const std::string& parent, std::string_view suffix, std::size_t keep) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool stamped = name.size() >= kStampChars && name[8] == 'T' && name[15] == 'Z' &&
                         std::all_of(name.begin(), name.begin() + 8, [](char c) { return c >= '0' && c <= '9'; });
    const std::string_view rest = stamped ? std::string_view(name).substr(kStampChars) : std::string_view();
    const bool meant = stamped && (suffix.empty() ? rest.empty() : rest.starts_with(suffix)) &&
                       rest.find(".partial") == std::string_view::npos;
    if (meant && fs::exists(entry.path() / "manifest.json", ignored)) found.push_back(entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  for (std::size_t i = keep; i < found.size(); ++i) fs::remove_all(found[i], ignored);
}

}  // namespace everup::app
