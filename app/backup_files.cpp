#include "app/backup_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace everup::app {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kManifestMax = 64u << 20;  // 100 bytes a table, partitions for years
constexpr std::size_t kSmallMax = 1u << 20;

// The next bytes at `at`, which moves; empty at the end.
Result<std::string> read_piece(int fd, const std::string& path, off_t& at) {
  std::string piece(kPieceBytes, '\0');
  for (;;) {
    const ssize_t got = pread(fd, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path);
    piece.resize(static_cast<std::size_t>(got));
    at += got;
    return piece;
  }
}

Result<std::string> read_small(int fd, const std::string& path, std::size_t most) {
  std::string out;
  for (off_t at = 0;;) {
    auto piece = read_piece(fd, path, at);
    if (!piece) return piece.error();
    if (piece->empty()) return out;
    out += *piece;
    if (out.size() > most) return Error{ErrorCode::kCorrupt, path + ": is too large"};
  }
}

Manifest manifest_of(const Json& json) {
  Manifest out;
  out.everup = json.at("everup").get<std::string>();
  out.role_prefix = json.at("role_prefix").get<std::string>();
  out.sealed = json.at("sealed").get<bool>();
  out.facts.schema_version = json.at("schema_version").get<int>();
  out.facts.server_major = json.at("postgresql").get<int>();
  out.facts.database = json.at("database").get<std::string>();
  out.facts.single_role = json.at("single_role").get<bool>();
  out.facts.roles = json.at("roles").get<std::vector<std::string>>();
  out.facts.as_of = WallTime{json.at("as_of_ms").get<std::int64_t>()};
  out.facts.figures = json.at("figures").get<std::map<std::string, std::int64_t>>();
  for (const auto& [name, facts] : json.at("files").items()) {
    out.files[name] = {facts.at("bytes").get<std::int64_t>(), facts.at("sha256").get<std::string>()};
  }
  for (const Json& table : json.at("tables")) {
    out.facts.tables.push_back({table.at("name").get<std::string>(), table.at("rows").get<std::int64_t>(),
                                table.at("digest").get<std::string>()});
  }
  return out;
}

// The last directory inside by name that is a backup: what somebody may have meant.
std::string newest_inside(const std::string& directory) {
  std::string newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (fs::exists(entry.path() / "manifest.json", ignored)) newest = std::max(newest, entry.path().string());
  }
  return newest;
}

}  // namespace

Error io_error(const std::string& path) {
  return {ErrorCode::kRefused, fmt::format("{}: {}", path, std::strerror(errno))};
}

std::int64_t Manifest::rows() const {
  std::int64_t all = 0;
  for (const db::TableFacts& table : facts.tables) all += table.rows;
  return all;
}

std::int64_t Manifest::bytes() const {
  std::int64_t all = 0;
  for (const auto& [name, file] : files) all += file.bytes;
  return all;
}

std::string manifest_text(const Manifest& manifest) {
  Json files = Json::object(), tables = Json::array();
  for (const auto& [name, facts] : manifest.files) files[name] = {{"bytes", facts.bytes}, {"sha256", facts.sha256}};
  for (const db::TableFacts& table : manifest.facts.tables) {
    tables.push_back({{"name", table.name}, {"rows", table.rows}, {"digest", table.digest}});
  }
  const Json json{{"format", manifest.format},
                  {"everup", manifest.everup},
                  {"as_of", rfc3339(manifest.facts.as_of)},
                  {"as_of_ms", manifest.facts.as_of.ms},
                  {"schema_version", manifest.facts.schema_version},
                  {"postgresql", manifest.facts.server_major},
                  {"database", manifest.facts.database},
                  {"role_prefix", manifest.role_prefix},
                  {"single_role", manifest.facts.single_role},
                  {"roles", manifest.facts.roles},
                  {"sealed", manifest.sealed},
                  {"files", files},
                  {"figures", manifest.facts.figures},
                  {"tables", tables}};
  return json.dump(1) + "\n";
}

Result<Manifest> parse_manifest(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("format") || !json["format"].is_number_integer())
    return Error{ErrorCode::kCorrupt, "manifest.json: is not the manifest of a backup"};
  if (json["format"].get<std::int64_t>() > Manifest::kFormat) {
    return Error{ErrorCode::kConflict, fmt::format("manifest.json: format {} is of a newer everup; this one knows {}",
                                                   json["format"].get<std::int64_t>(), Manifest::kFormat)};
  }
  try {
    return manifest_of(json);
  } catch (const Json::exception& e) {
    return Error{ErrorCode::kCorrupt, std::string("manifest.json: ") + e.what()};
  }
}

