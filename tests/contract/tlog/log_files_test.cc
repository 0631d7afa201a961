// What only the files engine does: locks, segments, torn ends, full disks, permissions.

#include "adapters/log_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "contract/tlog/engine_cases.h"
#include "tlog/journal.h"

namespace avouch::tlog {
namespace {

namespace fs = std::filesystem;
using testing::FilesLogEngine;
using testing::LogProcess;
using testing::submission;
using testing::submissions;

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Bytes read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return to_bytes(text);
}

void write_all(const fs::path& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << as_text(bytes);
}

class LogFilesTest : public ::testing::Test {
 protected:
  fs::path journal() const { return engine_.log_directory() / "private" / "journal"; }

  // A log with `count` entries that are sequenced, each in a batch of its own, and not published.
  void leave_unpublished(int count, const std::string& prefix = "u") {
    LogProcess process(engine_);
    ASSERT_TRUE(process.open().has_value());
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(process.append({submission(prefix + std::to_string(i))}).has_value());
    }
    process.die();
  }

  std::uint64_t sequenced() {
    LogProcess process(engine_);
    const auto opened = process.open();
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return opened.has_value() ? process.log().status().sequenced : 0;
  }

  FilesLogEngine engine_;
};

TEST_F(LogFilesTest, HasOneWriterAtATime) {
  const auto store = engine_.open_store();
  ASSERT_TRUE(store.has_value());
  const auto second = engine_.open_store();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(second.error().message.find("in use by another process"), std::string::npos);
  const auto anchor = engine_.open_anchor("head");
  EXPECT_EQ(engine_.open_anchor("head").error().kind, ErrorKind::kRetryable);
}

TEST_F(LogFilesTest, CanBeReadWhileItIsWritten) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 3)).has_value());
  const auto checkpoint = process.publish();
  const auto reader = adapters::open_log_directory(engine_.log_directory()).value();
  testing::check_whole_log(*reader, checkpoint->checkpoint());
}

TEST_F(LogFilesTest, IsLaidOutAsItIsServed) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
  const auto checkpoint = process.publish();
  const fs::path open = engine_.log_directory() / "public";
  EXPECT_EQ(read_all(open / "checkpoint"), to_bytes(checkpoint->note()));
  for (const char* path : {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
                           "tile/entries/001.p/44"}) {
    EXPECT_TRUE(fs::is_regular_file(open / path)) << path;
  }
  EXPECT_EQ(fs::file_size(open / "tile/0/000"), 8192U);
}

