// Questions to DNS servers over c-ares, driven by the loop. The implementation is in resolver.cpp, the only home of
// c-ares.
//
// Questions go through a c-ares channel; after kQuestionsPerChannel of them, or when resolv.conf has changed, a fresh
// channel with fresh source ports takes over and the old one is destroyed when its last question can no longer matter.
// Answers come from the loop, never from inside ask(). One thread; owned by one resolver; no answer comes after
// destruction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/dns_records.h"
#include "net/hosts_file.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::net {

enum class QuestionType : std::uint8_t { kA, kAaaa, kNs, kMx, kTxt, kPtr };

struct DnsAnswer {
  enum class Kind : std::uint8_t {
    kAddresses,  // or, for kNs, any good answer
    kNoName,     // NXDOMAIN
    kNoData,
    kFailure,     // SERVFAIL, REFUSED, FORMERR, NOTIMP, or bytes that are no answer
    kSilence,     // no answer, or nobody listens there
    kOurTrouble,  // no memory, no socket
  };
  Kind kind = Kind::kSilence;
  std::vector<Address> addresses;  // at most 32
  std::int64_t ttl_s = 0;          // the smallest of the records used
  std::string words;               // "SERVFAIL"
  std::vector<MxHost> mx;          // at most 32; of kMx
  std::vector<std::string> texts;  // at most 32; of kTxt and kPtr
};

class DnsChannel {
 public:
  using OnAnswer = std::function<void(std::uint64_t id, DnsAnswer&& answer)>;
  using OnTick = std::function<bool()>;  // every kTick while questions are out, and as long as it returns true
  static constexpr int kQuestionsPerChannel = 256;
  static constexpr std::chrono::milliseconds kTick{100};

  DnsChannel(Loop& loop, const ResolverOptions& options, OnAnswer on_answer, OnTick on_tick);
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // `id` is the caller's; exactly one answer comes for it, unless its channel is destroyed first (question_max after
  // the last question).
  void ask(const std::string& name, QuestionType type, std::uint64_t id);
  std::vector<Address> servers();
  // When a socket could last not be made, and why: what fails after that is our trouble.
  std::optional<Instant> trouble_at() const { return trouble_at_; }
  const std::string& trouble() const { return trouble_; }

 private:
  struct Generation;
  struct Ask;
  Generation* current();
  std::unique_ptr<Generation> open();
  void process(Generation& generation, int fd, std::uint32_t events);
  void watch(Generation& generation, int fd, bool readable, bool writable) noexcept;
  void record(Ask& ask, int status, const unsigned char* bytes, int size);
  void flush();
  void arm();
  void tick();
  void note_trouble(int code) noexcept;

  Loop& loop_;
  const ResolverOptions& options_;
  OnAnswer on_answer_;
  OnTick on_tick_;
  FileWatch resolv_conf_;
  std::vector<std::unique_ptr<Generation>> generations_;  // the last one takes questions
  std::vector<std::pair<std::uint64_t, DnsAnswer>> answers_;
  TimerId tick_, flush_;
  std::optional<Instant> trouble_at_;
  std::string trouble_;

  friend struct DnsCallbacks;
};

}  // namespace everup::net
