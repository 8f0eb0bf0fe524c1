// everup: one binary, all commands. This file only knows the words people type; every command is a function elsewhere.
#include <exception>

#include "app/words.h"

namespace everup::app {

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

namespace {

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
  add_probes(root, words, run);
  add_resources(root, words, run);
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
