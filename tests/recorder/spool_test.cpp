// The spool on a real file system: order, bounds, torn tails, flipped bits, restarts.
#include "db/spool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/mounts.h"
#include "tests/support/tempdir.h"

namespace everup::db {
namespace {

using everup::test::in_own_mounts;
using everup::test::read_file;
using everup::test::SmallDisk;
using everup::test::TempDir;
namespace fs = std::filesystem;

Spool open_spool(const std::string& directory, std::uint64_t bytes_max = 1 << 20,
                 std::uint64_t segment_bytes_max = 1 << 16, const std::string& stream = "node/boot") {
  auto spool = Spool::open({directory, stream, bytes_max, segment_bytes_max}, nullptr);
  if (!spool) throw std::runtime_error(spool.error().what);
  return *std::move(spool);
}

std::string payload_of(int n) { return "payload " + std::to_string(n) + std::string(static_cast<std::size_t>(n), '.'); }

void append(Spool& spool, int n) {
  const Status status = spool.append(n, WallTime{1000 + n}, payload_of(n));
  ASSERT_TRUE(status.ok()) << status.error().what;
}

std::vector<std::int64_t> drain(Spool& spool) {
  std::vector<std::int64_t> seqs;
  while (!spool.empty()) {
    const auto record = spool.front();
    EXPECT_TRUE(record.ok());
    if (!record) break;
    EXPECT_EQ(record->payload, payload_of(static_cast<int>(record->seq)));
    seqs.push_back(record->seq);
    EXPECT_TRUE(spool.pop().ok());
  }
  return seqs;
}

std::vector<std::string> files(const std::string& directory, const std::string& suffix) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().string().ends_with(suffix)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A directory whose only segment holds records 1, 2, 3.
std::string three_records(const std::string& directory) {
  Spool spool = open_spool(directory);
  for (int n = 1; n <= 3; ++n) append(spool, n);
  return files(directory, ".seg").at(0);
}

TEST(Spool, KeepsOrderAndForgetsWhatIsAcknowledged) {
  const TempDir dir;
  Spool spool = open_spool(dir.file("spool"));
  EXPECT_TRUE(spool.empty());
  EXPECT_EQ(spool.front().error().code, ErrorCode::kNotFound);
  for (int n = 1; n <= 20; ++n) append(spool, n);
  EXPECT_EQ(spool.stats().records, 20U);
  EXPECT_EQ(spool.stats().oldest, WallTime{1001});
  ASSERT_TRUE(spool.pop().ok());
  EXPECT_EQ(spool.stats().oldest, WallTime{1002});
  const auto seqs = drain(spool);
  EXPECT_EQ(seqs.front(), 2);
  EXPECT_EQ(seqs.back(), 20);
  EXPECT_EQ(spool.stats().bytes, 0U);
  EXPECT_TRUE(files(dir.file("spool"), ".seg").empty());
}

TEST(Spool, IsReadableByItsOwnerOnly) {
  const TempDir dir;
  Spool spool = open_spool(dir.file("spool"));
  append(spool, 1);
  struct stat facts {};
  ASSERT_EQ(::stat(dir.file("spool").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat(files(dir.file("spool"), ".seg").at(0).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST(Spool, GoesOnAfterARestartAndKeepsTheStreamOfEachBoot) {
  const TempDir dir;
  const std::string path = dir.file("spool");
  {
    Spool spool = open_spool(path, 1 << 20, 1 << 16, "node/boot1");
    append(spool, 1);
    append(spool, 2);
  }
  std::vector<std::string> seen;
  auto again = Spool::open({path, "node/boot2", 1 << 20, 1 << 16},
                           [&](const SpoolRecord& r) { seen.push_back(r.stream + ":" + std::to_string(r.seq)); });
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"node/boot1:1", "node/boot1:2"}));
  append(*again, 1);  // the new boot counts from one again
  EXPECT_EQ(again->front()->stream, "node/boot1");
  ASSERT_TRUE(again->pop().ok());
  ASSERT_TRUE(again->pop().ok());
  EXPECT_EQ(again->front()->stream, "node/boot2");
  EXPECT_EQ(again->front()->seq, 1);
}

TEST(Spool, CutsSegmentsAndRemovesEachWhenDone) {
  const TempDir dir;
  const std::string path = dir.file("spool");
  Spool spool = open_spool(path, 1 << 20, 200);
  for (int n = 1; n <= 30; ++n) append(spool, n);
  const std::size_t segments = files(path, ".seg").size();
  EXPECT_GT(segments, 5U);
  for (const auto& file : files(path, ".seg")) EXPECT_LE(fs::file_size(file), 200U);
  for (int n = 0; n < 15; ++n) ASSERT_TRUE(spool.pop().ok());
  EXPECT_LT(files(path, ".seg").size(), segments);
  EXPECT_EQ(drain(spool).size(), 15U);
}

TEST(Spool, IsBounded) {
  const TempDir dir;
  Spool spool = open_spool(dir.file("spool"), 4096, 1024);
  int taken = 0;
  Status status = ok();
  while (taken < 1000 && (status = spool.append(taken + 1, WallTime{1}, payload_of(100))).ok()) ++taken;
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kExhausted);
  EXPECT_GT(taken, 5);
  std::uint64_t on_disk = 0;
  for (const auto& file : files(dir.file("spool"), ".seg")) on_disk += fs::file_size(file);
  EXPECT_LE(on_disk, 4096U);
  EXPECT_EQ(on_disk, spool.stats().bytes);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(spool.pop().ok());
  EXPECT_TRUE(spool.append(taken + 1, WallTime{1}, payload_of(100)).ok()) << "room again";
}

TEST(Spool, ATornTailEndsAtTheLastWholeRecordAtEveryByte) {
  const TempDir dir;
  const std::string segment = three_records(dir.file("spool"));
  const std::string bytes = read_file(segment);
  const std::size_t record = 32;
  std::vector<std::size_t> ends;  // where records 1, 2, 3 end
  std::size_t at = bytes.size() - 3 * record - payload_of(1).size() - payload_of(2).size() - payload_of(3).size();
  const std::size_t head = at;
  for (int n = 1; n <= 3; ++n) ends.push_back(at += record + payload_of(n).size());
  ASSERT_EQ(ends.back(), bytes.size());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    fs::remove_all(dir.file("spool"));
    fs::create_directory(dir.file("spool"));
    std::ofstream(segment, std::ios::binary) << bytes.substr(0, length);
    Spool spool = open_spool(dir.file("spool"));
    const auto whole = std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= length; });
    ASSERT_EQ(spool.stats().records, static_cast<std::uint64_t>(whole)) << length;
    const bool clean = length == 0 || length == head || std::find(ends.begin(), ends.end(), length) != ends.end();
    ASSERT_EQ(spool.stats().torn, clean ? 0U : 1U) << length;
    ASSERT_EQ(spool.stats().corrupt, 0U) << length;
    append(spool, 9);  // goes on in a new segment
    const auto seqs = drain(spool);
    ASSERT_EQ(seqs.size(), static_cast<std::size_t>(whole) + 1) << length;
    ASSERT_EQ(seqs.back(), 9);
  }
}

