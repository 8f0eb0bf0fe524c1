// libFuzzer entry for the readers of what domains publish about their mail.
#include <cstdint>

#include "tests/fuzz/mail_records_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  everup::fuzz::mail_records_outcome({reinterpret_cast<const char*>(data), size});
  return 0;
}
