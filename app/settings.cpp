#include "app/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "alerts/mailer.h"
#include "alerts/relay_url.h"
#include "app/config.h"
#include "app/sentinels.h"
#include "net/address_policy.h"
#include "net/resolver.h"

namespace everup::app {
namespace {

using Complaint = std::optional<std::string>;

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::int64_t kMin, std::int64_t kMax>
Complaint number_between(const std::string& text) {
  const auto value = whole_number(text);
  if (value && *value >= kMin && *value <= kMax) return std::nullopt;
  return fmt::format("must be a whole number from {} to {}", kMin, kMax);
}

Complaint yes_or_no(const std::string& text) {
  return text == "yes" || text == "no" ? Complaint{} : "must be yes or no";
}

Complaint log_format(const std::string& text) {
  return text == "text" || text == "json" ? Complaint{} : "must be text or json";
}

Complaint log_level(const std::string& text) {
  for (const auto* level : {"debug", "info", "warning", "error"}) {
    if (text == level) return std::nullopt;
  }
  return "must be debug, info, warning or error";
}

Complaint base_url(const std::string& text) {
  if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) return std::nullopt;
  return "must start with http:// or https://";
}

Complaint database_url(const std::string& text) {
  if (text.empty() || text.starts_with("postgresql://") || text.starts_with("postgres://") ||
      text.find('=') != std::string::npos) {
    return std::nullopt;
  }
  return "must be a PostgreSQL URL (postgresql://user@host/database) or connection string; empty: a private cluster";
}

Complaint listen(const std::string& text) {
  if (text.starts_with("unix:/") || text == "systemd") return std::nullopt;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return "must be host:port, unix:/path or systemd";
  return number_between<0, 65535>(text.substr(colon + 1)) ? Complaint{"port must be 0 to 65535"} : std::nullopt;
}

Complaint metrics_listen(const std::string& text) { return text.empty() ? Complaint{} : listen(text); }

Complaint rate_limit(const std::string& text) {
  if (text == "0") return std::nullopt;
  const auto slash = text.find('/');
  if (slash != std::string::npos && !number_between<1, 1'000'000>(text.substr(0, slash)) &&
      !number_between<1, 86'400>(text.substr(slash + 1))) {
    return std::nullopt;
  }
  return "must be requests/seconds, like 600/60, or 0 for none";
}

Complaint ehlo_name(const std::string& text) {
  const bool odd = text.size() > 255 || text.find_first_of(" \t\r\n<>") != std::string::npos;
  return odd ? Complaint{"must be a host name, or an address in brackets"} : std::nullopt;
}

// The setting's name stands before every complaint.
Complaint smtp_relays(const std::string& text) {
  const auto relays = alerts::parse_relays(text, "wrong");
  return relays.ok() ? Complaint{} : relays.error().what.substr(std::string("wrong, ").size());
}

Complaint mail_from(const std::string& text) {
  const bool fine = text.empty() || alerts::mail_from_fault(text).empty();
  return fine ? Complaint{}
              : "must be a mail address (alerts@example.com) or a name with one (Everup <alerts@example.com>)";
}

Complaint allow_targets(const std::string& text) {
  const auto policy = net::AllowList::parse(text);
  return policy.ok() ? Complaint{} : policy.error().what;
}

Complaint sentinels(const std::string& text) {
  const auto addresses = parse_sentinels(text);
  return addresses.ok() ? Complaint{} : addresses.error().what;
}

Complaint public_tools(const std::string& text) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word != "smtp" && word != "tls") return "must be smtp, tls, both or nothing";
  }
  return std::nullopt;
}

Complaint tool_ports(const std::string& text) {
  std::istringstream words(text);
  int count = 0;
  for (std::string word; words >> word; ++count) {
    if (number_between<1, 65535>(word) || count >= 100) return "must be at most 100 ports, separated by spaces";
  }
  return std::nullopt;
}

Complaint dnsbl_zones(const std::string& text) {
  std::istringstream words(text);
  int count = 0;
  for (std::string word; words >> word; ++count) {
    if (!net::ascii_name(word).ok() || count >= 10)
      return "must be at most 10 zones like zen.spamhaus.org, separated by spaces";
  }
  return std::nullopt;
}

