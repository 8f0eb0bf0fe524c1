#include "net/limits.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "net/handle.h"

namespace everup::net {
namespace {

constexpr rlim_t kWanted = 1'048'576;

Error system_error(const char* what, int code) {
  return {ErrorCode::kUnavailable, std::string(what) + ": " + std::strerror(code)};
}

std::int64_t count_of(rlim_t limit) { return static_cast<std::int64_t>(std::min(limit, kWanted)); }

}  // namespace

Result<std::int64_t> descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("getrlimit", errno);
  return count_of(limit.rlim_cur);
}

Result<std::int64_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("getrlimit", errno);
  const rlim_t wanted = std::min(limit.rlim_max, kWanted);
  if (limit.rlim_cur >= wanted) return count_of(limit.rlim_cur);
  limit.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("setrlimit", errno);
  return count_of(limit.rlim_cur);
}

Result<std::int64_t> open_descriptors() {
  // Since Linux 6.2 the directory's size is the count; before, and in some sandboxes, it is 0 and we have to walk.
  struct stat status {};
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) return static_cast<std::int64_t>(status.st_size);
  const Handle<DIR, ::closedir> directory(::opendir("/proc/self/fd"));
  if (!directory) return system_error("/proc/self/fd", errno);
  std::int64_t count = -1;  // the directory's own descriptor is in the list and gone afterwards
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  if (errno != 0) return system_error("/proc/self/fd", errno);
  return count;
}

Result<std::int64_t> descriptor_room() {
  const auto limit = descriptor_limit();
  if (!limit) return limit.error();
  const auto open = open_descriptors();
  if (!open) return open.error();
  return std::max<std::int64_t>(0, *limit - *open - kDescriptorsSpare);
}

Status enough_descriptors(std::int64_t limit) {
  if (limit >= kDescriptorsMin) return ok();
  return Error{ErrorCode::kExhausted, "the limit of open descriptors is " + std::to_string(limit) + ", at least " +
                                          std::to_string(kDescriptorsMin) +
                                          " are needed: raise it with ulimit -n or LimitNOFILE="};
}

}  // namespace everup::net
