#include "app/sentinels.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "net/reach.h"

namespace everup::app {
namespace {

constexpr milliseconds kRoutine{60'000}, kUrgent{1'000}, kVoteLasts{600'000};
constexpr std::size_t kUnstoredMax = 100;
constexpr std::uint16_t kPort = 443;

bool is_v4(const net::Address& address) { return address.host().find(':') == std::string::npos; }

}  // namespace

Result<std::vector<net::Address>> parse_sentinels(const std::string& text) {
  std::vector<net::Address> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto address = net::Address::parse_endpoint(word, kPort);
    if (!address || out.size() == net::kReachMax)
      return Error{ErrorCode::kInvalid,
                   fmt::format("must be at most {} addresses like 192.0.2.1:443 or [2001:db8::1]:443, separated by "
                               "spaces, not \"{}\"",
                               net::kReachMax, word)};
    out.push_back(*address);
  }
  return out;
}

std::string family_words(std::uint8_t families) {
  std::vector<std::string> words;
  if ((families & scheduler::kV4) != 0) words.emplace_back("IPv4");
  if ((families & scheduler::kV6) != 0) words.emplace_back("IPv6");
  if ((families & scheduler::kNames) != 0) words.emplace_back("names");
  return fmt::format("{}", fmt::join(words, " and "));
}

Sentinels::Sentinels(SentinelOptions options)
    : options_(std::move(options)), answered_(options_.addresses.size()), thread_([this] { run(); }) {}

Sentinels::~Sentinels() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Sentinels::run() {
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    const WallTime now = options_.clock->now().wall;
    if (now >= next_ || (options_.sight->asks(now) && now - asked_ >= kUrgent)) ask(now);
    store();
    lock.lock();
  } while (!wake_.wait_for(lock, options_.round, [this] { return ends_; }));
}

void Sentinels::ask(WallTime now) {
  const auto takes = net::reachable(options_.addresses, kPatience, *options_.clock);
  const bool sees = families_ == 0;
  std::array<scheduler::Sight::Answers, 2> answers;
  for (std::size_t i = 0; i < takes.size(); ++i) {
    if (takes[i]) answered_[i] = now;
    if (!takes[i] && sees && answered_[i] && now - *answered_[i] > kVoteLasts) answered_[i].reset();
    auto& family = answers.at(is_v4(options_.addresses[i]) ? 0 : 1);
    family.known += answered_[i] ? 1 : 0;
    family.answering += takes[i] ? 1 : 0;
  }
  const WallTime over = options_.clock->now().wall;
  note(options_.sight->heard(answers, now, over), over);
  asked_ = now, next_ = over + kRoutine;
}

// One time of blindness from the first family that went dark to the last that came back.
void Sentinels::note(const scheduler::Sight::Blindness& seen, WallTime now) {
  if (seen.families == families_) return;
  if (!blind_) blind_ = BlindTime{0, seen.from, std::nullopt};
  blind_->families |= seen.families;
  if (seen.families == 0) blind_->to = now;
  options_.say(seen.families == 0
                   ? fmt::format("Everup sees again over {}, after {:.0f} s", family_words(blind_->families),
                                 static_cast<double>((now - blind_->from).count()) / 1000)
                   : fmt::format("Everup is blind over {}: many looks fail and the sentinels do not answer either; "
                                 "what it saw since {} is unknown",
                                 family_words(seen.families), rfc3339(seen.from)));
  families_ = seen.families;
  if (unstored_.size() == kUnstoredMax) unstored_.erase(unstored_.begin());
  unstored_.push_back(*blind_);
  if (families_ == 0) blind_.reset();
}

void Sentinels::store() {
  while (!unstored_.empty() && options_.store(unstored_.front())) unstored_.erase(unstored_.begin());
}

}  // namespace everup::app
