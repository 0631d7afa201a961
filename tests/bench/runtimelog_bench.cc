// Runtime logs: entries a second on first sight against a large reference set, what 10,000 nodes
// cost in memory, and what signatures cost.
//
//   runtimelog_bench [nodes ENTRIES NODES | signatures]      without arguments: speed

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "crypto/ecdsa_form.h"
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

// security.ima of a file with this digest, version 3 (runtimelog/file_signature.h).
Bytes signed_by(const crypto::PrivateKey& key, const crypto::Sha256& digest) {
  Bytes file_id = {3, 4};
  append(file_id, ByteView(digest));
  const Bytes raw =
      key.sign(crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256, file_id).value();
  const Bytes der = crypto::ecdsa_raw_to_der(raw, raw.size() / 2).value();
  const Bytes id = key.public_key().key_identifier();
  Bytes out = {3, 3, 4};
  append(out, ByteView(id).last(4));
  append_be16(out, static_cast<std::uint16_t>(der.size()));
  append(out, der);
  return out;
}

void judge_signed(const char* what, const ImaMachine& machine, const Rules& rules) {
  auto replay = LogReplay::begin({}, kBoot, machine.pcrs).value();
  feed(replay, machine.log);
  const Replayed replayed = replay.finish().value();
  const auto begin = SteadyClock::now();
  Judging judging({}, rules, replayed.state, machine.pcrs);
  feed(judging, machine.log);
  const Judged judged = judging.finish().value();
  const std::chrono::duration<double> took = SteadyClock::now() - begin;
  const double entries = static_cast<double>(machine.entries);
  const double mib = static_cast<double>(machine.log.size()) / 1024 / 1024;
  std::printf("  %s: %llu checks, %.2f us an entry, %.1f s for 64 MiB\n", what,
              static_cast<unsigned long long>(judged.signature_checks),
              1e6 * took.count() / entries, took.count() * 64 / mib);
}

void measure_signatures() {
  constexpr std::size_t kEntries = 4000;
  for (const auto type : {crypto::KeyType::kEcP256, crypto::KeyType::kEcP384}) {
    const crypto::PrivateKey key = crypto::PrivateKey::generate(type);
    RuleInput input;
    testing::must(input.keys.add(key.public_key()).has_value(), "add");
    const Rules rules = Rules::make(std::move(input)).value();
    ImaMachine different, repeated, refused;
    for (ImaMachine* each : {&different, &repeated, &refused}) {
      each->measure(each->boot_aggregate());
    }
    const Bytes one = signed_by(key, digest_of(0));
    const auto entry = [](std::size_t file, const Bytes& signature) {
      return testing::ima_entry("ima-sig", {testing::digest_field("sha256:", digest_of(file)),
                                            testing::path_field("/a"), signature});
    };
    for (std::size_t i = 0; i < kEntries; ++i) {
      different.measure(entry(i, signed_by(key, digest_of(i))));
      repeated.measure(entry(0, one));
      refused.measure(entry(1, one));
    }
    std::printf("%s\n", std::string(crypto::key_type_name(type)).c_str());
    judge_signed("good, each another", different, rules);
    judge_signed("good, one repeated", repeated, rules);
    judge_signed("bad", refused, rules);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "nodes") == 0) {
    measure_nodes(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  } else if (argc == 2 && std::strcmp(argv[1], "signatures") == 0) {
    measure_signatures();
  } else {
    measure_speed();
  }
  return 0;
}
