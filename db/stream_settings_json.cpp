// TLS, TCP, DNS, ping and heartbeat: options and expectations as JSON. None of them holds a secret.
#include "db/kind_json.h"

namespace everup::db {
namespace {

const std::vector<std::pair<const char*, TlsPrelude>> kPreludes{
    {"none", TlsPrelude::kNone},          {"smtp", TlsPrelude::kSmtp}, {"lmtp", TlsPrelude::kLmtp},
    {"imap", TlsPrelude::kImap},          {"pop3", TlsPrelude::kPop3}, {"ftp", TlsPrelude::kFtp},
    {"xmpp", TlsPrelude::kXmpp},          {"ldap", TlsPrelude::kLdap}, {"postgres", TlsPrelude::kPostgres},
    {"postgresql", TlsPrelude::kPostgres}};
const std::vector<std::pair<const char*, HeartbleedAsk>> kHeartbleed{
    {"daily", HeartbleedAsk::kDaily}, {"every", HeartbleedAsk::kEvery}, {"off", HeartbleedAsk::kOff}};
const std::vector<std::pair<const char*, TlsVersion>> kVersions{{"ssl3", TlsVersion::kSsl3},
                                                                {"1.0", TlsVersion::k1_0},
                                                                {"1.1", TlsVersion::k1_1},
                                                                {"1.2", TlsVersion::k1_2},
                                                                {"1.3", TlsVersion::k1_3}};
const std::vector<std::pair<const char*, bool>> kNotVulnerable{{"not_vulnerable", true}};
const std::vector<std::pair<const char*, DnsType>> kTypes{
    {"A", DnsType::kA},     {"AAAA", DnsType::kAaaa}, {"CNAME", DnsType::kCname}, {"MX", DnsType::kMx},
    {"NS", DnsType::kNs},   {"TXT", DnsType::kTxt},   {"SOA", DnsType::kSoa},     {"CAA", DnsType::kCaa},
    {"SRV", DnsType::kSrv}, {"PTR", DnsType::kPtr}};

// What has TLS or a clock in common.
template <class Expect>
void read_common(Reader& reader, Expect& out) {
  if constexpr (requires { out.certificate_days_min; }) {
    reader.maybe_integer("certificate_days_min", out.certificate_days_min, 0, 825);
  }
  reader.maybe_integer("latency_ms_max", out.latency_ms_max, 1, 60'000);
}

template <class Expect>
void put_common(ordered_json& out, const Expect& expect) {
  if constexpr (requires { expect.certificate_days_min; }) {
    if (expect.certificate_days_min) out["certificate_days_min"] = *expect.certificate_days_min;
  }
  if (expect.latency_ms_max) out["latency_ms_max"] = *expect.latency_ms_max;
}

template <class Options>
void put_ip_version(ordered_json& out, const Options& options) {
  if (options.ip_version != IpVersion::kAny) out["ip_version"] = word_of(kIpVersions, options.ip_version);
}

}  // namespace

void read_options(Reader& reader, const TlsOptions&, TlsOptions& out) {
  reader.word("starttls", out.starttls, kPreludes);
  reader.word("heartbleed", out.heartbleed, kHeartbleed);
  reader.boolean("verify_tls", out.verify_tls);
  reader.boolean("versions", out.versions);
  reader.text("server_name", out.server_name);
  reader.word("ip_version", out.ip_version, kIpVersions);
  reader.text("ca", out.ca_pem);
}

ordered_json to_json(const TlsOptions& options, Secrets) {
  ordered_json out = ordered_json::object();
  if (options.starttls != TlsPrelude::kNone) out["starttls"] = word_of(kPreludes, options.starttls);
  if (options.heartbleed != HeartbleedAsk::kDaily) out["heartbleed"] = word_of(kHeartbleed, options.heartbleed);
  if (!options.verify_tls) out["verify_tls"] = false;
  if (!options.versions) out["versions"] = false;
  if (!options.server_name.empty()) out["server_name"] = options.server_name;
  put_ip_version(out, options);
  if (!options.ca_pem.empty()) out["ca"] = options.ca_pem;
  return out;
}

void read_expect(Reader& reader, TlsExpect& out) {
  read_common(reader, out);
  if (reader.find("min_version") != nullptr)
    reader.word("min_version", out.min_version.emplace(TlsVersion::k1_2), kVersions);
  reader.word("heartbleed", out.not_vulnerable, kNotVulnerable);
}

ordered_json to_json(const TlsExpect& expect) {
  ordered_json out = ordered_json::object();
  put_common(out, expect);
  if (expect.min_version) out["min_version"] = word_of(kVersions, *expect.min_version);
  if (expect.not_vulnerable) out["heartbleed"] = "not_vulnerable";
  return out;
}

void read_options(Reader& reader, const TcpOptions&, TcpOptions& out) {
  reader.text("send", out.send);
  reader.boolean("tls", out.tls);
  reader.boolean("verify_tls", out.verify_tls);
  reader.word("ip_version", out.ip_version, kIpVersions);
  reader.text("ca", out.ca_pem);
}

ordered_json to_json(const TcpOptions& options, Secrets) {
  ordered_json out = ordered_json::object();
  if (!options.send.empty()) out["send"] = options.send;
  if (options.tls) out["tls"] = true;
  if (!options.verify_tls) out["verify_tls"] = false;
  put_ip_version(out, options);
  if (!options.ca_pem.empty()) out["ca"] = options.ca_pem;
  return out;
}

void read_expect(Reader& reader, TcpExpect& out) {
  reader.text("contains", out.contains);
  read_common(reader, out);
}

ordered_json to_json(const TcpExpect& expect) {
  ordered_json out = ordered_json::object();
  if (!expect.contains.empty()) out["contains"] = expect.contains;
  put_common(out, expect);
  return out;
}

void read_options(Reader& reader, const DnsOptions&, DnsOptions& out) {
  reader.word("type", out.type, kTypes);
  reader.text("server", out.server);
  reader.boolean("tcp", out.tcp);
}

ordered_json to_json(const DnsOptions& options, Secrets) {
  ordered_json out = ordered_json::object();
  if (options.type != DnsType::kA) out["type"] = word_of(kTypes, options.type);
  if (!options.server.empty()) out["server"] = options.server;
  if (options.tcp) out["tcp"] = true;
  return out;
}

void read_expect(Reader& reader, DnsExpect& out) {
  reader.texts("values", 20, out.values);
  reader.text("rcode", out.rcode);
  read_common(reader, out);
}

ordered_json to_json(const DnsExpect& expect) {
  ordered_json out = ordered_json::object();
  if (!expect.values.empty()) out["values"] = expect.values;
  if (!expect.rcode.empty()) out["rcode"] = expect.rcode;
  put_common(out, expect);
  return out;
}

void read_options(Reader& reader, const PingOptions&, PingOptions& out) {
  reader.integer("count", out.count);
  reader.word("ip_version", out.ip_version, kIpVersions);
}

ordered_json to_json(const PingOptions& options, Secrets) {
  ordered_json out = ordered_json::object();
  if (options.count != PingOptions{}.count) out["count"] = options.count;
  put_ip_version(out, options);
  return out;
}

void read_expect(Reader& reader, PingExpect& out) {
  read_common(reader, out);
  reader.maybe_integer("loss_percent_max", out.loss_percent_max, 0, 99);
}

ordered_json to_json(const PingExpect& expect) {
  ordered_json out = ordered_json::object();
  put_common(out, expect);
  if (expect.loss_percent_max) out["loss_percent_max"] = *expect.loss_percent_max;
  return out;
}

void read_options(Reader& reader, const HeartbeatOptions&, HeartbeatOptions& out) {
  reader.integer("period_s", out.period_s);
  reader.text("cron", out.cron);
  reader.text("timezone", out.timezone);
  reader.integer("grace_s", out.grace_s);
}

ordered_json to_json(const HeartbeatOptions& options, Secrets) {
  ordered_json out = ordered_json::object();
  if (options.cron.empty()) {
    out["period_s"] = options.period_s;  // the one thing that every heartbeat is asked for
  } else {
    out["cron"] = options.cron;
    out["timezone"] = options.timezone;
  }
  out["grace_s"] = options.grace_s;
  return out;
}

}  // namespace everup::db
