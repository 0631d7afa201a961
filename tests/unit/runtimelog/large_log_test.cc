// R12: a log of a million lines, in bounded memory.

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/unit/runtimelog/appraise.h"

// What this program has allocated and not freed: the same number under sanitizers, which keep freed
// blocks for a while.
namespace {

std::atomic<std::size_t> live_bytes{0};
std::atomic<std::size_t> peak_bytes{0};

}  // namespace

void* operator new(std::size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  const std::size_t live = live_bytes += malloc_usable_size(block);
  if (live > peak_bytes) peak_bytes = live;
  return block;
}
void operator delete(void* block) noexcept {
  if (block != nullptr) live_bytes -= malloc_usable_size(block);
  std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }

namespace avouch::runtimelog {
namespace {

TEST(R12, TakesAMillionLinesInTheMemoryOfOnePiece) {
  constexpr int kLines = 1'000'000;
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
  EXPECT_LT(peak_bytes - before, 512U * 1024);  // the log is 100 MB
}

}  // namespace
}  // namespace avouch::runtimelog