TEST_F(LogFilesTest, KeepsPreimagesToItself) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
  ASSERT_TRUE(process.publish().has_value());
  struct stat status {};
  ASSERT_EQ(::stat((engine_.log_directory() / "private").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  ASSERT_EQ(::stat((engine_.log_directory() / "private/preimages/000").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  for (const auto& file : fs::recursive_directory_iterator(engine_.log_directory() / "public")) {
    if (!file.is_regular_file()) continue;
    const Bytes content = read_all(file.path());
    EXPECT_EQ(as_text(content).find("preimage of"), std::string_view::npos) << file.path();
  }
}

TEST_F(LogFilesTest, RemovesPartialTilesOnceTheFullOneIsPublished) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(process.append(submissions(std::to_string(i) + "/", 85)).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  const fs::path tiles = engine_.log_directory() / "public/tile";
  EXPECT_EQ(files_in(tiles / "0/000.p").size(), 3U);
  ASSERT_TRUE(process.append(submissions("last", 1)).has_value());
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_FALSE(fs::exists(tiles / "0/000.p"));
  EXPECT_FALSE(fs::exists(tiles / "entries/000.p"));
  EXPECT_TRUE(fs::exists(tiles / "0/000"));
}

TEST_F(LogFilesTest, CutsATornEndOfTheJournalAndGoesOn) {
  leave_unpublished(5);
  const fs::path segment = files_in(journal()).back();
  const Bytes whole = read_all(segment);
  for (const std::size_t cut : {1UL, 31UL, 60UL}) {
    write_all(segment, ByteView(whole).first(whole.size() - cut));
    // The fifth entry's batch is not whole, so it was never acknowledged.
    LogProcess process(engine_);
    ASSERT_TRUE(process.open().has_value());
    EXPECT_EQ(process.log().status().sequenced, 4U);
    ASSERT_TRUE(process.append({submission("instead")}).has_value());
    EXPECT_EQ(process.log().get(4)->id, "instead");
    process.die();
    EXPECT_EQ(parse_segment(read_all(segment), 0, true)->torn, 0U);
  }
}

TEST_F(LogFilesTest, CutsGarbageBehindTheLastBatch) {
  leave_unpublished(2);
  const fs::path segment = files_in(journal()).back();
  Bytes bytes = read_all(segment);
  const std::size_t size = bytes.size();
  append(bytes, Bytes(5000, 0xA5));
  write_all(segment, bytes);
  EXPECT_EQ(sequenced(), 2U);
  EXPECT_EQ(fs::file_size(segment), size);
}

TEST_F(LogFilesTest, StopsAtDamageBeforeTheEndOfTheJournal) {
  leave_unpublished(5);
  const fs::path segment = files_in(journal()).back();
  const Bytes whole = read_all(segment);
  for (const std::size_t at : {20UL, 60UL, 120UL}) {
    Bytes bytes = whole;
    bytes[at] ^= 1;
    write_all(segment, bytes);
    LogProcess process(engine_);
    const auto opened = process.open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
    EXPECT_NE(opened.error().message.find("damaged at offset"), std::string::npos);
    EXPECT_NE(opened.error().message.find(segment.string()), std::string::npos);
    process.close();
    EXPECT_EQ(read_all(segment), bytes);
  }
  write_all(segment, whole);
  EXPECT_EQ(sequenced(), 5U);
}

TEST_F(LogFilesTest, StopsWhereASegmentIsMissing) {
  engine_.segment_bytes = 1;  // a segment for each batch
  leave_unpublished(5);
  ASSERT_EQ(files_in(journal()).size(), 5U);
  EXPECT_EQ(sequenced(), 5U);  // and published when it was closed
  leave_unpublished(5, "v");
  const auto segments = files_in(journal());
  ASSERT_EQ(segments.size(), 6U);
  fs::remove(segments[segments.size() - 2]);
  LogProcess process(engine_);
  const auto opened = process.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
}

TEST_F(LogFilesTest, StopsWhereTheJournalEndsBeforeWhatIsPublished) {
  leave_unpublished(3);
  const fs::path segment = files_in(journal()).back();
  const Bytes early = read_all(segment);
  EXPECT_EQ(sequenced(), 3U);
  {
    LogProcess process(engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("b", 3)).has_value());
  }
  for (const fs::path& newer : files_in(journal())) fs::remove(newer);
  write_all(segment, early);
  LogProcess process(engine_);
  EXPECT_EQ(process.open().error().kind, ErrorKind::kFatal);
}

TEST_F(LogFilesTest, RemovesSegmentsThatArePublished) {
  engine_.segment_bytes = 1;
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(process.append({submission(std::to_string(i))}).has_value());
  EXPECT_EQ(files_in(journal()).size(), 10U);
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_EQ(files_in(journal()).size(), 1U);
  process.close();
  EXPECT_EQ(sequenced(), 10U);
}

TEST_F(LogFilesTest, BeginsASegmentAfterAStartWhereTheNewestHasWhatIsPublished) {
  leave_unpublished(3);
  EXPECT_EQ(sequenced(), 3U);  // and published when it was closed
  for (const char* id : {"b", "c"}) {
    LogProcess process(engine_);
    ASSERT_TRUE(process.open().has_value());
    EXPECT_EQ(files_in(journal()).size(), 1U);
    ASSERT_TRUE(process.append({submission(id)}).has_value());
    ASSERT_TRUE(process.append({submission(std::string(id) + "2")}).has_value());
    EXPECT_EQ(files_in(journal()).size(), 2U);
    ASSERT_TRUE(process.publish().has_value());
    EXPECT_EQ(files_in(journal()).size(), 1U);
  }
  EXPECT_EQ(sequenced(), 7U);
}

TEST_F(LogFilesTest, RefusesADirectoryThatIsNotALog) {
  const fs::path directory = engine_.log_directory();
  fs::create_directory(directory);
  write_all(directory / "photo.jpg", as_bytes("x"));
  EXPECT_EQ(engine_.open_store().error().kind, ErrorKind::kRejected);
  fs::remove(directory / "photo.jpg");
  ASSERT_TRUE(engine_.open_store().has_value());
  write_all(directory / "format", as_bytes("avouch-log-files 2\n"));
  EXPECT_EQ(engine_.open_store().error().kind, ErrorKind::kRejected);
  EXPECT_FALSE(adapters::open_log_directory(directory).has_value());
}

TEST_F(LogFilesTest, HasNoPathsOutsideItsObjects) {
  const auto store = engine_.open_store().value();
  for (const char* path : {"", "/etc/passwd", "../head", "public/checkpoint", "lock", "format",
                           "preimages/../journal/00000000000000000000", "preimages/000.p/5",
                           "journal/00000000000000000000", "tile/0/../../format"}) {
    EXPECT_EQ(store->fetch(path).error().kind, ErrorKind::kRejected) << path;
    const std::vector<Object> objects{{path, to_bytes("x")}};
    EXPECT_EQ(store->put(objects).error().kind, ErrorKind::kRejected) << path;
  }
}

TEST_F(LogFilesTest, KeepsWhatAnImmutablePathHolds) {
  const auto store = engine_.open_store().value();
  const std::vector<Object> first{{"tile/0/000.p/1", Bytes(32, 1)},
                                  {"preimages/000", to_bytes("a"), true}};
  const std::vector<Object> other{{"tile/0/000.p/1", Bytes(32, 2)}};
  const std::vector<Object> replaced{{"preimages/000", to_bytes("b"), true}};
  EXPECT_TRUE(store->put(first).has_value());
  EXPECT_TRUE(store->put(first).has_value());
  EXPECT_EQ(store->put(other).error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(store->put(replaced).has_value());
  EXPECT_EQ(store->fetch("preimages/000").value(), to_bytes("b"));
  EXPECT_EQ(store->fetch("tile/0/000.p/1").value(), Bytes(32, 1));
}

// In a process of its own: no file may grow beyond a limit, as on a full disk.
void fill_the_disk(FilesLogEngine& engine) {
  std::signal(SIGXFSZ, SIG_IGN);
  LogProcess process(engine);
  const auto require = [](bool holds, int code) {
    if (!holds) std::_Exit(code);
  };
  require(process.open().has_value(), 10);
  require(process.append(submissions("a", 3)).has_value(), 11);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t unlimited = limit.rlim_cur;
  limit.rlim_cur = 4096;
  require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 12);

  Submission large = submission("large");
  large.preimage = Bytes(20'000, 1);
  const auto refused = process.append({large});
  require(!refused.has_value() && refused.error().kind == ErrorKind::kRetryable, 13);
  require(process.log().status().commit_trouble.has_value(), 19);
  require(process.append({submission("small")}).has_value(), 14);
  require(!process.log().status().commit_trouble.has_value(), 20);
  require(process.log().status().sequenced == 4, 15);

  limit.rlim_cur = unlimited;
  require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 16);
  const auto placed = process.append({large});
  require(placed.has_value() && placed->front().index == 4, 17);
  require(process.publish().has_value(), 18);
  std::_Exit(0);
}

TEST_F(LogFilesTest, RefusesAppendsOnAFullDiskAndRecovers) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(fill_the_disk(engine_), ::testing::ExitedWithCode(0), "");
}

// Who is ended on a full disk begins again where it was, whether or not there is room by then.
void end_on_a_full_disk(FilesLogEngine& engine) {
  std::signal(SIGXFSZ, SIG_IGN);
  const auto require = [](bool holds, int code) {
    if (!holds) std::_Exit(code);
  };
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t unlimited = limit.rlim_cur;
  const auto refused = [](LogProcess& process) {
    Submission large = submission("large");
    large.preimage = Bytes(20'000, 1);
    const auto placed = process.append({large});
    return !placed.has_value() && placed.error().kind == ErrorKind::kRetryable;
  };
  {
    LogProcess process(engine);
    require(process.open().has_value(), 10);
    require(process.append(submissions("a", 3)).has_value(), 11);
    limit.rlim_cur = 2048;
    require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 12);
    require(refused(process), 13);
  }
  {
    LogProcess process(engine);
    const auto opened = process.open();
    require(opened.has_value() || opened.error().kind == ErrorKind::kRetryable, 14);
    if (opened.has_value()) {
      require(process.log().status().sequenced == 3, 15);
      require(refused(process), 16);
    }
  }
  limit.rlim_cur = unlimited;
  require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 17);
  LogProcess process(engine);
  require(process.open().has_value(), 18);
  require(process.log().status().sequenced == 3, 19);
  const auto placed = process.append({submission("next")});
  require(placed.has_value() && placed->front().index == 3, 20);
  const auto checkpoint = process.publish();
  require(checkpoint.has_value() && checkpoint->size() == 4, 21);
  std::_Exit(0);
}

