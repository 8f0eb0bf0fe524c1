// See api/tool_desk.h.
#include "api/tool_desk.h"

#include <algorithm>

#include "api/house.h"
#include "api/json_text.h"
#include "api/tool_rules.h"
#include "checker/smtp_note.h"
#include "checker/smtp_report_json.h"
#include "db/monitor_json.h"
#include "db/tls_report_json.h"
#include "net/digest.h"

namespace everup::api {
namespace {

using reports::Tool;

constexpr std::size_t kEntriesMax = 2'000;
constexpr int kStoreAttempts = 3;
constexpr milliseconds kStoreAgain{5'000};

std::string_view word_of(Direction direction) {
  switch (direction) {
    case Direction::kIn:
      return "in";
    case Direction::kOut:
      return "out";
    case Direction::kNote:
      break;
  }
  return "note";
}

std::string line_json(const TranscriptLine& line, std::string_view note) {
  JsonWriter out = JsonWriter::object();
  out.key("at_ms").number(line.at_ms);
  out.field("dir", word_of(line.direction)).key("tls").boolean(line.tls);
  out.field("text", line.text).field("note", note);
  return std::move(out).take();
}

std::string step_json(Tool tool, std::string_view step, std::int32_t at_ms, std::int32_t took_ms, int code) {
  JsonWriter out = JsonWriter::object();
  out.field("step", step).key("at_ms").number(at_ms).key("ms").number(took_ms).key("code");
  if (code == 0)
    out.null();
  else
    out.number(code);
  out.field("meaning", reports::step_meaning(tool, step));
  return std::move(out).take();
}

// A name that resolves into somebody's own network tells strangers nothing of that network.
std::string veiled(const Target& target, const ToolOptions& options) {
  const std::string setting = options.policy == nullptr ? "" : options.policy->allow().setting;
  return target.host +
         " has no public address; strangers' tests go to the public Internet only. The operator of this "
         "Everup can allow more: " +
         setting;
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string tool_test_json(Tool tool, const std::string& id, std::string_view target, WallTime created,
                           std::string_view state, std::string_view report) {
  JsonWriter out = JsonWriter::object();
  out.field("id", id).field("kind", reports::word(tool)).field("target", target);
  out.field("state", state).field("created_at", rfc3339(created));
  std::string head = std::move(out).take();
  if (report.size() < 3) return head;
  head.back() = ',';
  return head.append(report.substr(1));
}

ToolRun::ToolRun(House& house, net::Loop& loop, ToolStart&& start)
    : house_(house), loop_(loop), start_(std::move(start)) {}

ToolRun::~ToolRun() {
  *alive_ = false;
  loop_.cancel(probe_over_);
  loop_.cancel(again_);
  for (const Watcher& watcher : watchers_) watcher.to->end();
}

bool ToolRun::begin() {
  checker::ProbeMaker* prober = start_.stranger ? house_.public_prober.get() : house_.prober.get();
  if (prober == nullptr) return false;
  const MonitorDraft& draft = start_.draft;
  KindSettings settings = draft.settings;
  if (start_.stranger) restrain(&settings);
  plan_.kind = draft.target.kind;
  plan_.url = draft.target.url();
  plan_.interval_ms = draft.interval_s * 1000;
  plan_.timeout_ms = draft.timeout_ms;
  plan_.settings = std::make_shared<const KindSettings>(std::move(settings));
  plan_.revised_at = plan_.created_at = start_.created;
  checker::Question question;
  question.plan = &plan_;
  question.deadline = loop_.now().mono + milliseconds(plan_.timeout_ms);
  question.live = this;
  probe_ = prober->start(question, [this](Outcome&& outcome) { on_outcome(std::move(outcome)); });
  return true;
}

void ToolRun::add(std::string_view event, std::string_view data, std::string row) {
  if (entries_.size() >= kEntriesMax && event != "done") return;
  entries_.push_back({event_frame(std::to_string(entries_.size() + 1), event, data), std::move(row)});
  const Entry& entry = entries_.back();
  std::erase_if(watchers_, [&](const Watcher& w) { return !w.to->send(w.html ? entry.row : entry.frame); });
}

std::string_view ToolRun::note_of(const TranscriptLine& line) const {
  const auto* tls = std::get_if<TlsSettings>(&start_.draft.settings);
  const bool mail =
      tls == nullptr || tls->options.starttls == TlsPrelude::kSmtp || tls->options.starttls == TlsPrelude::kLmtp;
  return mail ? checker::smtp_note(line) : std::string_view();
}

void ToolRun::on_line(const TranscriptLine& line) {
  const std::string_view note = note_of(line);
  add("line", line_json(line, note), reports::tool_line_html(line, note));
}

void ToolRun::on_step(std::string_view step, std::int32_t at_ms, std::int32_t took_ms, int code) {
  add("step", step_json(start_.tool, step, at_ms, took_ms, code),
      reports::tool_step_html(start_.tool, step, took_ms, code));
}

void ToolRun::on_smtp(const checker::SmtpReport& report) {
  mail_ = report;
  if (start_.stranger && mail_.cause == Cause::kAddressRefused)
    mail_.detail = veiled(start_.draft.target, house_.options.tools);
}

std::string ToolRun::save_command() const {
  const auto* mail = std::get_if<SmtpSettings>(&start_.draft.settings);
  const bool secret = mail != nullptr && !mail->options.auth.user.empty();
  JsonWriter body = JsonWriter::object();
  body.field("target", start_.draft.target.url());
  if (!secret) body.field_raw("options", db::options_json(start_.draft.settings));
  const std::string& base = house_.options.base_url;
  return "curl -H \"Authorization: Bearer $EVERUP_API_KEY\" -H 'Content-Type: application/json' \\\n  -d " +
         shell_quoted(std::move(body).take()) + " \\\n  " + (base.empty() ? "http://127.0.0.1:8080" : base) +
         "/api/v1/monitors";
}

// The dashboard's form, for who is signed in: shorthand options of the target are all that it takes.
std::string ToolRun::save_link() const {
  std::string target = start_.draft.target.url();
  const auto* mail = std::get_if<SmtpSettings>(&start_.draft.settings);
  if (mail != nullptr && mail->options.mx) target += "?mx=1";
  std::string out = house_.options.base_url + "/app/monitors/new?target=";
  for (const char c : target) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
    out += plain ? std::string(1, c) : "%" + net::hex(std::string_view(&c, 1));
  }
  return out;
}

// In MX mode the hosts speak at the same time and nobody watches: the outcome tells of each.
void ToolRun::take_hosts(const Outcome& outcome) {
  mail_.verdict = outcome.verdict, mail_.cause = outcome.cause, mail_.detail = outcome.detail;
  mail_.code = outcome.code, mail_.total_us = outcome.timings.total_us;
  if (!outcome.evidence) return;
  mail_.address = outcome.evidence->address;
  mail_.hosts = outcome.evidence->hops;
  mail_.transcript = outcome.evidence->transcript;
}

void ToolRun::end_mail() {
  reports::MailTest page;
  page.verdict = mail_.verdict, page.cause = mail_.cause, page.detail = mail_.detail;
  page.stopped_at = mail_.stopped_at, page.address = mail_.address, page.enhanced = mail_.enhanced;
  page.code = mail_.code, page.total_ms = mail_.total_us / 1000;
  if (mail_.tls) {
    const net::TlsFacts& tls = *mail_.tls;
    page.tls_version = tls.version, page.tls_cipher = tls.cipher, page.certificate = tls.certificate;
    const bool doubted = tls.verification != Cause::kOk;
    if (doubted) page.tls_judgement = std::string(facts(tls.verification).english);
  }
  page.capabilities = mail_.capabilities, page.findings = mail_.findings, page.hosts = mail_.hosts;
  for (const auto& step : mail_.steps) page.steps.push_back({step.step, step.at_ms, step.took_ms, step.code});
  for (const TranscriptLine& line : mail_.transcript.lines()) page.lines.push_back({line, checker::smtp_note(line)});
  page.dropped = mail_.transcript.dropped();
  page.save = save_command(), page.save_link = save_link();
  page.now = loop_.now().wall;
  record_.report = checker::smtp_report_json(mail_);
  record_.page = reports::mail_test_html(page);
}

void ToolRun::end_tls(const Outcome& outcome) {
  static const TlsReport kNothing;
  reports::TlsTest page;
  page.verdict = outcome.verdict, page.cause = outcome.cause, page.detail = outcome.detail;
  page.total_ms = outcome.timings.total_us / 1000;
  page.report = outcome.evidence && outcome.evidence->tls ? outcome.evidence->tls.get() : &kNothing;
  page.heartbleed_withheld = start_.stranger;
  page.save = save_command(), page.save_link = save_link();
  page.now = loop_.now().wall;
  record_.report = db::tls_test_json(outcome);
  record_.page = reports::tls_test_html(page);
}

// The probe lives until the next turn: this is called from inside it.
void ToolRun::on_outcome(Outcome&& outcome) {
  if (start_.tool == Tool::kSmtp) {
    const auto* mail = std::get_if<SmtpSettings>(&start_.draft.settings);
    if (mail != nullptr && mail->options.mx) take_hosts(outcome);
    end_mail();
  } else {
    if (start_.stranger && outcome.cause == Cause::kAddressRefused)
      outcome.detail = veiled(start_.draft.target, house_.options.tools);
    end_tls(outcome);
  }
  record_.report =
      tool_test_json(start_.tool, start_.id, start_.draft.target.url(), start_.created, "ended", record_.report);
  ended_ = true;
  add("done", record_.report, reports::tool_stream_end(start_.tool, start_.id));
  record_.events = said(false, 0);
  for (const Watcher& watcher : watchers_) watcher.to->end();
  watchers_.clear();
  store(1);
  probe_over_ = loop_.at(loop_.now().mono, [this] {
    probe_over_ = {};
    probe_.reset();
    house_.tools->on_ended();
  });
}

std::string ToolRun::said(bool html, std::size_t from) const {
  std::string out;
  for (std::size_t i = from; i < entries_.size(); ++i) out += html ? entries_[i].row : entries_[i].frame;
  return out;
}

bool ToolRun::crowded() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return watcher.to->gone(); });
  return watchers_.size() >= ToolDesk::kWatchersMax;
}

