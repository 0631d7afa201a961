// R12: a log of a million lines, in bounded memory.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

// Sanitizers keep what OpenSSL allocates and frees for each digest: 256 MiB of it, by default.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kAllowedKib = 512 * 1024;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr long kAllowedKib = 512 * 1024;
#else
constexpr long kAllowedKib = 2 * 1024;
#endif
#else
constexpr long kAllowedKib = 2 * 1024;
#endif

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

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
  RuleInput input;
  const Bytes known = testing::openssl_digest(crypto::HashAlgorithm::kSha256, as_bytes("good"));
  input.references = {
      [&known](crypto::HashAlgorithm, ByteView digest) { return equal(digest, known); }};
  const Rules rules = rules_of(std::move(input));
  const long before = peak_kib();
  auto replay = LogReplay::begin({}, kBoot, machine.pcrs).value();
  feed(replay);
  const Replayed replayed = replay.finish().value();
  ASSERT_TRUE(replayed.met);
  Judging judging({}, rules, replayed.state, machine.pcrs);
  feed(judging);
  const Judged judged = judging.finish().value();
  EXPECT_EQ(judged.findings.entries(), kLines + 1U);
  EXPECT_EQ(judged.findings.counts().by_reference, kLines + 0U);
  EXPECT_LT(peak_kib() - before, kAllowedKib);  // the log is 100 MB
}

}  // namespace
}  // namespace avouch::runtimelog
