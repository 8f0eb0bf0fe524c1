// Alerts and messages as the outbox would hand them over, and the hostile texts that every field is tried with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/time.h"

namespace everup::alerts::test {

inline WallTime at(std::string_view text) { return parse_time(text).value_or(WallTime{-1}); }

inline Alert down_alert() {
  Alert alert;
  alert.kind = AlertKind::kDown;
  alert.monitor_id = "mon_0000000000001";
  alert.monitor_name = "Shop";
  alert.target = "https://shop.example/health";
  alert.incident_id = "inc_0000000000001";
  alert.cause = "connect_refused";
  alert.cause_english = "connection refused";
  alert.detail = "192.0.2.7:443 refused the connection";
  alert.started_at = at("2026-11-22T04:05:06Z");
  alert.confirmed_at = at("2026-11-22T04:05:26Z");
  alert.evidence = {"192.0.2.7:443 connection refused after 3 ms", "[2001:db8::7]:443 connection refused after 4 ms"};
  alert.incident_url = "https://watch.example/incidents/inc_0000000000001";
  alert.report_url = "https://watch.example/report/abc";
  alert.acknowledge_url = "https://watch.example/acknowledge/xyz";
  return alert;
}

inline Alert up_alert() {
  Alert alert = down_alert();
  alert.kind = AlertKind::kUp;
  alert.ended_at = at("2026-11-22T04:14:18Z");
  return alert;
}

inline Message message_of(std::vector<Alert> alerts) {
  Message message;
  message.id = "dlv_0000000000001";
  message.channel.id = ChannelId{7};
  message.channel.account = AccountId{3};
  message.channel.name = "On duty";
  message.channel.to = "ops@example.test";
  message.alerts = std::move(alerts);
  message.message_id = "dlv.0000000000001@watch.example";
  message.created_at = at("2026-11-22T04:15:00Z");
  return message;
}

// What strangers put into names, causes, details and replies.
inline std::vector<std::string> hostile_texts() {
  using std::string_literals::operator""s;
  return {"Shop\r\nBcc: victim@example.test"s,
          "Shop\nBcc: victim@example.test"s,
          "Shop\rBcc: victim@example.test"s,
          "Shop\0Bcc: victim@example.test"s,
          "Shop\xE2\x80\xA8"s + "Bcc: victim@example.test",
          "Shop\xE2\x80\xA9"s + "Bcc: victim@example.test",
          "Shop\xC2\x85"s + "Bcc: victim@example.test",
          "Shop\r\n\r\n<script>alert(1)</script>"s,
          "Shop\r\n.\r\nMAIL FROM:<x@y>"s,
          "=?utf-8?q?Shop=0D=0ABcc:_victim@example.test?="s,
          "\xFF\xFE broken \xC3"s,
          std::string(5000, 'x'),
          "Geschäft \xE2\x80\xAEtxet desrever \xF0\x9F\x94\xA5"s};
}

}  // namespace everup::alerts::test
