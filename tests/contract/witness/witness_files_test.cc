// What only the files can do wrong: damage, full disks, two processes, death at any moment.

#include "adapters/witness_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "support/growing_log.h"
#include "support/log_engines.h"
#include "tlog/witness_journal.h"

namespace avouch::adapters {
namespace {

using testing::GrowingLog;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class WitnessFilesTest : public ::testing::Test {
 protected:
  WitnessFilesTest() { EXPECT_TRUE(make_witness_files(directory()).has_value()); }

  fs::path directory() const { return scratch_.path() / "state"; }
  fs::path journal() const { return directory() / "journal"; }
  Result<OpenedWitnessFiles> open(std::size_t compact_bytes = 1 << 20) const {
    return open_witness_files({.directory = directory(), .compact_bytes = compact_bytes});
  }
  // Cosigns, as it were, the sizes from 1 to `size`.
  void grow(const GrowingLog& log, std::uint64_t size) const {
    const auto opened = open();
    ASSERT_TRUE(opened.has_value());
    std::optional<std::string> present = opened->memory->latest(log.origin()).value();
    for (std::uint64_t next = 1; next <= size; ++next) {
      ASSERT_TRUE(opened->memory->replace(log.origin(), present, log.note(next)).has_value());
      present = log.note(next);
    }
  }
  Bytes content() const {
    std::ifstream in(journal(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(ByteView bytes) const {
    std::ofstream out(journal(), std::ios::binary);
    out << as_text(bytes);
  }

  testing::TemporaryDirectory scratch_;
  GrowingLog log_{"log.example/one"};
};

TEST_F(WitnessFilesTest, AreMadeOnceAndNeverByTheWay) {
  const auto again = make_witness_files(directory());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, ErrorKind::kRejected);
  const auto elsewhere = open_witness_files({.directory = scratch_.path() / "elsewhere"});
  ASSERT_FALSE(elsewhere.has_value());
  EXPECT_EQ(elsewhere.error().kind, ErrorKind::kFatal);
  EXPECT_THAT(elsewhere.error().message, HasSubstr("keygen"));
  EXPECT_FALSE(fs::exists(scratch_.path() / "elsewhere"));
}

TEST_F(WitnessFilesTest, OfAJournalThatIsGoneAreNotEmpty) {
  grow(log_, 3);
  fs::remove(journal());
  const auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
  EXPECT_THAT(opened.error().message, HasSubstr("docs/witness.md"));
  EXPECT_FALSE(make_witness_files(directory()).has_value());
}

TEST_F(WitnessFilesTest, BelongToOneProcess) {
  const auto first = open();
  ASSERT_TRUE(first.has_value());
  const auto second = open();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::kRetryable);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
}

TEST_F(WitnessFilesTest, AreNotOpenedWhereTheyAreDamaged) {
  grow(log_, 3);
  const Bytes good = content();
  for (std::size_t at = 0; at < good.size(); at += 7) {
    Bytes bad = good;
    bad[at] ^= 0x20;
    put(bad);
    const auto opened = open();
    ASSERT_FALSE(opened.has_value()) << at;
    EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
    EXPECT_THAT(opened.error().message, HasSubstr("may cosign a fork"));
    EXPECT_EQ(content(), bad) << "left as it was, to be looked at";
  }
  put({});
  EXPECT_EQ(open().error().kind, ErrorKind::kFatal);
  put(good);
  EXPECT_TRUE(open().has_value());
}

TEST_F(WitnessFilesTest, CutAnInterruptedWriteAndSaySo) {
  grow(log_, 3);
  const Bytes good = content();
  grow(GrowingLog("log.example/two"), 1);
  const Bytes longer = content();
  ASSERT_GT(longer.size(), good.size());
  put(ByteView(longer).first(longer.size() - 1));
  {
    const auto opened = open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    ASSERT_EQ(opened->notes.size(), 1U);
    EXPECT_THAT(opened->notes[0], HasSubstr("interrupted"));
    EXPECT_EQ(opened->memory->latest(log_.origin()).value(), log_.note(3));
    EXPECT_EQ(opened->memory->latest("log.example/two").value(), std::nullopt);
    ASSERT_TRUE(opened->memory->replace(log_.origin(), log_.note(3), log_.note(4)).has_value());
  }
  const auto again = open();
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->notes.empty());
  EXPECT_EQ(again->memory->latest(log_.origin()).value(), log_.note(4));
}

TEST_F(WitnessFilesTest, StayShortHoweverOftenALogGrows) {
  const auto opened = open(2'000);
  ASSERT_TRUE(opened.has_value());
  std::optional<std::string> present;
  std::uintmax_t largest = 0;
  for (int round = 0; round < 200; ++round) {
    const std::string next = log_.note(1 + static_cast<std::uint64_t>(round % 2));
    ASSERT_TRUE(opened->memory->replace(log_.origin(), present, next).has_value());
    present = next;
    largest = std::max(largest, fs::file_size(journal()));
  }
  EXPECT_LT(largest, 4'000U);
  EXPECT_FALSE(fs::exists(directory() / "journal.new"));
}

// A full disk, for which a limit of the file's size stands: nothing is acknowledged, nothing lost,
// and it goes on once there is room.
TEST_F(WitnessFilesTest, TakeNothingOnAFullDiskAndGoOnAfterwards) {
  grow(log_, 1);
  const std::size_t full = content().size();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const auto opened = open();
    if (!opened.has_value()) ::_exit(1);
    for (const std::size_t room : {0U, 10U, 100U}) {
      limit.rlim_cur = full + room;
      ::setrlimit(RLIMIT_FSIZE, &limit);
      const auto replaced = opened->memory->replace(log_.origin(), log_.note(1), log_.note(2));
      if (replaced.has_value() || replaced.error().kind != ErrorKind::kRetryable) ::_exit(2);
      if (opened->memory->latest(log_.origin()).value() != log_.note(1)) ::_exit(3);
      if (fs::file_size(journal()) != full) ::_exit(4);
    }
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto replaced = opened->memory->replace(log_.origin(), log_.note(1), log_.note(2));
    ::_exit(replaced.has_value() ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(open()->memory->latest(log_.origin()).value(), log_.note(2));
}

// Writers of six logs are killed again and again: no log goes back behind what was acknowledged.
TEST_F(WitnessFilesTest, ForgetNothingAcknowledgedWhenKilled) {
  constexpr std::size_t kLogs = 6;
  constexpr std::uint64_t kSizes = 60;
  std::vector<std::unique_ptr<GrowingLog>> logs;
  std::vector<std::vector<std::string>> notes(
      kLogs);  // made once: the children need no time for it
  for (std::size_t i = 0; i < kLogs; ++i) {
    logs.push_back(std::make_unique<GrowingLog>("log.example/" + std::to_string(i), kSizes));
    for (std::uint64_t size = 0; size <= kSizes; ++size) notes[i].push_back(logs[i]->note(size));
  }
  std::vector<std::uint64_t> acknowledged(kLogs, 0);  // how many changes, over all lives
  const auto position = [&](std::size_t log, const std::optional<std::string>& note) {
    std::size_t at = 0;
    while (note && notes[log][at] != *note) ++at;
    return at;
  };
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      const auto opened = open(20'000);
      if (!opened.has_value()) ::_exit(1);
      std::vector<std::thread> writers;
      for (std::size_t log = 0; log < kLogs; ++log) {
        writers.emplace_back([&, log] {
          std::optional<std::string> present = opened->memory->latest(logs[log]->origin()).value();
          for (std::size_t at = position(log, present);; ++at) {
            const std::string& next = notes[log][(at + 1) % (kSizes + 1)];
            if (!opened->memory->replace(logs[log]->origin(), present, next).has_value())
              ::_exit(2);
            present = next;
            const auto byte = static_cast<std::uint8_t>(log);
            if (::write(ends[1], &byte, 1) != 1) ::_exit(3);
          }
        });
      }
      for (std::thread& writer : writers) writer.join();
    }
    ::close(ends[1]);
    std::uint8_t log = 0;
    int seen = 0;
    std::vector<std::uint64_t> news(kLogs, 0);
    while (::read(ends[0], &log, 1) == 1) {
      ++news.at(log);
      if (++seen == 5 + round * round * 7) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    const auto opened = open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    for (std::size_t i = 0; i < kLogs; ++i) {
      // At most one change was under way and not acknowledged.
      const std::uint64_t at = position(i, opened->memory->latest(logs[i]->origin()).value());
      const std::uint64_t before = acknowledged[i] + news[i];
      EXPECT_TRUE(at == before % (kSizes + 1) || at == (before + 1) % (kSizes + 1))
          << "log " << i << " is at " << at << " after " << before;
      acknowledged[i] = at == before % (kSizes + 1) ? before : before + 1;
    }
  }
}

}  // namespace
}  // namespace avouch::adapters
