// libFuzzer entry for the reader of cold storage's chunks. An input is a chunk without its checksum.
#include <cstdint>

#include "tests/fuzz/chunk_outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  everup::fuzz::chunk_outcome({reinterpret_cast<const char*>(data), size});
  return 0;
}
