#include "collect/runtime_log.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::collect {
namespace {

void append_le32(Bytes& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// One entry of template `name` with `data`.
Bytes entry(std::string_view name, std::string_view data) {
  Bytes out;
  append_le32(out, 10);
  out.insert(out.end(), 20, 0xab);
  append_le32(out, static_cast<std::uint32_t>(name.size()));
  append(out, name);
  if (name == "ima") out.insert(out.end(), 20, 0xcd);
  append_le32(out, static_cast<std::uint32_t>(data.size()));
  append(out, data);
  return out;
}

class MemoryLog final : public LogSource {
 public:
  Result<std::optional<Bytes>> boot_log() override { return std::optional<Bytes>(); }
  Result<std::optional<Bytes>> runtime_log(std::uint64_t offset, std::size_t max) override {
    if (!content) return std::optional<Bytes>();
    lowest = std::min(lowest, offset);
    if (offset >= content->size()) return std::optional(Bytes{});
    const ByteView rest = ByteView(*content).subspan(offset);
    const ByteView part = rest.first(std::min(max, rest.size()));
    return std::optional(Bytes(part.begin(), part.end()));
  }
  std::optional<Bytes> content;
  std::uint64_t lowest = UINT64_MAX;  // offset asked for
};

TEST(WholeEntries, CutsEveryTruncationAtTheLastWholeEntry) {
  const Bytes first = entry("ima-ng", "first");
  const Bytes second = entry("ima", "/usr/bin/second");
  Bytes log = first;
  append(log, second);
  for (std::size_t size = 0; size <= log.size(); ++size) {
    const auto whole = whole_entries(ByteView(log).first(size));
    ASSERT_TRUE(whole.has_value()) << size;
    const std::size_t expected = size < first.size() ? 0
                                 : size < log.size() ? first.size()
                                                     : log.size();
    EXPECT_EQ(whole->bytes, expected) << size;
    EXPECT_EQ(whole->entries, expected == 0 ? 0U : expected == log.size() ? 2U : 1U) << size;
  }
}

TEST(WholeEntries, RefusesLengthsThatNoKernelWrites) {
  Bytes bad = entry("ima-ng", "x");
  bad[24] = 0xff;
  bad[25] = 0xff;
  EXPECT_FALSE(whole_entries(bad).has_value());
  Bytes empty_name = entry("ima-ng", "x");
  empty_name[24] = 0;
  EXPECT_FALSE(whole_entries(empty_name).has_value());
}

TEST(RuntimeLog, FollowsAGrowingLogEntryByEntry) {
  MemoryLog source;
  RuntimeLog log(source);
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_FALSE(log.reference().has_value()) << "a node without IMA has no log";

  source.content = entry("ima-ng", "one");
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(log.reference()->entries, 1U);

  const Bytes second = entry("ima-ng", "two");
  Bytes torn = *source.content;
  append(torn, ByteView(second).first(second.size() - 1));
  source.content = torn;
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(log.reference()->entries, 1U) << "half an entry is not sent";

  source.content->push_back(second.back());
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(log.reference()->entries, 2U);
  EXPECT_EQ(log.reference()->offset, source.content->size());
  EXPECT_EQ(log.reference()->digest, crypto::sha256(*source.content));
}

TEST(RuntimeLog, StartsAnewWhenItIsToldOfAnotherBoot) {
  MemoryLog source;
  RuntimeLog log(source);
  source.content = entry("ima-ng", "of the boot before");
  ASSERT_TRUE(log.advance().has_value());
  source.content = entry("ima-ng", "new, and longer than what the boot before had measured");
  log.restart();
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(log.reference()->entries, 1U);
  EXPECT_EQ(log.reference()->digest, crypto::sha256(*source.content));
}

TEST(RuntimeLog, ReadsAnewAfterBytesThatAreNoEntry) {
  MemoryLog source;
  RuntimeLog log(source);
  source.content = entry("ima-ng", "first");
  ASSERT_TRUE(log.advance().has_value());
  const Bytes good = *source.content;
  source.content->insert(source.content->end(), 64, 0xff);
  const auto refused = log.advance();
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("from byte " + std::to_string(good.size())),
            std::string::npos)
      << refused.error().message;
  source.content = good;
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(log.reference()->digest, crypto::sha256(good));
}

TEST(RuntimeLog, ReadsNothingTwice) {
  MemoryLog source;
  RuntimeLog log(source);
  source.content = entry("ima-ng", "first");
  ASSERT_TRUE(log.advance().has_value());
  const std::size_t end = source.content->size();
  source.lowest = end;
  append(*source.content, entry("ima-ng", "second"));
  ASSERT_TRUE(log.advance().has_value());
  EXPECT_EQ(source.lowest, end) << "what was read before is not asked for again";
}

TEST(RuntimeLog, GivesPiecesThatTogetherAreTheLog) {
  MemoryLog source;
  source.content.emplace();
  const std::string filler(200'000, 'x');
  for (int i = 0; i < 12; ++i) append(*source.content, entry("ima-ng", filler));
  RuntimeLog log(source);
  ASSERT_TRUE(log.advance().has_value());
  Bytes all;
  while (all.size() < log.reference()->offset) {
    const auto piece = log.piece(all.size());
    ASSERT_TRUE(piece.has_value());
    ASSERT_FALSE(piece->empty());
    ASSERT_LE(piece->size(), kRuntimeLogPiece);
    append(all, *piece);
  }
  EXPECT_EQ(all, *source.content);
  EXPECT_TRUE(log.piece(all.size())->empty());
}

}  // namespace
}  // namespace avouch::collect
