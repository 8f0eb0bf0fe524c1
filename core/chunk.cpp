#include "core/chunk.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "core/bit_stream.h"
#include "core/crc32c.h"
#include "core/histogram.h"
#include "core/outcome.h"

namespace everup {
namespace {

using Column = std::vector<std::int64_t>;

constexpr char kVersion = 1;
constexpr std::size_t kCrcBytes = 4;
constexpr std::int64_t kInt32Max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kInt32Min = std::numeric_limits<std::int32_t>::min();

// In the order in which they are stored; numbers are those of the format.
enum Slot : std::size_t {
  kSlot,
  kLook,
  kStart,
  kDns,
  kConnect,
  kTls,
  kWait,
  kTransfer,
  kTotal,
  kRevision,
  kCovered,
  kCode,
  kVerdict,
  kCause,
  kPhase,
  kTrigger,
  kDetail,
  kColumns
};
struct Range {
  std::int64_t usual, least, most;
};
// A step of a phase, or 0: not reached.
const Range kStepRange{0, 0, static_cast<std::int64_t>(latency_step(kInt32Max)) + 1};
const std::array<Range, kColumns> kRanges{{
    {-1, 0, kHourMs - 1},  // slot after the row before; never usual
    {0, 0, kInt32Max},
    {0, kInt32Min, kInt32Max},
    kStepRange,
    kStepRange,
    kStepRange,
    kStepRange,
    kStepRange,
    {1, 0, 1 + 4 * kStepRange.most},  // 0: no total, else 1 and the zigzag of its steps from the phases' sum
    {1, 0, kInt32Max},
    {1, 0, kInt32Max},
    {200, kInt32Min, kInt32Max},
    {static_cast<std::int64_t>(Verdict::kUp), 0, 0x7fff},
    {0, -0x8000, 0x7fff},
    {0, -0x8000, 0x7fff},
    {static_cast<std::int64_t>(Trigger::kSlot), 0, 0x7fff},
    {0, 0, static_cast<std::int64_t>(kChunkRowsMax)},  // number of the text, 0: none
}};

Error invalid(const std::string& what) { return {ErrorCode::kInvalid, "chunk: " + what}; }
Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("chunk: ") + what}; }

std::int64_t step_of(std::int64_t us) { return us < 0 ? 0 : static_cast<std::int64_t>(latency_step(us)) + 1; }
std::int64_t us_of(std::int64_t step) { return step == 0 ? -1 : latency_of_step(static_cast<std::size_t>(step - 1)); }

// What the phases of a row add up to, as they come back.
std::int64_t sum_step(const std::array<Column, kColumns>& columns, std::size_t row) {
  std::int64_t sum = 0;
  for (const Slot phase : {kDns, kConnect, kTls, kWait, kTransfer})
    sum += std::max<std::int64_t>(0, us_of(columns[phase][row]));
  return step_of(std::min(sum, kInt32Max));
}

// ---- one column -------------------------------------------------------------------------------------------------

enum Way : unsigned { kRuns = 0, kRunsOfDifferences = 1, kRice = 2, kRiceOfDifferences = 3 };

Column differences(const Column& values) {
  Column out(values.size());
  std::int64_t before = 0;
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i] - std::exchange(before, values[i]);
  return out;
}

std::string runs_of(const Column& values) {
  std::string out;
  std::int64_t before = 0;
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    bits::put_varint(out, bits::zigzag(values[i] - std::exchange(before, values[i])));
    bits::put_varint(out, end - i);
    i = end;
  }
  return out;
}

