// everup: one binary, all commands. This file only knows the words people type; every command is a function elsewhere.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>

#include "app/alert_command.h"
#include "app/alerting.h"
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
namespace {

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

Result<Settings> settings_of(const Words& words) {
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

void add_settings(CLI::App& command, Words& words) {
  for (const auto& setting : settings_table()) {
    if (setting.secret) continue;
    const auto fallback = setting.fallback.empty() ? std::string() : " [" + std::string(setting.fallback) + "]";
    command
        .add_option_function<std::string>(
            flag_of(setting),
            [&words, name = std::string(setting.name)](const std::string& value) { words.flags[name] = value; },
            std::string(setting.prose) + fallback)
        ->group("Settings (also EVERUP_NAME in the environment, or name in the configuration file)");
  }
}

using Run = std::function<int()>;

void add_serve(CLI::App& root, Words& words, Run& run) {
  auto* serve = root.add_subcommand("serve", "run the service: checks, API, pages");
  serve->add_option("--roles", words.serve.roles, "which parts run here: api, checker, alerter, keeper")
      ->capture_default_str();
  add_settings(*serve, words);
  serve->footer("Example:\n  everup serve --listen 127.0.0.1:8080 --allow-targets private");
  serve->callback([&] {
    run = [&] { return with_settings(words, [&](const Settings& s) { return run_serve(s, words.serve); }); };
  });
}

void add_check(CLI::App& root, Words& words, Run& run) {
  auto* check = root.add_subcommand("check", "probe targets once, now; monitoring-plugins exit codes");
  check->add_option("targets", words.check.targets, "URLs: https://shop.example/health, http://…")->required();
  check->add_option("-w,--warning", words.check.warn_s, "degraded (exit 1) when slower than this many seconds");
  check->add_option("-c,--critical", words.check.crit_s, "down (exit 2) when slower than this many seconds");
  check->add_option("-t,--timeout", words.check.timeout_s, "seconds, 0.1 to 60; default 10, of mail 40")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  check->add_flag("--json", words.check.json, "one JSON object a target");
  check->add_flag("--policy", words.check.policy, "refuse the addresses that the service would refuse");
  check->footer(
      "Exit: 0 up, 1 degraded, 2 down, 3 inconclusive or wrong usage.\nExample:\n  everup check -w 1 -c 3 "
      "https://example.org/");
  check->callback([&] {
    run = [&] { return with_settings(words, [&](const Settings& s) { return run_check(words.check, s); }); };
  });
}

void add_smtp(CLI::App& root, Words& words, Run& run) {
  auto* smtp = root.add_subcommand("smtp", "a mail server's dialogue, live, with what every line means");
  SmtpCommand& command = words.smtp;
  smtp->add_option("host", command.host, "HOST, HOST:port, smtp://… or smtps://…")->required();
  smtp->add_option("--from", command.from, "the envelope's sender; default: the empty one, <>");
  smtp->add_option("--to", command.to, "a recipient; may be repeated")->take_all();
  smtp->add_option("--ehlo", command.ehlo, "what we call ourselves [EVERUP_EHLO_NAME]");
  smtp->add_option("--tls", command.tls, "default: require on 587, implicit for smtps://, else try")
      ->check(CLI::IsMember({"require", "try", "never", "implicit"}));
  smtp->add_option("--auth-user", command.auth_user, "authenticate; needs a password file");
  smtp->add_option("--auth-password-file", command.auth_password_file,
                   "its first line is the password or token; - for standard input");
  smtp->add_option("--auth", command.auth, "the mechanism; default: the best that is offered")
      ->check(CLI::IsMember({"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}));
  smtp->add_option("--stop-after,--quit-after", command.stop_after,
                   "CONNECT BANNER FIRST-EHLO TLS EHLO AUTH MAIL RCPT; default: RCPT with --to, else EHLO");
  smtp->add_flag("--send", command.send, "send a fixed test message to the recipients");
  smtp->add_option("--ip", command.ip_version, "any, 4 or 6")->check(CLI::IsMember({"any", "4", "6"}));
  smtp->add_option("-t,--timeout", command.timeout_s, "seconds, 0.1 to 60")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  smtp->add_flag("--mx", command.mx, "HOST is a mail domain: ask every host of its MX, over IPv4 and IPv6");
  smtp->add_flag("--brief", command.brief, "lines only, without what they mean");
  smtp->add_flag("--json", command.json, "the whole test as one JSON object");
  smtp->add_flag("--policy", command.policy, "refuse the addresses that the service would refuse");
  smtp->footer(
      "Marks: ' ->' sent, '<-' received, '~' inside TLS, '**' refused, '===' a remark.\n"
      "Exit: 0 up, 1 degraded, 2 down, 3 inconclusive or wrong usage.\nExamples:\n  everup smtp mx.example.com\n"
      "  everup smtp mail.example.com:587 --from me@example.com --to you@example.com\n"
      "  everup smtp mail.example.com --tls implicit --auth-user me --auth-password-file secret.txt");
  smtp->callback(
      [&] { run = [&] { return with_settings(words, [&](const Settings& s) { return run_smtp(words.smtp, s); }); }; });
}

void add_mail(CLI::App& root, Words& words, Run& run) {
  auto* mail = root.add_subcommand("mail", "would mail of a domain be believed? SPF, DKIM, DMARC, MTA-STS, PTR, lists");
  MailCommand& command = words.view;
  mail->add_option("domain", command.domain, "the domain behind the @")->required();
  mail->add_option("--address", command.address,
                   "the address that sends; without it SPF's verdict, PTR and lists are left out");
  mail->add_option("--mail-from", command.mail_from, "domain of the envelope's sender [DOMAIN]");
  mail->add_option("--helo", command.helo, "the name that the sending server says; default: not judged");
  mail->add_option("--selector", command.selectors, "of a DKIM key (s= of a signature); may be repeated")->take_all();
  mail->add_option("--dnsbl", command.zones, "a block list's zone; may be repeated [EVERUP_DNSBL_ZONES]")->take_all();
  mail->add_option("-t,--timeout", command.timeout_s, "seconds, 0.1 to 60")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  mail->add_flag("--json", command.json, "the view as one JSON object");
  mail->add_flag("--policy", command.policy, "refuse the addresses that the service would refuse");
  mail->footer(
      "Exit: 0 nothing stands against it, 1 warnings, 2 problems, 3 not known or wrong usage.\nExamples:\n"
      "  everup mail example.com\n  everup mail example.com --address 192.0.2.25 --selector s1 --dnsbl "
      "zen.spamhaus.org");
  mail->callback(
      [&] { run = [&] { return with_settings(words, [&](const Settings& s) { return run_mail(words.view, s); }); }; });
}

void add_tls(CLI::App& root, Words& words, Run& run) {
  auto* tls = root.add_subcommand("tls", "a TLS server's versions, certificates, weak points and Heartbleed");
  tls->add_option("target", words.tls.target, "HOST, HOST:port [443], or tls://HOST:port")->required();
  tls->add_option("--starttls", words.tls.starttls, "TLS begins inside this protocol")
      ->check(CLI::IsMember({"smtp", "lmtp", "imap", "pop3", "ftp", "xmpp", "ldap", "postgres"}));
  tls->add_option("--server-name", words.tls.server_name, "name to send and to verify [HOST]");
  tls->add_option("-t,--timeout", words.tls.timeout_s, "seconds, 0.1 to 60")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  tls->add_flag("!--no-heartbleed", words.tls.heartbleed, "do not ask for Heartbleed (one byte of over-read)");
  tls->add_flag("--json", words.tls.json, "the report as one JSON object");
  tls->add_flag("--policy", words.tls.policy, "refuse the addresses that the service would refuse");
  tls->footer(
      "Exit: 0 up, 1 degraded, 2 down, 3 inconclusive or wrong usage.\nExamples:\n  everup tls example.org\n  "
      "everup tls mx.example.org --starttls smtp --json");
  tls->callback(
      [&] { run = [&] { return with_settings(words, [&](const Settings& s) { return run_tls(words.tls, s); }); }; });
}

void add_monitor_add(CLI::App& monitor, Words& words, Run& run) {
  auto* add = monitor.add_subcommand("add", "add a monitor; prints its id");
  add->add_option("target", words.add.target, "URL, e.g. https://shop.example/health");
  add->add_option("--name", words.add.name, "default: the host");
  add->add_option("--tag", words.add.tags, "may be repeated");
  add->add_option("--interval", words.add.interval, "60s, 5m; 1 s to 24 h [60s]");
  add->add_option("--timeout", words.add.timeout, "10s, 500ms; at most 60 s [10s]");
  add->add_option("-f,--file", words.add.definition_file,
                  "the whole definition as a JSON object of the API; - for standard input");
  add->add_flag("--json", words.json);
  add->footer("Example:\n  everup monitor add https://shop.example/health --name Shop --tag prod");
  add->callback([&] {
    run = [&] {
      if (words.add.target.empty() && words.add.definition_file.empty()) {
        std::cerr << "everup monitor add: give a target or a file (-f)\n";
        return kUsage;
      }
      return with_api(words, [&](const ApiClient& api) { return monitor_add(api, words.add, words.json); });
    };
  });
}

void add_monitor(CLI::App& root, Words& words, Run& run) {
  auto* monitor = root.add_subcommand("monitor", "add, list and change monitors through the API");
  monitor->require_subcommand(1);
  add_monitor_add(*monitor, words, run);
  auto* list = monitor->add_subcommand("list", "all monitors, one a line");
  list->add_option("query", words.query, "part of name or target");
  list->add_flag("--json", words.json);
  list->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return monitor_list(api, words.query, words.json); });
    };
  });
  auto* show = monitor->add_subcommand("show", "everything about one monitor");
  show->add_option("id", words.id, "mon_… or slug:name")->required();
  show->add_flag("--json", words.json);
  show->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return monitor_show(api, words.id, words.json); });
    };
  });
  for (const auto& [verb, prose] :
       {std::pair{"pause", "stop checking"}, {"resume", "check again, at once"}, {"check", "one look now"}}) {
    auto* command = monitor->add_subcommand(verb, prose);
    command->add_option("id", words.id, "mon_… or slug:name")->required();
    command->add_flag("--json", words.json);
    command->callback([&words, &run, word = std::string(verb)] {
      run = [&words, word] {
        return with_api(words, [&](const ApiClient& api) { return monitor_verb(api, words.id, word, words.json); });
      };
    });
  }
  auto* remove = monitor->add_subcommand("delete", "delete a monitor and its history");
  remove->add_option("id", words.id, "mon_… or slug:name")->required();
  remove->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return monitor_delete(api, words.id); }); };
  });
}

