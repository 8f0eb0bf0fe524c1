// See api/app_pages.h. Brotli copies are made by the pages' build; gzip, which browsers want over plain http, is made
// on the way out (http_response.cpp): an asset is asked for once a browser and build.
#include "api/app_pages.h"

#include <algorithm>
#include <string>

#include "api/encoding.h"
#include "api/house.h"
#include "api/problem.h"

namespace everup::api {
namespace {

constexpr std::string_view kForEver = "public, max-age=31536000, immutable";

HttpResponse file_answer(const Call& call, const AppFile& file) {
  HttpResponse response;
  response.content_type = app_media_type(file.name);
  std::string etag = content_etag(file.bytes);
  const std::string* asked = call.request->find("accept-encoding");
  if (!file.brotli.empty() && asked != nullptr && accepts_brotli(*asked)) {
    response.body = file.brotli;
    response.set("Content-Encoding", "br");
    response.set("Vary", "Accept-Encoding");
    etag.insert(etag.size() - 1, "-br");  // another coding is another representation
  } else {
    response.body = file.bytes;
    response.compressible = true;
  }
  response.etag = std::move(etag);
  response.set("Content-Security-Policy", std::string(app_content_security_policy()));
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

}  // namespace

const AppFile* find_app_file(std::string_view name) {
  const auto files = app_files();
  const auto found = std::lower_bound(files.begin(), files.end(), name,
                                      [](const AppFile& file, std::string_view wanted) { return file.name < wanted; });
  return found != files.end() && found->name == name ? &*found : nullptr;
}

std::string_view app_media_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::string_view app_content_security_policy() {
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
         "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'";
}

Answer app_page(Call& call) {
  const AppFile* file = find_app_file("index.html");
  if (file == nullptr) return problem(404, "not_found", "this binary was built without its pages");
  HttpResponse response = file_answer(call, *file);
  response.set("Cache-Control", "no-cache");
  response.set("X-Robots-Tag", "noindex");
  return response;
}

Answer app_asset(Call& call) {
  const AppFile* file = find_app_file("assets/" + call.path[0]);
  if (file == nullptr) return problem(404, "not_found", "no such file; the pages may be of another version");
  HttpResponse response = file_answer(call, *file);
  response.set("Cache-Control", std::string(kForEver));
  return response;
}

Answer app_entry(Call& /*call*/) {
  HttpResponse response;
  response.status = 308;
  response.set("Location", "/app/");
  response.set("Cache-Control", "public, max-age=300");
  return response;
}

}  // namespace everup::api
