// See status_feeds.h.
#include "reports/status_feeds.h"

#include <algorithm>
#include <array>

#include "core/utf8.h"
#include "reports/status_words.h"
#include "reports/strip.h"

namespace everup::reports {
namespace {

constexpr std::size_t kFoldBytes = 73;  // RFC 5545 3.1: a line has at most 75, with its leading space

// XML 1.0 knows no other controls, not even escaped.
std::string xml(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    plain += byte < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
  }
  return escaped(plain);
}

std::string title_of(const StatusInput& in, const StatusIncident& one) {
  return std::string(word(in.page.language, "w_" + one.stage())) + ": " + one.name + ": " + one.cause;
}

std::string link_of(const StatusInput& in, const StatusIncident& one) {
  const std::string root = in.url.ends_with('/') ? in.url.substr(0, in.url.size() - 1) : in.url;
  return root + "/incidents/" + one.id;
}

// What happened, newest first, as paragraphs of HTML.
std::string story_of(const StatusInput& in, const StatusIncident& one) {
  const auto line = [&](std::string_view key, WallTime at, const std::string& text) {
    return "<p><strong>" + escaped(word(in.page.language, key)) + "</strong> " + local_text(at, *in.zone) +
           (text.empty() ? "" : "<br>" + escaped(text)) + "</p>";
  };
  std::string out;
  if (one.ended_at) out += line("w_resolved", *one.ended_at, "");
  for (auto update = one.updates.rbegin(); update != one.updates.rend(); ++update)
    out += line("w_" + (update->stage.empty() ? std::string("update") : update->stage), update->at, update->text);
  return out + line("w_detected", one.started_at, one.cause);
}

// "Sun, 22 Nov 2026 14:30:00 GMT"
std::string rfc822(WallTime t) {
  constexpr std::array<std::string_view, 7> kDaysOfWeek{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string text = rfc3339(t);
  const auto day = static_cast<std::size_t>(t.ms / kDayMs % 7);
  const auto month = static_cast<std::size_t>(std::stoi(text.substr(5, 2)) - 1);
  return std::string(kDaysOfWeek[day]) + ", " + text.substr(8, 2) + " " + std::string(kMonths[month % 12]) + " " +
         text.substr(0, 4) + " " + text.substr(11, 8) + " GMT";
}

// 20261122T143000Z
std::string stamp(WallTime t) {
  std::string out;
  for (const char c : rfc3339(WallTime{t.ms / 1000 * 1000})) {
    if (c != '-' && c != ':') out += c;
  }
  return out;
}

// A text value (3.3.11).
std::string ical(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == ';' || c == ',') out += '\\';
    if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
  }
  return out;
}

// Lines end in CRLF and are folded, never inside a character.
void add_line(std::string& out, std::string_view line) {
  std::size_t width = 0;
  while (!line.empty()) {
    char32_t code = 0;
    const std::size_t size = std::max<std::size_t>(utf8_front(line, code), 1);
    if (width + size > kFoldBytes) {
      out += "\r\n ";
      width = 1;
    }
    out += line.substr(0, size);
    width += size;
    line.remove_prefix(size);
  }
  out += "\r\n";
}

}  // namespace

WallTime changed_at(const StatusInput& in) {
  WallTime at = in.page.updated_at;
  for (const StatusIncident& one : in.incidents) at = std::max(at, one.changed_at());
  return at;
}

std::string status_atom(const StatusInput& in) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"" +
      xml(in.page.language) + "\">\n<id>" + xml(in.url) + "</id>\n<title>" + xml(in.page.name) + "</title>\n<updated>" +
      rfc3339(changed_at(in)) + "</updated>\n<author><name>" + xml(in.page.name) +
      "</name></author>\n<link rel=\"alternate\" type=\"text/html\" href=\"" + xml(in.url) +
      "\"/>\n<link rel=\"self\" type=\"application/atom+xml\" href=\"" + xml(in.url) +
      (in.url.ends_with('/') ? "" : "/") + "history.atom\"/>\n";
  for (std::size_t i = 0; i < std::min(in.incidents.size(), kEntriesMax); ++i) {
    const StatusIncident& one = in.incidents[i];
    const std::string link = xml(link_of(in, one));
    out += "<entry>\n<id>" + link + "</id>\n<title>" + xml(title_of(in, one)) + "</title>\n<published>" +
           rfc3339(one.started_at) + "</published>\n<updated>" + rfc3339(one.changed_at()) +
           "</updated>\n<link rel=\"alternate\" type=\"text/html\" href=\"" + link + "\"/>\n<content type=\"html\">" +
           xml(story_of(in, one)) + "</content>\n</entry>\n";
  }
  return out + "</feed>\n";
}

std::string status_rss(const StatusInput& in) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\">\n<channel>\n<title>" +
                    xml(in.page.name) + "</title>\n<link>" + xml(in.url) + "</link>\n<description>" +
                    xml(in.page.description.empty() ? in.page.name : in.page.description) +
                    "</description>\n<language>" + xml(in.page.language) + "</language>\n<lastBuildDate>" +
                    rfc822(changed_at(in)) + "</lastBuildDate>\n<ttl>1</ttl>\n";
  for (std::size_t i = 0; i < std::min(in.incidents.size(), kEntriesMax); ++i) {
    const StatusIncident& one = in.incidents[i];
    const std::string link = xml(link_of(in, one));
    out += "<item>\n<title>" + xml(title_of(in, one)) + "</title>\n<link>" + link + "</link>\n<guid>" + link +
           "</guid>\n<pubDate>" + rfc822(one.started_at) + "</pubDate>\n<description>" + xml(story_of(in, one)) +
           "</description>\n</item>\n";
  }
  return out + "</channel>\n</rss>\n";
}

std::string status_calendar(const StatusInput& in) {
  std::string out;
  add_line(out, "BEGIN:VCALENDAR");
  add_line(out, "VERSION:2.0");
  add_line(out, "PRODID:-//Everup//Status page//EN");
  add_line(out, "METHOD:PUBLISH");
  add_line(out, "X-WR-CALNAME:" + ical(in.page.name));
  for (const StatusMaintenance& one : in.maintenance) {
    std::string affected;
    for (const std::string& name : one.names) affected += (affected.empty() ? "" : ", ") + name;
    add_line(out, "BEGIN:VEVENT");
    add_line(out, "UID:" + one.id + "@everup");
    add_line(out, "SEQUENCE:" + std::to_string(one.version - 1));
    add_line(out, "DTSTAMP:" + stamp(one.saved_at));
    add_line(out, "CREATED:" + stamp(one.created_at));
    add_line(out, "LAST-MODIFIED:" + stamp(one.saved_at));
    add_line(out, "DTSTART:" + stamp(one.span.from));
    add_line(out, "DTEND:" + stamp(one.span.to));
    add_line(out, "SUMMARY:" + ical(one.name));
    add_line(out, "DESCRIPTION:" + ical(std::string(word(in.page.language, "w_affects")) + ": " + affected));
    add_line(out, "URL:" + in.url);
    add_line(out, "STATUS:CONFIRMED");
    add_line(out, "TRANSP:TRANSPARENT");
    add_line(out, "END:VEVENT");
  }
  add_line(out, "END:VCALENDAR");
  return out;
}

}  // namespace everup::reports
