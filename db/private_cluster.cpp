// See private_cluster.h. Order of a start: binaries → user → a former postmaster's end → initdb into pg.tmp and rename
// → our configuration, written anew each time (the user's own goes into pg/conf.d/*.conf and wins) → postgres → PQping
// → the database.
#include "db/private_cluster.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>
#include <vector>

#include "db/data_dir.h"
#include "db/process_start.h"
#include "db/session.h"

namespace everup::db {
namespace {
namespace fs = std::filesystem;
constexpr std::size_t kSocketPathMax = 107;
constexpr std::string_view kSocketName = "/.s.PGSQL.5432";
constexpr milliseconds kStopPatience{30'000};
constexpr milliseconds kFormerPatience{30'000};
constexpr milliseconds kInitPatience{120'000};
constexpr milliseconds kPause{20};
constexpr std::uintmax_t kLogBytesMax = 16u << 20;

Error fail(const std::string& what) { return {ErrorCode::kUnavailable, "private PostgreSQL: " + what}; }

std::string first_line_of(const std::string& path, int number = 1) {
  std::ifstream in(path);
  std::string line;
  for (int i = 0; i < number && std::getline(in, line); ++i) {
  }
  return in ? line : std::string{};
}

// The end of the log: what PostgreSQL said last.
std::string last_words(const std::string& log) {
  std::ifstream in(log, std::ios::binary);
  in.seekg(0, std::ios::end);
  const auto size = static_cast<std::int64_t>(in.tellg());
  in.seekg(std::max<std::int64_t>(0, size - 1000));
  std::ostringstream out;
  out << in.rdbuf();
  std::string text = out.str();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto cut = text.rfind('\n', text.size() > 300 ? text.size() - 300 : 0);
  return cut == std::string::npos ? text : text.substr(cut + 1);
}

Status write_file(const std::string& path, const std::string& content, const std::optional<RunAs>& owner) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(path + ": " + std::strerror(errno));
  const bool written = write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const bool owned = !owner || fchown(fd, owner->uid, owner->gid) == 0;
  close(fd);
  return written && owned ? ok() : Status(fail(path + ": cannot be written"));
}

Status own_directory(const std::string& path, const std::optional<RunAs>& owner) {
  const unsigned uid = owner ? owner->uid : geteuid();
  if (mkdir(path.c_str(), 0700) == 0) {
    if (owner && chown(path.c_str(), owner->uid, owner->gid) != 0)
      return fail(path + ": chown: " + std::strerror(errno));
    return ok();
  }
  struct stat facts {};
  if (errno != EEXIST || lstat(path.c_str(), &facts) != 0) return fail(path + ": " + std::strerror(errno));
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != uid || (facts.st_mode & 0077) != 0) {
    return fail(path + ": must be a directory of mode 0700 that belongs to user id " + std::to_string(uid));
  }
  return ok();
}

// "15" of the binaries in `directory`.
Result<std::string> major_of(const std::string& bin_dir, const std::string& scratch) {
  unlink(scratch.c_str());
  auto started = start_process({{bin_dir + "/postgres", "-V"}, std::nullopt, scratch, "/", SIGKILL});
  if (!started) return started.error();
  const auto status = wait_exit(*started, kInitPatience);
  close(started->pidfd);
  const std::string line = first_line_of(scratch);  // "postgres (PostgreSQL) 15.18 (Debian …)"
  unlink(scratch.c_str());
  const auto at = line.find(") ");
  if (!status || *status != 0 || at == std::string::npos)
    return fail(bin_dir + "/postgres -V does not tell its version");
  const auto end = line.find_first_not_of("0123456789", at + 2);
  return line.substr(at + 2, end == std::string::npos ? end : end - at - 2);
}

bool executable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

std::vector<std::string> binary_candidates(const std::string& preferred) {
  std::vector<std::string> candidates;
  if (!preferred.empty()) return {preferred};
  if (const char* set = std::getenv("EVERUP_PG_BINDIR"); set != nullptr && *set != '\0') return {set};
  std::vector<int> versions;
  std::error_code ignored;  // no such directory: no candidates from it
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string text = entry.path().filename().string();
    if (!text.empty() && text.size() < 4 && text.find_first_not_of("0123456789") == std::string::npos)
      versions.push_back(std::stoi(text));
  }
  std::sort(versions.rbegin(), versions.rend());
  for (const int version : versions) candidates.push_back("/usr/lib/postgresql/" + std::to_string(version) + "/bin");
  const char* path = std::getenv("PATH");
  std::istringstream words(path != nullptr ? path : "");
  for (std::string word; std::getline(words, word, ':');) {
    if (!word.empty() && word.front() == '/') candidates.push_back(word);
  }
  return candidates;
}

std::string percent(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/' || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += '%', out += kHex[byte >> 4], out += kHex[byte & 15];
    }
  }
  return out;
}

