// The settings of each kind as JSON objects, `options` and `expect` apart: one set of overloads a kind, written in
// <kind>_settings_json.cpp. Shape only; ranges and grammar are core's validate(). Pure; any thread.
#pragma once

#include <string>

#include "core/kind_settings.h"
#include "core/result.h"
#include "db/json_reader.h"

namespace everup::db {

inline const std::vector<std::pair<const char*, IpVersion>> kIpVersions{
    {"any", IpVersion::kAny}, {"4", IpVersion::k4}, {"6", IpVersion::k6}};

// `before` gives the secrets that are not repeated.
void read_options(Reader& reader, const HttpOptions& before, HttpOptions& out);
void read_options(Reader& reader, const SmtpOptions& before, SmtpOptions& out);
void read_options(Reader& reader, const TlsOptions& before, TlsOptions& out);
void read_options(Reader& reader, const TcpOptions& before, TcpOptions& out);
void read_options(Reader& reader, const DnsOptions& before, DnsOptions& out);
void read_options(Reader& reader, const PingOptions& before, PingOptions& out);
void read_options(Reader& reader, const HeartbeatOptions& before, HeartbeatOptions& out);

void read_expect(Reader& reader, HttpExpect& out);
void read_expect(Reader& reader, SmtpExpect& out);
void read_expect(Reader& reader, TlsExpect& out);
void read_expect(Reader& reader, TcpExpect& out);
void read_expect(Reader& reader, DnsExpect& out);
void read_expect(Reader& reader, PingExpect& out);

// Only what differs from the defaults.
ordered_json to_json(const HttpOptions& options, Secrets secrets);
ordered_json to_json(const SmtpOptions& options, Secrets secrets);
ordered_json to_json(const TlsOptions& options, Secrets secrets);
ordered_json to_json(const TcpOptions& options, Secrets secrets);
ordered_json to_json(const DnsOptions& options, Secrets secrets);
ordered_json to_json(const PingOptions& options, Secrets secrets);
ordered_json to_json(const HeartbeatOptions& options, Secrets secrets);
ordered_json to_json(const HttpExpect& expect);
ordered_json to_json(const SmtpExpect& expect);
ordered_json to_json(const TlsExpect& expect);
ordered_json to_json(const TcpExpect& expect);
ordered_json to_json(const DnsExpect& expect);
ordered_json to_json(const PingExpect& expect);

// Name → secret, in a stable order: both walk over the same texts. An object for `take` that misses one leaves it
// empty.
void give_secrets(const HttpOptions& options, ordered_json& out);
void give_secrets(const SmtpOptions& options, ordered_json& out);
void take_secrets(const json& secrets, HttpOptions& options);
void take_secrets(const json& secrets, SmtpOptions& options);
template <class Options>
void give_secrets(const Options&, ordered_json&) {}
template <class Options>
void take_secrets(const json&, Options&) {}

}  // namespace everup::db
