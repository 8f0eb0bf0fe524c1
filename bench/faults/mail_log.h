// A mail relay of a case's own, which takes everything and notes when it took what: alerts are counted here, not by
// what everup says of itself. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/faults/house.h"
#include "tests/alerts/mail_peers.h"

namespace everup::bench {

struct Mail {
  std::int64_t at_ms = 0;  // when the relay said 250
  std::string id, to, kind, monitor;
  std::string subject;
};

inline std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  if (at == std::string::npos) return {};
  const auto start = at + before.size();
  return text.substr(start, text.find(after, start) - start);
}

// Takes everything, `pause_ms` after the final dot.
class Relay {
 public:
  explicit Relay(int pause_ms = 0)
      : pause_ms_(pause_ms), relay_([this](const std::string& verb, const std::string& line) {
          if (verb == "DOT") take(line);
          return std::string("usual");
        }) {}
  std::string url() const { return fmt::format("smtp://127.0.0.1:{}?starttls=never", relay_.port()); }
  Environment environment(const Environment& more = {}) const {
    Environment all{{"EVERUP_SMTP_RELAYS", url()}, {"EVERUP_MAIL_FROM", "alerts@watch.example"}};
    all.insert(more.begin(), more.end());
    return all;
  }
  std::vector<Mail> mails() const {
    const std::lock_guard lock(mutex_);
    return mails_;
  }
  std::set<std::string> monitors(const std::string& kind) const {
    std::set<std::string> names;
    for (const Mail& mail : mails())
      if (mail.kind == kind) names.insert(mail.monitor);
    return names;
  }
  std::int64_t count(const std::string& kind) const {
    const auto all = mails();
    return std::count_if(all.begin(), all.end(), [&](const Mail& mail) { return mail.kind == kind; });
  }

 private:
  void take(const std::string& text) {
    const std::string head = "\r\n" + text;
    Mail mail;
    mail.id = between(head, "\r\nMessage-Id: <", ">"), mail.to = between(head, "\r\nTo: ", "\r\n");
    mail.subject = between(head, "\r\nSubject: ", "\r\n");
    mail.kind = between(mail.subject, "[", "]"), mail.monitor = between(mail.subject, "] ", ":");
    if (pause_ms_ > 0) wait_ms(pause_ms_);
    mail.at_ms = wall_ms();
    const std::lock_guard lock(mutex_);
    mails_.push_back(std::move(mail));
  }

  const int pause_ms_;
  mutable std::mutex mutex_;
  std::vector<Mail> mails_;
  alerts::test::ScriptedRelay relay_;
};

}  // namespace everup::bench