void add_incident(CLI::App& root, Words& words, Run& run) {
  auto* incident = root.add_subcommand("incident", "outages: who was told, and that somebody is at it");
  incident->require_subcommand(1);
  auto* list = incident->add_subcommand("list", "newest first, one a line");
  list->add_option("--state", words.incident_state)->check(CLI::IsMember({"open", "acknowledged", "resolved"}));
  list->add_option("--monitor", words.incident_monitor, "mon_… or slug:name");
  list->add_flag("--json", words.json);
  list->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) {
        return incident_list(api, words.incident_state, words.incident_monitor, words.json);
      });
    };
  });
  const auto about_one = [&](const char* verb, const char* prose,
                             int (*act)(const ApiClient&, const std::string&, bool)) {
    auto* command = incident->add_subcommand(verb, prose);
    command->add_option("id", words.id, "inc_…")->required();
    command->add_flag("--json", words.json);
    command->callback([&words, &run, act] {
      run = [&words, act] {
        return with_api(words, [&](const ApiClient& api) { return act(api, words.id, words.json); });
      };
    });
  };
  about_one("show", "what happened, what was written, who was told and with which proof", incident_show);
  about_one("ack", "somebody is at it: later steps and reminders end", incident_ack);
  incident->footer("Example:\n  everup incident ack $(everup incident list --state open | cut -d' ' -f1)");
}

