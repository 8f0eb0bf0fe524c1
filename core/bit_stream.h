// Bits and varints in a string: what chunks and stored histograms are written with. Internal to
// core/chunk.cpp and core/latency_day.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace everup::bits {

inline std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
inline std::int64_t unzigzag(std::uint64_t u) {
  return static_cast<std::int64_t>(u >> 1) ^ -static_cast<std::int64_t>(u & 1);
}

inline void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(static_cast<unsigned char>(v | 0x80));
  out += static_cast<char>(static_cast<unsigned char>(v));
}
inline std::size_t varint_bytes(std::uint64_t v) {
  std::size_t bytes = 1;
  for (; v >= 0x80; v >>= 7) ++bytes;
  return bytes;
}

// Takes from the front; once something was wrong everything after it is nothing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ >= bytes_.size()) break;
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      if (shift == 63 && byte > 1) break;  // more than 64 bits
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) break;  // a longer spelling of a shorter number
        return v;
      }
    }
    good_ = false;
    return 0;
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      good_ = false;
      return {};
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  bool good() const { return good_; }
  std::string_view rest() const { return bytes_.substr(at_); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// Rice codes: v >> k in ones and a zero, then k bits; a quotient of kEscape ones is followed by all 64 bits.
inline constexpr unsigned kEscape = 24, kRiceMax = 40;

inline std::uint64_t rice_bits(std::uint64_t v, unsigned k) {
  const std::uint64_t quotient = v >> k;
  return quotient >= kEscape ? kEscape + 64 : quotient + 1 + k;
}

class BitWriter {
 public:
  void rice(std::uint64_t v, unsigned k) {
    const std::uint64_t quotient = v >> k;
    if (quotient >= kEscape) {
      put((1ULL << kEscape) - 1, kEscape);
      put(v >> 32, 32);
      put(v & 0xffffffffU, 32);
      return;
    }
    const auto ones = static_cast<unsigned>(quotient);
    put(((1ULL << ones) - 1) << 1, ones + 1);
    put(v & ((1ULL << k) - 1), k);
  }
  std::string finish() {
    if (used_ > 0) out_ += static_cast<char>(static_cast<unsigned char>(pending_ << (8 - used_)));
    used_ = 0;
    return std::move(out_);
  }

 private:
  // The low `count` bits, highest first; at most 40 at a time.
  void put(std::uint64_t v, unsigned count) {
    pending_ = pending_ << count | v;
    used_ += count;
    while (used_ >= 8) {
      used_ -= 8;
      out_ += static_cast<char>(static_cast<unsigned char>(pending_ >> used_));
      pending_ &= (1ULL << used_) - 1;
    }
  }
  std::string out_;
  std::uint64_t pending_ = 0;
  unsigned used_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t rice(unsigned k) {
    unsigned ones = 0;
    while (ones < kEscape && take(1) != 0) ++ones;
    if (ones == kEscape) {
      const std::uint64_t high = take(32);
      return high << 32 | take(32);
    }
    return static_cast<std::uint64_t>(ones) << k | take(k);
  }
  bool good() const { return good_; }
  // Everything was read but the zeros that fill the last byte.
  bool at_end() const { return at_ == bytes_.size() && pending_ == 0; }

 private:
  std::uint64_t take(unsigned count) {
    while (have_ < count) {
      if (at_ >= bytes_.size()) {
        good_ = false;
        return 0;
      }
      pending_ = pending_ << 8 | static_cast<unsigned char>(bytes_[at_++]);
      have_ += 8;
    }
    have_ -= count;
    const std::uint64_t v = pending_ >> have_;
    pending_ &= (1ULL << have_) - 1;
    return v;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t pending_ = 0;
  unsigned have_ = 0;
  bool good_ = true;
};

}  // namespace everup::bits
