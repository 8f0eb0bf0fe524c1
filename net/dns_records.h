// DNS records for mail checks: MX, TXT, PTR, and addresses as DNS alone knows them (no hosts file, no search list).
// Asked over c-ares like names (net/dns_channel), but not cached and not asked together: such checks are rare.
//
// What a failure means: kNameError is the target's word (no such name, or no such record: `no_data` tells which);
// SERVFAIL, REFUSED and silence are kUnavailable, because nothing else was asked to tell whose fault they are
// (net/resolver does so for addresses).
//
// Thread and ownership: one per loop, used on its thread; the loop outlives it. Destroying a RecordQuery cancels it.
// Callbacks come on the loop's thread, once, never from inside ask(), at most 1 ms after the deadline. Limits: 32
// records an answer, texts of 4 KiB, kInFlightMax questions at a time (more: kUnavailable).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::net {

enum class RecordType : std::uint8_t { kMx, kTxt, kPtr, kA, kAaaa };

struct MxHost {
  std::uint16_t preference = 0;
  std::string host;  // lower case, without the trailing dot; empty: the root, RFC 7505's "no mail here"
  bool operator==(const MxHost&) const = default;
};

struct Records {
  LookupFailure failure = LookupFailure::kNone;
  std::string detail;              // English; empty when something was found
  bool no_data = false;            // with kNameError: the name is there, such records are not
  std::vector<MxHost> mx;          // lowest preference first
  std::vector<std::string> texts;  // TXT, each put together from its strings; or the names of PTR
  std::vector<Address> addresses;  // of kA and kAaaa
  bool ok() const { return failure == LookupFailure::kNone; }
};

class RecordResolver {
  class Inner;

 public:
  static constexpr std::size_t kInFlightMax = 1'000;
  using OnRecords = std::function<void(Records&&)>;

  explicit RecordResolver(Loop& loop, ResolverOptions options);
  ~RecordResolver();
  RecordResolver(const RecordResolver&) = delete;
  RecordResolver& operator=(const RecordResolver&) = delete;

  class RecordQuery {
   public:
    RecordQuery() = default;
    RecordQuery(RecordQuery&& other) noexcept { *this = std::move(other); }
    RecordQuery& operator=(RecordQuery&& other) noexcept;
    ~RecordQuery() { cancel(); }
    void cancel();

   private:
    friend class RecordResolver;
    std::weak_ptr<Inner> inner_;
    std::uint64_t id_ = 0;
  };
  [[nodiscard]] RecordQuery ask(std::string_view name, RecordType type, Instant deadline, OnRecords on_records);

 private:
  std::shared_ptr<Inner> inner_;
};

}  // namespace everup::net
