// R12: a log of a million lines, in bounded memory.

#include <gtest/gtest.h>

#include "tests/support/counted_memory.h"
#include "tests/support/sanitized.h"
#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

using testing::live_bytes;
using testing::peak_bytes;

TEST(R12, TakesAMillionLinesInTheMemoryOfOnePiece) {
  constexpr int kLines =
      testing::kSanitized ? 100'000 : 1'000'000;  // a sanitizer takes a minute for more
  ImaMachine machine;
  machine.measure(machine.boot_aggregate());
  const Bytes first = machine.log;
  // One line over and over: a kernel writes each once, a hostile one may.
  const ImaEntry line = ima_file("/usr/bin/good", "good");
  const Bytes line_bytes = line.bytes();
  Bytes& pcr = machine.pcrs.at({crypto::HashAlgorithm::kSha256, 10});
  const Bytes extended = crypto::hash(crypto::HashAlgorithm::kSha256, line.hashed);
  for (int i = 0; i < kLines; ++i)
    crypto::hash_into(crypto::HashAlgorithm::kSha256, {pcr, extended}, pcr);
  Bytes piece;
  while (piece.size() < 64 * 1024) append(piece, line_bytes);
  const auto feed = [&](auto& into) {
    ASSERT_TRUE(into.feed(first).has_value());
    std::uint64_t left = kLines * std::uint64_t{line_bytes.size()};
    while (left > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
      ASSERT_TRUE(into.feed(ByteView(piece).first(size)).has_value());
      left -= size;
    }
  };
  const Rules rules = good_rules();
  peak_bytes = live_bytes.load();
  const std::size_t before = peak_bytes;
  auto replay = LogReplay::begin({}, kBoot, machine.pcrs).value();
  feed(replay);
  const Replayed replayed = replay.finish().value();
  ASSERT_TRUE(replayed.met);
  Judging judging({}, rules, replayed.state, machine.pcrs);
  feed(judging);
  const Judged judged = judging.finish().value();
  EXPECT_EQ(judged.findings.entries(), kLines + 1U);
  EXPECT_EQ(judged.findings.counts().by_reference, kLines + 0U);
  EXPECT_LT(peak_bytes - before, 512U * 1024);  // the log is 100 MB, or 10
}

}  // namespace
}  // namespace avouch::runtimelog
