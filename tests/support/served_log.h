#pragma once

// A log as its readers see it, served from memory; and a reader that fails.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/random.h"
#include "support/memory_log_store.h"
#include "tlog/builder.h"
#include "tlog/entry.h"
#include "tlog/note.h"
#include "tlog/recovery.h"
#include "tlog/retention.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace avouch::testing {

// Two with different names are forks of one another. May grow while others read.
class ServedLog {
 public:
  // The signer outlives it; the origin is its name.
  explicit ServedLog(const tlog::NoteSigner& signer, std::string name = "entry ")
      : signer_(signer), name_(std::move(name)) {}

  tlog::VerifiedCheckpoint grow_to(std::uint64_t size, const std::string& cosignatures = "") {
    while (builder_.size() < size) {
      const std::uint64_t i = builder_.size();
      tlog::Record record{i, to_bytes(name_ + std::to_string(i)), {}, ""};
      builder_.push(record, tlog::leaf_hash(record.entry));
    }
    EXPECT_TRUE(store.put(builder_.take_objects()).has_value());
    const auto made =
        tlog::sign_checkpoint(signer_.verifier().name, size, builder_.root(), signer_).value();
    serve(made.note() + cosignatures);
    return made;
  }
  // An entry with content, which the next publication covers.
  void add(tlog::NewEntry entry) {
    tlog::Record record{builder_.size(), std::move(entry.statement), std::move(entry.preimage), ""};
    builder_.push(record, tlog::leaf_hash(record.entry));
  }
  // Says, from the next publication on, that what is below `index` is pruned, by a policy of a day.
  void enter_pruning(std::uint64_t index) {
    const std::uint64_t policy = builder_.size();
    add_own(tlog::kRetentionKind,
            tlog::retention_payload({std::chrono::hours(24), std::chrono::hours(24)}, {}));
    add_own(tlog::kPruningKind, tlog::pruning_payload({policy, index, index}, {}));
  }
  // Serves what the entries so far say of retention, and nothing of what is below `index`.
  void prune_to(std::uint64_t index) {
    EXPECT_TRUE(tlog::take_retention(store, builder_.take_of_retention(), retention_).has_value());
    for (std::uint64_t n = 0; n < index / 256; ++n) {
      disk.objects.erase(tlog::tile_path({0, n, 256}));
      disk.objects.erase(tlog::bundle_path({0, n, 256}));
    }
  }
  void serve(const std::string& note) { EXPECT_TRUE(store.publish(note, 0).has_value()); }
  void rename(std::string name) { name_ = std::move(name); }

  MemoryDisk disk;
  MemoryLogStore store{disk};

 private:
  void add_own(std::string_view kind, codec::Cbor payload) {
    static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
    const std::string& origin = signer_.verifier().name;
    add(tlog::make_entry(key, {origin, "log:1", std::string(kind), std::move(payload)},
                         crypto::system_random())
            .value());
  }

  const tlog::NoteSigner& signer_;
  std::string name_;
  tlog::Builder builder_;
  tlog::Retention retention_;
};

// Fails for now after so many good answers.
class BusyReader final : public tlog::TileReader {
 public:
  BusyReader(tlog::TileReader& inner, int good) : inner_(inner), good_(good) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    if (good_-- <= 0) return retryable("busy");
    return inner_.fetch(path);
  }

 private:
  tlog::TileReader& inner_;
  int good_;
};

}  // namespace avouch::testing
