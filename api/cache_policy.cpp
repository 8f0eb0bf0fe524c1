// See api/cache_policy.h. GitHub's image proxy keeps an answer without Cache-Control for a year: everything has one.
#include "api/cache_policy.h"

namespace everup::api {
namespace {

constexpr std::string_view kBadge =
    "public, max-age=300, s-maxage=300, stale-while-revalidate=600, stale-if-error=86400";
constexpr std::string_view kStatus =
    "public, max-age=60, s-maxage=60, stale-while-revalidate=600, stale-if-error=86400";
constexpr std::string_view kReport =
    "public, max-age=60, s-maxage=60, stale-while-revalidate=300, stale-if-error=86400";
// What a reader sees is at most 5 s (our own cache) and these 10 s old; a shared cache may add its 30 s once.
constexpr std::string_view kPage = "public, max-age=10, s-maxage=10, stale-while-revalidate=30, stale-if-error=86400";
constexpr std::string_view kMissing = "public, max-age=60";
constexpr std::string_view kPageMissing = "public, max-age=10";

std::string_view cache_control(CacheClass cache, int status) {
  const bool missing = status == 404 || status == 410;
  if (status >= 400 && !missing) return "no-store";
  switch (cache) {
    case CacheClass::kPrivate:
    case CacheClass::kNever:
      return "private, no-store";
    case CacheClass::kBadge:
      return missing ? kMissing : kBadge;
    case CacheClass::kStatusBadge:
      return missing ? kMissing : kStatus;
    case CacheClass::kReport:
      return missing ? kMissing : kReport;
    case CacheClass::kStatusPage:
      return missing ? kPageMissing : kPage;
    case CacheClass::kDocument:
      return "public, max-age=300";
  }
  return "no-store";
}

bool wants_etag(CacheClass cache) { return cache != CacheClass::kNever; }

}  // namespace

int shared_max_age_s(CacheClass cache) {
  switch (cache) {
    case CacheClass::kBadge:
    case CacheClass::kDocument:
      return 300;
    case CacheClass::kStatusBadge:
    case CacheClass::kReport:
      return 60;
    case CacheClass::kStatusPage:
      return 10;
    case CacheClass::kPrivate:
    case CacheClass::kNever:
      return 0;
  }
  return 0;
}

void apply_cache_policy(CacheClass cache, HttpResponse* response) {
  // A private answer may be revalidated by its own client: "no-cache" when there is a tag to ask with.
  const bool tagged = cache == CacheClass::kPrivate && response->status == 200 && !response->body.empty();
  if (response->find("Cache-Control") == nullptr) {
    response->set("Cache-Control", tagged ? "private, no-cache" : std::string(cache_control(cache, response->status)));
  }
  if (response->etag.empty() && response->status == 200 && wants_etag(cache) && response->stream == nullptr)
    response->etag = content_etag(response->body);
  response->set("X-Content-Type-Options", "nosniff");
  if (response->find("Referrer-Policy") == nullptr) response->set("Referrer-Policy", "no-referrer");
  if (cache == CacheClass::kBadge || cache == CacheClass::kStatusBadge)
    response->set("Cross-Origin-Resource-Policy", "cross-origin");
  if (response->find("Content-Security-Policy") == nullptr && response->content_type.starts_with("text/html")) {
    response->set("Content-Security-Policy",
                  "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
                  "form-action 'none'; "
                  "frame-ancestors 'none'");
  }
}

}  // namespace everup::api
