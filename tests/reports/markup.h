// Reading pages in tests: what stands in them, and whether their markup is sound. Test code only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace everup::testing {

inline bool has(const std::string& page, std::string_view what) { return page.find(what) != std::string::npos; }

inline int count(std::string_view page, std::string_view what) {
  int n = 0;
  for (auto at = page.find(what); at != std::string_view::npos; at = page.find(what, at + 1)) ++n;
  return n;
}

// Every opened element is closed in order; the few void elements are known. Text and attributes hold no bare "<".
inline std::string markup_fault(const std::string& page) {
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const auto end = page.find('>', at);
    if (end == std::string::npos) return "an open tag at the end";
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return "a bare < in: " + tag;
    if (tag.starts_with("!doctype")) continue;
    const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" />", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1))
        return "</" + tag.substr(1) + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (tag.back() != '/' && name != "meta" && name != "img") {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "open at the end: " + open.back();
}

}  // namespace everup::testing
