#include "tlog/journal.h"

#include <gtest/gtest.h>

#include "support/log_vectors.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

SegmentSeed seed() {
  SegmentSeed seed;
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i);
  return seed;
}

std::vector<Record> records() {
  return {{1000, to_bytes("first entry"), to_bytes("first preimage"), "id-1"},
          {1001, Bytes{0, 255}, {}, ""},
          {1002, Bytes(300, 'x'), Bytes(70, 'y'), "id-3"}};
}

// A segment with a batch of each size.
struct Written {
  Bytes bytes;
  std::vector<std::size_t> ends{kSegmentHeaderBytes};  // behind the header and each batch
};
Written write(const std::vector<std::size_t>& batches) {
  Written out;
  const Bytes header = format_segment_header(1000, seed());
  out.bytes = header;
  std::uint64_t index = 1000;
  for (const std::size_t count : batches) {
    std::vector<Record> batch;
    for (std::size_t i = 0; i < count; ++i) {
      batch.push_back({index, to_bytes("entry " + std::to_string(index)), to_bytes("p"), "i"});
      ++index;
    }
    append(out.bytes, format_batch(header, out.bytes.size(), batch));
    out.ends.push_back(out.bytes.size());
  }
  return out;
}

void expect_same(const std::vector<Record>& got, const std::vector<Record>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].index, want[i].index);
    EXPECT_EQ(got[i].entry, want[i].entry);
    EXPECT_EQ(got[i].preimage, want[i].preimage);
    EXPECT_EQ(got[i].id, want[i].id);
  }
}

TEST(Journal, IsWrittenByteForByteAsItsFormatSays) {
  const Bytes want = LogVectors("files.txt").bytes("segment");
  const Bytes header = format_segment_header(1000, seed());
  Bytes got = header;
  const std::vector<Record> all = records();
  append(got, format_batch(header, got.size(), std::span(all).first(2)));
  append(got, format_batch(header, got.size(), std::span(all).subspan(2)));
  EXPECT_EQ(got, want);
}

TEST(Journal, GivesBackWhatWasWritten) {
  const Bytes bytes = LogVectors("files.txt").bytes("segment");
  const auto segment = parse_segment(bytes, 0, true);
  ASSERT_TRUE(segment.has_value()) << segment.error().message;
  EXPECT_EQ(segment->first, 1000U);
  EXPECT_EQ(segment->next, 1003U);
  EXPECT_EQ(segment->end, bytes.size());
  EXPECT_EQ(segment->torn, 0U);
  expect_same(segment->records, records());

  const std::vector<Record> all = records();
  expect_same(parse_segment(bytes, 1002, true)->records, {all[2]});
  expect_same(parse_segment(bytes, 1003, true)->records, {});
}

TEST(Journal, CutsWhatWasInterruptedAtAnyByte) {
  const Written written = write({1, 3, 2});
  for (std::size_t length = kSegmentHeaderBytes; length <= written.bytes.size(); ++length) {
    const auto segment = parse_segment(ByteView(written.bytes).first(length), 0, true);
    ASSERT_TRUE(segment.has_value()) << length << segment.error().message;
    std::size_t whole = 0;
    while (whole + 1 < written.ends.size() && written.ends[whole + 1] <= length) ++whole;
    EXPECT_EQ(segment->end, written.ends[whole]) << length;
    EXPECT_EQ(segment->torn, length - written.ends[whole]) << length;
    EXPECT_EQ(segment->records.size(), (std::vector<std::size_t>{0, 1, 4, 6}[whole]));
  }
}

TEST(Journal, CutsALastBatchOfWhichAnyPartDidNotReachTheDisk) {
  const Written written = write({2, 2});
  const std::size_t last = written.ends[1];
  for (std::size_t begin = last; begin < written.bytes.size(); begin += 7) {
    Bytes bytes = written.bytes;
    for (std::size_t i = begin; i < std::min(bytes.size(), begin + 16); ++i) bytes[i] = 0;
    const auto segment = parse_segment(bytes, 0, true);
    ASSERT_TRUE(segment.has_value()) << begin;
    EXPECT_EQ(segment->end, last) << begin;
  }
}

TEST(Journal, StopsAtEveryFlippedBitBeforeTheLastBatch) {
  const Written written = write({1, 2, 1});
  for (std::size_t bit = 0; bit < written.ends[2] * 8; ++bit) {
    Bytes bytes = written.bytes;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto segment = parse_segment(bytes, 0, true);
    ASSERT_FALSE(segment.has_value()) << bit;
    EXPECT_EQ(segment.error().kind, ErrorKind::kFatal);
    const std::size_t at = bit / 8 < written.ends[0]   ? 0
                           : bit / 8 < written.ends[1] ? written.ends[0]
                                                       : written.ends[1];
    EXPECT_NE(segment.error().message.find("offset " + std::to_string(at) + ":"), std::string::npos)
        << segment.error().message;
  }
}

TEST(Journal, TakesAnyInterruptionInAnOlderSegmentForDamage) {
  const Written written = write({1, 2});
  EXPECT_TRUE(parse_segment(written.bytes, 0, false).has_value());
  for (std::size_t length = 0; length < written.bytes.size(); ++length) {
    if (length == written.ends[0] || length == written.ends[1]) continue;
    EXPECT_FALSE(parse_segment(ByteView(written.bytes).first(length), 0, false).has_value());
  }
}

TEST(Journal, DoesNotTakeABatchOfAnotherPlaceOrSegment) {
  const Written written = write({1, 1});
  // The same batch moved by one byte.
  Bytes moved(written.bytes.begin(),
              written.bytes.begin() + static_cast<std::ptrdiff_t>(written.ends[0]));
  moved.push_back(0);
  moved.insert(moved.end(), written.bytes.begin() + static_cast<std::ptrdiff_t>(written.ends[0]),
               written.bytes.begin() + static_cast<std::ptrdiff_t>(written.ends[1]));
  EXPECT_EQ(parse_segment(moved, 0, true)->records.size(), 0U);
  // Under the header of a segment with another seed.
  SegmentSeed other = seed();
  other[0] ^= 1;
  Bytes foreign = format_segment_header(1000, other);
  foreign.insert(foreign.end(), written.bytes.begin() + kSegmentHeaderBytes, written.bytes.end());
  EXPECT_EQ(parse_segment(foreign, 0, true)->records.size(), 0U);
}

TEST(Journal, RefusesAGapBetweenBatches) {
  const Bytes header = format_segment_header(1000, seed());
  for (const std::uint64_t next : {999ULL, 1000ULL, 1002ULL}) {
    Bytes bytes = header;
    const std::vector<Record> first{{1000, to_bytes("a"), {}, ""}}, second{{next, {}, {}, ""}};
    append(bytes, format_batch(header, bytes.size(), first));
    append(bytes, format_batch(header, bytes.size(), second));
    EXPECT_FALSE(parse_segment(bytes, 0, true).has_value()) << next;
  }
}

}  // namespace
}  // namespace avouch::tlog
