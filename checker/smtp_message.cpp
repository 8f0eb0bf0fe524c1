// The one message that Everup's SMTP test may send: fixed, honest, and easy to recognise and to stop. Declared in
// checker/smtp_probe.h; pure.
#include <array>
#include <chrono>
#include <cstdio>

#include "checker/smtp_probe.h"

namespace everup::checker {

std::string mail_date(WallTime t) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<milliseconds> point{milliseconds(t.ms)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(point - day).count();
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %d %02d:%02d:%02d +0000",
                kDays.at(std::chrono::weekday(day).c_encoding()), static_cast<unsigned>(date.day()),
                kMonths.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return text.data();
}

std::string smtp_test_message(const SmtpPlan& plan, WallTime now, const std::string& id) {
  const std::string sender = plan.from.empty() ? "postmaster@" + plan.ehlo : plan.from;
  const std::string recipient = plan.to.empty() ? sender : plan.to.front();
  return "Date: " + mail_date(now) + "\r\nFrom: Everup test <" + sender + ">\r\nTo: <" + recipient +
         ">\r\nMessage-ID: <everup-" + id + "@" + plan.ehlo +
         ">\r\nSubject: Everup: test of this mail server\r\nAuto-Submitted: auto-generated\r\nPrecedence: bulk\r\n"
         "List-Unsubscribe: <mailto:" +
         sender +
         "?subject=unsubscribe>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
         "This is a test message of Everup, an uptime monitor.\r\n"
         "Somebody who may use this mail server asked whether it takes mail for this\r\n"
         "address. It does. Nothing needs to be done; this message may be deleted.\r\n";
}

}  // namespace everup::checker