struct RicePlan {
  std::int64_t base = 0;
  unsigned k = 0;
  std::uint64_t cost_bits = 0;
};
RicePlan rice_plan(const Column& values) {
  Column sorted = values;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  RicePlan plan{*middle, 0, std::numeric_limits<std::uint64_t>::max()};
  std::uint64_t sum = 0;
  for (std::int64_t& v : sorted) {
    v = static_cast<std::int64_t>(bits::zigzag(v - plan.base));
    sum += static_cast<std::uint64_t>(v);
  }
  unsigned guess = 0;
  while (guess < bits::kRiceMax && (sum / sorted.size() >> guess) > 1) ++guess;
  for (unsigned k = guess == 0 ? 0 : guess - 1; k <= std::min(guess + 1, bits::kRiceMax); ++k) {
    std::uint64_t cost = 8 * bits::varint_bytes(bits::zigzag(plan.base));
    for (const std::int64_t v : sorted) cost += bits::rice_bits(static_cast<std::uint64_t>(v), k);
    if (cost < plan.cost_bits) plan.k = k, plan.cost_bits = cost;
  }
  return plan;
}

void put_column(const Column& values, std::string& heads, bits::BitWriter& stream) {
  const Column steps = differences(values);
  const std::string runs = runs_of(values), step_runs = runs_of(steps);
  const RicePlan plain = rice_plan(values), stepped = rice_plan(steps);
  const std::array<std::uint64_t, 4> costs{8 * runs.size(), 8 * step_runs.size(), plain.cost_bits, stepped.cost_bits};
  const auto way = static_cast<unsigned>(std::min_element(costs.begin(), costs.end()) - costs.begin());
  const RicePlan& plan = way == kRice ? plain : stepped;
  const bool rice = way == kRice || way == kRiceOfDifferences;
  heads += static_cast<char>(static_cast<unsigned char>(way | (rice ? plan.k << 2 : 0U)));
  if (!rice) {
    heads += way == kRuns ? runs : step_runs;
    return;
  }
  bits::put_varint(heads, bits::zigzag(plan.base));
  for (const std::int64_t v : way == kRice ? values : steps) stream.rice(bits::zigzag(v - plan.base), plan.k);
}

// How a column goes on in the bit stream, after the heads.
struct Head {
  Way way = kRuns;
  unsigned k = 0;
  std::int64_t base = 0;
};

// Sums wrap: whatever comes out is held against its range.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

bool take_runs(bits::Reader& in, Column& values) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < values.size();) {
    value = plus(value, bits::unzigzag(in.varint()));
    const std::uint64_t length = in.varint();
    if (!in.good() || length == 0 || length > values.size() - i) return false;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i), length, value);
    i += length;
  }
  return true;
}

std::optional<Head> take_head(bits::Reader& in, Column& values) {
  const std::string_view byte = in.take(1);
  if (byte.empty()) return std::nullopt;
  const auto code = static_cast<unsigned char>(byte[0]);
  Head head{static_cast<Way>(code & 3U), static_cast<unsigned>(code >> 2), 0};
  if (head.way == kRuns || head.way == kRunsOfDifferences) {
    if (head.k != 0 || !take_runs(in, values)) return std::nullopt;
    return head;
  }
  head.base = bits::unzigzag(in.varint());
  return head.k <= bits::kRiceMax && in.good() ? std::optional(head) : std::nullopt;
}

void take_stream(const Head& head, bits::BitReader& in, Column& values) {
  if (head.way == kRice || head.way == kRiceOfDifferences) {
    for (std::int64_t& v : values) v = plus(bits::unzigzag(in.rice(head.k)), head.base);
  }
  if (head.way == kRunsOfDifferences || head.way == kRiceOfDifferences) {
    std::int64_t before = 0;
    for (std::int64_t& v : values) v = before = plus(before, v);
  }
}

// ---- rows and columns -------------------------------------------------------------------------------------------

struct Columns {
  std::array<Column, kColumns> of;
  std::vector<std::string> texts;
};

