// The words of commands that ask the API.
#include "app/words.h"

namespace everup::app {
namespace {

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

}  // namespace

void add_resources(CLI::App& root, Words& words, Run& run) {
  add_monitor(root, words, run);
  add_incident(root, words, run);
  add_channel(root, words, run);
  add_window(root, words, run);
  add_status_page(root, words, run);
}

}  // namespace everup::app
