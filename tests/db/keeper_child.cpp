// One pass of the keeper in a process of its own, for a test that kills it. Says "step 1.", "step 2." … between
// the batches of its packing, and "done" after the pass.
// Usage: keeper_child DATABASE_URL ROLE_PREFIX NOW_MS
#include <cstdio>
#include <cstdlib>

#include "db/keeper.h"

namespace {

class OneInstant final : public everup::Clock {
 public:
  explicit OneInstant(std::int64_t ms) : at_{ms} {}
  everup::Now now() const override { return {at_, everup::Instant{0}}; }

 private:
  everup::WallTime at_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const OneInstant clock(std::atoll(argv[3]));
  const everup::db::DatabaseAccess access{argv[1], argv[2], false};
  everup::db::KeeperOptions options;
  options.connect = [&] { return everup::db::Session::open(access, everup::db::Role::kOwner, "keeper_child"); };
  options.clock = &clock;
  options.packing.batch_rows = 20;
  int step = 0;
  options.packing.enough = [&] {
    std::printf("step %d.\n", ++step);
    std::fflush(stdout);
    return false;
  };
  const auto kept = everup::db::keep(options);
  std::puts(kept ? "done" : kept.error().what.c_str());
  return kept ? 0 : 1;
}
