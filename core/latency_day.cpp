// See latency_day.h.
#include "core/latency_day.h"

#include <limits>
#include <vector>

#include "core/bit_stream.h"
#include "core/crc32c.h"

namespace everup {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kCrcBytes = 4;

Error corrupt(const char* what) { return {ErrorCode::kCorrupt, std::string("latencies: ") + what}; }

void put(std::string& out, const LatencyHistogram& histogram) {
  std::uint64_t used = 0;
  histogram.each([&](std::size_t, std::uint32_t) { ++used; });
  bits::put_varint(out, used);
  std::size_t before = 0;
  histogram.each([&](std::size_t bucket, std::uint32_t count) {
    bits::put_varint(out, 2 * (bucket - before) + (count == 1 ? 0U : 1U));
    if (count != 1) bits::put_varint(out, count);
    before = bucket + 1;
  });
}

bool take(bits::Reader& in, LatencyHistogram& histogram) {
  const std::uint64_t used = in.varint();
  if (!in.good() || used > LatencyHistogram::kBucketsMax) return false;
  std::uint64_t bucket = 0;
  for (std::uint64_t i = 0; i < used; ++i) {
    const std::uint64_t distance = in.varint(), count = (distance & 1) == 0 ? 1 : in.varint();
    if (!in.good() || distance / 2 >= LatencyHistogram::kBucketsMax) return false;
    bucket += distance / 2;
    if (bucket >= LatencyHistogram::kBucketsMax || count == 0 || count > std::numeric_limits<std::uint32_t>::max())
      return false;
    histogram.add(latency_of_step(bucket), static_cast<std::int64_t>(count));
    ++bucket;
  }
  return true;
}

std::string pack(const LatencyPart* parts, std::size_t count) {
  std::string out(1, kVersion);
  for (std::size_t i = 0; i < count; ++i) {
    put(out, parts[i].answered);
    put(out, parts[i].failed);
  }
  const std::uint32_t crc = crc32c(out);
  for (std::size_t i = 0; i < kCrcBytes; ++i) out += static_cast<char>(static_cast<unsigned char>(crc >> (8 * i)));
  return out;
}

Status unpack(std::string_view bytes, LatencyPart* parts, std::size_t count) {
  if (bytes.size() < 1 + kCrcBytes) return corrupt("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kCrcBytes);
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < kCrcBytes; ++i)
    crc |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[body.size() + i])) << (8 * i);
  if (crc32c(body) != crc) return corrupt("the checksum does not fit");
  if (body[0] != kVersion) return corrupt("an unknown version");
  bits::Reader in(body.substr(1));
  for (std::size_t i = 0; i < count; ++i) {
    if (!take(in, parts[i].answered) || !take(in, parts[i].failed)) return corrupt("a histogram is wrong");
  }
  return in.rest().empty() ? ok() : Status(corrupt("longer than what it holds"));
}

}  // namespace

std::string pack_latency(const LatencyPart& part) { return pack(&part, 1); }

Result<LatencyPart> unpack_latency(std::string_view bytes) {
  LatencyPart part;
  if (Status status = unpack(bytes, &part, 1); !status) return status.error();
  return part;
}

std::string pack_latency_hours(const LatencyHours& hours) { return pack(hours.data(), hours.size()); }

Result<LatencyHours> unpack_latency_hours(std::string_view bytes) {
  LatencyHours hours;
  if (Status status = unpack(bytes, hours.data(), hours.size()); !status) return status.error();
  return hours;
}

}  // namespace everup
