// The grammar of SPF records (RFC 7208, 4.6, 5, 6 and 12) and macros (7).
#include <algorithm>
#include <array>
#include <charconv>

#include "checker/spf.h"
#include "checker/words.h"
#include "core/outcome.h"
#include "net/dns_message.h"

namespace everup::checker {
namespace {

constexpr std::size_t kTermsMax = 512, kExpandedMax = 1024;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
Error wrong(std::string what) { return {ErrorCode::kInvalid, std::move(what)}; }

std::optional<int> number(std::string_view text, int max) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && !text.empty() && digit(text.front()) && value <= max ? std::optional(value) : std::nullopt;
}

// Cuts "/24", "//64" or "/24//64" from the end; false: a length that is none.
bool take_lengths(std::string_view& rest, SpfTerm& term) {
  const std::size_t brace = rest.rfind('}');  // a slash inside a macro is a delimiter
  const std::size_t from = brace == std::string_view::npos ? 0 : brace;
  const std::size_t slash = rest.find('/', from);
  if (slash == std::string_view::npos) return true;
  std::string_view lengths = rest.substr(slash);
  rest = rest.substr(0, slash);
  const std::size_t twice = lengths.find("//");
  if (twice != std::string_view::npos) {
    const auto six = number(lengths.substr(twice + 2), 128);
    if (!six) return false;
    term.prefix6 = *six;
    lengths = lengths.substr(0, twice);
  }
  if (lengths.empty()) return true;
  const auto four = number(lengths.substr(1), 32);
  if (!four) return false;
  term.prefix4 = *four;
  return true;
}

// The end of a domain-spec is a macro or a top label (RFC 7208, 7.1).
bool domain_spec(std::string_view text) {
  const SpfQuestion nobody{*net::Address::parse("192.0.2.1"), "a@example.org", "example.org"};
  if (text.empty() || !expand_spf(text, {nobody, "example.org"})) return false;
  if (text.ends_with('}')) return true;
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view top = text.substr(dot + 1);
  const bool plain = std::all_of(top.begin(), top.end(), [](char c) { return letter(c) || digit(c) || c == '-'; });
  const bool digits = std::all_of(top.begin(), top.end(), digit);
  return !top.empty() && plain && !digits && top.front() != '-' && top.back() != '-';
}

Status read_network(std::string_view value, bool six, SpfTerm& term) {
  const std::size_t slash = value.find('/');
  const auto address = net::Address::parse(value.substr(0, slash));
  const bool fits = address && address->v4() == !six;
  if (!fits) return wrong(in_quotes(value) + " is no " + (six ? "IPv6" : "IPv4") + " network");
  term.network = *address;
  if (slash == std::string_view::npos) return ok();
  const auto length = number(value.substr(slash + 1), six ? 128 : 32);
  if (!length) return wrong(in_quotes(value) + " has no prefix length of 0 to " + (six ? "128" : "32"));
  (six ? term.prefix6 : term.prefix4) = *length;
  return ok();
}

struct Name {
  std::string_view word;
  SpfTerm::Mechanism mechanism;
};
using M = SpfTerm::Mechanism;
constexpr std::array<Name, 8> kNames{{{"all", M::kAll},
                                      {"include", M::kInclude},
                                      {"a", M::kA},
                                      {"mx", M::kMx},
                                      {"ptr", M::kPtr},
                                      {"ip4", M::kIp4},
                                      {"ip6", M::kIp6},
                                      {"exists", M::kExists}}};

Status read_argument(std::string_view rest, SpfTerm& term) {
  const bool given = rest.starts_with(':');
  switch (term.mechanism) {
    case M::kAll:
      return rest.empty() ? ok() : Status(wrong("\"all\" takes nothing behind it: " + in_quotes(term.text)));
    case M::kIp4:
    case M::kIp6:
      if (!given) return wrong(in_quotes(term.text) + " names no network");
      return read_network(rest.substr(1), term.mechanism == M::kIp6, term);
    case M::kA:
    case M::kMx:
      if (!take_lengths(rest, term)) return wrong(in_quotes(term.text) + " has an impossible prefix length");
      break;
    case M::kInclude:
    case M::kExists:
      if (!given) return wrong(in_quotes(term.text) + " names no domain");
      break;
    case M::kPtr:
      break;
  }
  if (rest.empty()) return ok();
  if (!given || !domain_spec(rest.substr(1))) return wrong(in_quotes(term.text) + " names no domain");
  term.domain = rest.substr(1);
  return ok();
}

// "redirect=…", "exp=…" or one that nobody knows, which is passed over (RFC 7208, 6).
Status read_modifier(std::string_view term, std::size_t equals, SpfRecord& record, bool& explained) {
  const std::string name = name_key(term.substr(0, equals));
  const std::string_view value = term.substr(equals + 1);
  if (name == "redirect" || name == "exp") {
    const bool twice = name == "redirect" ? !record.redirect.empty() : explained;
    if (twice) return wrong(name + "= is there twice");
    if (!domain_spec(value)) return wrong(in_quotes(term) + " names no domain");
    if (name == "redirect") record.redirect = value;
    explained = explained || name == "exp";
    return ok();
  }
  const SpfQuestion nobody{*net::Address::parse("192.0.2.1"), "a@example.org", "example.org"};
  const auto expanded = expand_spf(value, {nobody, "example.org"});
  return expanded ? ok() : Status(expanded.error());
}

Status read_term(std::string_view text, SpfRecord& record, bool& explained) {
  const auto named = std::find_if_not(text.begin(), text.end(),
                                      [](char c) { return letter(c) || digit(c) || c == '-' || c == '_' || c == '.'; });
  const bool modifier = named != text.end() && *named == '=' && letter(text.front());
  if (modifier) return read_modifier(text, static_cast<std::size_t>(named - text.begin()), record, explained);
  SpfTerm term;
  term.text = printable(text, 300);
  if (std::string_view("+-~?").find(text.front()) != std::string_view::npos) {
    term.qualifier = text.front();
    text.remove_prefix(1);
  }
  const std::size_t end = std::min(text.find_first_of(":/"), text.size());
  const std::string word = name_key(text.substr(0, end));
  const auto* known = std::find_if(kNames.begin(), kNames.end(), [&](const Name& one) { return one.word == word; });
  if (known == kNames.end()) return wrong("nobody knows the term " + in_quotes(term.text));
  term.mechanism = known->mechanism;
  if (const Status read = read_argument(text.substr(end), term); !read) return read;
  record.terms.push_back(std::move(term));
  return ok();
}

// An IPv6 address is its 32 nibbles with dots between (RFC 7208, 7.3), which reverse_name() has the other way round.
std::string address_text(const net::Address& address) {
  if (address.v4()) return address.host();
  std::string nibbles = net::reverse_name(address).substr(0, 63);
  std::reverse(nibbles.begin(), nibbles.end());
  return nibbles;
}

// "%{…}" without its brackets: a letter, how many parts, reversed, delimiters (RFC 7208, 7.1).
Result<std::string> expand_one(std::string_view inside, const SpfMacros& macros) {
  const auto fault = [&] { return wrong("%{" + printable(inside, 20) + "} is no macro"); };
  if (inside.empty()) return fault();
  const SpfQuestion& question = macros.question;
  const std::size_t at = std::min(question.sender.rfind('@'), question.sender.size());
  std::string value;
  switch (inside.front() | 0x20) {
    case 's':
      value = question.sender;
      break;
    case 'l':
      value = question.sender.substr(0, at);
      break;
    case 'o':
      value = at < question.sender.size() ? question.sender.substr(at + 1) : "";
      break;
    case 'd':
      value = macros.domain;
      break;
    case 'i':
      value = address_text(question.address);
      break;
    case 'p':
      value = "unknown";
      break;
    case 'v':
      value = question.address.v4() ? "in-addr" : "ip6";
      break;
    case 'h':
      value = question.helo;
      break;
    case 'c':  // the last three are for explanations only; receivers that meet them elsewhere differ
    case 'r':
    case 't':
      value = "unknown";
      break;
    default:
      return fault();
  }
  inside.remove_prefix(1);
  const std::size_t digits =
      static_cast<std::size_t>(std::find_if_not(inside.begin(), inside.end(), digit) - inside.begin());
  const auto kept = digits == 0 ? std::optional(128) : number(inside.substr(0, digits), 128);
  if (!kept || *kept == 0) return fault();
  inside.remove_prefix(digits);
  const bool reversed = !inside.empty() && (inside.front() | 0x20) == 'r';
  if (reversed) inside.remove_prefix(1);
  if (inside.find_first_not_of(".-+,/_=") != std::string_view::npos) return fault();
  const std::string_view delimiters = inside.empty() ? "." : inside;
  std::vector<std::string> parts(1);
  for (const char c : value) {
    if (delimiters.find(c) != std::string_view::npos)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (reversed) std::reverse(parts.begin(), parts.end());
  const std::size_t count = std::min(parts.size(), static_cast<std::size_t>(*kept));
  std::string out;
  for (std::size_t i = parts.size() - count; i < parts.size(); ++i) out += (out.empty() ? "" : ".") + parts[i];
  return out;
}

}  // namespace

bool is_spf(std::string_view txt) {
  const bool begins = name_key(txt.substr(0, 6)) == "v=spf1";
  return begins && (txt.size() == 6 || txt[6] == ' ');
}

Result<SpfRecord> parse_spf(std::string_view txt) {
  if (!is_spf(txt)) return wrong("it does not begin with \"v=spf1 \"");
  SpfRecord record;
  bool explained = false;
  std::size_t terms = 0;
  for (std::string_view rest = txt.substr(6); !rest.empty();) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view term = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    if (term.empty()) continue;
    if (++terms > kTermsMax) return wrong("more than 512 terms");
    if (const Status read = read_term(term, record, explained); !read) return read.error();
  }
  return record;
}

Result<std::string> expand_spf(std::string_view text, const SpfMacros& macros) {
  std::string out;
  while (!text.empty()) {
    if (out.size() > kExpandedMax) return wrong("a name of more than 1024 bytes");
    const char c = text.front();
    if (c != '%') {
      if (c < 0x21 || c > 0x7e) return wrong("a control or 8-bit character in " + in_quotes(text));
      out += c;
      text.remove_prefix(1);
      continue;
    }
    const char next = text.size() > 1 ? text[1] : ' ';
    if (next == '{') {
      const std::size_t close = text.find('}');
      if (close == std::string_view::npos) return wrong("%{ without }");
      auto one = expand_one(text.substr(2, close - 2), macros);
      if (!one) return one.error();
      out += *one;
      text.remove_prefix(close + 1);
      continue;
    }
    if (next != '%' && next != '_' && next != '-') return wrong("% stands before {, %, _ or - only");
    out += next == '%' ? "%" : next == '_' ? " " : "%20";
    text.remove_prefix(2);
  }
  return out;
}

}  // namespace everup::checker