BackupWriter::BackupWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
BackupWriter::BackupWriter(BackupWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      sealer_(std::move(other.sealer_)),
      hash_(std::move(other.hash_)),
      bytes_(other.bytes_) {}
BackupWriter::~BackupWriter() {
  if (fd_ >= 0) close(fd_);
}

Result<BackupWriter> BackupWriter::make(const std::string& path, const std::optional<seal::KeyBytes>& key) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(path);
  BackupWriter writer(fd, path);
  if (key) writer.sealer_.emplace(*key);
  return writer;
}

Status BackupWriter::write_all(std::string_view bytes) {
  hash_.add(bytes);
  bytes_ += static_cast<std::int64_t>(bytes.size());
  while (!bytes.empty()) {
    const ssize_t done = write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return io_error(path_);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return ok();
}

Status BackupWriter::add(std::string_view piece) { return write_all(sealer_ ? sealer_->add(piece) : piece); }

Result<FileFacts> BackupWriter::finish() {
  if (sealer_) {
    if (Status status = write_all(sealer_->finish()); !status) return status.error();
  }
  if (fsync(fd_) != 0) return io_error(path_);
  return FileFacts{bytes_, hash_.finish()};
}

OpenBackup::OpenBackup(OpenBackup&& other) noexcept
    : directory_(std::move(other.directory_)),
      key_(other.key_),
      manifest_(std::move(other.manifest_)),
      files_(std::exchange(other.files_, {})) {}
OpenBackup::~OpenBackup() {
  for (const auto& [name, fd] : files_) close(fd);
}

Result<OpenBackup> OpenBackup::open(const std::string& directory, const std::optional<seal::KeyBytes>& key) {
  const std::string path = directory + "/manifest.json";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    const std::string inside = newest_inside(directory);
    return Error{ErrorCode::kNotFound, directory + ": there is no backup (no manifest.json)" +
                                           (inside.empty() ? "" : "; one is in " + inside)};
  }
  if (fd < 0) return io_error(path);
  const auto text = read_small(fd, path, kManifestMax);
  close(fd);
  if (!text) return text.error();
  auto manifest = parse_manifest(*text);
  if (!manifest) return Error{manifest.error().code, directory + "/" + manifest.error().what};
  if (manifest->sealed && !key)
    return Error{ErrorCode::kInvalid, directory + ": it is sealed; give the key with --key-file"};
  if (!manifest->sealed && key)
    return Error{ErrorCode::kInvalid, directory + ": it is not sealed; leave out --key-file"};
  OpenBackup backup;
  backup.directory_ = directory;
  backup.key_ = key;
  backup.manifest_ = *std::move(manifest);
  for (const auto& [name, facts] : backup.manifest_.files) {
    if (name.empty() || name.find('/') != std::string::npos)
      return Error{ErrorCode::kCorrupt, path + ": names a file outside the backup"};
    const int file = ::open((directory + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return Error{ErrorCode::kCorrupt, fmt::format("{}/{}: {}", directory, name, std::strerror(errno))};
    backup.files_[name] = file;
  }
  if (!backup.has("database.dump")) return Error{ErrorCode::kCorrupt, path + ": names no database.dump"};
  return backup;
}

Status OpenBackup::check_hashes() const {
  for (const auto& [name, fd] : files_) {
    const std::string path = directory_ + "/" + name;
    seal::Sha256 hash;
    off_t at = 0;
    for (;;) {
      const auto piece = read_piece(fd, path, at);
      if (!piece) return piece.error();
      if (piece->empty()) break;
      hash.add(*piece);
    }
    const FileFacts& saved = manifest_.files.at(name);
    if (at != saved.bytes || hash.finish() != saved.sha256)
      return Error{ErrorCode::kCorrupt, path + ": its SHA-256 is not the manifest's; it was changed or cut off"};
  }
  return ok();
}

std::function<Result<std::string>()> OpenBackup::pieces(const std::string& file) const {
  const auto opener = key_ ? std::make_shared<seal::StreamOpener>(*key_) : nullptr;
  return [fd = files_.at(file), path = directory_ + "/" + file, at = off_t{0}, ended = false,
          opener]() mutable -> Result<std::string> {
    while (!ended) {
      auto piece = read_piece(fd, path, at);
      if (!piece) return piece.error();
      ended = piece->empty();
      if (opener == nullptr) return piece;
      if (ended) {
        if (Status whole = opener->finish(); !whole) return Error{whole.error().code, path + ": " + whole.error().what};
        break;
      }
      auto plain = opener->add(*piece);
      if (!plain) return Error{plain.error().code, path + ": " + plain.error().what};
      if (!plain->empty()) return plain;
    }
    return std::string();
  };
}

Result<std::string> OpenBackup::text(const std::string& file) const {
  std::string out;
  const auto next = pieces(file);
  for (;;) {
    auto piece = next();
    if (!piece) return piece.error();
    if (piece->empty()) return out;
    out += *piece;
    if (out.size() > kSmallMax) return Error{ErrorCode::kCorrupt, directory_ + "/" + file + ": is too large"};
  }
}

}  // namespace everup::app