void ToolRun::watch(bool html, std::size_t seen, std::shared_ptr<Subscription> to) {
  const std::string missed = said(html, seen);
  const bool fine = missed.empty() || to->send(missed);
  if (!fine) return;
  if (ended_) return to->end();
  watchers_.push_back({html, std::move(to)});
}

// On a handler thread; when the database is away, twice more.
void ToolRun::store(int attempt) {
  const auto copy = std::make_shared<const db::ToolRecord>(record_);
  const auto again = [this, attempt, alive = std::weak_ptr<bool>(alive_)] {
    (void)loop_.post([this, attempt, alive] {
      if (alive.expired() || attempt >= kStoreAttempts) return;
      loop_.cancel(again_);
      again_ = loop_.at(loop_.now().mono + kStoreAgain, [this, attempt] { store(attempt + 1); });
    });
  };
  const bool taken = house_.on_pool(
      [house = &house_, id = start_.id, copy, again] {
        const Status stored = house->options.tools.store->end(id, *copy);
        if (stored) return;
        house->log(id, stored.error().what);
        again();
      },
      again);
  if (!taken) again();
}

// ---- the desk
// ------------------------------------------------------------------------------------------------------------------

bool ToolDesk::full(bool stranger) const {
  return running_ >= kRunningMax || (stranger && strangers_ >= kStrangersMax);
}

bool ToolDesk::start(ToolStart&& start) {
  const bool stranger = start.stranger;
  if (full(stranger)) return false;
  auto run = std::make_unique<ToolRun>(house_, loop_, std::move(start));
  if (!run->begin()) return false;
  ++running_;
  if (stranger) ++strangers_;
  runs_.push_back(std::move(run));
  return true;
}

ToolRun* ToolDesk::find(Tool tool, const std::string& id) {
  for (const auto& run : runs_) {
    if (run->start().id == id && run->start().tool == tool) return run.get();
  }
  return nullptr;
}

// Counts again and forgets the oldest ended ones; in a turn of its own.
void ToolDesk::on_ended() {
  int running = 0, strangers = 0;
  std::size_t ended = 0;
  for (const auto& run : runs_) {
    if (run->ended()) {
      ++ended;
    } else {
      ++running;
      if (run->start().stranger) ++strangers;
    }
  }
  running_ = running;
  strangers_ = strangers;
  for (auto run = runs_.begin(); run != runs_.end() && ended > kEndedMax;) {
    const bool leaves = (*run)->ended();
    if (leaves) --ended;
    run = leaves ? runs_.erase(run) : std::next(run);
  }
}

}  // namespace everup::api
