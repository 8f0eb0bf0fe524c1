// Every file of tests/checker_smtp/dialogues, four times: through the pure machine and through the real probe, whole
// and byte by byte. Lines, remarks and verdict must be exactly those of the file.
#include "checker/smtp_dialogue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/checker_smtp/dialogue_file.h"
#include "tests/checker_smtp/mail_look.h"
#include "tests/checker_smtp/scripted_server.h"

namespace everup::checker::test {
namespace {

using Kind = DialogueFile::Move::Kind;

// The machine without any I/O, driven as the probe drives it.
class PureRun {
 public:
  PureRun(const DialogueFile& file, std::size_t piece) : piece_(piece), dialogue_(plan_of(file)) {
    std::size_t first = 0;
    if (file.implicit_tls) first = 1;  // the TLS move
    dialogue_.connected(file.implicit_tls);
    after();
    for (std::size_t i = first; i < file.moves.size(); ++i) move(file.moves[i]);
    EXPECT_TRUE(said_.empty()) << "said beyond the file: " << said_.front();
    EXPECT_EQ(dialogue_.need(), SmtpDialogue::Need::kOver);
  }
  const SmtpVerdict& verdict() const { return dialogue_.verdict(); }
  SmtpDialogue& dialogue() { return dialogue_; }
  const std::vector<std::string>& transcript() const { return transcript_; }

 private:
  static SmtpPlan plan_of(const DialogueFile& file) {
    SmtpPlan plan = smtp_plan(file.settings.options, file.implicit_tls, file.implicit_tls ? 465 : 25);
    if (plan.stop >= SmtpStop::kMail) plan.message = "Subject: test\r\n\r\n.a line with a dot\r\n..\r\nend\r\n";
    plan.grouped = file.grouped;
    return plan;
  }
  void move(const DialogueFile::Move& move) {
    switch (move.kind) {
      case Kind::kServer:
        return hear(move.text);
      case Kind::kClient:
        ASSERT_FALSE(said_.empty()) << "nothing was said, but the file has: " << move.text;
        EXPECT_TRUE(matches(move.text, said_.front())) << said_.front() << " instead of " << move.text;
        return said_.pop_front();
      case Kind::kTls:
        ASSERT_EQ(dialogue_.need(), SmtpDialogue::Need::kSecure);
        dialogue_.secured();
        return after();
      case Kind::kMessage:
        while (!said_.empty() && said_.front() != ".") message_.push_back(said_.front()), said_.pop_front();
        ASSERT_FALSE(said_.empty());
        EXPECT_EQ(message_, (std::vector<std::string>{"Subject: test", "", "..a line with a dot", "...", "end"}));
        return said_.pop_front();
      case Kind::kClose:
        return dialogue_.fail(Cause::kSmtpConnectionLost, "the server closed the connection");
      case Kind::kReset:
        return dialogue_.fail(Cause::kSmtpConnectionLost, "Connection reset by peer");
      case Kind::kNote:
        return;
    }
  }
  void hear(std::string_view bytes) {
    while (!bytes.empty()) {
      buffer_ += bytes.substr(0, piece_);
      bytes.remove_prefix(std::min(piece_, bytes.size()));
      while (!buffer_.empty() && dialogue_.need() == SmtpDialogue::Need::kReply) {
        std::size_t used = 0;
        const auto step = reader_.read(buffer_, &used);
        buffer_.erase(0, used);
        if (step == SmtpReplyReader::Step::kMore) continue;
        std::string_view line = reader_.line();
        if (line.ends_with('\r')) line.remove_suffix(1);  // of a line that was cut; as Transcript does
        transcript_.push_back("< " + printable(line, 4096));
        if (step == SmtpReplyReader::Step::kReply) dialogue_.hear(reader_.take(), buffer_);
        if (step == SmtpReplyReader::Step::kFault) {
          dialogue_.fail(Cause::kSmtpProtocol,
                         std::string(english(reader_.fault())) + ": " + printable(reader_.line().substr(0, 80), 80));
        }
        if (step != SmtpReplyReader::Step::kLine) after();
      }
    }
  }
  void after() {
    for (const std::string& finding : dialogue_.take_new_findings()) transcript_.push_back("* " + finding);
    if (dialogue_.need() != SmtpDialogue::Need::kReply || !dialogue_.has_speech()) return;
    SmtpDialogue::Speech speech = dialogue_.take_speech();
    for (const std::string& line : speech.shown) transcript_.push_back("> " + printable(line, 4096));
    while (!speech.bytes.empty()) {
      const std::size_t end = speech.bytes.find("\r\n");
      ASSERT_NE(end, std::string::npos);
      said_.push_back(speech.bytes.substr(0, end));
      speech.bytes.erase(0, end + 2);
    }
  }

