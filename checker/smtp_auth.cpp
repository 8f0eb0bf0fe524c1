#include "checker/smtp_auth.h"

#include "core/outcome.h"
#include "net/digest.h"

namespace everup::checker {

namespace {

std::string plain(const SmtpAuth& auth) {
  using namespace std::string_literals;
  return net::base64("\0"s + auth.user + "\0"s + auth.secret);
}

}  // namespace

std::string_view smtp_mechanism_name(SmtpAuth::Mechanism mechanism) {
  switch (mechanism) {
    case SmtpAuth::Mechanism::kAny:
      return "";
    case SmtpAuth::Mechanism::kPlain:
      return "PLAIN";
    case SmtpAuth::Mechanism::kLogin:
      return "LOGIN";
    case SmtpAuth::Mechanism::kCramMd5:
      return "CRAM-MD5";
    case SmtpAuth::Mechanism::kXoauth2:
      return "XOAUTH2";
  }
  return "";
}

std::string smtp_first_response(SmtpAuth::Mechanism mechanism, const SmtpAuth& auth) {
  switch (mechanism) {
    case SmtpAuth::Mechanism::kPlain:
      return plain(auth);
    case SmtpAuth::Mechanism::kXoauth2:
      return net::base64("user=" + auth.user + "\x01" + "auth=Bearer " + auth.secret + "\x01\x01");
    case SmtpAuth::Mechanism::kAny:
    case SmtpAuth::Mechanism::kLogin:
    case SmtpAuth::Mechanism::kCramMd5:
      break;
  }
  return {};
}

std::optional<std::string> smtp_answer(SmtpAuth::Mechanism mechanism, const SmtpAuth& auth, int number,
                                       std::string_view challenge) {
  switch (mechanism) {
    case SmtpAuth::Mechanism::kPlain:  // the server did not look at, or had no, initial response
      return number == 0 ? std::optional(plain(auth)) : std::nullopt;
    case SmtpAuth::Mechanism::kLogin:
      if (number == 0) return net::base64(auth.user);
      return number == 1 ? std::optional(net::base64(auth.secret)) : std::nullopt;
    case SmtpAuth::Mechanism::kCramMd5: {
      const auto text = net::from_base64(challenge);
      if (number != 0 || !text || text->empty()) return std::nullopt;
      return net::base64(auth.user + " " + net::hex(net::hmac_md5(auth.secret, *text)));
    }
    case SmtpAuth::Mechanism::kXoauth2:
      // An empty challenge asks for the token; anything else is an error report.
      if (number == 0 && challenge.empty()) return smtp_first_response(mechanism, auth);
      return std::nullopt;
    case SmtpAuth::Mechanism::kAny:
      break;
  }
  return std::nullopt;
}

std::string smtp_challenge_text(std::string_view challenge) {
  const auto text = net::from_base64(challenge);
  return printable(text ? std::string_view(*text) : challenge, 300);
}

}  // namespace everup::checker