TEST(Spool, AFlippedBitCostsOneRecordAtEveryBit) {
  const TempDir dir;
  const std::string segment = three_records(dir.file("spool"));
  const std::string bytes = read_file(segment);
  const std::size_t second_end = bytes.size() - 32 - payload_of(3).size();
  const std::size_t second = second_end - 32 - payload_of(2).size();
  for (std::size_t bit = second * 8; bit < second_end * 8; ++bit) {
    fs::remove_all(dir.file("spool"));
    fs::create_directory(dir.file("spool"));
    std::string broken = bytes;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
    std::ofstream(segment, std::ios::binary) << broken;
    Spool spool = open_spool(dir.file("spool"));
    ASSERT_EQ(spool.stats().corrupt, 1U) << bit;
    ASSERT_EQ(spool.stats().torn, 0U) << bit;
    ASSERT_EQ(drain(spool), (std::vector<std::int64_t>{1, 3})) << bit;
    ASSERT_EQ(files(dir.file("spool"), ".corrupt").size(), 1U) << "kept aside: " << bit;
  }
}

TEST(Spool, ADamagedSegmentHeadLosesNothing) {
  const TempDir dir;
  const std::string segment = three_records(dir.file("spool"));
  std::string bytes = read_file(segment);
  bytes[9] = static_cast<char>(bytes[9] ^ 0x40);
  std::ofstream(segment, std::ios::binary) << bytes;
  Spool spool = open_spool(dir.file("spool"));
  EXPECT_EQ(spool.stats().corrupt, 1U);
  EXPECT_NE(spool.front()->stream, "node/boot");
  EXPECT_EQ(drain(spool), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST(Spool, ARecordThatRotsWhileWeRunIsCorruptNotWrong) {
  const TempDir dir;
  Spool spool = open_spool(dir.file("spool"));
  append(spool, 1);
  append(spool, 2);
  const std::string segment = files(dir.file("spool"), ".seg").at(0);
  std::string bytes = read_file(segment);
  bytes[bytes.find("payload 1")] = 'P';
  std::ofstream(segment, std::ios::binary) << bytes;
  EXPECT_EQ(spool.front().error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(spool.pop().ok());
  EXPECT_EQ(spool.front()->seq, 2);
}

TEST(Spool, AFullDiskRefusesAndIsUsedAgainWhenThereIsRoom) {
  const TempDir dir;
  in_own_mounts([&] {
    const SmallDisk disk(dir.file("disk"), 256 * 1024);
    Spool spool = open_spool(disk.path() + "/spool");
    disk.fill();
    EXPECT_EQ(spool.append(1, WallTime{1001}, payload_of(1)).error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(spool.empty());
    EXPECT_EQ(spool.stats().bytes, 0U) << "nothing of what could not be begun is kept";
    EXPECT_EQ(spool.front().error().code, ErrorCode::kNotFound);
    disk.relieve();
    append(spool, 2);
    append(spool, 3);
    disk.fill();  // in the middle of a segment
    int refused = 0;
    for (int n = 4; n < 200 && refused == 0; ++n) {
      if (!spool.append(n, WallTime{1000 + n}, payload_of(n)).ok()) refused = n;
    }
    ASSERT_GT(refused, 0);
    disk.relieve();
    append(spool, refused + 1);
    std::vector<std::int64_t> expected;
    for (int n = 2; n <= refused + 1; ++n) {
      if (n != refused) expected.push_back(n);
    }
    EXPECT_EQ(drain(spool), expected);
    EXPECT_EQ(spool.stats().bytes, 0U);
  });
}

TEST(Spool, EverySegmentThatCannotBeBegunLeavesTheOthersReadable) {
  const TempDir dir;
  in_own_mounts([&] {
    const SmallDisk disk(dir.file("disk"), 64 * 1024);
    Spool spool = open_spool(disk.path() + "/spool", 1 << 20, 100);  // a segment a record
    disk.fill();
    for (int n = 1; n <= 3; ++n) EXPECT_FALSE(spool.append(n, WallTime{1000 + n}, payload_of(n)).ok());
    disk.relieve();
    append(spool, 4);
    disk.fill();
    EXPECT_FALSE(spool.append(5, WallTime{1005}, payload_of(5)).ok());
    disk.relieve();
    append(spool, 6);
    EXPECT_EQ(drain(spool), (std::vector<std::int64_t>{4, 6}));
  });
}

TEST(Spool, ASegmentThatCannotBeRemovedDoesNotStopTheOthers) {
  const TempDir dir;
  const std::string path = dir.file("spool"), aside = dir.file("aside");
  {
    Spool spool = open_spool(path, 1 << 20, 100);  // a segment a record
    for (int n = 1; n <= 3; ++n) append(spool, n);
    const std::string first = files(path, ".seg").at(0);
    EXPECT_EQ(spool.front()->seq, 1);
    fs::rename(first, aside);
    fs::create_directory(first);  // unlink refuses it
    EXPECT_FALSE(spool.pop().ok()) << "told, and acknowledged all the same";
    EXPECT_EQ(spool.stats().records, 2U);
    EXPECT_EQ(drain(spool), (std::vector<std::int64_t>{2, 3}));
    fs::remove(first);
    fs::rename(aside, first);
  }
  Spool again = open_spool(path);  // what could not be removed comes once more, under the same number
  EXPECT_EQ(drain(again), (std::vector<std::int64_t>{1}));
}

TEST(Spool, AFileThatIsCutOffOrGoneWhileWeRunIsCorruptNotAnEndlessWait) {
  const TempDir dir;
  Spool spool = open_spool(dir.file("spool"), 1 << 20, 100);
  for (int n = 1; n <= 3; ++n) append(spool, n);
  const auto segments = files(dir.file("spool"), ".seg");
  ASSERT_EQ(segments.size(), 3U);
  fs::resize_file(segments[0], 40);
  fs::remove(segments[1]);
  EXPECT_EQ(spool.front().error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(spool.pop().ok());
  EXPECT_EQ(spool.front().error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(spool.pop().ok());
  EXPECT_EQ(drain(spool), (std::vector<std::int64_t>{3}));
}

TEST(Spool, ForeignFilesAreLeftAlone) {
  const TempDir dir;
  fs::create_directory(dir.file("spool"));
  std::ofstream(dir.file("spool") + "/notes.txt") << "mine";
  std::ofstream(dir.file("spool") + "/zzzzzzzzzzzzzzzz.seg") << "mine";
  Spool spool = open_spool(dir.file("spool"));
  EXPECT_TRUE(spool.empty());
  EXPECT_EQ(read_file(dir.file("spool") + "/notes.txt"), "mine");
}

TEST(Spool, ADirectoryThatCannotBeIsNamed) {
  const TempDir dir;
  const auto spool = Spool::open({dir.write("file", "x"), "node/boot", 1 << 20, 1 << 16}, nullptr);
  ASSERT_FALSE(spool.ok());
  EXPECT_NE(spool.error().what.find(dir.file("file")), std::string::npos);
}

}  // namespace
}  // namespace everup::db
