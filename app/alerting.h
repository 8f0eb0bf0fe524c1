// From settings to the floor that delivers alerts: relays, sender, policy for webhooks; and `everup doctor mail`, the
// set-up check that sends a test mail through every relay and shows the dialogues.
#pragma once

#include <optional>
#include <string>

#include "alerts/courier.h"
#include "app/settings.h"
#include "net/address_policy.h"
#include "net/resolver.h"

namespace everup::app {

// EVERUP_SMTP_RELAYS, EVERUP_MAIL_FROM, EVERUP_CA_FILE. Without a sender: the first relay's user when that is an
// address, else everup@ and what mail checks call themselves. kInvalid names the setting.
Result<alerts::MailSettings> mail_settings(const Settings& settings);
// What a courier needs. `policy` judges where webhooks may go; it outlives the courier.
Result<alerts::CourierSettings> courier_settings(const Settings& settings, const net::AddressPolicy& policy,
                                                 const net::ResolverOptions& resolver, const std::string& user_agent);

struct DoctorMail {
  std::string to;
  bool json = false;
};
// 0: every relay took it, 1: one did not, 78: no relay is configured.
int doctor_mail(const Settings& settings, const DoctorMail& words);

}  // namespace everup::app