std::optional<Error> fault_of(WallTime hour, const std::vector<ChunkRow>& rows) {
  if (rows.empty() || rows.size() > kChunkRowsMax) return invalid("it holds 1 to 65536 rows");
  if (hour.ms % kHourMs != 0) return invalid("it begins at a full hour");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ChunkRow& row = rows[i];
    if (row.slot_at < hour || row.slot_at.ms - hour.ms >= kHourMs) return invalid("a slot outside its hour");
    if (i > 0 && row.slot_at == rows[i - 1].slot_at && row.look == rows[i - 1].look)
      return invalid("two rows of one key");
    const auto least = *std::min_element(row.phase_us.begin(), row.phase_us.end());
    if (row.look < 0 || row.revision < 0 || row.covered < 0 || row.verdict < 0 || row.trigger < 0 || least < -1)
      return invalid("a negative number where none can be");
    if (row.detail.size() > kChunkDetailMax) return invalid("a text above its limit");
  }
  return std::nullopt;
}

Columns columns_of(WallTime hour, const std::vector<ChunkRow>& rows) {
  Columns out;
  for (Column& column : out.of) column.resize(rows.size());
  std::map<std::string_view, std::int64_t> numbers;
  std::int64_t before = hour.ms;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ChunkRow& row = rows[i];
    out.of[kSlot][i] = row.slot_at.ms - std::exchange(before, row.slot_at.ms);
    out.of[kLook][i] = row.look, out.of[kStart][i] = row.start_ms;
    for (std::size_t p = 0; p < 5; ++p) out.of[kDns + p][i] = step_of(row.phase_us[p]);
    const std::int64_t total = row.phase_us[5];
    out.of[kTotal][i] =
        total < 0 ? 0 : 1 + static_cast<std::int64_t>(bits::zigzag(step_of(total) - sum_step(out.of, i)));
    out.of[kRevision][i] = row.revision, out.of[kCovered][i] = row.covered, out.of[kCode][i] = row.code;
    out.of[kVerdict][i] = row.verdict, out.of[kCause][i] = row.cause, out.of[kPhase][i] = row.phase;
    out.of[kTrigger][i] = row.trigger;
    if (row.detail.empty()) continue;
    const auto [at, fresh] = numbers.emplace(row.detail, static_cast<std::int64_t>(numbers.size()) + 1);
    if (fresh) out.texts.push_back(row.detail);
    out.of[kDetail][i] = at->second;
  }
  return out;
}

bool within(const Columns& columns) {
  for (std::size_t c = 0; c < kColumns; ++c) {
    const Range& range = kRanges[c];
    for (const std::int64_t v : columns.of[c]) {
      if (v < range.least || v > range.most) return false;
    }
  }
  const auto texts = static_cast<std::int64_t>(columns.texts.size());
  return std::all_of(columns.of[kDetail].begin(), columns.of[kDetail].end(),
                     [&](std::int64_t v) { return v <= texts; });
}

// Columns that are within their ranges; the keys must still be in order and the totals in their steps.
Result<std::vector<ChunkRow>> rows_of(WallTime hour, const Columns& columns, std::size_t count) {
  const auto& of = columns.of;
  std::vector<ChunkRow> rows(count);
  std::int64_t slot = hour.ms;
  for (std::size_t i = 0; i < count; ++i) {
    ChunkRow& row = rows[i];
    slot += of[kSlot][i];
    row.slot_at = {slot};
    row.look = static_cast<std::int32_t>(of[kLook][i]), row.start_ms = static_cast<std::int32_t>(of[kStart][i]);
    if (slot - hour.ms >= kHourMs) return corrupt("a slot outside its hour");
    if (i > 0 && of[kSlot][i] == 0 && row.look <= rows[i - 1].look) return corrupt("rows out of order");
    for (std::size_t p = 0; p < 5; ++p) row.phase_us[p] = static_cast<std::int32_t>(us_of(of[kDns + p][i]));
    if (of[kTotal][i] > 0) {
      const std::int64_t step = sum_step(of, i) + bits::unzigzag(static_cast<std::uint64_t>(of[kTotal][i] - 1));
      if (step < 1 || step > kStepRange.most) return corrupt("a total outside the steps");
      row.phase_us[5] = static_cast<std::int32_t>(us_of(step));
    }
    row.revision = static_cast<std::int32_t>(of[kRevision][i]),
    row.covered = static_cast<std::int32_t>(of[kCovered][i]);
    row.code = static_cast<std::int32_t>(of[kCode][i]), row.verdict = static_cast<std::int16_t>(of[kVerdict][i]);
    row.cause = static_cast<std::int16_t>(of[kCause][i]), row.phase = static_cast<std::int16_t>(of[kPhase][i]);
    row.trigger = static_cast<std::int16_t>(of[kTrigger][i]);
    if (of[kDetail][i] > 0) row.detail = columns.texts[static_cast<std::size_t>(of[kDetail][i] - 1)];
  }
  return rows;
}

