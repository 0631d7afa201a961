// The spool on disk: order, restarts, crashes at every byte, damage, bounds.

#include "adapters/spool_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/process.h"

namespace avouch::adapters {
namespace {

namespace fs = std::filesystem;
using admission::LogRecord;
using testing::TempDir;

const SystemTime kTime{std::chrono::milliseconds(1'800'000'000'123)};

LogRecord record(int number, std::size_t size = 10) {
  return {"id" + std::to_string(number), Bytes(size, static_cast<std::uint8_t>(number))};
}

OpenedSpool open(const std::string& folder, std::size_t segment_bytes = 1024 * 1024) {
  auto opened = open_spool_files({.directory = folder, .segment_bytes = segment_bytes});
  EXPECT_TRUE(opened.has_value()) << (opened.has_value() ? "" : opened.error().message);
  return std::move(opened).value();
}

void append(admission::Spool& spool, int first, int last, std::size_t size = 10) {
  for (int i = first; i < last; ++i) {
    const LogRecord one[] = {record(i, size)};
    ASSERT_TRUE(spool.append(one, kTime + std::chrono::seconds(i)).has_value());
  }
}

std::vector<std::string> ids(admission::Spool& spool, std::size_t most = 1000) {
  std::vector<std::string> out;
  const auto records = spool.front(most, 1UL << 30);
  EXPECT_TRUE(records.has_value()) << (records.has_value() ? "" : records.error().message);
  for (const auto& one : *records) out.push_back(one.id);
  return out;
}

std::vector<fs::path> segments(const std::string& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".spool") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(SpoolFiles, GivesBackInOrderWhatWasAppendedAcrossARestart) {
  const TempDir dir;
  {
    const OpenedSpool opened = open(dir.path());
    append(*opened.spool, 0, 5);
    EXPECT_EQ(opened.spool->records(), 5U);
    EXPECT_EQ(opened.spool->oldest(), kTime);
  }
  const OpenedSpool opened = open(dir.path());
  EXPECT_TRUE(opened.notes.empty());
  append(*opened.spool, 5, 7);
  EXPECT_EQ(ids(*opened.spool),
            (std::vector<std::string>{"id0", "id1", "id2", "id3", "id4", "id5", "id6"}));
  EXPECT_EQ(opened.spool->front(1, 0)->at(0).payload, record(0).payload);
  ASSERT_TRUE(opened.spool->drop(6).has_value());
  EXPECT_EQ(ids(*opened.spool), std::vector<std::string>{"id6"});
  EXPECT_EQ(opened.spool->oldest(), kTime + std::chrono::seconds(6));
  ASSERT_TRUE(opened.spool->drop(1).has_value());
  EXPECT_EQ(opened.spool->records(), 0U);
  EXPECT_EQ(opened.spool->bytes(), 0U);
  EXPECT_FALSE(opened.spool->oldest());
  EXPECT_TRUE(segments(dir.path()).empty());
}

TEST(SpoolFiles, BoundsWhatItGivesAtOnce) {
  const TempDir dir;
  const OpenedSpool opened = open(dir.path());
  append(*opened.spool, 0, 10, 1000);
  EXPECT_EQ(opened.spool->front(3, 1 << 20)->size(), 3U);
  EXPECT_EQ(opened.spool->front(100, 2500)->size(), 2U);
  EXPECT_EQ(opened.spool->front(100, 1)->size(), 1U);
}

TEST(SpoolFiles, FreesSegmentsAsTheyAreDropped) {
  const TempDir dir;
  const OpenedSpool opened = open(dir.path(), 2000);
  append(*opened.spool, 0, 20, 900);
  const std::size_t before = opened.spool->bytes();
  EXPECT_GT(segments(dir.path()).size(), 5U);
  ASSERT_TRUE(opened.spool->drop(10).has_value());
  EXPECT_LT(opened.spool->bytes(), before * 2 / 3);
  EXPECT_EQ(opened.spool->records(), 10U);
}

TEST(SpoolFiles, LosesOnlyTheRecordThatACrashCutWhereverItCutIt) {
  const TempDir dir;
  {
    const OpenedSpool opened = open(dir.path());
    append(*opened.spool, 0, 3);
  }
  const fs::path segment = segments(dir.path()).at(0);
  const std::string whole = content(segment);
  const std::size_t magic = std::string("avouch-spool/v1\n").size();
  const std::size_t one = (whole.size() - magic) / 3;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const TempDir other;
    testing::write_text(other / "0000000001.spool", whole.substr(0, n));
    {
      const OpenedSpool opened = open(other.path());
      EXPECT_EQ(opened.spool->records(), n < magic ? 0 : (n - magic) / one) << n;
      append(*opened.spool, 7, 8);
      EXPECT_EQ(ids(*opened.spool).back(), "id7") << n;
    }
    EXPECT_EQ(ids(*open(other.path()).spool).back(), "id7") << n;
  }
}

TEST(SpoolFiles, RefusesEveryFlippedByte) {
  const TempDir dir;
  {
    const OpenedSpool opened = open(dir.path());
    append(*opened.spool, 0, 1);
  }
  const std::string whole = content(segments(dir.path()).at(0));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const TempDir other;
    std::string changed = whole;
    changed[n] = static_cast<char>(changed[n] ^ 0x10);
    testing::write_text(other / "0000000001.spool", changed);
    const OpenedSpool opened = open(other.path());
    EXPECT_EQ(opened.spool->records(), 0U) << n;
    EXPECT_EQ(opened.notes.size(), 1U) << n;
  }
}

