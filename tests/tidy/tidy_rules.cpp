// See tidy_rules.h. The banned words stand here in pieces, so that this file may stand in the tree it checks.
#include "tests/tidy/tidy_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>

namespace everup::tidy {
namespace {

constexpr int kFileLines = 600;
constexpr int kTestFileLines = 1200;
constexpr int kFunctionLines = 70;

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where `word` stands alone in `line`.
bool has_word(std::string_view line, std::string_view word) {
  for (auto at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool before = at == 0 || !word_character(line[at - 1]);
    const bool after = at + word.size() >= line.size() || !word_character(line[at + word.size()]);
    if (before && after) return true;
  }
  return false;
}

template <class Each>
void each_line(std::string_view text, Each each) {
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) each(number, line);
}

bool in_tests(std::string_view path) { return path.starts_with("tests/"); }

// Blanks what is not code, one literal or comment at a time.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}
  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(out_);
  }

 private:
  bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void blank_to(std::size_t end) {
    for (; at_ < std::min(end, text_.size()); ++at_)
      if (text_[at_] != '\n') out_[at_] = ' ';
  }
  std::size_t after(std::string_view what, std::size_t from) const {
    const auto found = text_.find(what, from);
    return found == std::string_view::npos ? text_.size() : found + what.size();
  }
  std::size_t after_quoted(char quote) const {
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != quote && text_[i] != '\n') i += text_[i] == '\\' ? 2U : 1U;
    return i + 1;
  }
  void step() {
    const bool fresh = at_ == 0 || !word_character(text_[at_ - 1]);
    if (here("//")) {
      blank_to(text_.find('\n', at_));
    } else if (here("/*")) {
      blank_to(after("*/", at_ + 2));
    } else if (here("R\"") && fresh) {
      const auto open = text_.find('(', at_);
      const std::string closing = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
      blank_to(after(closing, open));
    } else if (text_[at_] == '"') {
      blank_to(after_quoted('"'));
    } else if (text_[at_] == '\'' && fresh) {
      blank_to(after_quoted('\''));
    } else {
      ++at_;
    }
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
};

// What a brace opens, told from the code before it.
enum class Opens { kScope, kFunction, kOther };

Opens what_opens(std::string_view head) {
  for (const std::string_view scope : {"namespace", "class", "struct", "union", "enum", "extern"})
    if (has_word(head, scope) && head.find('(') == std::string_view::npos) return Opens::kScope;
  if (head.find(')') == std::string_view::npos) return Opens::kOther;
  const auto assigned = head.find(" = ");
  return assigned != std::string_view::npos && assigned < head.find('(') ? Opens::kOther : Opens::kFunction;
}

struct Brace {
  Opens opens;
  int line;
};

// Finds functions that stand in scopes only; lambdas and blocks count with the function around them.
class FunctionMeter {
 public:
  explicit FunctionMeter(const File& file) : path_(file.path), code_(code_only(file.text)) {}
  Complaints run() {
    for (const char c : code_) {
      if (c == '\n') ++line_;
      if (c == '{') open();
      if (c == '}') close();
      head_.push_back(c);
      if (c == ';' || c == '{' || c == '}') head_.clear();
      if (c == '#') head_.clear();
    }
    return std::move(out_);
  }

 private:
  bool in_function() const {
    return std::any_of(open_.begin(), open_.end(), [](const Brace& b) { return b.opens != Opens::kScope; });
  }
  void open() { open_.push_back({in_function() ? Opens::kOther : what_opens(head_), line_}); }
  void close() {
    if (open_.empty()) return;
    const Brace brace = open_.back();
    open_.pop_back();
    const int lines = line_ - brace.line - 1;
    if (brace.opens == Opens::kFunction && lines > kFunctionLines)
      out_.push_back(
          {path_, brace.line,
           "a function of " + std::to_string(lines) + " lines; " + std::to_string(kFunctionLines) + " are allowed"});
  }

  std::string path_, code_, head_;
  std::vector<Brace> open_;
  int line_ = 1;
  Complaints out_;
};

struct Banned {
  std::string word, why;
};

const std::vector<Banned>& banned_everywhere() {
  static const std::vector<Banned> kBanned{
      {std::string("TO") + "DO", "unfinished work belongs into an issue"},
      {std::string("FIX") + "ME", "unfinished work belongs into an issue"},
      {std::string("XX") + "X", "unfinished work belongs into an issue"},
      {std::string("HA") + "CK", "say what it is and why"},
      {std::string("st") + "ub", "what stands in the tree works"},
      {std::string("/wo") + "rk", "no path of a build machine"},
  };
  return kBanned;
}

const std::vector<Banned>& banned_in_tests() {
  static const std::vector<Banned> kBanned{
      {std::string("sleep") + "_for", "wait for an event, or turn the manual clock"},
      {std::string("sleep") + "_until", "wait for an event, or turn the manual clock"},
      {std::string("u") + "sleep", "wait for an event, or turn the manual clock"},
      {std::string("nano") + "sleep", "wait for an event, or turn the manual clock"},
      {std::string("sle") + "ep", "wait for an event, or turn the manual clock"},
      {std::string("GTEST_") + "SKIP", "a test that does not run proves nothing"},
  };
  return kBanned;
}