void add_channel(CLI::App& root, Words& words, Run& run) {
  auto* channel = root.add_subcommand("channel", "places where people are told");
  channel->require_subcommand(1);
  auto* list = channel->add_subcommand("list", "all channels, one a line");
  list->add_flag("--json", words.json);
  list->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return channel_list(api, words.json); }); };
  });
  auto* add = channel->add_subcommand("add", "add a channel; prints its id, and a webhook's secret beside it, once");
  add->add_option("place", words.channel.place,
                  "an e-mail address, or a URL (a webhook, unless --kind says otherwise)");
  add->add_option("--kind", words.channel.kind)
      ->check(CLI::IsMember({"email", "webhook", "slack", "pagerduty", "template"}));
  add->add_option("--name", words.channel.name, "default: by the place");
  add->add_option("-f,--file", words.channel.definition_file,
                  "a JSON object as the API takes it; - for standard input");
  add->add_flag("--json", words.json);
  add->footer(
      "Example:\n  everup channel add ops@example.com\n  everup channel add --kind slack https://hooks.slack.com/…");
  add->callback([&] {
    run = [&] {
      if (words.channel.place.empty() && words.channel.definition_file.empty()) {
        std::cerr << "everup channel add: give a place or a file (-f)\n";
        return kUsage;
      }
      return with_api(words, [&](const ApiClient& api) { return channel_add(api, words.channel, words.json); });
    };
  });
  auto* test =
      channel->add_subcommand("test", "send a test and print the other side's words; 1 when it did not arrive");
  test->add_option("id", words.id, "chn_…")->required();
  test->add_flag("--json", words.json);
  test->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return channel_test(api, words.id, words.json); });
    };
  });
}

