// See api/totp.h.
#include "api/totp.h"

#include <liboath/oath.h>

#include <array>
#include <cstdlib>
#include <qrcodegen/qrcodegen.hpp>

#include "core/result.h"
#include "db/random_text.h"
#include "net/digest.h"

namespace everup::api {
namespace {

constexpr int kDigits = 6;

// liboath wants to be started once.
void start_oath() {
  static const bool started = oath_init() == OATH_OK;
  EVERUP_ASSERT(started);
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '@';
    if (plain)
      out += c;
    else
      (out += '%', out += kHex[byte >> 4], out += kHex[byte & 15]);
  }
  return out;
}

}  // namespace

std::string new_totp_secret() { return net::random_bytes(kTotpSecretBytes); }

std::string totp_base32(std::string_view secret) {
  start_oath();
  char* text = nullptr;
  std::size_t length = 0;
  EVERUP_ASSERT(oath_base32_encode(secret.data(), secret.size(), &text, &length) == OATH_OK);
  std::string out(text, length);
  std::free(text);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string totp_code(std::string_view secret, std::int64_t step) {
  start_oath();
  std::array<char, kDigits + 2> code{};
  EVERUP_ASSERT(oath_hotp_generate(secret.data(), secret.size(), static_cast<std::uint64_t>(step), kDigits, false,
                                   OATH_HOTP_DYNAMIC_TRUNCATION, code.data()) == OATH_OK);
  return code.data();
}

std::optional<std::int64_t> matching_step(std::string_view secret, std::string_view code, WallTime now) {
  std::optional<std::int64_t> found;
  for (std::int64_t step = totp_step(now) - 1; step <= totp_step(now) + 1; ++step) {
    if (net::equal_constant_time(code, totp_code(secret, step))) found = step;
  }
  return found;
}

std::string totp_uri(std::string_view secret, std::string_view email) {
  return "otpauth://totp/Everup:" + percent_encoded(email) + "?secret=" + totp_base32(secret) + "&issuer=Everup";
}

std::string qr_svg(const std::string& text) {
  constexpr int kQuiet = 4;
  const auto code = qrcodegen::QrCode::encodeText(text.c_str(), qrcodegen::QrCode::Ecc::MEDIUM);
  const int size = code.getSize();
  const std::string whole = std::to_string(size + 2 * kQuiet);
  std::string path;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      if (code.getModule(x, y))
        path += "M" + std::to_string(x + kQuiet) + "," + std::to_string(y + kQuiet) + "h1v1h-1z";
    }
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + whole + " " + whole +
         "\" role=\"img\" aria-label=\"QR code\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path d=\"" +
         path + "\" fill=\"#000\"/></svg>";
}

std::vector<std::string> new_recovery_codes() {
  std::vector<std::string> codes;
  for (int i = 0; i < 10; ++i) {
    std::string code = db::random_base32(16);
    for (const std::size_t at : {12U, 8U, 4U}) code.insert(at, "-");
    codes.push_back(std::move(code));
  }
  return codes;
}

std::string plain_recovery_code(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return out;
}

}  // namespace everup::api
