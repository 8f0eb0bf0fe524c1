// Mail servers: options, expectations and secrets as JSON.
#include "db/kind_json.h"

namespace everup::db {
namespace {

using Mechanism = SmtpAuth::Mechanism;

const std::vector<std::pair<const char*, StartTls>> kStartTls{
    {"try", StartTls::kTry}, {"require", StartTls::kRequire}, {"never", StartTls::kNever}};
const std::vector<std::pair<const char*, Mechanism>> kMechanisms{{"any", Mechanism::kAny},
                                                                 {"plain", Mechanism::kPlain},
                                                                 {"login", Mechanism::kLogin},
                                                                 {"cram-md5", Mechanism::kCramMd5},
                                                                 {"xoauth2", Mechanism::kXoauth2}};

const std::vector<std::pair<const char*, SmtpStop>>& stops() {
  static const auto words = [] {
    std::vector<std::pair<const char*, SmtpStop>> made;
    for (int i = 0; i <= static_cast<int>(SmtpStop::kData); ++i) {
      made.emplace_back(slug(static_cast<SmtpStop>(i)).data(), static_cast<SmtpStop>(i));
    }
    return made;
  }();
  return words;
}

const char* secret_name(const SmtpAuth& auth) { return auth.mechanism == Mechanism::kXoauth2 ? "token" : "password"; }

void read_auth(const json& object, const std::string& pointer, FieldErrors& errors, const SmtpAuth& before,
               SmtpAuth& out) {
  if (object.is_null()) return;
  Reader reader(object, pointer, errors);
  reader.word("type", out.mechanism, kMechanisms);
  reader.text("user", out.user);
  reader.boolean("allow_clear", out.allow_clear);
  if (out.user.empty()) reader.wrong("user", "required", "a user is expected");
  const bool kept = !before.user.empty() && before.user == out.user;
  if (kept) out.secret = before.secret;
  const char* secret = secret_name(out);
  if (!read_secret(reader, secret, out.secret, kept)) {
    reader.wrong(secret, "required", std::string("a ") + secret + " is expected; stored ones are never returned");
  }
  reader.finish();
}

}  // namespace

void read_options(Reader& reader, const SmtpOptions& before, SmtpOptions& out) {
  if (reader.find("starttls") != nullptr) reader.word("starttls", out.starttls.emplace(StartTls::kTry), kStartTls);
  reader.maybe_boolean("verify_tls", out.verify_tls);
  reader.text("ehlo", out.ehlo);
  reader.text("from", out.from);
  reader.texts("to", 10, out.to);
  if (const json* auth = reader.find("auth")) {
    read_auth(*auth, reader.at("auth"), reader.errors(), before.auth, out.auth);
  }
  if (reader.find("stop_after") != nullptr) reader.word("stop_after", out.stop_after.emplace(SmtpStop::kEhlo), stops());
  reader.word("ip_version", out.ip_version, kIpVersions);
  reader.boolean("mx", out.mx);
  reader.text("ca", out.ca_pem);
}

void read_expect(Reader& reader, SmtpExpect& out) {
  reader.texts("capabilities", 20, out.capabilities);
  reader.maybe_integer("certificate_days_min", out.certificate_days_min, 0, 825);
  reader.maybe_integer("latency_ms_max", out.latency_ms_max, 1, 60'000);
}

ordered_json to_json(const SmtpOptions& options, Secrets secrets) {
  ordered_json out = ordered_json::object();
  if (options.starttls) out["starttls"] = word_of(kStartTls, *options.starttls);
  if (options.verify_tls) out["verify_tls"] = *options.verify_tls;
  if (!options.ehlo.empty()) out["ehlo"] = options.ehlo;
  if (!options.from.empty()) out["from"] = options.from;
  if (!options.to.empty()) out["to"] = options.to;
  if (!options.auth.user.empty()) {
    ordered_json auth{{"type", word_of(kMechanisms, options.auth.mechanism)}, {"user", options.auth.user}};
    put_secret(auth, secret_name(options.auth), options.auth.secret, secrets);
    if (options.auth.allow_clear) auth["allow_clear"] = true;
    out["auth"] = std::move(auth);
  }
  if (options.stop_after) out["stop_after"] = slug(*options.stop_after);
  if (options.ip_version != IpVersion::kAny) out["ip_version"] = word_of(kIpVersions, options.ip_version);
  if (options.mx) out["mx"] = true;
  if (!options.ca_pem.empty()) out["ca"] = options.ca_pem;
  return out;
}

ordered_json to_json(const SmtpExpect& expect) {
  ordered_json out = ordered_json::object();
  if (!expect.capabilities.empty()) out["capabilities"] = expect.capabilities;
  if (expect.certificate_days_min) out["certificate_days_min"] = *expect.certificate_days_min;
  if (expect.latency_ms_max) out["latency_ms_max"] = *expect.latency_ms_max;
  return out;
}

void give_secrets(const SmtpOptions& options, ordered_json& out) {
  if (!options.auth.user.empty()) out[std::string("auth.") + secret_name(options.auth)] = options.auth.secret;
}

void take_secrets(const json& secrets, SmtpOptions& options) {
  const auto found = secrets.find(std::string("auth.") + secret_name(options.auth));
  if (found != secrets.end() && found->is_string()) options.auth.secret = found->get<std::string>();
}

}  // namespace everup::db
