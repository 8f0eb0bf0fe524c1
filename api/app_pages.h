// The dashboard's pages: the files of web/dist, embedded into the binary when it is built. Assets have their content's
// hash in their names and may be kept for ever; everything else under /app/ is index.html, which is asked for again
// every time and reads the address itself. No cookie, no key: what is private comes from the API. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

#include "api/routes.h"

namespace everup::api {

struct AppFile {
  std::string_view name;  // "index.html", "assets/app-HASH.js"
  std::string_view bytes;
  std::string_view brotli;  // the same, compressed when the pages were built; empty: only plain
};

// Sorted by name; lives as long as the process.
std::span<const AppFile> app_files();
const AppFile* find_app_file(std::string_view name);
std::string_view app_media_type(std::string_view name);
// What the pages may load and run: their own files, nothing inline, no string as script or markup.
std::string_view app_content_security_policy();

Answer app_page(Call& call);   // any address of the dashboard: index.html
Answer app_asset(Call& call);  // a hashed file, or 404
Answer app_entry(Call& call);  // /app: leads to /app/

}  // namespace everup::api
