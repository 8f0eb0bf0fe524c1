// The words of commands that look at a target once.
#include "app/words.h"

namespace everup::app {
namespace {

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

}  // namespace

void add_probes(CLI::App& root, Words& words, Run& run) {
  add_check(root, words, run);
  add_smtp(root, words, run);
  add_mail(root, words, run);
  add_tls(root, words, run);
}

}  // namespace everup::app
