// libFuzzer entry for the request reader: any bytes, cut anywhere; the outcome must not depend on the cuts, and no
// limit may be passed.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/http_message.h"

namespace {

std::string outcome(std::string_view bytes, std::size_t step) {
  everup::api::RequestReader reader;
  std::string out;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      const std::size_t used = reader.feed(piece);
      if (used > piece.size()) std::abort();
      piece.remove_prefix(used);
      if (reader.head_done()) reader.allow_body(4096);
      if (reader.refused()) return out + "refused " + std::to_string(reader.refusal().status);
      if (reader.body_bytes() > 4096) std::abort();
      if (!reader.complete()) continue;
      const auto request = reader.take();
      if (request.fields.size() > everup::api::kFieldsMax || request.body.size() != request.content_length)
        std::abort();
      out += request.method + " " + request.path + "?" + request.query + " " + request.body + "\n";
      std::string path;
      if (everup::api::normalise_path(request.path, &path) && path.size() > request.path.size()) std::abort();
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (outcome(bytes, size + 1) != outcome(bytes, 1)) std::abort();
  return 0;
}