void add_window_add(CLI::App& window, Words& words, Run& run) {
  auto* add = window.add_subcommand("add", "declare a window; prints its id");
  add->add_option("--from", words.window.from, "RFC 3339, of the first one [now]");
  add->add_option("--to", words.window.to, "RFC 3339, of one that happens once");
  add->add_option("--for", words.window.length, "how long each one is: 90m, 2h");
  add->add_option("--monitor", words.window.monitors, "mon_… or slug:name; may be repeated [every monitor]");
  add->add_option("--tag", words.window.tags, "who has this tag at that time; may be repeated");
  add->add_option("--rrule", words.window.rrule, "FREQ=WEEKLY;BYDAY=SU and the like (RFC 5545)");
  add->add_option("--timezone", words.window.timezone, "of a repeated one [UTC]");
  add->add_option("--name", words.window.name, "what it is for");
  add->add_flag("--json", words.json);
  add->footer(
      "Examples:\n  everup maintenance-window add --for 2h --tag db --name Upgrade\n  everup "
      "maintenance-window add "
      "--from 2026-11-29T02:00:00+01:00 --for 2h --rrule 'FREQ=WEEKLY;BYDAY=SU' --timezone Europe/Prague");
  add->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return maintenance_add(api, words.window, words.json); });
    };
  });
}

void add_window(CLI::App& root, Words& words, Run& run) {
  auto* window = root.add_subcommand("maintenance-window", "when trouble is meant: no part of any figure");
  window->require_subcommand(1);
  add_window_add(*window, words, run);
  auto* list = window->add_subcommand("list", "all windows, one a line: id, state, next one, name, rule");
  list->add_flag("--json", words.json);
  list->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return maintenance_list(api, words.json); }); };
  });
  auto* next = window->add_subcommand("next", "the next five times it comes");
  next->add_option("id", words.id, "mnt_…")->required();
  next->add_flag("--json", words.json);
  next->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return maintenance_next(api, words.id, words.json); });
    };
  });
  auto* remove = window->add_subcommand("remove", "end it now; what was before stays as it was");
  remove->add_option("id", words.id, "mnt_…")->required();
  remove->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return maintenance_remove(api, words.id); }); };
  });
}

