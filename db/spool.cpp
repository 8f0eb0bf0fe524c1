// See spool.h. Segment: "EVSPOOL" format(1) · u16 length of stream · stream · u32 CRC of all before.
// Record: u32 magic · u32 payload length · u64 seq · u64 closed_at · u32 payload CRC · u32 CRC of the head · payload.
// The magic has bytes that no printable text holds, and a head counts only with its own CRC: after a damaged head the
// next true record is found again by searching for it.
#include "db/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "db/batch_codec.h"
#include "core/crc32c.h"

namespace everup::db {
namespace {

constexpr std::string_view kSegmentMagic{"EVSPOOL\x01", 8};
constexpr std::string_view kRecordMagic{"\xe5\x01\xff\xb7", 4};
constexpr std::size_t kHeadBytes = 32;
constexpr std::size_t kStreamBytesMax = 200;
constexpr std::uint64_t kPoisonBytesMax = 16ULL << 20;

Error disk(const std::string& what, const std::string& path) {
  const std::string reason = strerrordesc_np(errno) != nullptr ? strerrordesc_np(errno) : "unknown error";
  return {ErrorCode::kUnavailable, "spool: " + what + " " + path + ": " + reason};
}

template <class Integer>
void put(std::string& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
  }
}

template <class Integer>
Integer take(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return static_cast<Integer>(value);
}

struct Head {
  std::uint32_t length = 0, payload_crc = 0;
  std::int64_t seq = 0, at_ms = 0;
};

std::string encode(const Head& head) {
  std::string out(kRecordMagic);
  put(out, head.length);
  put(out, head.seq);
  put(out, head.at_ms);
  put(out, head.payload_crc);
  put(out, crc32c(out));
  return out;
}

// nullopt: no record begins here.
std::optional<Head> decode(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes.substr(0, 4) != kRecordMagic) return std::nullopt;
  if (take<std::uint32_t>(bytes, 28) != crc32c(bytes.substr(0, 28))) return std::nullopt;
  Head head;
  head.length = take<std::uint32_t>(bytes, 4);
  head.seq = take<std::int64_t>(bytes, 8);
  head.at_ms = take<std::int64_t>(bytes, 16);
  head.payload_crc = take<std::uint32_t>(bytes, 24);
  return head;
}

std::string encode_segment_head(const std::string& stream) {
  std::string out(kSegmentMagic);
  put(out, static_cast<std::uint16_t>(stream.size()));
  out += stream;
  put(out, crc32c(out));
  return out;
}

