#include "checker/smtp_note.h"

#include <array>
#include <utility>

namespace everup::checker {

namespace {

using Note = std::pair<std::string_view, std::string_view>;

constexpr std::array<Note, 12> kCommands = {{
    {"EHLO", "we say who we are and ask what the server can do; good: 250 and a list (RFC 5321, 4.1.1.1)"},
    {"HELO", "the greeting of before 1995, because EHLO is unknown here; good: 250 (RFC 5321, 4.1.1.1)"},
    {"STARTTLS", "we ask to encrypt this connection; good: 220, then the handshake (RFC 3207)"},
    {"AUTH", "we prove who we are, the secret is not shown; good: 235, or 334 and a question (RFC 4954)"},
    {"MAIL", "the envelope's sender, where bounces go; good: 250 (RFC 5321, 4.1.1.2)"},
    {"RCPT", "the envelope's recipient; good: 250 or 251 (RFC 5321, 4.1.1.3)"},
    {"DATA", "we ask to send the message; good: 354 (RFC 5321, 4.1.1.4)"},
    {"RSET", "we take the envelope back: nothing is delivered; good: 250 (RFC 5321, 4.1.1.5)"},
    {"QUIT", "we take our leave; good: 221 (RFC 5321, 4.1.1.10)"},
    {".", "the end of the message; good: 250, now the server answers for it (RFC 5321, 4.1.1.4)"},
    {"***", "the answer to the question, not shown (RFC 4954)"},
    {"*", "we break off the authentication (RFC 4954, 4)"},
}};

constexpr std::array<Note, 30> kReplies = {{
    {"211", "status or help (RFC 5321, 4.2.3)"},
    {"220", "ready (RFC 5321, 4.2.3)"},
    {"221", "the server closes the connection in order (RFC 5321, 4.2.3)"},
    {"235", "authenticated (RFC 4954, 6)"},
    {"250", "done (RFC 5321, 4.2.3)"},
    {"251", "not a user here, but it will be forwarded (RFC 5321, 3.4)"},
    {"252", "cannot tell whether there is such a user, but takes the message (RFC 5321, 3.5.3)"},
    {"334", "the server asks for the next part of the credentials (RFC 4954, 4)"},
    {"354", "go ahead with the message (RFC 5321, 4.2.3)"},
    {"421", "the server is not available and closes the connection (RFC 5321, 3.8)"},
    {"432", "the password must be changed (RFC 4954, 4.7.12)"},
    {"450", "mailbox busy or greylisted: try again later (RFC 5321, 4.2.3; RFC 6647)"},
    {"451", "a local error or greylisting: try again later (RFC 5321, 4.2.3; RFC 6647)"},
    {"452", "no room now: try again later (RFC 5321, 4.2.3)"},
    {"454", "temporary failure of TLS or authentication (RFC 3207, 4; RFC 4954, 6)"},
    {"500", "the command was not understood (RFC 5321, 4.2.2)"},
    {"501", "a parameter was not understood (RFC 5321, 4.2.2)"},
    {"502", "the command is not implemented (RFC 5321, 4.2.2)"},
    {"503", "commands in the wrong order (RFC 5321, 4.2.2)"},
    {"504", "the parameter is not implemented (RFC 5321, 4.2.2)"},
    {"521", "this host takes no mail (RFC 7504)"},
    {"530", "authentication or STARTTLS comes first (RFC 4954, 6; RFC 3207, 4)"},
    {"534", "the mechanism is too weak (RFC 4954, 6)"},
    {"535", "the credentials are wrong (RFC 4954, 6)"},
    {"538", "the mechanism needs encryption (RFC 4954)"},
    {"550", "refused: no such mailbox, or by policy (RFC 5321, 4.2.3)"},
    {"551", "not a user here (RFC 5321, 3.4)"},
    {"552", "too large, or no room (RFC 5321, 4.2.3)"},
    {"553", "the mailbox name is not allowed (RFC 5321, 4.2.3)"},
    {"554", "refused: no mail service, or the transaction failed (RFC 5321, 4.2.3)"},
}};

constexpr std::array<Note, 13> kCapabilities = {{
    {"SIZE", "the largest message it takes, in bytes (RFC 1870)"},
    {"8BITMIME", "takes bytes beyond ASCII (RFC 6152)"},
    {"SMTPUTF8", "takes addresses beyond ASCII (RFC 6531)"},
    {"PIPELINING", "takes several commands at once (RFC 2920)"},
    {"CHUNKING", "takes messages in pieces (RFC 3030)"},
    {"DSN", "sends delivery reports as asked (RFC 3461)"},
    {"AUTH", "takes these ways to authenticate (RFC 4954)"},
    {"STARTTLS", "offers encryption (RFC 3207)"},
    {"LIMITS", "tells its limits (RFC 9422)"},
    {"REQUIRETLS", "passes on by TLS only, when asked (RFC 8689)"},
    {"ENHANCEDSTATUSCODES", "answers with codes of three numbers (RFC 2034)"},
    {"VRFY", "says it answers VRFY (RFC 5321, 3.5)"},
    {"ETRN", "starts its queue for a host on demand (RFC 1985)"},
}};

bool begins_with_word(std::string_view text, std::string_view word) {
  if (text.substr(0, word.size()) != word) return false;
  return text.size() == word.size() || text[word.size()] == ' ' || text[word.size()] == '=';
}

template <std::size_t N>
std::string_view find(const std::array<Note, N>& notes, std::string_view text) {
  for (const auto& [word, note] : notes)
    if (begins_with_word(text, word)) return note;
  return {};
}

}  // namespace

std::string_view smtp_note(const TranscriptLine& line) {
  switch (line.direction) {
    case Direction::kOut:
      return find(kCommands, line.text);
    case Direction::kIn:
      break;
    case Direction::kNote:
      return {};
  }
  const std::string_view text = line.text;
  const std::string_view rest = text.size() > 4 ? text.substr(4) : std::string_view();
  if (text.starts_with("250")) {
    const std::string_view capability = find(kCapabilities, rest);
    if (!capability.empty()) return capability;
    if (text.starts_with("250-")) return {};
  }
  return text.size() >= 3 ? find(kReplies, text.substr(0, 3)) : std::string_view();
}

}  // namespace everup::checker