TEST(SpoolFiles, SaysThatTheOldestIsDamagedAndGetsPastIt) {
  const TempDir dir;
  const OpenedSpool opened = open(dir.path());
  append(*opened.spool, 0, 3);
  {
    std::fstream file(segments(dir.path()).at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 4 + 8 + 2);
    file.put('\x7f');
  }
  const auto damaged = opened.spool->front(10, 1 << 20);
  ASSERT_FALSE(damaged.has_value());
  EXPECT_EQ(damaged.error().kind, ErrorKind::kRejected);
  ASSERT_TRUE(opened.spool->drop(1).has_value());
  EXPECT_EQ(ids(*opened.spool), (std::vector<std::string>{"id1", "id2"}));
}

TEST(SpoolFiles, KeepsNothingOfAnAppendThatFailed) {
  const TempDir dir;
  OpenedSpool opened = open(dir.path());
  append(*opened.spool, 0, 2);
  const std::size_t before = opened.spool->bytes();
  // A limit on the size of files stands for a full disk: the write is cut half-way.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{before + 100, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const LogRecord big[] = {record(2, 50), record(3, 5000)};
  const auto failed = opened.spool->append(big, kTime);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(opened.spool->records(), 2U);
  append(*opened.spool, 9, 10);
  EXPECT_EQ(ids(*opened.spool), (std::vector<std::string>{"id0", "id1", "id9"}));
  opened.spool.reset();
  EXPECT_EQ(ids(*open(dir.path()).spool), (std::vector<std::string>{"id0", "id1", "id9"}));
}

TEST(SpoolFiles, IsOneProcessesAtATime) {
  const TempDir dir;
  const OpenedSpool opened = open(dir.path());
  const auto second = open_spool_files({.directory = dir.path()});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST(SpoolFiles, LeavesForeignFilesAlone) {
  const TempDir dir;
  testing::write_text(dir / "notes.txt", "mine");
  testing::write_text(dir / "0000000003.spool", "not a segment at all, but long enough");
  const OpenedSpool opened = open(dir.path());
  EXPECT_EQ(opened.notes.size(), 1U);
  append(*opened.spool, 0, 1);
  EXPECT_EQ(testing::read_text(dir / "notes.txt"), "mine");
  EXPECT_EQ(testing::read_text(dir / "0000000003.spool").substr(0, 3), "not");
}

}  // namespace
}  // namespace avouch::adapters
