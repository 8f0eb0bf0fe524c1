#include "app/probing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include "app/commands.h"
#include "app/database.h"

namespace everup::app {
namespace {

// A resolver and the probes that use it, as one.
class LoopProbes final : public checker::ProbeMaker, public checker::MailViewer {
 public:
  static Result<std::unique_ptr<checker::ProbeMaker>> make(net::Loop& loop, const net::ResolverOptions& options,
                                                           const net::AddressPolicy& policy,
                                                           const checker::ProbeSettings& settings) {
    auto out = std::make_unique<LoopProbes>();
    out->resolver_ = std::make_unique<net::Resolver>(loop, options);
    auto probes = checker::Probes::make(loop, *out->resolver_, policy, settings);
    if (!probes) return probes.error();
    out->probes_ = *std::move(probes);
    return std::unique_ptr<checker::ProbeMaker>(std::move(out));
  }
  std::unique_ptr<checker::Probe> start(const checker::Question& question, checker::Done done) override {
    return probes_->start(question, std::move(done));
  }
  std::unique_ptr<checker::Probe> view(const checker::MailQuestion& question, Instant deadline, bool strict_policy,
                                       checker::Viewed viewed) override {
    return probes_->view(question, deadline, strict_policy, std::move(viewed));
  }

 private:
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<checker::Probes> probes_;
};

}  // namespace

Result<std::unique_ptr<Probing>> Probing::make(const Settings& settings, const std::string& base_url) {
  auto allow = net::AllowList::parse(settings.text("ALLOW_TARGETS"));
  if (!allow) return allow.error();
  auto public_allow =
      net::AllowList::parse(settings.text("PUBLIC_TOOLS_ALLOW_TARGETS"), "EVERUP_PUBLIC_TOOLS_ALLOW_TARGETS");
  if (!public_allow) return public_allow.error();
  auto servers = net::parse_dns_servers(settings.text("DNS_SERVERS"));
  if (!servers) return Error{ErrorCode::kInvalid, "EVERUP_DNS_SERVERS: " + servers.error().what};
  std::unique_ptr<Probing> out(new Probing(*std::move(allow), *std::move(public_allow)));
  out->resolver_.servers = *std::move(servers);
  out->probe_.ca_file = settings.text("CA_FILE");
  out->probe_.ehlo_name = ehlo_name_of(settings);
  out->probe_.dnsbl_zones = dnsbl_zones_of(settings);
  out->probe_.user_agent = settings.text("USER_AGENT").empty()
                               ? fmt::format("Everup/{} (+{}/about)", version(), base_url)
                               : settings.text("USER_AGENT");
  net::Loop loop(system_clock());
  const auto tried = out->maker(loop);
  if (!tried) return Error{ErrorCode::kInvalid, "EVERUP_CA_FILE: " + tried.error().what};
  return out;
}

Result<std::unique_ptr<checker::ProbeMaker>> Probing::maker(net::Loop& loop) const {
  return LoopProbes::make(loop, resolver_, policy_, probe_);
}

Result<std::unique_ptr<checker::ProbeMaker>> Probing::public_maker(net::Loop& loop) const {
  return LoopProbes::make(loop, resolver_, public_policy_, probe_);
}

Status Probing::reread_own_addresses() {
  if (const Status read = policy_.reread_own_addresses(); !read) return read;
  return public_policy_.reread_own_addresses();
}

std::optional<std::string> Probing::refusal(const Target& target) const {
  const auto address = net::Address::parse(target.host);
  if (!address) return std::nullopt;  // a name: judged when it is resolved, at every connect
  const auto ruling = policy_.judge(*address);
  if (ruling.allowed) return std::nullopt;
  return policy_.refusal(target.host, *address, ruling);
}

// Debian writes "127.0.1.1 host.domain host" into the hosts file: the first name of that line is the full one. The DNS
// is not asked: a start must not wait for it.
std::vector<std::string> dnsbl_zones_of(const Settings& settings) {
  std::istringstream words(settings.text("DNSBL_ZONES"));
  return {std::istream_iterator<std::string>(words), {}};
}

std::string ehlo_name_of(const Settings& settings) {
  if (!settings.text("EHLO_NAME").empty()) return settings.text("EHLO_NAME");
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string host = name.data();
  if (host.find('.') != std::string::npos) return host;
  std::ifstream hosts("/etc/hosts");
  constexpr int kLinesMax = 1000;
  std::string line;
  for (int i = 0; i < kLinesMax && std::getline(hosts, line); ++i) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address, full, word;
    words >> address >> full;
    const bool long_name = full.find('.') != std::string::npos && full.starts_with(host + ".");
    if (long_name) return full;
  }
  return {};
}

}  // namespace everup::app
