// R12: a log of a million lines, in the memory of one piece; a small one in 64 KiB and four times
// its size.

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

TEST(R12, AnySmallLogCostsMemoryByItsSize) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  RuleInput input = good_input();
  testing::must(input.keys.add(key.public_key()).has_value(), "add");
  const Rules rules = rules_of(std::move(input));
  const auto bounded = [&](const std::string& name, const ImaMachine& machine) {
    testing::expect_bounded(name, machine.log.size(),
                            [&] { (void)appraise(machine.log, machine.pcrs, rules); });
  };
  const auto machine_with = [](const ImaEntry& line, int times) {
    ImaMachine machine;
    machine.measure(machine.boot_aggregate());
    for (int i = 0; i < times; ++i) machine.measure(line);
    return machine;
  };
  for (const int times : {0, 1, 30, 1'000}) {
    bounded("known files", machine_with(ima_file("/usr/bin/good", "good"), times));
    bounded("unknown files", machine_with(ima_file("/usr/bin/evil", "evil"), times));
    bounded("violations", machine_with(ima_violation("/var/log/file"), times));
    bounded("buffers", machine_with(ima_buffer("kexec-cmdline", "quiet"), times));
    bounded("signatures of nobody",
            machine_with(ima_signed_file("/usr/bin/evil", "evil", Bytes(520, 3)), times));
    bounded("short paths", machine_with(ima_file("/", "evil"), times));
  }
  for (const std::size_t size : {5'000U, 60'000U, 65'535U, 200'000U}) {
    bounded("a long path", machine_with(ima_file("/" + std::string(size, 'a'), "evil"), 1));
    bounded("long paths", machine_with(ima_file("/" + std::string(size, 'a'), "evil"), 3));
    bounded("a long signature",
            machine_with(ima_signed_file("/usr/bin/evil", "evil", Bytes(size, 3)), 1));
    ImaMachine garbage;
    for (const std::uint8_t byte : Bytes{0x00, 0x0a, 0xff}) {
      garbage.log.assign(size, byte);
      bounded("anything", garbage);
    }
  }
}

}  // namespace
}  // namespace avouch::runtimelog
