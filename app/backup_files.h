// The files of one backup directory and its manifest.
//
//   manifest.json   what was saved: versions, every file's size and SHA-256, every table's rows and digest, figures
//   database.dump   pg_dump's custom format
//   secret.key      what opens the secrets stored in the database
//   everup.yaml     the configuration file, where there was one; settings.json: the values in force, secrets masked
//
// A file is written once, hashed and, with a key, sealed while it is written (seal/stream_box.h); the manifest never
// is. Read twice: once to check the hash, then for its contents. Descriptors are opened at once, so that a process may
// change its user afterwards. Owned by one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "db/backup_sql.h"
#include "seal/box.h"
#include "seal/sha256.h"
#include "seal/stream_box.h"

namespace everup::app {

// The file and what errno says of it.
Error io_error(const std::string& path);

struct FileFacts {
  std::int64_t bytes = 0;
  std::string sha256;
};
struct Manifest {
  static constexpr int kFormat = 1;
  int format = kFormat;
  std::string everup;  // the version that made it
  std::string role_prefix;
  bool sealed = false;
  std::map<std::string, FileFacts> files;
  db::DatabaseFacts facts;

  std::int64_t rows() const;
  std::int64_t bytes() const;
};
std::string manifest_text(const Manifest& manifest);
// kCorrupt: not one of ours. kConflict: of a later format than this everup knows.
Result<Manifest> parse_manifest(const std::string& text);

class BackupWriter {
 public:
  // The file must not exist. kRefused: it cannot be made.
  static Result<BackupWriter> make(const std::string& path, const std::optional<seal::KeyBytes>& key);
  BackupWriter(BackupWriter&&) noexcept;
  BackupWriter& operator=(BackupWriter&&) = delete;
  ~BackupWriter();
  Status add(std::string_view piece);
  Result<FileFacts> finish();  // on the disk

 private:
  BackupWriter(int fd, std::string path);
  Status write_all(std::string_view bytes);
  int fd_;
  std::string path_;
  std::optional<seal::StreamSealer> sealer_;
  seal::Sha256 hash_;
  std::int64_t bytes_ = 0;
};

class OpenBackup {
 public:
  // Reads the manifest and opens every file it names. kNotFound: no backup there; the text names one
  // inside, the last by name, if any. kInvalid: sealed, and no key was given (or the other way round).
  static Result<OpenBackup> open(const std::string& directory, const std::optional<seal::KeyBytes>& key);
  OpenBackup(OpenBackup&&) noexcept;
  OpenBackup& operator=(OpenBackup&&) = delete;
  ~OpenBackup();
  const Manifest& manifest() const { return manifest_; }
  const std::string& directory() const { return directory_; }
  // kCorrupt: a file is not what was written; the text names it.
  Status check_hashes() const;
  // Its plain bytes from the start, piece by piece, empty at the end.
  std::function<Result<std::string>()> pieces(const std::string& file) const;
  Result<std::string> text(const std::string& file) const;  // of a small file, at most 1 MiB
  bool has(const std::string& file) const { return files_.contains(file); }

 private:
  OpenBackup() = default;
  std::string directory_;
  std::optional<seal::KeyBytes> key_;
  Manifest manifest_;
  std::map<std::string, int> files_;
};

}  // namespace everup::app
