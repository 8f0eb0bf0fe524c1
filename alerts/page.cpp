// The words of a message (words.h) as text and as HTML: one column, colours that work on light and dark, nothing that a
// mail client would have to load.
#include <string>
#include <string_view>

#include "alerts/words.h"

namespace everup::alerts {
namespace {

constexpr std::size_t kHtmlBytesMax = 30'000;

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string rest_words(std::size_t left_out) { return "and " + std::to_string(left_out) + " more."; }

std::string html_facts(const Story& story) {
  if (story.facts.empty()) return {};
  std::string out = "<table style=\"border-collapse:collapse\">\n";
  for (const Fact& fact : story.facts) {
    const std::string value = escaped(fact.value);
    out += "<tr><th style=\"text-align:left;vertical-align:top;padding:2px 12px 2px 0;font-weight:600\">" +
           escaped(fact.label) + "</th><td style=\"padding:2px 0\">" +
           (fact.link ? "<a href=\"" + value + "\">" + value + "</a>" : value) + "</td></tr>\n";
  }
  return out + "</table>\n";
}

std::string html_story(const Story& story, bool main) {
  std::string out = main ? "<h1 style=\"font-size:18px;margin:0 0 12px\">" + escaped(story.headline) + "</h1>\n"
                         : "<p style=\"margin:16px 0 4px;font-weight:600\">" + escaped(story.headline) + "</p>\n";
  out += html_facts(story);
  if (story.evidence.empty()) return out;
  out += "<pre style=\"white-space:pre-wrap;font-size:13px;border-left:3px solid #888;padding-left:10px\">";
  for (const std::string& line : story.evidence) out += escaped(line) + "\n";
  return out + "</pre>\n";
}

}  // namespace

std::string text_of(const Words& words) {
  std::string out = words.opening.empty() ? "" : words.opening + "\n\n";
  for (const Story& story : words.stories) {
    out += story.headline + "\n";
    if (!story.facts.empty() && words.opening.empty()) out += "\n";
    for (const Fact& fact : story.facts) out += fact.label + ": " + fact.value + "\n";
    if (!story.evidence.empty()) out += "\nWhat was seen:\n";
    for (const std::string& line : story.evidence) out += "  " + line + "\n";
    out += "\n";
  }
  if (words.left_out > 0) out += rest_words(words.left_out) + "\n\n";
  return out + words.closing + "\n";
}

std::string html_of(const Words& words) {
  const bool main = words.opening.empty();
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"color-scheme\" content=\"light dark\"><title>" +
      escaped(words.subject) +
      "</title></head>\n<body style=\"font-family:system-ui,sans-serif;font-size:15px;line-height:1.4;"
      "max-width:640px;margin:0 auto;padding:16px\">\n";
  if (!main) out += "<h1 style=\"font-size:18px;margin:0 0 12px\">" + escaped(words.opening) + "</h1>\n";
  std::size_t left_out = words.left_out;
  for (std::size_t i = 0; i < words.stories.size(); ++i) {
    const std::string story = html_story(words.stories[i], main);
    if (out.size() + story.size() > kHtmlBytesMax - 1000) {
      left_out += words.stories.size() - i;
      break;
    }
    out += story;
  }
  if (left_out > 0) out += "<p>" + rest_words(left_out) + "</p>\n";
  return out + "<p style=\"margin-top:20px;color:#777;font-size:13px\">" + escaped(words.closing) +
         "</p>\n</body></html>\n";
}

}  // namespace everup::alerts