void add_status_page(CLI::App& root, Words& words, Run& run) {
  auto* page = root.add_subcommand("status-page", "what everybody may see of your monitors");
  page->require_subcommand(1);
  auto* add = page->add_subcommand("add", "make a page; prints its address");
  add->add_option("name", words.page.name, "what it is called")->required();
  add->add_option("--slug", words.page.slug, "the last part of its address [made from the name]");
  add->add_option("--monitor", words.page.monitors, "mon_… or slug:name; may be repeated");
  add->add_option("--language", words.page.language, "en, de, fr or cs [en]");
  add->add_option("--domain", words.page.domain, "a name of your own that leads here");
  add->add_flag("--json", words.json);
  add->footer("Example:\n  everup status-page add 'Shop status' --monitor slug:shop --monitor slug:checkout");
  add->callback([&] {
    run = [&] {
      return with_api(words, [&](const ApiClient& api) { return status_page_add(api, words.page, words.json); });
    };
  });
  auto* list = page->add_subcommand("list", "all pages, one a line: id, name, address");
  list->add_flag("--json", words.json);
  list->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return status_page_list(api, words.json); }); };
  });
  auto* remove = page->add_subcommand("remove", "its address leads nowhere from then on");
  remove->add_option("id", words.id, "stp_… or slug:name")->required();
  remove->callback([&] {
    run = [&] { return with_api(words, [&](const ApiClient& api) { return status_page_remove(api, words.id); }); };
  });
}

void add_accounts(CLI::App& root, Words& words, Run& run) {
  auto* account = root.add_subcommand("account", "accounts: the owners of monitors and keys");
  account->require_subcommand(1);
  auto* create = account->add_subcommand("create", "make an account and its owner; prints the account's id");
  create->add_option("--email", words.account.email, "of the owner")->required();
  create->add_option("--name", words.account.name, "default: the e-mail address");
  create->add_option("--password-file", words.account.password_file,
                     "first line is the password; - for standard input");
  create->add_flag("--json", words.json);
  create->callback([&] {
    run = [&] {
      return with_settings(words, [&](const Settings& s) { return account_create(s, words.account, words.json); });
    };
  });
  auto* key = root.add_subcommand("key", "API keys");
  key->require_subcommand(1);
  auto* make = key->add_subcommand("create", "make an API key; prints it once, alone on stdout");
  make->add_option("--name", words.key.name, "what it is for")->required();
  make->add_option("--account", words.key.account,
                   "id or owner's e-mail; may be left out when there is only one account");
  make->add_option("--scope", words.key.scope, "read, write or admin")
      ->check(CLI::IsMember({"read", "write", "admin"}))
      ->capture_default_str();
  make->add_option("--expires", words.key.expires, "after so many days, e.g. 90d; default: never");
  make->add_flag("--json", words.json);
  make->footer("Example:\n  export EVERUP_API_KEY=$(everup key create --name laptop)");
  make->callback([&] {
    run = [&] { return with_settings(words, [&](const Settings& s) { return key_create(s, words.key, words.json); }); };
  });
}

void add_user_options(CLI::App& command, Words& words, bool email) {
  command.add_option("--account", words.user.account,
                     "id or owner's e-mail; may be left out when there is only one account");
  if (email) command.add_option("--email", words.user.email, "of the person")->required();
}

