#include "net/dns_records.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "net/dns_channel.h"

namespace everup::net {

class RecordResolver::Inner {
 public:
  Inner(Loop& loop, ResolverOptions options)
      : loop_(loop),
        options_(std::move(options)),
        channel_(
            loop, options_, [this](std::uint64_t id, DnsAnswer&& answer) { on_answer(id, std::move(answer)); },
            [this] { return !waiting_.empty(); }) {}
  ~Inner() {
    for (auto& [id, one] : waiting_) loop_.cancel(one.timer);
  }

  std::uint64_t ask(std::string_view name, RecordType type, Instant deadline, OnRecords on_records) {
    const std::uint64_t id = next_id_++;
    Waiting& one = waiting_[id];
    one.on_records = std::move(on_records);
    const auto ascii = ascii_name(name);
    Records early;
    if (!ascii.ok()) {
      early.failure = LookupFailure::kNameError;
      early.detail = ascii.error().what;
    } else if (waiting_.size() > kInFlightMax) {
      early.failure = LookupFailure::kUnavailable;
      early.detail = "too many questions wait for the name servers";
    } else {
      early.failure = LookupFailure::kDeadline;
      early.detail = "no answer from the name servers in time";
    }
    const bool asked = early.failure == LookupFailure::kDeadline;
    one.timer = loop_.at(asked ? deadline : loop_.now().mono, [this, id, early] { tell(id, Records(early)); });
    if (asked) channel_.ask(*ascii, question_of(type), id);
    return id;
  }
  void cancel(std::uint64_t id) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    loop_.cancel(found->second.timer);
    waiting_.erase(found);
  }

 private:
  struct Waiting {
    OnRecords on_records;
    TimerId timer;
  };
  static QuestionType question_of(RecordType type) {
    switch (type) {
      case RecordType::kMx:
        return QuestionType::kMx;
      case RecordType::kTxt:
        return QuestionType::kTxt;
      case RecordType::kPtr:
        return QuestionType::kPtr;
      case RecordType::kA:
        return QuestionType::kA;
      case RecordType::kAaaa:
        return QuestionType::kAaaa;
    }
    return QuestionType::kMx;
  }
  void on_answer(std::uint64_t id, DnsAnswer&& answer) {
    Records records;
    records.detail = answer.words;
    switch (answer.kind) {
      case DnsAnswer::Kind::kAddresses:
        records.mx = std::move(answer.mx);
        records.texts = std::move(answer.texts);
        records.addresses = std::move(answer.addresses);
        std::stable_sort(records.mx.begin(), records.mx.end(),
                         [](const MxHost& a, const MxHost& b) { return a.preference < b.preference; });
        break;
      case DnsAnswer::Kind::kNoName:
        records.failure = LookupFailure::kNameError;
        break;
      case DnsAnswer::Kind::kNoData:
        records.failure = LookupFailure::kNameError;
        records.no_data = true;
        break;
      case DnsAnswer::Kind::kFailure:
      case DnsAnswer::Kind::kSilence:
      case DnsAnswer::Kind::kOurTrouble:
        records.failure = LookupFailure::kUnavailable;
        break;
    }
    tell(id, std::move(records));
  }
  // The listener may destroy the resolver: nothing comes after it.
  void tell(std::uint64_t id, Records&& records) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    loop_.cancel(found->second.timer);
    const OnRecords on_records = std::move(found->second.on_records);
    waiting_.erase(found);
    on_records(std::move(records));
  }

  Loop& loop_;
  const ResolverOptions options_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::uint64_t next_id_ = 1;
  DnsChannel channel_;  // last: destroyed first
};

RecordResolver::RecordResolver(Loop& loop, ResolverOptions options)
    : inner_(std::make_shared<Inner>(loop, std::move(options))) {}
RecordResolver::~RecordResolver() = default;

RecordResolver::RecordQuery RecordResolver::ask(std::string_view name, RecordType type, Instant deadline,
                                                OnRecords on_records) {
  RecordQuery query;
  query.inner_ = inner_;
  query.id_ = inner_->ask(name, type, deadline, std::move(on_records));
  return query;
}

RecordResolver::RecordQuery& RecordResolver::RecordQuery::operator=(RecordQuery&& other) noexcept {
  if (this != &other) {
    cancel();
    inner_ = std::move(other.inner_);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

void RecordResolver::RecordQuery::cancel() {
  if (const auto inner = inner_.lock(); inner && id_ != 0) inner->cancel(std::exchange(id_, 0));
}

}  // namespace everup::net
