// See api/encoding.h. Level 5: pages and JSON of some tens of KiB in well under a millisecond.
#include "api/encoding.h"

#include <zlib.h>

#include <optional>

#include "api/http_message.h"

namespace everup::api {
namespace {

// "0", "0.", "0.000" mean never.
bool is_zero_weight(std::string_view weight) {
  return weight.starts_with('0') && weight.find_first_of("123456789") == std::string_view::npos;
}

bool accepts(std::string_view accept_encoding, std::string_view name, std::string_view alias) {
  std::optional<bool> named;
  std::optional<bool> star;
  for_each_element(accept_encoding, [&](std::string_view element) {
    const auto semicolon = element.find(';');
    const auto coding = trim(element.substr(0, semicolon));
    bool wanted = true;
    if (semicolon != std::string_view::npos) {
      const auto parameter = trim(element.substr(semicolon + 1));
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) wanted = !is_zero_weight(parameter.substr(2));
    }
    if (iequals(coding, name) || iequals(coding, alias)) named = wanted;
    if (coding == "*") star = wanted;
  });
  return named.value_or(star.value_or(false));
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) { return accepts(accept_encoding, "gzip", "x-gzip"); }
bool accepts_brotli(std::string_view accept_encoding) { return accepts(accept_encoding, "br", "br"); }

Result<std::string> gzip_bytes(std::string_view content) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, 5, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error{ErrorCode::kInternal, "gzip: no memory"};
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  // zlib's next_in is not const in this build, but never written to.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));  // NOLINT
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());  // NOLINT
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return Error{ErrorCode::kInternal, "gzip: deflate did not end"};
  return out;
}

}  // namespace everup::api
