// A library to preload: the wall clock of a process and its children is off by the seconds that the first eight bytes
// of a file say (EVERUP_CLOCK_OFFSET_FILE). The monotonic clocks are left alone, as a step of a machine's clock leaves
// them. libfaketime does the same, but asks malloc before malloc is there where jemalloc is.
//
// Any thread. The file is mapped at the first question and may change at any time; without it the clock is the true
// one.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

std::int64_t offset_s() {
  static std::atomic<const volatile std::int64_t*> mapped{nullptr};
  static std::atomic<bool> tried{false};
  if (!tried.exchange(true)) {
    const char* path = getenv("EVERUP_CLOCK_OFFSET_FILE");
    const int fd = path != nullptr ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
      void* at = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
      if (at != MAP_FAILED) mapped = static_cast<const volatile std::int64_t*>(at);
      close(fd);
    }
  }
  const volatile std::int64_t* at = mapped;
  return at != nullptr ? *at : 0;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* out) noexcept {
  const long status = syscall(SYS_clock_gettime, id, out);
  if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) out->tv_sec += offset_s();
  return static_cast<int>(status);
}

int gettimeofday(timeval* out, void*) noexcept {
  timespec now{};
  const int status = clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return status;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
