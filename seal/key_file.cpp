// See key_file.h. The file is made under a name of its own and linked into place, so that of two makers one wins and
// both read the same key, and a crash leaves either no file or a whole one.
#include "seal/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "seal/sodium_start.h"

namespace everup::seal {
namespace {

Error io_error(const std::string& path, const char* what) {
  return {ErrorCode::kInvalid, path + ": " + what + ": " + std::strerror(errno)};
}

Result<KeyBytes> read_key(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return Error{ErrorCode::kNotFound, path + ": there is no key file"};
  if (fd < 0) return io_error(path, "cannot be read");
  struct stat facts {};
  std::array<char, 256> buffer{};
  const bool known = fstat(fd, &facts) == 0;
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  close(fd);
  if (!known || got < 0) return io_error(path, "cannot be read");
  if ((facts.st_mode & 0077) != 0) {
    return Error{ErrorCode::kRefused,
                 path + ": others may read this key; chmod 0600 it (and think about making a new one)"};
  }
  auto key = parse_key({buffer.data(), static_cast<std::size_t>(got)});
  sodium_memzero(buffer.data(), buffer.size());
  if (!key) return Error{ErrorCode::kCorrupt, path + ": is not a key (32 bytes as base64)"};
  return key;
}

// True when the whole key is on the disk under `path`.
Status write_beside(const std::string& path, const std::string& line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(path, "cannot be made");
  const bool written = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && fsync(fd) == 0;
  close(fd);
  return written ? ok() : Status(io_error(path, "cannot be written"));
}

void sync_directory(const std::string& path) {
  const auto slash = path.rfind('/');
  const int fd =
      open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;  // the file itself is safe; only its name could be lost, and then a new key is refused by what was sealed
  fsync(fd);
  close(fd);
}

}  // namespace

Result<KeyBytes> parse_key(std::string_view base64) {
  start_sodium();
  const Error wrong{ErrorCode::kInvalid,
                    "EVERUP_SECRET_KEY: 32 bytes as base64 are expected (openssl rand -base64 32)"};
  constexpr std::string_view kBlank = " \t\r\n";
  while (!base64.empty() && kBlank.find(base64.back()) != std::string_view::npos) base64.remove_suffix(1);
  while (!base64.empty() && kBlank.find(base64.front()) != std::string_view::npos) base64.remove_prefix(1);
  while (base64.ends_with('=') && base64.size() > 43) base64.remove_suffix(1);
  if (base64.size() != 43) return wrong;
  std::string text(base64);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  KeyBytes key{};
  std::size_t length = 0;
  const char* end = nullptr;
  const int status = sodium_base642bin(key.data(), key.size(), text.data(), text.size(), nullptr, &length, &end,
                                       sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
  sodium_memzero(text.data(), text.size());
  if (status != 0 || length != key.size() || end != text.data() + text.size()) return wrong;
  return key;
}

std::string print_key(const KeyBytes& key) {
  start_sodium();
  std::string text(sodium_base64_encoded_len(key.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), key.data(), key.size(), sodium_base64_VARIANT_ORIGINAL);
  text.resize(std::strlen(text.c_str()));
  return text;
}

Result<KeyBytes> key_from_file(const std::string& path, bool create) {
  start_sodium();
  auto key = read_key(path);
  if (key || !create || key.error().code != ErrorCode::kNotFound) return key;
  KeyBytes fresh{};
  randombytes_buf(fresh.data(), fresh.size());
  const std::string beside = path + "." + std::to_string(getpid()) + ".tmp";
  unlink(beside.c_str());  // what a crash of a process with our number left
  const Status status = write_beside(beside, print_key(fresh) + "\n");
  const bool linked = status && (link(beside.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const Error failed = linked ? Error{} : status ? io_error(path, "cannot be made") : status.error();
  unlink(beside.c_str());
  if (!linked) return failed;
  sync_directory(path);
  return read_key(path);
}

}  // namespace everup::seal
