// libFuzzer entry for the reader of mail replies: any bytes, cut anywhere; the outcome must not depend on the cuts, and
// no limit may be passed.
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/smtp_reply_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (everup::fuzz::smtp_reply_outcome(bytes, size + 1) != everup::fuzz::smtp_reply_outcome(bytes, 1)) std::abort();
  return 0;
}