void add_people(CLI::App& root, Words& words, Run& run) {
  const auto with = [&words, &run](auto command) {
    return [&words, &run, command] {
      run = [&words, command] { return with_settings(words, [&](const Settings& s) { return command(s); }); };
    };
  };
  auto* link = root.add_subcommand("setup-link", "print a new link that makes the first account in the browser");
  link->add_flag("--json", words.json);
  link->callback(with([&words](const Settings& s) { return setup_link(s, words.json); }));
  auto* user = root.add_subcommand("user", "people and their roles in an account");
  user->require_subcommand(1);
  auto* add = user->add_subcommand("add", "make a person a member of an account; prints the person's id");
  add_user_options(*add, words, true);
  add->add_option("--role", words.user.role, "owner, admin, editor or viewer")
      ->check(CLI::IsMember({"owner", "admin", "editor", "viewer"}))
      ->capture_default_str();
  add->add_option("--password-file", words.user.password_file,
                  "first line is a new person's password; - for standard input");
  add->add_flag("--json", words.json);
  add->footer("Example:\n  everup user add --email ann@example.org --role editor --password-file -");
  add->callback(with([&words](const Settings& s) { return user_add(s, words.user, words.json); }));
  auto* list = user->add_subcommand("list", "the members of an account, one a line");
  add_user_options(*list, words, false);
  list->add_flag("--json", words.json);
  list->callback(with([&words](const Settings& s) { return user_list(s, words.user, words.json); }));
  auto* remove = user->add_subcommand("remove", "end a membership and the sessions in it");
  add_user_options(*remove, words, true);
  remove->callback(with([&words](const Settings& s) { return user_remove(s, words.user); }));
  auto* password = user->add_subcommand("password", "set a lost password; ends all sessions, drops the second factor");
  password->add_option("--email", words.user.email, "of the person")->required();
  password->add_option("--password-file", words.user.password_file, "first line is the password; - for standard input")
      ->required();
  password->callback(with([&words](const Settings& s) { return user_password(s, words.user); }));
}

void add_doctor(CLI::App& root, Words& words, Run& run) {
  auto* doctor = root.add_subcommand("doctor", "look for what is wrong with this installation");
  doctor->add_flag("--quick", words.quick, "only whether the service answers (for health checks)");
  doctor->add_flag("--json", words.json);
  auto* mail = doctor->add_subcommand("mail", "send a test mail through every relay and show the dialogues");
  mail->add_option("--to", words.mail.to, "the address that gets it")->required();
  mail->add_flag("--json", words.mail.json);
  mail->footer("Example:\n  everup doctor mail --to you@example.org");
  doctor->callback([&, mail] {
    if (mail->parsed()) {
      run = [&] { return with_settings(words, [&](const Settings& s) { return doctor_mail(s, words.mail); }); };
      return;
    }
    run = [&] {
      return with_settings(words, [&](const Settings& s) { return run_doctor(s, words.quick, words.json); });
    };
  });
}

void add_service(CLI::App& root, Words& words, Run& run) {
  auto* migrate = root.add_subcommand("migrate", "bring the database's schema up to date (serve does it too)");
  migrate->callback(
      [&] { run = [&] { return with_settings(words, [](const Settings& s) { return run_migrate(s); }); }; });
  auto* config = root.add_subcommand("config", "the settings");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "print effective values with their origin, secrets masked");
  check->add_flag("--json", words.json);
  check->callback([&] {
    run = [&] { return with_settings(words, [&](const Settings& s) { return config_check(s, words.json); }); };
  });
  auto* version_command = root.add_subcommand("version", "print the version");
  version_command->callback([&run] {
    run = [] {
      std::cout << "everup " << version() << "\n";
      return kDone;
    };
  });
}

