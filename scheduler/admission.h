// Who may start now: looks wait in the order of their due time until worker, account and target address have room.
//
// Two lanes: slots (and created or manual looks), and re-checks. Each lane has its own number of places, so that the
// re-checks of a mass outage never delay anybody's slot. A look whose address or account is full is set aside
// ("parked") with that group and comes back, with its old place in the order, when one of the group ends: a hung host
// with 300 monitors blocks nobody else. Whoever is woken and then parked elsewhere passes the wake on, so no place
// stays empty while somebody could use it.
//
// Pure: no clock, no thread. A look that must not start any more (deleted, paused) is not searched for: its owner knows
// it by the ticket when admit() hands it out, and gives the place back by release().
// Limits: one entry per waiting look; groups exist only while something of theirs runs or waits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everup::scheduler {

// Places. All at least 1.
struct AdmissionLimits {
  int slots = 448;    // looks in flight that are no re-checks
  int rechecks = 64;  // re-checks in flight
  int account = 384;  // of one account, both lanes
  int address = 512;  // to one host:port, both lanes (SHAPES 5)
};
// The places of one of `workers` workers: `descriptors` for all of them; `target_limit` is EVERUP_TARGET_LIMIT, for all
// of them as well. Neither an account nor an address gets more than three quarters of the slots' places.
AdmissionLimits admission_limits(std::int64_t descriptors, int target_limit, int workers);

struct WaitingLook {
  std::int64_t order = 0;  // since when it waits, UTC ms; smaller first
  std::uint32_t monitor = 0;
  std::uint32_t ticket = 0;
  std::uint64_t address = 0;  // address_key()
  std::int64_t account = 0;
  bool recheck = false;
};

// A number for the "host:port" of a URL (64-bit FNV-1a; two addresses with one number would only share a limit).
std::uint64_t address_key(std::string_view url);

class Admission {
 public:
  explicit Admission(AdmissionLimits limits) : limits_(limits) {}

  void wait(const WaitingLook& look);
  // The next look that may start; its places are taken. nullopt: nobody may.
  std::optional<WaitingLook> admit();
  // A look handed out by admit() has ended, or never started.
  void release(const WaitingLook& look);
  // Drops all that wait; what runs keeps its places.
  void clear_waiting();
  // True when admit() would look at somebody: cheap, may be wrong in the hopeful direction.
  bool worth_asking() const;

  std::size_t waiting() const { return waiting_; }
  int in_flight() const { return running_[0] + running_[1]; }
  const AdmissionLimits& limits() const { return limits_; }
  // Smaller limits: what runs may end. Larger ones: who waits for a group's place is woken, as many as fit.
  void set_limits(const AdmissionLimits& limits);

 private:
  using Heap = std::vector<WaitingLook>;  // earliest order on top
  struct Group {
    int running = 0;
    std::array<Heap, 2> parked;
    bool idle() const { return running == 0 && parked[0].empty() && parked[1].empty(); }
  };
  using Groups = std::unordered_map<std::uint64_t, Group>;
  static void push(Heap& heap, const WaitingLook& look);
  static WaitingLook pop(Heap& heap);
  int lane_limit(std::size_t lane) const { return lane == 0 ? limits_.slots : limits_.rechecks; }
  bool park_if_full(const WaitingLook& look);
  void wake(Group& group);
  void wake_all(Groups& groups, int more);
  void leave(Groups& groups, std::uint64_t key);

  AdmissionLimits limits_;
  std::array<Heap, 2> ready_;
  std::array<int, 2> running_{0, 0};
  Groups addresses_, accounts_;
  std::size_t waiting_ = 0;
};

}  // namespace everup::scheduler
