// See api/listener.h. Host names other than localhost are not resolved: a listener is an address of this machine.
#include "api/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "net/address.h"

namespace everup::api {
namespace {

constexpr int kBacklog = 1024;
constexpr int kFirstSystemdFd = 3;
constexpr int kSystemdFdsMax = 16;

Error failed(std::string_view spec, std::string_view what) {
  return Error{ErrorCode::kInvalid, "EVERUP_LISTEN " + std::string(spec) + ": " + std::string(what)};
}
Error failed_errno(std::string_view spec, std::string_view call) {
  return failed(spec, std::string(call) + ": " + std::strerror(errno));
}

Result<Listener> open_tcp(std::string_view spec) {
  std::string text(spec);
  if (text.starts_with("localhost:")) text.replace(0, 9, "127.0.0.1");
  if (text.starts_with(":")) text.insert(0, "0.0.0.0");
  const bool any_port = text.ends_with(":0");
  if (any_port) text.back() = '1';
  auto address = net::Address::parse_endpoint(text, 8080);
  if (!address) return failed(spec, "write address:port, [v6]:port, unix:/path or systemd");
  if (any_port) address->port = 0;
  sockaddr_storage place{};
  const socklen_t length = address->to_sockaddr(place);
  net::Fd fd(::socket(place.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed_errno(spec, "socket");
  const int on = 1;
  ::setsockopt(fd.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!address->v4()) ::setsockopt(fd.value(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.value(), reinterpret_cast<sockaddr*>(&place), length) != 0)
    return failed_errno(spec, "bind");  // NOLINT
  if (::listen(fd.value(), kBacklog) != 0) return failed_errno(spec, "listen");
  return adopt_listener(std::move(fd));
}

struct UnixSpec {
  std::string path;
  mode_t mode = 0660;
  std::string group;
};

Result<UnixSpec> parse_unix(std::string_view spec) {
  UnixSpec out;
  const std::string_view rest = spec.substr(5);
  const auto mark = rest.find('?');
  out.path = rest.substr(0, mark);
  if (!out.path.starts_with('/') || out.path.size() > 107)
    return failed(spec, "the path is absolute and has at most 107 bytes");
  std::string_view query = mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.starts_with("group=")) {
      out.group = pair.substr(6);
    } else if (pair.starts_with("mode=")) {
      unsigned mode = 0;
      const auto* last = pair.data() + pair.size();
      const auto [at, error] = std::from_chars(pair.data() + 5, last, mode, 8);
      if (error != std::errc() || at != last || mode > 0777) return failed(spec, "mode is octal, 0000 to 0777");
      out.mode = mode;
    } else {
      return failed(spec, "after '?' come mode= and group= only");
    }
  }
  return out;
}

// A socket file that nobody serves is what a killed process leaves.
Status remove_stale(std::string_view spec, const sockaddr_un& place) {
  struct stat facts {};
  if (::lstat(place.sun_path, &facts) != 0) return errno == ENOENT ? Status(ok()) : Status(failed_errno(spec, "stat"));
  if (!S_ISSOCK(facts.st_mode)) return failed(spec, "something else than a socket lies there");
  const net::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return failed_errno(spec, "socket");
  if (::connect(probe.value(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 ||
      errno == EAGAIN) {  // NOLINT
    return failed(spec, "another process listens there");
  }
  return ::unlink(place.sun_path) == 0 ? Status(ok()) : Status(failed_errno(spec, "unlink"));
}

Result<Listener> open_unix(std::string_view spec) {
  auto wanted = parse_unix(spec);
  if (!wanted.ok()) return wanted.error();
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  std::memcpy(place.sun_path, wanted->path.c_str(), wanted->path.size() + 1);
  if (auto removed = remove_stale(spec, place); !removed.ok()) return removed.error();
  net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed_errno(spec, "socket");
  // Bound with no rights for others, opened to them only when everything is right.
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd.value(), reinterpret_cast<const sockaddr*>(&place), sizeof place);  // NOLINT
  ::umask(before);
  if (bound != 0) return failed_errno(spec, "bind");
  if (!wanted->group.empty()) {
    const group* found = ::getgrnam(wanted->group.c_str());
    if (found == nullptr) return failed(spec, "no such group: " + wanted->group);
    if (::chown(wanted->path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) return failed_errno(spec, "chown");
  }
  if (::chmod(wanted->path.c_str(), wanted->mode) != 0) return failed_errno(spec, "chmod");
  if (::listen(fd.value(), kBacklog) != 0) return failed_errno(spec, "listen");
  Listener out;
  out.fd = std::move(fd);
  out.url = "unix:" + wanted->path;
  out.unix_path = wanted->path;
  return out;
}

std::optional<int> number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const auto [at, error] = std::from_chars(text, text + std::strlen(text), value);
  return error == std::errc() && *at == '\0' ? std::optional<int>(value) : std::nullopt;
}

Status open_systemd(std::vector<Listener>* out) {
  const auto pid = number_in("LISTEN_PID");
  const auto count = number_in("LISTEN_FDS");
  if (!pid || !count || *pid != static_cast<int>(::getpid()) || *count < 1 || *count > kSystemdFdsMax) {
    return failed("systemd", "no sockets were passed (LISTEN_PID, LISTEN_FDS): start by the socket unit");
  }
  for (int fd = kFirstSystemdFd; fd < kFirstSystemdFd + *count; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    auto listener = adopt_listener(net::Fd(fd));
    if (!listener.ok()) return listener.error();
    out->push_back(*std::move(listener));
  }
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  return ok();
}

}  // namespace

Result<Listener> adopt_listener(net::Fd fd) {
  sockaddr_storage place{};
  socklen_t length = sizeof place;
  if (::getsockname(fd.value(), reinterpret_cast<sockaddr*>(&place), &length) != 0)
    return failed_errno("socket", "getsockname");  // NOLINT
  const int flags = ::fcntl(fd.value(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.value(), F_SETFL, flags | O_NONBLOCK) != 0) return failed_errno("socket", "fcntl");
  Listener out;
  const auto address = net::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&place));  // NOLINT
  out.url = address ? "http://" + address->text() : "unix:";
  out.fd = std::move(fd);
  return out;
}

Result<std::vector<Listener>> open_listeners(std::string_view specs) {
  std::vector<Listener> out;
  std::size_t at = 0;
  while (at < specs.size()) {
    const auto end = std::min(specs.find_first_of(" \n\t", at), specs.size());
    const auto spec = specs.substr(at, end - at);
    at = end + 1;
    if (spec.empty()) continue;
    if (spec == "systemd") {
      if (auto opened = open_systemd(&out); !opened.ok()) return opened.error();
      continue;
    }
    auto listener = spec.starts_with("unix:") ? open_unix(spec) : open_tcp(spec);
    if (!listener.ok()) return listener.error();
    out.push_back(*std::move(listener));
  }
  if (out.empty()) return failed("(empty)", "nothing to listen on");
  return out;
}

}  // namespace everup::api
