// Frames of entries: what is read, and that everything else is refused at its place.

#include "runtimelog/entry.h"

#include <gtest/gtest.h>

#include "runtimelog/entry_reader.h"
#include "tests/support/ima_log.h"

namespace avouch::runtimelog {
namespace {

using testing::append_le32;
using testing::ima_file;
using testing::ima_legacy;
using testing::ImaEntry;

TEST(FrameEntry, ReadsAnEntryAndLeavesWhatFollows) {
  Bytes bytes = ima_file("/usr/bin/good", "good").bytes();
  const std::size_t size = bytes.size();
  append_u8(bytes, 99);
  const auto frame = frame_entry(bytes, 12, 3456);
  ASSERT_TRUE(frame.has_value() && frame->entry);
  EXPECT_EQ(frame->needed, size);
  EXPECT_EQ(frame->entry->number, 12U);
  EXPECT_EQ(frame->entry->offset, 3456U);
  EXPECT_EQ(frame->entry->template_name, "ima-ng");
  EXPECT_EQ(frame->entry->bytes.size(), size);
}

TEST(FrameEntry, ReadsTheLegacyTemplateWhichHasNoLengthOfItsData) {
  const Bytes bytes = ima_legacy(Bytes(20, 5), "/usr/bin/old").bytes();
  const auto frame = frame_entry(bytes, 1, 0);
  ASSERT_TRUE(frame.has_value() && frame->entry);
  EXPECT_EQ(frame->needed, bytes.size());
  EXPECT_TRUE(frame->entry->is_legacy());
}

TEST(FrameEntry, SaysOfEveryTruncationHowMuchItNeedsAndNeverMoreThanThereIs) {
  for (const ImaEntry& entry :
       {ima_file("/usr/bin/good", "good"), ima_legacy(Bytes(20, 5), "/usr/bin/old")}) {
    const Bytes bytes = entry.bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto frame = frame_entry(ByteView(bytes).first(size), 1, 0);
      ASSERT_TRUE(frame.has_value()) << size;
      EXPECT_FALSE(frame->entry.has_value()) << size;
      EXPECT_GT(frame->needed, size);
      EXPECT_LE(frame->needed, bytes.size());
    }
  }
}

TEST(FrameEntry, RefusesEveryLengthBeyondItsBoundAsSoonAsItIsThere) {
  const auto with_u32 = [](std::size_t at, std::uint32_t value) {
    Bytes out = ima_file("/usr/bin/good", "good").bytes();
    Bytes field;
    append_le32(field, value);
    std::copy(field.begin(), field.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    out.resize(at + 4);
    return out;
  };
  for (const std::uint32_t name : {0U, 256U, 0xffffffffU, 0x06000000U}) {
    EXPECT_FALSE(frame_entry(with_u32(24, name), 1, 0).has_value()) << name;
  }
  for (const std::uint32_t data : {0U, 256U * 1024 + 1, 0xffffffffU}) {
    EXPECT_FALSE(frame_entry(with_u32(34, data), 1, 0).has_value()) << data;
  }
  Bytes legacy = ima_legacy(Bytes(20, 5), "").bytes();
  legacy.resize(legacy.size() - 4);
  append_le32(legacy, 64 * 1024 + 1);
  EXPECT_FALSE(frame_entry(legacy, 1, 0).has_value());
}

TEST(FrameEntry, NamesEntryAndByteAndTheRemedyForAnotherByteOrder) {
  const auto frame = frame_entry(Bytes{0, 0, 0, 10}, 3, 77);
  ASSERT_FALSE(frame.has_value());
  EXPECT_NE(frame.error().message.find("entry 3 (at byte 77)"), std::string::npos);
  EXPECT_NE(frame.error().message.find("ima_canonical_fmt"), std::string::npos);
  for (const int pcr : {0, 9, 11, 23, 255}) {
    EXPECT_FALSE(frame_entry(Bytes{static_cast<std::uint8_t>(pcr), 0, 0, 0}, 1, 0).has_value())
        << pcr;
  }
}

TEST(FrameEntry, RefusesTemplateNamesThatAreNotPrintable) {
  for (const char c : {'\0', ' ', '\n', '\x7f', '\x80'}) {
    ImaEntry entry = ima_file("/x", "x");
    entry.name[2] = c;
    EXPECT_FALSE(frame_entry(entry.bytes(), 1, 0).has_value());
  }
}

TEST(EntryReader, GivesTheSameEntriesWhereverTheLogIsCut) {
  Bytes log;
  for (const char* path : {"/a", "/usr/bin/b", "/c"}) append(log, ima_file(path, path).bytes());
  append(log, ima_legacy(Bytes(20, 1), "/d").bytes());
  for (std::size_t first = 0; first <= log.size(); ++first) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, log.size()}) {
      EntryReader reader(10, 1000);
      Bytes seen;
      std::vector<std::uint64_t> numbers;
      const auto take = [&](const Entry& entry) -> Result<void> {
        append(seen, entry.bytes);
        numbers.push_back(entry.number);
        return {};
      };
      ASSERT_TRUE(reader.feed(ByteView(log).first(first), take).has_value());
      for (std::size_t at = first; at < log.size(); at += piece) {
        const std::size_t size = std::min(piece, log.size() - at);
        ASSERT_TRUE(reader.feed(ByteView(log).subspan(at, size), take).has_value());
      }
      EXPECT_EQ(seen, log);
      EXPECT_EQ(numbers, (std::vector<std::uint64_t>{11, 12, 13, 14}));
      EXPECT_TRUE(reader.finish().has_value());
      EXPECT_EQ(reader.offset(), 1000 + log.size());
    }
  }
}

TEST(EntryReader, RefusesALogThatEndsWithinAnEntry) {
  const Bytes log = ima_file("/a", "a").bytes();
  for (std::size_t size = 1; size < log.size(); ++size) {
    EntryReader reader(0, 0);
    ASSERT_TRUE(
        reader.feed(ByteView(log).first(size), [](const Entry&) -> Result<void> { return {}; })
            .has_value());
    EXPECT_FALSE(reader.finish().has_value()) << size;
  }
}

}  // namespace
}  // namespace avouch::runtimelog
