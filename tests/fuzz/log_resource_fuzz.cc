// What a log serves beside its tiles of what is gone and of its neighbours, and the payloads of the
// entries that it names. Besides not crashing: of a log that has signed one policy, one pruning,
// one predecessor and one end, nobody is made to believe another, whatever the resource says; and a
// payload that is read is written as the same bytes again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "codec/cbor.h"
#include "fuzz/fuzz_target.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "tlog/entry.h"
#include "tlog/log.h"
#include "tlog/retention.h"
#include "tlog/shard.h"

namespace avouch::fuzzing::log_resource_target {
namespace {

using avouch::Bytes;
using avouch::ByteView;
using avouch::Result;
using avouch::SystemTime;
namespace codec = avouch::codec;
namespace crypto = avouch::crypto;
namespace tlog = avouch::tlog;

constexpr const char* kOrigin = "log.example.org/avouch/2027";
constexpr std::uint64_t kOwnIndex = 300;

void require(bool holds) {
  if (!holds) std::abort();
}

// So that preimages, which the corpus has, are the same in every process.
class NoRandom final : public crypto::Random {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), 7); }
};

const tlog::RetentionPolicy& policy() {
  static const tlog::RetentionPolicy one{std::chrono::hours(720), std::chrono::hours(8760)};
  return one;
}
const tlog::Predecessor& predecessor() {
  static const tlog::Predecessor one{
      "log.example.org/avouch",
      "log.example.org/avouch\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
      "\xe2\x80\x94 log.example.org/avouch "
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"};
  return one;
}
const tlog::ShardEnd& end() {
  static const tlog::ShardEnd one{SystemTime(std::chrono::hours(1)), "log.example.org/avouch/2028"};
  return one;
}
tlog::Pruning pruning() { return {.policy = 1, .content_from = 256, .minimum_index = 256}; }

// The log, and its checkpoint.
struct Served {
  avouch::testing::MemoryDisk disk;
  std::optional<tlog::VerifiedCheckpoint> checkpoint;
};
const Served& served() {
  static const Served* const one = [] {
    auto* out = new Served;
    avouch::testing::MemoryLogStore store(out->disk);
    avouch::testing::ManualClock clock;
    const auto signer =
        tlog::NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519));
    const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
    const auto log = tlog::Log::open({.origin = kOrigin}, store, {}, signer.value(), clock).value();
    NoRandom random;
    const auto enter = [&](std::string_view kind, codec::Cbor payload) {
      auto made =
          tlog::make_entry(key, {kOrigin, "log:1", std::string(kind), std::move(payload)}, random)
              .value();
      require(log->append_and_wait({std::move(made.statement), std::move(made.preimage), ""})
                  .has_value());
    };
    enter(tlog::kGenesis, tlog::predecessor_payload(predecessor(), SystemTime{}));
    enter(tlog::kRetentionKind, tlog::retention_payload(policy(), SystemTime{}));
    while (log->status().sequenced < kOwnIndex) {
      require(log->append_and_wait(
                     {avouch::to_bytes("entry " + std::to_string(log->status().sequenced)), {}, ""})
                  .has_value());
    }
    enter(tlog::kPruningKind, tlog::pruning_payload(pruning(), SystemTime{}));
    enter(tlog::kShardKind, tlog::shard_end_payload(end()));
    out->checkpoint = log->publish_now().value();
    return out;
  }();
  return *one;
}

// What the log serves, but for one resource.
class Forged final : public tlog::TileReader {
 public:
  Forged(std::string_view path, ByteView content) : path_(path), content_(content) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    if (path == path_) return std::optional(Bytes(content_.begin(), content_.end()));
    const auto& objects = served().disk.objects;
    const auto found = objects.find(path);
    return found == objects.end() ? std::optional<Bytes>() : std::optional(found->second);
  }

 private:
  std::string_view path_;
  ByteView content_;
};

void check_payloads(ByteView input) {
  const auto value = codec::parse_cbor(input);
  if (!value.has_value()) return;
  if (const auto read = tlog::parse_retention(*value); read.has_value()) {
    require(tlog::check_retention_policy(*read).has_value());
  }
  if (const auto read = tlog::parse_pruning(*value, kOwnIndex); read.has_value()) {
    require(read->policy < kOwnIndex && read->content_from <= kOwnIndex &&
            read->minimum_index <= read->content_from);
  }
  if (const auto read = tlog::parse_shard_end(*value, kOrigin); read.has_value()) {
    require(codec::to_cbor(tlog::shard_end_payload(*read)) == Bytes(input.begin(), input.end()));
    require(read->next != kOrigin);
  }
  if (const auto read = tlog::parse_predecessor(*value, kOrigin); read.has_value()) {
    require(read->origin != kOrigin && read->note.size() <= tlog::kMaxLastNote);
  }
}

}  // namespace

AVOUCH_FUZZ_TARGET("log_resource_fuzz") {
  const ByteView input(data, size);
  check_payloads(input);
  const tlog::VerifiedCheckpoint& checkpoint = *served().checkpoint;
  Forged retention(tlog::kRetentionPath, input);
  if (const auto read = tlog::load_retention(retention, checkpoint); read.has_value()) {
    require(!read->policy_index || read->policy == policy());
    require(!read->pruning_index || read->pruning == pruning());
    require(read->policy_index || read->policy == tlog::RetentionPolicy());
    require(read->pruning_index || read->pruning == tlog::Pruning());
    require(read->content_gone <= read->pruning.content_from);
  }
  Forged links(tlog::kShardPath, input);
  if (const auto read = tlog::load_shard_links(links, checkpoint); read.has_value()) {
    require(!read->predecessor || *read->predecessor == predecessor());
    require(!read->end || *read->end == end());
  }
  return 0;
}

}  // namespace avouch::fuzzing::log_resource_target
