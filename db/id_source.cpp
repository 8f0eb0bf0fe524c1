// See id_source.h. Inside, an instant of ids is (ms << 12 | counter): one number that only grows; the node's bits are
// put in between on the way out.
#include "db/id_source.h"

#include <algorithm>
#include <pqxx/pqxx>

#include "db/pool.h"

namespace everup::db {
namespace {
constexpr int kCounterBits = 12, kNodeBits = 10;
constexpr std::int64_t kCounterMask = (1 << kCounterBits) - 1;
constexpr milliseconds kReserveDeadline{5000};

std::int64_t with_node(std::int64_t step, int node) {
  const std::int64_t ms = step >> kCounterBits;
  EVERUP_ASSERT(ms > 0 && ms < std::int64_t{1} << 41);
  return ms << (kCounterBits + kNodeBits) | std::int64_t{node} << kCounterBits | (step & kCounterMask);
}
std::int64_t without_node(std::int64_t id) {
  return id >> (kCounterBits + kNodeBits) << kCounterBits | (id & kCounterMask);
}
}  // namespace

IdSource::IdSource(int node_number, std::int64_t last_id, const Clock& clock, Reserve reserve)
    : node_(node_number), clock_(clock), reserve_(std::move(reserve)), last_(without_node(last_id)), reserved_(last_) {
  EVERUP_ASSERT(node_ >= 0 && node_ < 1 << kNodeBits);
}

Result<std::int64_t> IdSource::next() {
  auto one = next(1);
  if (!one) return one.error();
  return one->front();
}

Result<std::vector<std::int64_t>> IdSource::next(int count) {
  EVERUP_ASSERT(count >= 1 && count <= kAtOnceMax);
  std::lock_guard lock(mutex_);
  const std::int64_t first = std::max(last_ + 1, clock_.now().wall.ms << kCounterBits);
  const std::int64_t last = first + count - 1;
  if (last > reserved_) {
    const std::int64_t upto = last + (kReserve.count() << kCounterBits);
    if (Status status = reserve_(with_node(upto, node_)); !status) return status.error();
    reserved_ = upto;
  }
  last_ = last;
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t step = first; step <= last; ++step) ids.push_back(with_node(step, node_));
  return ids;
}

Result<std::unique_ptr<IdSource>> IdSource::open(Pool& pool, const std::string& node, const Clock& clock) {
  int number = -1;
  std::int64_t last_id = 0;
  const std::int64_t now = clock.now().wall.ms;
  const Status status = pool.run(kReserveDeadline, [&](pqxx::transaction_base& tx) -> Status {
    tx.exec("SELECT pg_advisory_xact_lock(hashtextextended('everup.nodes', 0))");
    tx.exec_params(
        "INSERT INTO nodes (number, node, seen_at) SELECT n, $1, $2 FROM generate_series(0, 1023) n "
        "WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE node = $1) AND NOT EXISTS (SELECT 1 FROM nodes WHERE number = n) "
        "ORDER BY n LIMIT 1",
        node, now);
    const auto rows =
        tx.exec_params("UPDATE nodes SET seen_at = $2 WHERE node = $1 RETURNING number, last_id", node, now);
    if (rows.empty())
      return Error{ErrorCode::kExhausted, "nodes: all 1024 numbers are taken; remove nodes that are gone"};
    number = rows[0][0].as<int>();
    last_id = rows[0][1].as<std::int64_t>();
    return ok();
  });
  if (!status) return status.error();
  return std::make_unique<IdSource>(number, last_id, clock, [&pool, number](std::int64_t upto) {
    return pool.run(kReserveDeadline, [&](pqxx::transaction_base& tx) -> Status {
      tx.exec_params("UPDATE nodes SET last_id = greatest(last_id, $2) WHERE number = $1", number, upto);
      return ok();
    });
  });
}

}  // namespace everup::db