std::string url_for(const std::string& socket_dir, const std::string& database) {
  return "postgresql://everup@/" + percent(database) + "?host=" + percent(socket_dir);
}

// The postmaster that postmaster.pid names, if it really is one of this directory.
pid_t running_postmaster(const std::string& cluster) {
  const std::string line = first_line_of(cluster + "/postmaster.pid");
  if (line.empty() || line.size() > 9 || line.find_first_not_of("0123456789") != std::string::npos) return 0;
  const auto pid = static_cast<pid_t>(std::stol(line));
  std::error_code gone;
  const fs::path where = fs::read_symlink("/proc/" + line + "/cwd", gone);
  if (gone || pid <= 1) return 0;
  const fs::path here = fs::canonical(cluster, gone);
  return !gone && where == here ? pid : 0;
}

// We hold the data directory, so whoever runs there is a leftover that is going down, or should be.
Status outlive_former(const std::string& cluster) {
  bool told = false;
  for (milliseconds waited{0}; waited < kFormerPatience; waited += kPause) {
    const pid_t former = running_postmaster(cluster);
    if (former == 0) return ok();
    if (!told) kill(former, SIGINT);
    told = true;
    pause_for(kPause);
  }
  return Error{ErrorCode::kConflict, "private PostgreSQL: a former one (process " +
                                         first_line_of(cluster + "/postmaster.pid") + ") still runs in " + cluster +
                                         " after 30 s"};
}

std::int64_t shared_buffers_mb() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
  return std::clamp<std::int64_t>(pages * size / 8 / (1 << 20), 16, 128);
}

std::string settings_text(const ClusterOptions& options) {
  std::string text =
      "# Written by everup at every start. Your own settings: conf.d/*.conf (they win).\n"
      "listen_addresses = ''\nport = 5432\nunix_socket_permissions = 0700\nmax_connections = 40\n"
      "jit = off\nwal_compression = lz4\nmax_wal_size = 1GB\nlog_destination = stderr\nlogging_collector = off\n"
      "log_line_prefix = '%m [%p] %a '\nlog_min_duration_statement = 1000\nlog_parameter_max_length = 0\n"
      "log_parameter_max_length_on_error = 0\nlc_messages = 'C'\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n";
  text += "shared_buffers = " + std::to_string(shared_buffers_mb()) + "MB\n";
  if (!options.durable) text += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n";
  return text;
}

// The name of our own user id; empty: it has none.
std::string own_name() {
  std::array<char, 16 * 1024> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : std::string{};
}

Status configure(const std::string& cluster, const ClusterOptions& options, const std::optional<RunAs>& run_as) {
  std::string ident = "everup root everup\n";
  if (run_as) ident += "everup " + run_as->name + " everup\n";
  if (!run_as && geteuid() != 0) {
    const std::string me = own_name();
    if (me.empty()) return fail("user id " + std::to_string(geteuid()) + " has no name in the user database");
    ident += "everup " + me + " everup\n";
  }
  for (const auto& [name, content] :
       std::array<std::pair<const char*, std::string>, 3>{{{"/everup.conf", settings_text(options)},
                                                           {"/pg_hba.conf", "local all all peer map=everup\n"},
                                                           {"/pg_ident.conf", ident}}}) {
    if (Status status = write_file(cluster + name, content, run_as); !status) return status;
  }
  return ok();
}

