// The end of a process that found itself impossible: one line on stderr, then SIGABRT for the supervisor and the core
// file. No allocation and no lock beyond stdio's: the heap may be what is broken.
#include "core/result.h"

#include <cstdio>
#include <cstdlib>

namespace everup {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "everup: assertion failed: %s (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace everup
