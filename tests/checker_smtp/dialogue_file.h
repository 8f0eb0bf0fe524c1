// A dialogue as a file: what the server says, what we must say, and what comes of it. The same files drive the pure
// machine and the real probe, whole and byte by byte.
//
//   # comment
//   option NAME VALUE      of the monitor: starttls, stop_after, from, to, auth_user, auth_secret, auth_mechanism,
//                          allow_clear, verify_tls, implicit_tls, whole_only (bytes one by one make another dialogue),
//                          grouped (a look whose transcript nobody asked for)
//   expect KEYWORD         a capability that must be offered
//   S: text                a line of the server, CRLF added; lines that follow each other are one segment
//   R: text                the same without an end of line; \xNN, \r, \n, \t and \\ are escapes in both
//   REPEAT n text          the character "text" n times, without an end of line
//   C: line                what we must say next; "C: line => shown": the transcript shows something else; a trailing *
//                          stands for anything
//   TLS                    here the connection becomes TLS
//   MESSAGE                we send a message, up to the line with the dot
//   CLOSE / RESET          the server leaves
//   note: text             a remark in the transcript, here
//   verdict: cause STEP code [enhanced]
//   detail: text
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/kind_settings.h"
#include "tests/paths.h"

namespace everup::checker::test {

struct DialogueFile {
  struct Move {
    enum class Kind { kServer, kClient, kTls, kMessage, kClose, kReset, kNote } kind;
    std::string text, shown;
  };
  SmtpSettings settings;
  bool implicit_tls = false, whole_only = false, grouped = false;
  std::vector<Move> moves;
  std::string cause, step, enhanced, detail;
  int code = 0;

  static DialogueFile read(const std::filesystem::path& path) {
    DialogueFile file;
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot read " + path.string());
    file.settings.options.ehlo = "probe.test";
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || line[0] == '#') continue;
      if (!file.take(line)) throw std::runtime_error(path.filename().string() + ": " + line);
    }
    return file;
  }

 private:
  using Kind = Move::Kind;

  bool take(const std::string& line) {
    const auto rest = [&](std::string_view word) { return unescaped(line.substr(std::min(word.size(), line.size()))); };
    if (line.starts_with("option ")) return option(line.substr(7));
    if (line.starts_with("expect ")) return settings.expect.capabilities.push_back(line.substr(7)), true;
    if (line == "S:") return server("\r\n");
    if (line.starts_with("S: ")) return server(rest("S: ") + "\r\n");
    if (line.starts_with("R: ")) return server(rest("R: "));
    if (line.starts_with("REPEAT ")) {
      const std::size_t space = line.find(' ', 7);
      return server(std::string(std::stoul(line.substr(7, space - 7)), line.at(space + 1)));
    }
    if (line == "C:") return moves.push_back({Kind::kClient, "", "(an empty line)"}), true;
    if (line.starts_with("C: ")) {
      const std::size_t arrow = line.find(" => ");
      const std::string text = line.substr(3, arrow == std::string::npos ? arrow : arrow - 3);
      moves.push_back({Kind::kClient, text, arrow == std::string::npos ? text : line.substr(arrow + 4)});
      return true;
    }
    if (line == "TLS") return moves.push_back({Kind::kTls, "", ""}), true;
    if (line == "MESSAGE") return moves.push_back({Kind::kMessage, "", ""}), true;
    if (line == "CLOSE") return moves.push_back({Kind::kClose, "", ""}), true;
    if (line == "RESET") return moves.push_back({Kind::kReset, "", ""}), true;
    if (line.starts_with("note: ")) return moves.push_back({Kind::kNote, line.substr(6), ""}), true;
    if (line.starts_with("detail: ")) return detail = line.substr(8), true;
    if (line.starts_with("verdict: ")) return verdict(line.substr(9));
    return false;
  }
  bool server(const std::string& bytes) {
    if (moves.empty() || moves.back().kind != Kind::kServer) moves.push_back({Kind::kServer, "", ""});
    moves.back().text += bytes;
    return true;
  }
  bool verdict(const std::string& text) {
    std::istringstream words(text);
    words >> cause >> step >> code;
    words.clear();
    words >> enhanced;
    return !cause.empty() && !step.empty();
  }
  bool option(const std::string& text) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string name = text.substr(0, space), value = text.substr(std::min(space + 1, text.size()));
    SmtpOptions& options = settings.options;
    if (name == "starttls") {
      options.starttls = value == "require" ? StartTls::kRequire : value == "never" ? StartTls::kNever : StartTls::kTry;
    } else if (name == "stop_after") {
      options.stop_after = smtp_stop_from(value);
      return options.stop_after.has_value();
    } else if (name == "from") {
      options.from = unescaped(value);
    } else if (name == "to") {
      options.to.push_back(unescaped(value));
    } else if (name == "auth_user") {
      options.auth.user = value;
    } else if (name == "auth_secret") {
      options.auth.secret = value;
    } else if (name == "auth_mechanism") {
      using Mechanism = SmtpAuth::Mechanism;
      options.auth.mechanism = value == "PLAIN"      ? Mechanism::kPlain
                               : value == "LOGIN"    ? Mechanism::kLogin
                               : value == "CRAM-MD5" ? Mechanism::kCramMd5
                                                     : Mechanism::kXoauth2;
    } else if (name == "allow_clear") {
      options.auth.allow_clear = true;
    } else if (name == "verify_tls") {
      options.verify_tls = value == "true";
    } else if (name == "implicit_tls") {
      implicit_tls = true;
    } else if (name == "grouped") {
      grouped = true;
    } else if (name == "whole_only") {
      whole_only = true;
    } else {
      return false;
    }
    return true;
  }
  static std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      const char what = text[++i];
      if (what == 'x' && i + 2 < text.size()) {
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        out += what == 'r' ? '\r' : what == 'n' ? '\n' : what == 't' ? '\t' : what;
      }
    }
    return out;
  }
};

inline std::vector<std::string> dialogue_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(EVERUP_SOURCE_DIR "/tests/checker_smtp/dialogues")) {
    if (entry.path().extension() == ".dialogue") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline DialogueFile dialogue_named(const std::string& name) {
  return DialogueFile::read(EVERUP_SOURCE_DIR "/tests/checker_smtp/dialogues/" + name + ".dialogue");
}

// Does `said` match the pattern of a C: line?
inline bool matches(const std::string& pattern, const std::string& said) {
  if (pattern.ends_with('*') && pattern != "***" && pattern != "*") {
    return said.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  return said == pattern;
}

}  // namespace everup::checker::test
