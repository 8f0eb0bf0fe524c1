// What a badge of a token says, before it is drawn: shared by our own badge addresses and by those of other tools.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "api/routes.h"
#include "badges/badge.h"

namespace everup::api {

// How a badge goes out: as SVG or for shields' endpoint, and how long it may be kept.
struct BadgeForm {
  bool json = false;
  int cache_s = 300;
};
HttpResponse badge_answer(const badges::BadgeText& text, const BadgeForm& form, int status = 200);

// The words, or the answer when there are none: 404 with a badge that says so, or our own failure.
using BadgeWords = std::variant<badges::BadgeText, HttpResponse>;
BadgeWords uptime_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form,
                        std::int64_t length_ms, const std::string& window);
BadgeWords status_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form);
BadgeWords response_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form,
                          std::int64_t length_ms, const std::string& window);
BadgeWords cert_words(const Call& call, const badges::BadgeOptions& options, const BadgeForm& form);

}  // namespace everup::api