Complaint public_targets(const std::string& text) {
  const auto policy = net::AllowList::parse(text, "EVERUP_PUBLIC_TOOLS_ALLOW_TARGETS");
  return policy.ok() ? Complaint{} : policy.error().what;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Result<std::string> file_text(const std::string& setting, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ErrorCode::kInvalid, fmt::format("{}: cannot read {}", setting, path)};
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (text.size() > 65'536)
    return Error{ErrorCode::kInvalid, fmt::format("{}: {} is larger than 64 KiB", setting, path)};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

const std::vector<Setting>& settings_table() {
  static const std::vector<Setting> table{
      {"DATABASE_URL", "", true, "PostgreSQL to use; empty: a private cluster in the data directory", database_url},
      {"DATA_DIR", "", false,
       "where Everup keeps its data; default /var/lib/everup as root, else the user's data directory"},
      {"LISTEN", "127.0.0.1:8080", false, "host:port, unix:/path?mode=0660&group=…, or systemd", listen},
      {"BASE_URL", "", false, "how people reach this Everup; default: the listener's address", base_url},
      {"SECRET_KEY", "", true, "32 bytes in base64 that seal stored secrets; default: DATA_DIR/secret.key, made once"},
      {"TRUSTED_PROXIES", "127.0.0.0/8 ::1/128 unix", false, "peers whose X-Forwarded-For and -Proto are believed"},
      {"ALLOW_TARGETS", "", false,
       "CIDRs outside the public Internet that may be probed, or the words private, loopback", allow_targets},
      {"WORKERS", "0", false, "checker threads; 0: one per core", number_between<0, 256>},
      {"REGION", "local", false, "name of the place this checker looks from"},
      {"DNS_SERVERS", "", false, "name servers as ip or ip:port, separated by spaces; default: the system's"},
      {"CORS_ORIGINS", "", false, "exact origins of dashboards on other sites, separated by spaces"},
      {"EHLO_NAME", "", false, "what mail checks call themselves; default: this host's full name, else its address",
       ehlo_name},
      {"SMTP_RELAYS", "", true,
       "relays that alerts leave by, in order: smtp://user@host:587?password_file=/path, separated by spaces",
       smtp_relays},
      {"MAIL_FROM", "", false, "sender of alerts; default: the first relay's user, or everup@ and this host's name",
       mail_from},
      {"SENTINELS", "", false,
       "addresses like 192.0.2.1:443 that tell whether our own line is alive when many looks fail; empty: none",
       sentinels},
      {"CA_FILE", "", false, "additional trusted roots (PEM), beside the system's"},
      {"PUBLIC_TOOLS", "smtp tls", false, "tools that anybody may use without signing in; empty: none", public_tools},
      {"PUBLIC_TOOLS_ALLOW_TARGETS", "", false, "as ALLOW_TARGETS, for tests of strangers at the tools",
       public_targets},
      {"TOOL_PORTS", "25 465 587 2525", false, "ports that strangers may test at the mail tool", tool_ports},
      {"DNSBL_ZONES", "", false, "block lists that are asked about sending addresses, separated by spaces; empty: none",
       dnsbl_zones},
      {"TARGET_LIMIT", "512", false, "looks in flight to one address", number_between<1, 100'000>},
      {"USER_AGENT", "", false, "default: Everup/VERSION (+BASE_URL/about)"},
      {"USER", "everup", false, "the user to become when started as root; root: stay root"},
      {"OWNER_EMAIL", "", false, "first start without a terminal: makes this account's owner"},
      {"OWNER_PASSWORD", "", true, "first start without a terminal: the owner's password (OWNER_PASSWORD_FILE)"},
      {"RETAIN_RESULTS_DAYS", "90", false, "days that raw results are kept", number_between<1, 400>},
      {"RETAIN_EVIDENCE_DAYS", "365", false, "days that evidence of failures is kept", number_between<1, 3650>},
      {"BACKUP_BEFORE_MIGRATION", "yes", false, "save a private cluster before its schema is changed", yes_or_no},
      {"RATE_LIMIT", "600/60", false, "API requests per seconds and key; 0: none", rate_limit},
      {"SPOOL_BYTES_MAX", "1073741824", false, "bytes that wait on disk while PostgreSQL is away",
       number_between<1'048'576, 1'099'511'627'776>},
      {"METRICS_LISTEN", "", false, "a listener of its own for /metrics; empty: on the main one, for loopback peers",
       metrics_listen},
      {"METRICS_TOKEN", "", true, "bearer token that may read /metrics from elsewhere"},
      {"DEADMAN_URL", "", false, "called every minute while probing, storing and delivering all work; empty: none",
       base_url},
      {"LOG_FORMAT", "text", false, "text or json", log_format},
      {"LOG_LEVEL", "info", false, "debug, info, warning or error", log_level},
  };
  return table;
}

std::string file_key_of(const Setting& setting) { return lower(setting.name); }

std::string flag_of(const Setting& setting) {
  auto flag = "--" + lower(setting.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

Result<Settings> Settings::read(const SettingSources& sources) {
  Settings settings;
  auto path = sources.config_file;
  if (const char* env = sources.environment("EVERUP_CONFIG"); path.empty() && env != nullptr) path = env;
  const bool asked = !path.empty();
  if (!asked) path = "/etc/everup/everup.yaml";
  std::map<std::string, std::string> file;
  if (asked || std::ifstream(path).good()) {
    auto read = read_config(path);
    if (!read) return read.error();
    file = *std::move(read);
    settings.config_file_ = path;
  }

  for (const auto& setting : settings_table()) {
    const auto env_name = "EVERUP_" + std::string(setting.name);
    const auto key = file_key_of(setting);
    Value value{std::string(setting.fallback), "default"};
    if (const auto it = file.find(key); it != file.end()) value = {it->second, "file"};
    if (const auto it = file.find(key + "_file"); setting.secret && it != file.end()) {
      auto text = file_text(key + "_file", it->second);
      if (!text) return text.error();
      value = {*text, "file " + it->second};
    }
    if (const char* text = sources.environment(env_name)) value = {text, env_name};
    if (const char* from = setting.secret ? sources.environment(env_name + "_FILE") : nullptr) {
      auto text = file_text(env_name + "_FILE", from);
      if (!text) return text.error();
      value = {*text, env_name + "_FILE"};
    }
    if (const auto it = sources.flags.find(setting.name); it != sources.flags.end())
      value = {it->second, flag_of(setting)};
    if (setting.check != nullptr) {
      if (const auto complaint = setting.check(value.text)) {
        const auto shown = setting.secret ? std::string() : fmt::format(" is \"{}\":", value.text);
        return Error{ErrorCode::kInvalid,
                     fmt::format("{}{} {} (set by {})", env_name, shown, *complaint, value.origin)};
      }
    }
    settings.values_.emplace(setting.name, std::move(value));
    file.erase(key);
    if (setting.secret) file.erase(key + "_file");
  }
  if (!file.empty())
    return Error{ErrorCode::kInvalid, fmt::format("{}: unknown setting \"{}\"", path, file.begin()->first)};
  return settings;
}

const std::string& Settings::text(std::string_view name) const {
  const auto it = values_.find(name);
  EVERUP_ASSERT(it != values_.end());
  return it->second.text;
}

std::int64_t Settings::number(std::string_view name) const {
  const auto value = whole_number(text(name));
  EVERUP_ASSERT(value.has_value());
  return *value;
}

bool Settings::given(std::string_view name) const {
  const auto it = values_.find(name);
  EVERUP_ASSERT(it != values_.end());
  return it->second.origin != "default";
}

std::string Settings::table() const {
  std::string out;
  for (const auto& setting : settings_table()) {
    const auto& value = values_.find(setting.name)->second;
    const auto shown = setting.secret && !value.text.empty() ? std::string("********") : value.text;
    out += fmt::format("{:<28} {:<36} {}\n", "EVERUP_" + std::string(setting.name), shown.empty() ? "(empty)" : shown,
                       value.origin);
  }
  return out;
}

std::string Settings::json() const {
  std::vector<ConfigRow> rows;
  for (const auto& setting : settings_table()) {
    const auto& value = values_.find(setting.name)->second;
    rows.push_back({"EVERUP_" + std::string(setting.name),
                    setting.secret && !value.text.empty() ? "********" : value.text, value.origin});
  }
  return config_json(rows);
}

}  // namespace everup::app
