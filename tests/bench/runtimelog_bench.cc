// Runtime logs: entries a second on first sight against a large reference set, and what 10,000
// nodes cost in memory.
//
//   runtimelog_bench [nodes ENTRIES NODES]      without arguments: speed

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "reference/digest_set.h"
#include "runtimelog/judging.h"
#include "runtimelog/log_replay.h"
#include "tests/support/ima_log.h"

namespace {

using namespace avouch;              // NOLINT(google-build-using-namespace)
using namespace avouch::runtimelog;  // NOLINT(google-build-using-namespace)
using testing::ImaMachine;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kReferences = 1'000'000;
constexpr std::size_t kPiece = 1024 * 1024;
const BootIdentity kBoot{1};

crypto::Sha256 digest_of(std::size_t number) {
  return crypto::sha256("file " + std::to_string(number));
}

std::shared_ptr<const reference::DigestSet> make_references() {
  reference::DigestSetBuilder builder;
  for (std::size_t i = 0; i < kReferences; ++i) {
    testing::must(builder.add(crypto::HashAlgorithm::kSha256, digest_of(i)).has_value(), "add");
  }
  return std::move(builder).finish();
}

Rules make_rules(const std::shared_ptr<const reference::DigestSet>& set) {
  RuleInput input;
  input.references = {[set](crypto::HashAlgorithm algorithm, ByteView digest) {
    return set->contains(algorithm, digest);
  }};
  input.exclude = {"/var/log/.*"};
  return Rules::make(std::move(input)).value();
}

ImaMachine make_log(std::size_t entries) {
  std::mt19937_64 random(1);
  ImaMachine out;
  out.measure(out.boot_aggregate());
  while (out.entries < entries) {
    const std::size_t file = random() % kReferences;
    const crypto::Sha256 digest = digest_of(file);
    out.measure(
        testing::ima_entry("ima-ng", {testing::digest_field("sha256:", digest),
                                      testing::path_field("/usr/lib/x86_64-linux-gnu/lib" +
                                                          std::to_string(file) + ".so.6.0.0")}));
  }
  return out;
}

template <typename Into>
void feed(Into& into, ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(kPiece, bytes.size());
    testing::must(into.feed(bytes.first(size)).has_value(), "feed");
    bytes = bytes.subspan(size);
  }
}

NodeState appraise(const ImaMachine& machine, const Rules& rules) {
  auto replay = LogReplay::begin({}, kBoot, machine.pcrs).value();
  feed(replay, machine.log);
  const Replayed replayed = replay.finish().value();
  testing::must(replayed.met, "replay");
  Judging judging({}, rules, replayed.state, machine.pcrs);
  feed(judging, machine.log);
  Judged judged = judging.finish().value();
  testing::must(judged.findings.counts().refused == 0, "judging");
  return {replayed.state, judged.findings};
}

void measure_speed() {
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  const auto set = make_references();
  const std::size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
  std::printf("references: %zu digests, %.1f MB on the heap\n", set->size(),
              static_cast<double>(held) / 1e6);
  const Rules rules = make_rules(set);
  constexpr std::size_t kEntries = 500'000;
  const ImaMachine machine = make_log(kEntries);
  for (int run = 0; run < 5; ++run) {
    const auto begin = SteadyClock::now();
    (void)appraise(machine, rules);
    const std::chrono::duration<double> took = SteadyClock::now() - begin;
    std::printf("first sight: %.0f entries/s (%zu entries, %.1f MB, %.3f s)\n",
                static_cast<double>(kEntries) / took.count(), kEntries,
                static_cast<double>(machine.log.size()) / 1e6, took.count());
  }
}

void measure_nodes(std::size_t entries, std::size_t nodes) {
  const auto set = make_references();
  const Rules rules = make_rules(set);
  const ImaMachine machine = make_log(entries);
  std::vector<std::unique_ptr<NodeState>> kept;
  kept.reserve(nodes);
  malloc_trim(0);
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  const auto begin = SteadyClock::now();
  for (std::size_t i = 0; i < nodes; ++i) {
    kept.push_back(std::make_unique<NodeState>(appraise(machine, rules)));
  }
  const std::chrono::duration<double> took = SteadyClock::now() - begin;
  const std::size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
  std::printf("%zu nodes, %zu entries each: %.0f bytes a node on the heap, %.0f entries/s\n", nodes,
              entries, static_cast<double>(held) / static_cast<double>(nodes),
              static_cast<double>(nodes * entries) / took.count());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "nodes") == 0) {
    measure_nodes(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  } else {
    measure_speed();
  }
  return 0;
}
