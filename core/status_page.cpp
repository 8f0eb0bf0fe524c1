#include "core/status_page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/complaints.h"
#include "core/host.h"
#include "core/ledger.h"
#include "core/utf8.h"

namespace everup {
namespace {

constexpr std::size_t kSlugMax = 64, kNameMax = 100, kDescriptionMax = 1000, kLinkMax = 500;

bool is_slug_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_base64(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
}

bool good_name(std::string_view name, std::size_t least) {
  const auto characters = utf8_characters(name);
  return characters && *characters >= least && *characters <= kNameMax && plain_text(name);
}

// Paragraphs are allowed here.
bool good_prose(std::string_view text) {
  std::string flat(text);
  std::replace(flat.begin(), flat.end(), '\n', ' ');
  const auto characters = utf8_characters(flat);
  return characters && *characters <= kDescriptionMax && plain_text(flat);
}

bool good_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  return scheme > 0 && url.size() > scheme && url.size() <= kLinkMax &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

// A picture in the page itself: no request to elsewhere, nothing to keep in step with it.
bool good_logo(std::string_view logo) {
  for (const std::string_view kind : {"png", "jpeg", "webp", "gif", "svg+xml"}) {
    const std::string head = "data:image/" + std::string(kind) + ";base64,";
    if (!logo.starts_with(head) || logo.size() == head.size()) continue;
    return std::all_of(logo.begin() + static_cast<std::ptrdiff_t>(head.size()), logo.end(), is_base64);
  }
  return false;
}

void check_domain(const StatusPageDraft& draft, std::string_view own_host, Complaints& complaints) {
  if (draft.domain.empty()) return;
  const auto host = canonical_host(draft.domain);
  const bool dotted = draft.domain.find('.') != std::string::npos;
  const bool number =
      std::all_of(draft.domain.begin(), draft.domain.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  complaints.need(host.ok() && *host == draft.domain && dotted && !number, "#/domain", "invalid_domain",
                  "must be a name in small letters, such as status.example.com");
  complaints.need(own_host.empty() || draft.domain != own_host, "#/domain", "not_allowed",
                  "must be another name than this service's own");
}

void check_look(const StatusPageDraft& draft, Complaints& complaints) {
  complaints.need(std::find(std::begin(kLanguages), std::end(kLanguages), draft.language) != std::end(kLanguages),
                  "#/language", "invalid_value", "one of these is expected: en, de, fr, cs");
  complaints.need(draft.theme == "auto" || draft.theme == "light" || draft.theme == "dark", "#/theme", "invalid_value",
                  "one of these is expected: auto, light, dark");
  const bool colour = draft.accent.size() == 7 && draft.accent[0] == '#' &&
                      std::all_of(draft.accent.begin() + 1, draft.accent.end(), is_hex);
  complaints.need(draft.accent.empty() || colour, "#/accent", "invalid_color", "must be a colour such as #1a7f37");
  complaints.need(draft.logo.size() <= StatusPageDraft::kLogoBytesMax, "#/logo", "too_long",
                  "at most 32768 bytes are allowed");
  complaints.need(draft.logo.empty() || good_logo(draft.logo), "#/logo", "invalid_logo",
                  "must be data:image/png;base64,… (or jpeg, webp, gif, svg+xml)");
  complaints.need(rolling_window_ms(draft.window).has_value(), "#/window", "invalid_value",
                  "one of these is expected: 24h, 7d, 30d, 90d, 365d");
}

void check_groups(const StatusPageDraft& draft, Complaints& complaints) {
  complaints.need(draft.groups.size() <= StatusPageDraft::kGroupsMax, "#/groups", "too_many",
                  "at most 50 groups are allowed");
  std::size_t count = 0;
  for (std::size_t g = 0; g < draft.groups.size(); ++g) {
    const std::string at = "#/groups/" + std::to_string(g);
    complaints.need(good_name(draft.groups[g].name, 0), at + "/name", "invalid_name",
                    "must be at most 100 characters of text without control characters");
    for (std::size_t m = 0; m < draft.groups[g].monitors.size(); ++m) {
      complaints.need(good_name(draft.groups[g].monitors[m].name, 0), at + "/monitors/" + std::to_string(m) + "/name",
                      "invalid_name", "must be at most 100 characters of text without control characters");
    }
    count += draft.groups[g].monitors.size();
  }
  complaints.need(count <= StatusPageDraft::kMonitorsMax, "#/groups", "too_many",
                  "at most 200 monitors are allowed on a page");
}

double linear(int channel) {
  const double c = channel / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

int hex_pair(std::string_view text) {
  int value = 0;
  for (const char c : text) value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  return value;
}

}  // namespace

FieldErrors validate(const StatusPageDraft& draft, const Zones& zones, std::string_view own_host) {
  Complaints complaints;
  const bool slug = !draft.slug.empty() && draft.slug.size() <= kSlugMax &&
                    std::all_of(draft.slug.begin(), draft.slug.end(), is_slug_character);
  complaints.need(slug, "#/slug", "invalid_slug", "must be 1 to 64 of a-z, 0-9 and '-'");
  complaints.need(good_name(draft.name, 1), "#/name", "invalid_name",
                  "must be 1 to 100 characters of text without control characters");
  complaints.need(good_prose(draft.description), "#/description", "invalid_text",
                  "must be at most 1000 characters of text without control characters");
  complaints.need(draft.url.empty() || good_url(draft.url), "#/url", "invalid_url",
                  "must be an http or https address of at most 500 characters");
  complaints.need(zones.find(draft.timezone) != nullptr, "#/timezone", "unknown_timezone",
                  "must be an IANA name such as Europe/Prague");
  check_domain(draft, own_host, complaints);
  check_look(draft, complaints);
  check_groups(draft, complaints);
  return complaints.take();
}

std::string_view ink_on(std::string_view accent) {
  if (accent.size() != 7) return "#000000";
  const double light = 0.2126 * linear(hex_pair(accent.substr(1, 2))) + 0.7152 * linear(hex_pair(accent.substr(3, 2))) +
                       0.0722 * linear(hex_pair(accent.substr(5, 2)));
  return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? "#000000" : "#ffffff";
}

}  // namespace everup
