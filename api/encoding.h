// Content codings for answers: gzip, the one that every client and cache knows. Pure; any thread. The only home of
// zlib.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::api {

// RFC 9110, 12.5.3: does this Accept-Encoding want gzip (named, or by "*", with a weight above 0)?
bool accepts_gzip(std::string_view accept_encoding);
// The same for brotli, of which only ready-made copies are sent (app_pages.h).
bool accepts_brotli(std::string_view accept_encoding);
// kInternal when zlib cannot.
Result<std::string> gzip_bytes(std::string_view content);

}  // namespace everup::api
