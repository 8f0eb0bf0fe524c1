// See verify_command.h.
#include "app/verify_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "core/outcome.h"
#include "core/result.h"
#include "reports/verify_json.h"
#include "seal/box.h"
#include "seal/signature.h"
#include "zone/zones.h"

namespace everup::app {
namespace {

constexpr std::size_t kFileBytesMax = 64 * 1024 * 1024;
constexpr std::size_t kLineMax = 500;

Result<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::kInvalid, path + ": cannot be read"};
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > kFileBytesMax) return Error{ErrorCode::kInvalid, path + ": larger than 64 MiB"};
  return text;
}

reports::VerifyTools tools_with(const Zones& zones) {
  return {seal::verifies, [](std::string_view bytes) { return seal::hex(seal::sha256(bytes)); }, seal::from_base64,
          &zones};
}

Result<reports::TrustedKeys> keys_of(const std::string& key, const reports::VerifyTools& tools) {
  if (key.empty()) return reports::TrustedKeys{};
  if (const auto bytes = seal::from_base64(key); bytes && bytes->size() == 32)
    return reports::TrustedKeys{{*bytes}, {}};
  const auto text = text_of(key);
  if (!text) return Error{ErrorCode::kInvalid, "--key: neither a public key (base64) nor a file: " + text.error().what};
  return reports::trusted_keys(*text, tools);
}

void tell(const std::string& file, const reports::Verified& report, bool any_root) {
  for (const std::string& fault : report.faults) fmt::print(stderr, "{}: {}\n", file, printable(fault, kLineMax));
  if (!report.faults.empty()) return;
  fmt::print("{}: genuine: {}: {}\n", file, printable(report.title, kLineMax), printable(report.uptime, kLineMax));
  if (any_root)
    fmt::print(stderr, "{}: signed under root key {}; give --key to say whom you trust\n", file, report.root_key_id);
}

nlohmann::json object_of(const std::string& file, const reports::Verified& report) {
  nlohmann::json out{{"file", file},
                     {"genuine", report.faults.empty()},
                     {"report", report.title},
                     {"period", report.period},
                     {"uptime", report.uptime},
                     {"hash", report.hash},
                     {"root_key_id", report.root_key_id},
                     {"faults", report.faults}};
  if (report.link) out["chain"] = {{"chain", report.link->chain}, {"number", report.link->number}};
  return out;
}

}  // namespace

int run_verify(const VerifyWords& words) {
  const TzdbZones zones;
  const auto tools = tools_with(zones);
  const auto keys = keys_of(words.key, tools);
  if (!keys) {
    fmt::print(stderr, "everup verify: {}\n", keys.error().what);
    return kFailed;
  }
  std::vector<reports::Verified> reports_read;
  for (const std::string& file : words.files) {
    const auto text = text_of(file);
    reports::Verified report = text ? reports::verify_report(*text, *keys, tools) : reports::Verified{};
    if (!text) report.faults.push_back(text.error().what);
    if (!words.period.empty() && report.period != words.period)
      report.faults.push_back("it is of " + report.period + ", not of " + words.period);
    reports_read.push_back(std::move(report));
  }
  auto chain = words.files.size() > 1 ? reports::chain_faults(reports_read) : std::vector<std::string>();
  bool genuine = chain.empty();
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t i = 0; i < reports_read.size(); ++i) {
    genuine = genuine && reports_read[i].faults.empty();
    if (words.json)
      list.push_back(object_of(words.files[i], reports_read[i]));
    else
      tell(words.files[i], reports_read[i], words.key.empty());
  }
  if (words.json) {
    const auto handler = nlohmann::json::error_handler_t::replace;
    fmt::print("{}\n", nlohmann::json{{"genuine", genuine}, {"reports", list}, {"chain_faults", chain}}.dump(
                           2, ' ', false, handler));
  } else {
    for (const std::string& fault : chain) fmt::print(stderr, "chain: {}\n", printable(fault, kLineMax));
  }
  return genuine ? kDone : kFailed;
}

}  // namespace everup::app
