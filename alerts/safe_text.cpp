#include "alerts/safe_text.h"

#include <algorithm>

#include "core/utf8.h"

namespace everup::alerts {
namespace {

constexpr std::string_view kCut = "…", kBroken = "\xEF\xBF\xBD";

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool printable(char c) { return c > 0x20 && c < 0x7F; }

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.back() == '.') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return letter_or_digit(c) || c == '-' || c == '.'; });
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  std::string out;
  std::size_t fits = 0;  // the longest prefix of `out` that leaves room for the mark
  while (!text.empty()) {
    char32_t code = 0;
    const std::size_t length = utf8_front(text, code);
    std::string_view piece = length == 0 ? kBroken : text.substr(0, length);
    if (length != 0 && (code == ' ' || alters_display(code))) piece = " ";
    text.remove_prefix(std::max<std::size_t>(length, 1));
    if (piece == " " && (out.empty() || out.back() == ' ')) continue;
    if (out.size() + piece.size() > most) return out.substr(0, fits).append(kCut);
    out += piece;
    if (out.size() + kCut.size() <= most) fits = out.size();
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string header_line(std::string_view text, std::size_t most) {
  std::string line = one_line(text, most);
  for (auto at = line.find("=?"); at != std::string::npos; at = line.find("=?", at + 1)) line.insert(at + 1, " ");
  return line;
}

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  static constexpr std::string_view kAtoms = "!#$%&'*+-/=?^_`{|}~.";
  const bool fine = std::all_of(local.begin(), local.end(),
                                [](char c) { return letter_or_digit(c) || kAtoms.find(c) != std::string_view::npos; });
  return fine && local.front() != '.' && local.back() != '.' && local.find("..") == std::string_view::npos &&
         is_host(text.substr(at + 1));
}

std::string_view address_part(std::string_view text) {
  const auto open = text.rfind('<');
  if (open != std::string_view::npos) {
    if (!text.ends_with('>')) return {};
    text = text.substr(open + 1, text.size() - open - 2);
  }
  return is_mail_address(text) ? text : std::string_view();
}

std::string name_part(std::string_view text) {
  const auto open = text.rfind('<');
  if (open == std::string_view::npos) return {};
  std::string name(text.substr(0, open));
  std::erase(name, '"');
  return header_line(name, 100);
}

bool is_message_id(std::string_view text) {
  static constexpr std::string_view kOthers = ".-_+=";
  if (text.size() > 250 || std::count(text.begin(), text.end(), '@') != 1) return false;
  if (text.front() == '@' || text.back() == '@') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return letter_or_digit(c) || c == '@' || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_link(std::string_view text) {
  if (!text.starts_with("https://") && !text.starts_with("http://")) return false;
  static constexpr std::string_view kForbidden = "\"<>\\^`{|}";
  return text.size() <= 2000 && std::all_of(text.begin(), text.end(), [](char c) {
           return printable(c) && kForbidden.find(c) == std::string_view::npos;
         });
}

bool is_header_name(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return letter_or_digit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return text.size() <= 2000 && std::all_of(text.begin(), text.end(), [](char c) { return printable(c) || c == ' '; });
}

std::string shown_host(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  return one_line(url, 260);
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace everup::alerts