void ban(Complaints& out, const std::string& path, int line, std::string_view text, const std::vector<Banned>& banned) {
  for (const Banned& one : banned)
    if (has_word(text, one.word)) out.push_back({path, line, "\"" + one.word + "\": " + one.why});
}

}  // namespace

std::string printed(const Complaints& complaints) {
  std::string out;
  for (const Complaint& c : complaints) out += c.path + ":" + std::to_string(c.line) + ": " + c.what + "\n";
  return out;
}

std::string code_only(std::string_view text) { return Blanker(text).run(); }

Complaints check_lengths(const File& file) {
  Complaints out = FunctionMeter(file).run();
  const auto lines = static_cast<int>(std::count(file.text.begin(), file.text.end(), '\n'));
  const int allowed = in_tests(file.path) ? kTestFileLines : kFileLines;
  if (lines > allowed)
    out.push_back({file.path, lines, std::to_string(lines) + " lines; " + std::to_string(allowed) + " are allowed"});
  return out;
}

Complaints check_words(const File& file) {
  Complaints out;
  each_line(file.text,
            [&](int number, const std::string& line) { ban(out, file.path, number, line, banned_everywhere()); });
  return out;
}

Complaints check_code_words(const File& file) {
  Complaints out;
  const bool header = file.path.ends_with(".h");
  const std::string regex = std::string("std::") + "regex";
  const std::string disabled = std::string("DISABLED") + "_";
  const std::array<std::string, 5> clocks{"system_clock::now", "steady_clock::now", "clock_gettime", "gettimeofday",
                                          "high_resolution_clock::now"};
  const bool floor = !in_tests(file.path) && !file.path.starts_with("bench/") && file.path != "net/clock.cpp";
  each_line(code_only(file.text), [&](int number, const std::string& line) {
    const auto complain = [&](const std::string& what) { out.push_back({file.path, number, what}); };
    if (line.find(regex) != std::string::npos) complain(regex + " has no limits; RE2 lives in checker/pattern.cpp");
    if (header && line.find("using namespace") != std::string::npos) complain("using namespace in a header");
    if (in_tests(file.path)) ban(out, file.path, number, line, banned_in_tests());
    if (line.find(disabled) != std::string::npos) complain("a test that does not run proves nothing");
    for (const std::string& clock : clocks)
      if (floor && has_word(line, clock)) complain(clock + ": only net/clock.cpp reads a clock; take a Now");
  });
  return out;
}

// "tests/net/loop_test.cpp" → "net/loop.h"
static std::string tested_header(const std::string& path) {
  const std::string stem = path.substr(6, path.rfind('.') - 6);
  return stem.substr(0, stem.ends_with("_test") ? stem.size() - 5 : stem.size()) + ".h";
}

Complaints check_opening(const File& file) {
  if (file.text.starts_with("//") || file.text.starts_with("/*") || file.text.starts_with("#pragma once")) return {};
  const std::string own = "#include \"" + file.path.substr(0, file.path.rfind('.')) + ".h\"";
  if (file.text.starts_with(own)) return {};  // its header's manual page speaks for both
  if (in_tests(file.path) && file.text.starts_with("#include \"" + tested_header(file.path) + "\"")) return {};
  return {{file.path, 1, "a file begins with a comment that says what it is, or with its own header"}};
}

Complaints check_name(const std::string& path) {
  Complaints out;
  const auto slash = path.rfind('/');
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  for (const std::string_view vague : {"utils", "util", "common", "helpers", "helper", "manager", "misc"}) {
    const bool folder = ("/" + path).find("/" + std::string(vague) + "/") != std::string::npos;
    const std::string stem = name.substr(0, name.find('.'));
    if (folder || stem == vague || stem.ends_with("_" + std::string(vague)) ||
        stem.starts_with(std::string(vague) + "_"))
      out.push_back({path, 1, "\"" + std::string(vague) + "\" names nothing: say what it is"});
  }
  return out;
}

bool is_cpp(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

bool is_text(std::string_view path) {
  for (const std::string_view end :
       {".cpp", ".h", ".cmake", ".txt", ".sql", ".md", ".yml", ".yaml", ".conf", ".json", ".service", ".socket", ".sh",
        ".ts", ".tsx", ".css", "/run", "/test", "Dockerfile"})
    if (path.ends_with(end)) return true;
  return path == "run" || path == "test";
}

Complaints check(const File& file) {
  Complaints out = check_name(file.path);
  const auto add = [&out](Complaints more) { out.insert(out.end(), more.begin(), more.end()); };
  add(check_words(file));
  if (!is_cpp(file.path)) return out;
  add(check_includes(file));
  add(check_lengths(file));
  add(check_code_words(file));
  add(check_opening(file));
  return out;
}

}  // namespace everup::tidy