Status make_cluster(const ClusterOptions& options, const std::string& bin_dir, const std::optional<RunAs>& run_as,
                    const std::string& log) {
  const std::string fresh = options.data_dir + "/pg.tmp", cluster = options.data_dir + "/pg";
  std::error_code error;
  fs::remove_all(fresh, error);  // what a crash left
  if (Status status = own_directory(fresh, run_as); !status) return status;
  std::vector<std::string> argv{
      bin_dir + "/initdb", "-D", fresh, "-U", "everup", "--auth=peer", "--encoding=UTF8", "--locale=C.UTF-8",
      "--data-checksums"};
  if (!options.durable) argv.emplace_back("--no-sync");
  auto started = start_process({argv, run_as, log, fresh, SIGKILL});
  if (!started) return started.error();
  const auto status = wait_exit(*started, kInitPatience);
  close(started->pidfd);
  if (!status || *status != 0) {
    if (!status) kill(started->pid, SIGKILL), waitpid(started->pid, nullptr, 0);
    return fail("initdb failed: " + last_words(log));
  }
  std::ofstream conf(fresh + "/postgresql.conf", std::ios::app);
  conf << "\ninclude 'everup.conf'\ninclude_dir 'conf.d'\n";
  conf.close();
  if (!conf) return fail(fresh + "/postgresql.conf: cannot be written");
  if (Status made = own_directory(fresh + "/conf.d", run_as); !made) return made;
  if (rename(fresh.c_str(), cluster.c_str()) != 0) return fail(cluster + ": rename: " + std::strerror(errno));
  return ok();
}

Status make_database(const std::string& socket_dir, const std::string& database) {
  auto session = Session::open({url_for(socket_dir, "postgres"), {}, false}, Role::kLogin, "everup start");
  if (!session) return session.error();
  return (*session)->guarded(milliseconds(30'000), [&](pqxx::connection_base& connection) -> Status {
    pqxx::nontransaction tx(connection);
    if (!tx.exec_params("SELECT 1 FROM pg_database WHERE datname = $1", database).empty()) return ok();
    tx.exec("CREATE DATABASE " + tx.quote_name(database));
    return ok();
  });
}

Result<std::optional<RunAs>> user_for(const ClusterOptions& options) {
  if (geteuid() != 0) return std::optional<RunAs>{};
  auto user = find_user(options.user.empty() ? "everup" : options.user);
  if (!user) return user.error();
  if (user->uid == 0) {
    return Error{ErrorCode::kInvalid, "private PostgreSQL: it refuses to run as root; name another user (EVERUP_USER)"};
  }
  struct stat facts {};
  if (stat(options.data_dir.c_str(), &facts) != 0) return fail(options.data_dir + ": " + std::strerror(errno));
  if (facts.st_uid != user->uid && (facts.st_mode & 0001) == 0) {
    return Error{ErrorCode::kInvalid,
                 options.data_dir + ": user " + user->name + " cannot enter it; chown it to that user"};
  }
  return std::optional<RunAs>(*user);
}

// Binaries that fit an existing cluster, the newest for a new one.
Result<std::string> fitting_binaries(const ClusterOptions& options, const std::string& wanted) {
  auto first = find_postgres_binaries(options.bin_dir);
  if (!first || wanted.empty()) return first;
  std::string seen;
  for (const std::string& directory : binary_candidates(options.bin_dir)) {
    if (!executable(directory + "/postgres") || !executable(directory + "/initdb")) continue;
    auto major = major_of(directory, options.data_dir + "/pg.version");
    if (!major) return major.error();
    if (*major == wanted) return directory;
    seen += (seen.empty() ? "" : ", ") + *major;
  }
  return Error{ErrorCode::kConflict, "private PostgreSQL: " + options.data_dir + "/pg was made by version " + wanted +
                                         ", installed is " + seen +
                                         "; dump it with the old binaries and restore it with the new, or " +
                                         "apt-get install postgresql-" + wanted};
}

}  // namespace

Result<std::string> find_postgres_binaries(const std::string& preferred) {
  for (const std::string& directory : binary_candidates(preferred)) {
    if (executable(directory + "/initdb") && executable(directory + "/postgres")) return directory;
  }
  return Error{ErrorCode::kNotFound, "private PostgreSQL: initdb and postgres are not installed" +
                                         (preferred.empty() ? std::string{} : " in " + preferred) +
                                         "; apt-get install --no-install-recommends postgresql"};
}

std::string socket_directory(const std::string& data_dir, unsigned uid) {
  const std::string natural = data_dir + "/run";
  if (natural.size() + kSocketName.size() <= kSocketPathMax) return natural;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a: a stable name, no secret
  for (const char c : data_dir) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::ostringstream name;
  name << "/tmp/everup-" << uid << "-" << std::hex << hash;
  return name.str();
}

struct PrivateCluster::Impl {
  std::string socket_dir, database;
  Started postmaster;
  bool ended = false;
};

