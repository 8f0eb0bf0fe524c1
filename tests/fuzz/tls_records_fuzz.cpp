// libFuzzer entry for the record reader, the flight and the heartbeats: any bytes, cut anywhere; the outcome must not
// depend on the cuts, and no limit may be passed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/tls_records_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0) {
    const std::string whole = everup::fuzz::heartbleed_outcome(bytes, size);
    if (whole != everup::fuzz::heartbleed_outcome(bytes, 1) || whole != everup::fuzz::heartbleed_outcome(bytes, 7))
      std::abort();
  }
  return 0;
}