// The stream's name and where the records begin; nullopt when the head is not whole.
std::optional<std::pair<std::string, std::size_t>> decode_segment_head(std::string_view bytes) {
  if (bytes.size() < 14 || !bytes.starts_with(kSegmentMagic)) return std::nullopt;
  const std::size_t length = take<std::uint16_t>(bytes, 8);
  if (length > kStreamBytesMax || bytes.size() < 14 + length) return std::nullopt;
  if (take<std::uint32_t>(bytes, 10 + length) != crc32c(bytes.substr(0, 10 + length))) return std::nullopt;
  return std::pair{std::string(bytes.substr(10, length)), 14 + length};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// False with errno 0: the file ends too early.
bool read_all(int fd, std::uint64_t offset, std::size_t length, std::string& out) {
  out.resize(length);
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = ::pread(fd, out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = 0;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

struct Descriptor {  // closes on every way out
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// Numbers of the segments in the directory, ascending.
Result<std::vector<std::uint64_t>> list_segments(const std::string& directory) {
  DIR* open = ::opendir(directory.c_str());
  if (open == nullptr) return disk("cannot list", directory);
  std::vector<std::uint64_t> numbers;
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name = entry->d_name;
    if (name.size() != 20 || !name.ends_with(".seg")) continue;
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + 16, number, 16);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + 16) numbers.push_back(number);
  }
  ::closedir(open);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

Spool::Spool(SpoolOptions options) : options_(std::move(options)) {}

Spool::Spool(Spool&& other) noexcept { *this = std::move(other); }

Spool& Spool::operator=(Spool&& other) noexcept {
  if (this == &other) return *this;
  close_files();
  options_ = std::move(other.options_);
  segments_ = std::move(other.segments_);
  tail_fd_ = std::exchange(other.tail_fd_, -1);
  front_fd_ = std::exchange(other.front_fd_, -1);
  front_number_ = other.front_number_;
  next_number_ = other.next_number_;
  bytes_ = other.bytes_, records_ = other.records_, torn_ = other.torn_, corrupt_ = other.corrupt_;
  return *this;
}

Spool::~Spool() { close_files(); }

void Spool::close_files() {
  for (int* fd : {&tail_fd_, &front_fd_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

std::string Spool::path_of(std::uint64_t number) const {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/%016llx.seg", static_cast<unsigned long long>(number));
  return options_.directory + name.data();
}

Status Spool::sync_directory() const {
  const Descriptor directory{::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd < 0 || ::fsync(directory.fd) != 0) return disk("cannot sync", options_.directory);
  return ok();
}

Result<Spool> Spool::open(SpoolOptions options, const std::function<void(const SpoolRecord&)>& each) {
  if (options.stream.empty() || options.stream.size() > kStreamBytesMax) {
    return Error{ErrorCode::kInvalid, "spool: stream must have 1 to 200 bytes"};
  }
  Spool spool(std::move(options));
  if (Status loaded = spool.load(each); !loaded) return loaded.error();
  return spool;
}

Status Spool::load(const std::function<void(const SpoolRecord&)>& each) {
  if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) return disk("cannot make", options_.directory);
  auto numbers = list_segments(options_.directory);
  if (!numbers) return numbers.error();
  for (const std::uint64_t number : *numbers) {
    if (Status loaded = load_segment(number, number == numbers->back(), each); !loaded) return loaded;
    next_number_ = number + 1;
  }
  while (!segments_.empty() && segments_.front().slots.empty()) {
    if (Status retired = retire_front(); !retired) return retired;
  }
  return ok();
}

Status Spool::load_segment(std::uint64_t number, bool last, const std::function<void(const SpoolRecord&)>& each) {
  const std::string path = path_of(number);
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat facts {};
  std::string bytes;
  if (file.fd < 0 || ::fstat(file.fd, &facts) != 0) return disk("cannot open", path);
  if (!read_all(file.fd, 0, static_cast<std::size_t>(facts.st_size), bytes)) return disk("cannot read", path);
  Segment segment;
  segment.number = number;
  segment.bytes = bytes.size();
  const std::string_view all = bytes;
  const auto head = decode_segment_head(all);
  // Without its head a segment's stream is unknown: what can be read in it goes under a name of its own. Applying a
  // batch again under another name is harmless: rows are there already, conclusions are refused and amended.
  segment.stream = head ? head->first : options_.stream + "~recovered-" + std::to_string(number);
  std::size_t at = head ? head->second : 0;
  bool damaged = !head && !all.empty();
  while (at < all.size()) {
    const auto record = decode(all.substr(at));
    const bool whole = record && record->length <= all.size() - at - kHeadBytes;
    if (whole && crc32c(all.substr(at + kHeadBytes, record->length)) == record->payload_crc) {
      if (damaged) segment.corrupt = true, ++corrupt_;
      damaged = false;
      segment.slots.push_back({at, record->length, record->seq, WallTime{record->at_ms}});
      if (each) {
        each({segment.stream, record->seq, WallTime{record->at_ms},
              std::string(all.substr(at + kHeadBytes, record->length))});
      }
      at += kHeadBytes + record->length;
    } else if (whole) {  // a good head over a bad payload: exactly one record is skipped
      segment.corrupt = true, ++corrupt_;
      if (damaged) ++corrupt_;
      damaged = false;
      at += kHeadBytes + record->length;
    } else {
      damaged = true;
      at = std::min(all.find(kRecordMagic, at + 1), all.size());
    }
  }
  // What is damaged up to the end is a torn tail where a crash may leave one; anywhere else it is corruption.
  if (damaged && last) ++torn_;
  if (damaged && !last) segment.corrupt = true, ++corrupt_;
  records_ += segment.slots.size();
  bytes_ += segment.bytes;
  segments_.push_back(std::move(segment));
  return ok();
}

Status Spool::start_segment() {
  const std::string path = path_of(next_number_);
  if (tail_fd_ >= 0) ::close(tail_fd_);
  tail_fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (tail_fd_ < 0) return disk("cannot make", path);
  ++next_number_;
  const std::string head = encode_segment_head(options_.stream);
  Segment segment;
  segment.number = next_number_ - 1;
  segment.stream = options_.stream;
  segment.bytes = head.size();
  bytes_ += segment.bytes;
  segments_.push_back(std::move(segment));
  Status begun = write_all(tail_fd_, head) ? sync_directory() : Status(disk("cannot write", path));
  if (!begun) abandon_tail();
  return begun;
}

// Nothing of the segment is needed: what could not be begun must not stand empty before those that follow, nor take the
// room that a full disk lacks. What is left when even that fails is a torn tail to the next start.
void Spool::abandon_tail() {
  const Segment& segment = segments_.back();
  EVERUP_ASSERT(segment.slots.empty());
  if (tail_fd_ >= 0) ::close(std::exchange(tail_fd_, -1));
  static_cast<void>(::unlink(path_of(segment.number).c_str()));
  bytes_ -= segment.bytes;
  segments_.pop_back();
}

Status Spool::append(std::int64_t seq, WallTime at, std::string_view payload) {
  if (payload.size() > kBatchBytesMax)
    return Error{ErrorCode::kExhausted, "spool: a batch of " + std::to_string(payload.size()) + " bytes"};
  const std::uint64_t needed = kHeadBytes + payload.size();
  if (bytes_ + needed + kStreamBytesMax > options_.bytes_max) {
    return Error{ErrorCode::kExhausted,
                 "spool: full, " + std::to_string(bytes_) + " of " + std::to_string(options_.bytes_max) + " bytes"};
  }
  if (tail_fd_ < 0 || segments_.back().bytes + needed > options_.segment_bytes_max) {
    if (Status started = start_segment(); !started) return started;
  }
  Segment& segment = segments_.back();
  const Head head{static_cast<std::uint32_t>(payload.size()), crc32c(payload), seq, at.ms};
  std::string record = encode(head);
  record += payload;
  if (!write_all(tail_fd_, record) || ::fdatasync(tail_fd_) != 0) {
    const Error error = disk("cannot write", path_of(segment.number));
    // Nothing may follow half a record: cut it off, or leave this segment as it is and begin another.
    if (segment.slots.empty()) {
      abandon_tail();
    } else if (::ftruncate(tail_fd_, static_cast<off_t>(segment.bytes)) != 0) {
      ::close(std::exchange(tail_fd_, -1));
    }
    return error;
  }
  segment.slots.push_back({segment.bytes, payload.size(), seq, at});
  segment.bytes += needed;
  bytes_ += needed;
  ++records_;
  return ok();
}

Result<SpoolRecord> Spool::front() {
  if (empty()) return Error{ErrorCode::kNotFound, "spool: empty"};
  const Segment& segment = segments_.front();
  const Slot& slot = segment.slots.front();
  const std::string path = path_of(segment.number);
  if (front_fd_ >= 0 && front_number_ != segment.number) ::close(std::exchange(front_fd_, -1));
  if (front_fd_ < 0) front_fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  front_number_ = segment.number;
  SpoolRecord record{segment.stream, slot.seq, slot.at, {}};
  const Error changed{ErrorCode::kCorrupt, "spool: a record of " + path + " changed since it was written"};
  if (front_fd_ < 0) return errno == ENOENT ? changed : disk("cannot open", path);
  std::string head;
  if (!read_all(front_fd_, slot.offset, kHeadBytes, head) ||
      !read_all(front_fd_, slot.offset + kHeadBytes, slot.length, record.payload)) {
    return errno == 0 ? changed : disk("cannot read", path);  // what ends too early never comes again
  }
  const auto decoded = decode(head);
  if (!decoded || decoded->length != slot.length || crc32c(record.payload) != decoded->payload_crc) return changed;
  return record;
}

Status Spool::pop() {
  if (empty()) return Error{ErrorCode::kNotFound, "spool: empty"};
  segments_.front().slots.pop_front();
  --records_;
  Status all = ok();
  while (!segments_.empty() && segments_.front().slots.empty()) {
    if (Status retired = retire_front(); !retired) all = retired;
  }
  return all;
}

// Removes the front segment, or keeps it aside when something in it could not be read. It is done with even when the
// disk refuses: its file comes again after a restart, and the stream's sequence makes that harmless.
Status Spool::retire_front() {
  const Segment segment = std::move(segments_.front());
  segments_.pop_front();
  bytes_ -= segment.bytes;
  const std::string path = path_of(segment.number);
  if (segments_.empty() && tail_fd_ >= 0) ::close(std::exchange(tail_fd_, -1));
  if (front_fd_ >= 0 && front_number_ == segment.number) ::close(std::exchange(front_fd_, -1));
  int failed = 0;
  if (segment.corrupt) {
    // A fixed set of names: what is kept never grows beyond kCorruptKept segments.
    const std::uint64_t place = segment.number % kCorruptKept;
    failed = ::rename(path.c_str(), (options_.directory + "/" + std::to_string(place) + ".seg.corrupt").c_str());
  } else {
    failed = ::unlink(path.c_str());
  }
  const bool gone = failed != 0 && errno == ENOENT;
  if (failed != 0 && !gone) return disk("cannot retire", path);
  return sync_directory();
}

Spool::Stats Spool::stats() const {
  Stats stats;
  stats.bytes = bytes_;
  stats.records = records_;
  stats.torn = torn_;
  stats.corrupt = corrupt_;
  if (!empty()) stats.oldest = segments_.front().slots.front().at;
  return stats;
}

Status Spool::keep_poison(std::string_view text) {
  const std::string path = options_.directory + "/poison";
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  struct stat facts {};
  if (file.fd < 0 || ::fstat(file.fd, &facts) != 0) return disk("cannot open", path);
  if (static_cast<std::uint64_t>(facts.st_size) + text.size() > kPoisonBytesMax) {
    return Error{ErrorCode::kExhausted, "spool: " + path + " is full"};
  }
  if (!write_all(file.fd, text)) return disk("cannot write", path);
  return ok();
}

}  // namespace everup::db