PrivateCluster::PrivateCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateCluster::PrivateCluster(PrivateCluster&&) noexcept = default;
PrivateCluster& PrivateCluster::operator=(PrivateCluster&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
PrivateCluster::~PrivateCluster() {
  if (impl_) static_cast<void>(stop().ok());  // nobody is left to tell
}

Result<PrivateCluster> PrivateCluster::start(const ClusterOptions& options) {
  const std::string cluster = options.data_dir + "/pg", log = options.data_dir + "/pg.log";
  auto run_as = user_for(options);
  if (!run_as) return run_as.error();
  if (Status status = outlive_former(cluster); !status) return status.error();
  std::error_code ignored;  // no log yet
  if (fs::file_size(log, ignored) > kLogBytesMax && !ignored) fs::rename(log, log + ".1", ignored);
  const std::string made_by = first_line_of(cluster + "/PG_VERSION");
  if (made_by.empty() && fs::exists(cluster)) {
    return Error{ErrorCode::kCorrupt,
                 "private PostgreSQL: " + cluster + " exists but is no cluster (no PG_VERSION); move it away"};
  }
  auto bin_dir = fitting_binaries(options, made_by);
  if (!bin_dir) return bin_dir.error();
  if (made_by.empty()) {
    if (Status status = make_cluster(options, *bin_dir, *run_as, log); !status) return status.error();
  }
  if (Status status = configure(cluster, options, *run_as); !status) return status.error();
  auto impl = std::make_unique<Impl>();
  impl->database = options.database;
  impl->socket_dir = socket_directory(options.data_dir, *run_as ? (*run_as)->uid : geteuid());
  if (Status status = own_directory(impl->socket_dir, *run_as); !status) return status.error();
  auto started =
      start_process({{*bin_dir + "/postgres", "-D", cluster, "-k", impl->socket_dir}, *run_as, log, cluster, SIGINT});
  if (!started) return started.error();
  impl->postmaster = *started;
  PrivateCluster self(std::move(impl));  // from here on a failure stops it
  const std::string base = self.url_of("postgres");
  for (milliseconds waited{0}; PQping(base.c_str()) != PQPING_OK; waited += kPause) {
    if (wait_exit(self.impl_->postmaster, kPause)) {
      self.impl_->ended = true;
      return fail("it ended while starting: " + last_words(log));
    }
    if (waited > options.ready_deadline) return fail("not ready in time: " + last_words(log));
  }
  if (Status status = make_database(self.impl_->socket_dir, options.database); !status) return status.error();
  return self;
}

Result<std::string> PrivateCluster::attach(const std::string& data_dir, const std::string& database) {
  const std::string cluster = data_dir + "/pg";
  const std::string socket_dir = first_line_of(cluster + "/postmaster.pid", 5);
  if (running_postmaster(cluster) == 0 || socket_dir.empty()) {
    return Error{ErrorCode::kNotFound, "private PostgreSQL: none runs in " + data_dir};
  }
  const std::string url = url_for(socket_dir, database);
  switch (PQping(url.c_str())) {
    case PQPING_OK:
      return url;
    case PQPING_REJECT:
      return fail("it is starting or stopping; try again in a moment");
    case PQPING_NO_RESPONSE:
    case PQPING_NO_ATTEMPT:
      break;
  }
  return Error{ErrorCode::kNotFound, "private PostgreSQL: the one in " + data_dir + " does not answer"};
}

std::string PrivateCluster::url() const { return url_of(impl_->database); }
std::string PrivateCluster::url_of(const std::string& database) const { return url_for(impl_->socket_dir, database); }
pid_t PrivateCluster::pid() const { return impl_->postmaster.pid; }

bool PrivateCluster::alive() {
  if (!impl_->ended) impl_->ended = wait_exit(impl_->postmaster, milliseconds(0)).has_value();
  return !impl_->ended;
}

Status PrivateCluster::stop() {
  Impl& impl = *impl_;
  Status status = ok();
  if (!impl.ended) {
    kill(impl.postmaster.pid, SIGINT);
    impl.ended = wait_exit(impl.postmaster, kStopPatience).has_value();
  }
  for (const int signal : {SIGQUIT, SIGKILL}) {
    if (impl.ended) break;
    status = fail("it did not stop within 30 s and was ended by force");
    kill(impl.postmaster.pid, signal);
    impl.ended = wait_exit(impl.postmaster, milliseconds(5000)).has_value();
  }
  if (impl.postmaster.pidfd >= 0) close(std::exchange(impl.postmaster.pidfd, -1));
  return status;
}

}  // namespace everup::db