TEST_F(LogFilesTest, BeginsAgainWhereItWasEndedOnAFullDisk) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(end_on_a_full_disk(engine_), ::testing::ExitedWithCode(0), "");
}

// The same where tiles are written: a preimage group does not fit, until the disk has room again.
void fill_the_disk_at_publication(FilesLogEngine& engine) {
  std::signal(SIGXFSZ, SIG_IGN);
  engine.segment_bytes = 1;  // each batch in a small file of its own
  LogProcess process(engine);
  const auto require = [](bool holds, int code) {
    if (!holds) std::_Exit(code);
  };
  require(process.open().has_value(), 10);
  for (int i = 0; i < 5; ++i) {
    Submission one = submission(std::to_string(i));
    one.preimage = Bytes(3000, 1);
    require(process.append({one}).has_value(), 11);
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t unlimited = limit.rlim_cur;
  limit.rlim_cur = 4096;
  require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 12);
  process.log().publish([](auto) {});
  while (process.log().status().publish_retries == 0) std::this_thread::yield();
  require(process.log().checkpoint().size() == 0, 13);
  limit.rlim_cur = unlimited;
  require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, 14);
  const auto checkpoint = process.publish();
  require(checkpoint.has_value() && checkpoint->size() == 5, 15);
  std::_Exit(0);
}

TEST_F(LogFilesTest, PublishesWhenAFullDiskHasRoomAgain) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(fill_the_disk_at_publication(engine_), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace avouch::tlog