void add_backups(CLI::App& root, Words& words, Run& run) {
  auto* backup = root.add_subcommand("backup", "save database, secret key and settings; a service may run meanwhile");
  backup->add_option("directory", words.backup.directory, "where to; it must not exist, or be empty");
  backup->add_flag("--dated", words.backup.dated, "make a directory named by the instant inside it");
  backup->add_option("--keep", words.backup.keep, "with --dated: remove the oldest until so many are left [all]")
      ->check(CLI::Range(1, 10'000));
  backup->add_option("--encrypt-to-key-file", words.backup.key_file,
                     "seal the files with the key in this file (head -c 32 /dev/urandom | base64)");
  backup->add_flag("--json", words.backup.json, "print the manifest");
  backup->footer("Example:\n  everup backup --dated --keep 14 /var/backups/everup");
  auto* verify =
      backup->add_subcommand("verify", "restore into a throw-away cluster and compare; exit 0 genuine, 1 not");
  verify->add_option("directory", words.backup_verify.directory, "of the backup")->required();
  verify->add_option("--key-file", words.backup_verify.key_file, "of a sealed backup");
  verify->add_option("--scratch", words.backup_verify.scratch, "where the cluster goes [TMPDIR, else /tmp]");
  verify->callback([&] {
    run = [&] {
      return with_settings(words, [&](const Settings& s) { return run_backup_verify(s, words.backup_verify); });
    };
  });
  backup->callback([&words, &run, verify] {
    if (verify->parsed()) return;
    run = [&words] {
      if (words.backup.directory.empty()) {
        std::cerr << "everup backup: name the directory to write\n";
        return kUsage;
      }
      return with_settings(words, [&](const Settings& s) { return run_backup(s, words.backup); });
    };
  });
  auto* restore = root.add_subcommand("restore", "make a data directory from a backup");
  restore->add_option("directory", words.restore.directory, "of the backup")->required();
  restore->add_option("--key-file", words.restore.key_file, "of a sealed backup");
  restore->add_flag("--replace", words.restore.replace, "put a database that is there aside");
  restore->callback([&] {
    run = [&] { return with_settings(words, [&](const Settings& s) { return run_restore(s, words.restore); }); };
  });
}

void add_verify(CLI::App& root, Words& words, Run& run) {
  auto* verify = root.add_subcommand("verify", "is a report (its .json) genuine? computes it again, offline");
  verify->add_option("file", words.verify.files, "reports; several: closed months of one chain, oldest first")
      ->required();
  verify->add_option("--key", words.verify.key,
                     "whom to trust: the installation's everup-keys.json, or its root public key (base64)");
  verify->add_option("--period", words.verify.period, "what it should be of, e.g. 2026-11");
  verify->add_flag("--json", words.verify.json);
  verify->footer(
      "Exit: 0 genuine, 1 not; the reasons are on stderr.\nExample:\n  curl -O "
      "https://status.example/.well-known/everup-keys.json\n  everup verify report-2026-10.json "
      "report-2026-11.json "
      "--key "
      "everup-keys.json");
  verify->callback([&] { run = [&] { return run_verify(words.verify); }; });
}

int run_words(int argc, char** argv) {
  Words words;
  Run run;
  CLI::App root("Everup: an uptime monitor that keeps an honest ledger", "everup");
  root.set_version_flag("--version", std::string("everup ") + version());
  root.add_option("--config", words.config_file, "configuration file [EVERUP_CONFIG, /etc/everup/everup.yaml]");
  root.add_option_function<std::string>(
      "--data-dir", [&words](const std::string& value) { words.flags["DATA_DIR"] = value; },
      "data directory [EVERUP_DATA_DIR]");
  root.require_subcommand(1);
  root.fallthrough();
  root.footer(
      "Start here:\n  everup serve\n  everup account create --email you@example.org\n  everup monitor add "
      "https://example.org/");
  add_serve(root, words, run);
  add_check(root, words, run);
  add_smtp(root, words, run);
  add_mail(root, words, run);
  add_tls(root, words, run);
  add_monitor(root, words, run);
  add_incident(root, words, run);
  add_channel(root, words, run);
  add_window(root, words, run);
  add_status_page(root, words, run);
  add_accounts(root, words, run);
  add_people(root, words, run);
  add_doctor(root, words, run);
  add_service(root, words, run);
  add_backups(root, words, run);
  add_verify(root, words, run);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return root.exit(done);
  } catch (const CLI::ParseError& wrong) {
    root.exit(wrong, std::cerr, std::cerr);
    const std::string_view word = argc > 1 ? argv[1] : "";
    const bool plugin =
        word == "check" || word == "smtp" || word == "tls" || word == "mail";  // usage is UNKNOWN there (SHAPES 3)
    return plugin ? 3 : kUsage;
  }
  return run();
}

}  // namespace
}  // namespace everup::app

int main(int argc, char** argv) {
  try {
    return everup::app::run_words(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "everup: " << e.what() << "\n";
    return everup::app::kFailed;
  }
}
