// What people type, parsed: one Words for all commands, and what runs when parsing is done. main.cpp and the
// *_words.cpp beside it only know the words; every command is a function elsewhere. Main thread.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "app/alert_command.h"
#include "app/alerting.h"
#include "app/api_client.h"
#include "app/backup_command.h"
#include "app/check_command.h"
#include "app/commands.h"
#include "app/database.h"
#include "app/log.h"
#include "app/mail_command.h"
#include "app/maintenance_command.h"
#include "app/monitor_command.h"
#include "app/people_command.h"
#include "app/settings.h"
#include "app/smtp_command.h"
#include "app/status_page_command.h"
#include "app/tls_command.h"
#include "app/verify_command.h"

namespace everup::app {

using Run = std::function<int()>;

struct Words {
  std::map<std::string, std::string, std::less<>> flags;  // settings given as flags
  std::string config_file;
  bool json = false;
  ServeOptions serve;
  CheckOptions check;
  SmtpCommand smtp;
  MailCommand view;
  TlsWords tls;
  MonitorAdd add;
  MaintenanceAdd window;
  StatusPageAdd page;
  std::string query, id;
  std::string incident_state, incident_monitor;
  ChannelAdd channel;
  AccountCreate account;
  KeyCreate key;
  BackupWords backup;
  BackupVerifyWords backup_verify;
  RestoreWords restore;
  UserWords user;
  VerifyWords verify;
  bool quick = false;
  DoctorMail mail;
};

inline Result<Settings> settings_of(const Words& words) {
  return Settings::read(
      {words.flags, [](const std::string& name) { return std::getenv(name.c_str()); }, words.config_file});
}

// Runs `command` with the settings, or says what is wrong with them.
template <class Command>
int with_settings(const Words& words, Command command) {
  const auto settings = settings_of(words);
  if (!settings) {
    std::cerr << "everup: " << settings.error().what << "\n";
    return kConfiguration;
  }
  open_log(settings->text("LOG_FORMAT"), settings->text("LOG_LEVEL"));
  return command(*settings);
}

template <class Command>
int with_api(const Words& words, Command command) {
  return with_settings(words, [&](const Settings& settings) {
    const auto data_dir = data_dir_of(settings);
    const auto api = ApiClient::open(settings, data_dir ? *data_dir : std::string());
    if (!api) {
      std::cerr << "everup: " << api.error().what << "\n";
      return kConfiguration;
    }
    return command(*api);
  });
}

// Every setting that is no secret, as a flag.
void add_settings(CLI::App& command, Words& words);

// Words that look at a target once, here: check, smtp, mail, tls.
void add_probes(CLI::App& root, Words& words, Run& run);
// Words that ask the API: monitor, incident, channel, maintenance-window, status-page.
void add_resources(CLI::App& root, Words& words, Run& run);

}  // namespace everup::app