  const std::size_t piece_;
  SmtpDialogue dialogue_;
  SmtpReplyReader reader_;
  std::string buffer_;
  std::deque<std::string> said_;
  std::vector<std::string> transcript_, message_;
};

std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::string line(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back("< " + printable(std::string_view(line).substr(0, SmtpReplyReader::kLineMax), 4096));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// "" or how the transcript differs from the file. After the verdict the server may have said more than was heard.
std::string difference(const DialogueFile& file, const std::vector<std::string>& actual) {
  std::vector<std::string> wanted;
  for (const DialogueFile::Move& move : file.moves) {
    if (move.kind == Kind::kServer)
      for (std::string& line : lines_of(move.text)) wanted.push_back(std::move(line));
    if (move.kind == Kind::kClient) wanted.push_back("> " + printable(move.shown, 4096));
    if (move.kind == Kind::kNote) wanted.push_back("* " + move.text);
    if (move.kind == Kind::kMessage) wanted.emplace_back("MESSAGE");
  }
  std::size_t at = 0;
  for (const std::string& line : wanted) {
    if (line == "MESSAGE") {
      while (at < actual.size() && actual[at] != "> .") ++at;
      ++at;
      continue;
    }
    if (at >= actual.size()) {
      if (line.starts_with("< ")) continue;
      return "missing: " + line + "\nin:\n" + joined(actual);
    }
    const bool same = line.starts_with("> ") ? matches(line.substr(2), actual[at].substr(2)) && actual[at][0] == '>'
                                             : line == actual[at];
    if (!same) return "wanted: " + line + "\n   got: " + actual[at];
    ++at;
  }
  return at < actual.size() ? "too much: " + actual[at] : std::string();
}

class Dialogue : public ::testing::TestWithParam<std::string> {};

TEST_P(Dialogue, PureMachine) {
  const DialogueFile file = dialogue_named(GetParam());
  for (const std::size_t piece : {std::size_t{100'000}, std::size_t{1}, std::size_t{7}}) {
    if (file.whole_only && piece < 100'000) continue;
    PureRun run(file, piece);
    const SmtpVerdict& verdict = run.verdict();
    const bool wants = !file.settings.expect.capabilities.empty();
    bool offered = true;
    for (const std::string& one : file.settings.expect.capabilities) offered = offered && run.dialogue().offers(one);
    if (wants) {
      EXPECT_EQ(verdict.cause, Cause::kOk);
      EXPECT_EQ(offered, file.cause == "ok");
    } else {
      EXPECT_EQ(facts(verdict.cause).slug, file.cause);
      EXPECT_EQ(verdict.detail, file.detail);
    }
    EXPECT_EQ(slug(verdict.stopped_at), file.step);
    EXPECT_EQ(verdict.code, file.code);
    EXPECT_EQ(verdict.enhanced, file.enhanced);
    // A line that was not complete is no line yet.
    if (GetParam() != "banner_no_end") {
      EXPECT_EQ(difference(file, run.transcript()), "") << "pieces of " << piece;
    }
    for (const std::string& line : run.transcript()) {
      EXPECT_EQ(line.find("secret"), std::string::npos) << line;
      EXPECT_EQ(line.find("c2VjcmV0"), std::string::npos) << line;
    }
  }
}

class Servers {
 public:
  static SSL_CTX* context() {
    static const Servers servers;
    return servers.context_;
  }

 private:
  Servers() : ca_(dir_), context_(SSL_CTX_new(TLS_server_method())) {
    const auto files = ca_.issue("mx", "DNS:mx.test");
    EXPECT_EQ(SSL_CTX_use_certificate_file(context_, files.certificate.c_str(), SSL_FILETYPE_PEM), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM), 1);
  }
  ~Servers() { SSL_CTX_free(context_); }
  everup::test::TempDir dir_;
  everup::test::TestCa ca_;
  SSL_CTX* context_;
};

TEST_P(Dialogue, RealProbe) {
  const DialogueFile file = dialogue_named(GetParam());
  MailLook look;
  look.want_evidence = !file.grouped;
  for (const bool one_by_one : {false, true}) {
    if (file.whole_only && one_by_one) continue;
    ScriptedServer server(file, one_by_one, Servers::context());
    const std::string scheme = file.implicit_tls ? "smtps" : "smtp";
    const Outcome outcome = look.at(scheme + "://mx.test:" + std::to_string(server.port()) + "/", file.settings);
    EXPECT_EQ(facts(outcome.cause).slug, file.cause) << outcome.detail;
    EXPECT_EQ(outcome.verdict, facts(outcome.cause).verdict);
    EXPECT_EQ(outcome.detail, file.detail);
    EXPECT_EQ(outcome.code, file.code);
    ASSERT_EQ(outcome.evidence != nullptr, !file.grouped || file.cause != "ok");
    if (outcome.evidence && GetParam() != "banner_no_end") {
      EXPECT_EQ(difference(file, printed(outcome.evidence->transcript)), "");
    }
    ASSERT_TRUE(look.turn_until([&] { return server.done(); }));
    EXPECT_EQ(joined(server.complaints()), "") << (one_by_one ? "byte by byte" : "whole");
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Dialogue, ::testing::ValuesIn(dialogue_names()),
                         [](const auto& name) { return name.param; });

TEST(DialogueFiles, AreAllThere) { EXPECT_GE(dialogue_names().size(), 120u); }

}  // namespace
}  // namespace everup::checker::test