bool take_texts(bits::Reader& in, std::size_t rows, std::vector<std::string>& texts) {
  const std::uint64_t count = in.varint();
  if (!in.good() || count > rows) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t length = in.varint();
    if (!in.good() || length == 0 || length > kChunkDetailMax) return false;
    texts.emplace_back(in.take(static_cast<std::size_t>(length)));
    if (!in.good()) return false;
  }
  return true;
}

std::string little_endian(std::uint32_t v) {
  std::string out;
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(static_cast<unsigned char>(v >> shift));
  return out;
}

}  // namespace

std::int32_t stored_latency_us(std::int32_t us) { return static_cast<std::int32_t>(us_of(step_of(us))); }

Result<std::string> pack_chunk(WallTime hour, std::vector<ChunkRow> rows) {
  const auto before = [](const ChunkRow& a, const ChunkRow& b) {
    return a.slot_at != b.slot_at ? a.slot_at < b.slot_at : a.look < b.look;
  };
  if (!std::is_sorted(rows.begin(), rows.end(), before)) std::sort(rows.begin(), rows.end(), before);
  if (auto fault = fault_of(hour, rows)) return *std::move(fault);
  const Columns columns = columns_of(hour, rows);
  std::uint64_t stored = 0;
  std::string heads;
  bits::BitWriter stream;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const Column& values = columns.of[c];
    if (std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == kRanges[c].usual; })) continue;
    stored |= std::uint64_t{1} << c;
    put_column(values, heads, stream);
  }
  std::string out(1, kVersion);
  bits::put_varint(out, rows.size());
  bits::put_varint(out, stored);
  out += heads;
  if (!columns.texts.empty()) bits::put_varint(out, columns.texts.size());
  for (const std::string& text : columns.texts) {
    bits::put_varint(out, text.size());
    out += text;
  }
  out += stream.finish();
  return out + little_endian(crc32c(out));
}

Result<std::vector<ChunkRow>> unpack_chunk(WallTime hour, std::string_view bytes) {
  if (bytes.size() < 1 + kCrcBytes) return corrupt("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kCrcBytes);
  if (body[0] != kVersion) return corrupt("of a version that this everup does not know");
  if (bytes.substr(body.size()) != little_endian(crc32c(body))) return corrupt("its checksum is wrong");
  bits::Reader in(body.substr(1));
  const std::uint64_t count = in.varint(), stored = in.varint();
  if (!in.good() || count == 0 || count > kChunkRowsMax || stored >> kColumns != 0) return corrupt("its head is wrong");
  Columns columns;
  std::array<std::optional<Head>, kColumns> heads;
  for (std::size_t c = 0; c < kColumns; ++c) {
    columns.of[c].assign(static_cast<std::size_t>(count), kRanges[c].usual);
    if ((stored >> c & 1) == 0) continue;
    heads[c] = take_head(in, columns.of[c]);
    if (!heads[c]) return corrupt("a column's head is wrong");
  }
  if ((stored >> kDetail & 1) != 0 && !take_texts(in, static_cast<std::size_t>(count), columns.texts))
    return corrupt("its texts are wrong");
  bits::BitReader stream(in.rest());
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (heads[c]) take_stream(*heads[c], stream, columns.of[c]);
  }
  if (!stream.good() || !stream.at_end()) return corrupt("its columns are not as long as its rows");
  if (!within(columns)) return corrupt("a number outside its range");
  return rows_of(hour, columns, static_cast<std::size_t>(count));
}

}  // namespace everup
