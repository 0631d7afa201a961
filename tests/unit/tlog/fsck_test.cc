#include "tlog/fsck.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/random.h"
#include "support/memory_log_store.h"
#include "support/sanitized.h"
#include "tlog/builder.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/recovery.h"
#include "tlog/remark.h"
#include "tlog/retention.h"
#include "tlog/tile.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::MemoryDisk;
using testing::MemoryLogStore;

// Fails as a busy server does.
class AlwaysBusyReader final : public TileReader {
 public:
  Result<std::optional<Bytes>> fetch(std::string_view /*path*/) override {
    return retryable("log: the server is busy");
  }
};

class FsckTest : public ::testing::Test {
 protected:
  void push(Bytes entry, Bytes preimage = {}) {
    Record record{builder_.size(), std::move(entry), std::move(preimage), ""};
    builder_.push(record, leaf_hash(record.entry));
  }

  // An entry of the log's own.
  void push_own(std::string_view kind, codec::Cbor payload) {
    NewEntry entry = make_entry(key_, {kAvouchOrigin, "node:00", std::string(kind), payload},
                                crypto::system_random())
                         .value();
    push(std::move(entry.statement), std::move(entry.preimage));
  }
  void push_numbers(int count) {
    for (int i = 0; i < count; ++i) {
      push_own(kNodeVerdict,
               codec::Cbor::map({{codec::Cbor::text("number"), codec::Cbor::integer(i)}}));
    }
  }
  void push_erasure(std::uint64_t index) {
    Remark remark;
    remark.kind = RemarkKind::kErasure;
    remark.refs = {{kAvouchOrigin, index, {}, ""}};
    remark.text = "asked for";
    push_own(kErasureKind, remark_payload({remark, "bob", kNow}, kAvouchOrigin).value());
  }
  void push_pruning(std::uint64_t content_from, std::uint64_t minimum_index) {
    using std::chrono::hours;
    const std::uint64_t policy = builder_.size();
    push_own(kRetentionKind, retention_payload({hours(24), hours(48)}, kNow));
    push_own(kPruningKind, pruning_payload({policy, content_from, minimum_index}, kNow));
  }
  void expect_damage(const FsckReport& report, const std::string& path, const std::string& what) {
    ASSERT_EQ(report.damages.size(), 1U);
    EXPECT_EQ(report.damages[0].path, path);
    EXPECT_NE(report.damages[0].what.find(what), std::string::npos) << report.damages[0].what;
  }

  VerifiedCheckpoint publish() {
    EXPECT_TRUE(store_.put(builder_.take_objects()).has_value());
    EXPECT_TRUE(erase_preimages(store_, builder_.take_erasures()).has_value());
    EXPECT_TRUE(take_retention(store_, builder_.take_of_retention(), retention_).has_value());
    return sign_checkpoint(kAvouchOrigin, builder_.size(), builder_.root(), signer()).value();
  }

  VerifiedCheckpoint grow_to(std::uint64_t size) {
    while (builder_.size() < size) push(to_bytes("entry " + std::to_string(builder_.size())));
    return publish();
  }

  FsckReport check(const VerifiedCheckpoint& checkpoint, const FsckOptions& options = {}) {
    auto report = check_log(store_, checkpoint, options);
    EXPECT_TRUE(report.has_value());
    return report.has_value() ? *report : FsckReport{.damage_count = 1, .damages = {}};
  }

  const crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  MemoryDisk disk_;
  MemoryLogStore store_{disk_};
  Builder builder_;
  Retention retention_;
};

TEST_F(FsckTest, FindsEveryLogWholeThatIs) {
  for (const std::uint64_t size :
       {0U, 1U, 2U, 255U, 256U, 257U, 512U, 1000U, 65'535U, 65'536U, 65'537U, 66'000U}) {
    const FsckReport report = check(grow_to(size));
    EXPECT_TRUE(report.is_whole()) << size << ": " << report.damages.front().what;
    EXPECT_EQ(report.entries, size);
    EXPECT_EQ(report.bundles, (size + 255) / 256);
  }
}

TEST_F(FsckTest, ReadsEveryObjectOnce) {
  const FsckReport report = check(grow_to(66'000));
  // 258 tiles of level 0, the full and the unfinished one of level 1, one of level 2.
  EXPECT_EQ(report.tiles, 258U + 2 + 1);
  EXPECT_EQ(report.bundles, 258U);
}

TEST_F(FsckTest, NamesEveryObjectOfWhichAnyByteIsChanged) {
  const VerifiedCheckpoint checkpoint = grow_to(600);
  for (const char* path : {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
                           "tile/entries/000", "tile/entries/002.p/88"}) {
    const Bytes good = disk_.objects[path];
    for (std::size_t byte = 0; byte < good.size(); byte += testing::kSanitized ? 49 : 7) {
      disk_.objects[path][byte] ^= 0x01;
      const FsckReport report = check(checkpoint);
      ASSERT_FALSE(report.is_whole()) << path << " byte " << byte;
      const bool named =
          std::any_of(report.damages.begin(), report.damages.end(), [path](const Damage& damage) {
            return damage.path == path || damage.what.find(path) != std::string::npos;
          });
      EXPECT_TRUE(named) << path << " byte " << byte << ": " << report.damages.front().path;
      disk_.objects[path][byte] ^= 0x01;
    }
    disk_.objects[path].pop_back();
    EXPECT_FALSE(check(checkpoint).is_whole()) << path;
    disk_.objects.erase(path);
    const FsckReport report = check(checkpoint);
    ASSERT_FALSE(report.is_whole());
    EXPECT_EQ(report.damages.front().path, path);
    EXPECT_EQ(report.damages.front().what, "is missing");
    disk_.objects[path] = good;
  }
  EXPECT_TRUE(check(checkpoint).is_whole());
}

TEST_F(FsckTest, NamesTheEntryThatWasChanged) {
  const VerifiedCheckpoint checkpoint = grow_to(300);
  Bytes& bundle = disk_.objects["tile/entries/001.p/44"];
  bundle.back() ^= 0x01;
  const FsckReport report = check(checkpoint);
  ASSERT_EQ(report.damages.size(), 1U);
  EXPECT_EQ(report.damages[0].path, "tile/entries/001.p/44");
  EXPECT_NE(report.damages[0].what.find("entry 299 is not what hash 43 of tile/0/001.p/44"),
            std::string::npos)
      << report.damages[0].what;
}

// Entry, tile and all tiles above changed alike: only the signed root tells.
TEST_F(FsckTest, RefusesAnotherLogThatIsWholeInItself) {
  grow_to(300);
  const MemoryDisk kept = disk_;
  const auto genuine = sign_checkpoint(kAvouchOrigin, 300, builder_.root(), signer()).value();
  disk_ = {};
  builder_ = {};
  push(to_bytes("another first entry"));
  grow_to(300);
  const FsckReport report = check(genuine);
  ASSERT_EQ(report.damages.size(), 1U);
  EXPECT_EQ(report.damages[0].path, "checkpoint");
}

TEST_F(FsckTest, RefusesARootOfAnotherSize) {
  grow_to(300);
  const auto other = sign_checkpoint(kAvouchOrigin, 299, builder_.root(), signer()).value();
  EXPECT_FALSE(check(other).is_whole());
}

TEST_F(FsckTest, CountsWhatItDoesNotList) {
  const VerifiedCheckpoint checkpoint = grow_to(300);
  disk_.objects.clear();
  FsckOptions options;
  options.max_damages = 2;
  const FsckReport report = check(checkpoint, options);
  EXPECT_EQ(report.damages.size(), 2U);
  EXPECT_EQ(report.damage_count, 5U);  // two tiles of level 0, two bundles, one tile of level 1
}

TEST_F(FsckTest, HoldsPreimagesAgainstTheEntriesThatCommitToThem) {
  push_numbers(3);
  const VerifiedCheckpoint checkpoint = publish();
  FsckOptions options;
  options.preimages = true;
  EXPECT_EQ(check(checkpoint, options).preimages, 3U);
  EXPECT_TRUE(check(checkpoint, options).is_whole());

  auto slots = parse_preimages(0, disk_.objects["preimages/000"]).value();
  std::swap(slots[0], slots[2]);
  disk_.objects["preimages/000"] = format_preimages(0, slots);
  EXPECT_EQ(check(checkpoint, options).damage_count, 2U);
  EXPECT_TRUE(check(checkpoint).is_whole());

  slots.resize(1);
  disk_.objects["preimages/000"] = format_preimages(0, slots);
  EXPECT_FALSE(check(checkpoint, options).is_whole());
  disk_.objects.erase("preimages/000");
  EXPECT_EQ(check(checkpoint, options).damages.front().path, "preimages/000");
}

TEST_F(FsckTest, TakesNoPreimageForErasedThatNoEntrySaysSoOf) {
  push_numbers(300);
  push_erasure(1);
  push_erasure(299);
  push_erasure(1);
  const VerifiedCheckpoint checkpoint = publish();
  FsckOptions options;
  options.preimages = true;
  const FsckReport report = check(checkpoint, options);
  EXPECT_TRUE(report.is_whole());
  EXPECT_EQ(report.erased, 2U);
  EXPECT_EQ(report.preimages, 301U);

  const Bytes good = disk_.objects["preimages/000"];
  auto slots = parse_preimages(0, good).value();
  const std::string path = "preimages/000";
  // Of whatever form it is: one that is empty, one that says that it was erased, by which entry
  // too.
  const std::vector<PreimageSlot> losses = {{},
                                            {.erased = true, .preimage = {}, .id = ""},
                                            {.erased = true, .preimage = {}, .id = "erasure/300"}};
  for (const PreimageSlot& loss : losses) {
    slots[2] = loss;
    disk_.objects[path] = format_preimages(0, slots);
    expect_damage(check(checkpoint, options), path,
                  "preimage of entry 2: is missing, and no entry");
  }
  // Erased by an entry that a later checkpoint covers: what the log that is in use may say.
  slots[2].id = "erasure/303";
  disk_.objects[path] = format_preimages(0, slots);
  expect_damage(check(checkpoint, options), path, "the store says by entry 303");
  options.in_use = true;
  EXPECT_EQ(check(checkpoint, options).erased, 3U);
  EXPECT_TRUE(check(checkpoint, options).is_whole());
}

// As where a backup was restored beside the log.
TEST_F(FsckTest, NamesThePreimageThatIsBackAfterItWasErased) {
  push_numbers(3);
  publish();
  const PreimageSlot before = parse_preimages(0, disk_.objects["preimages/000"]).value()[1];
  push_erasure(1);
  const VerifiedCheckpoint checkpoint = publish();
  auto slots = parse_preimages(0, disk_.objects["preimages/000"]).value();
  ASSERT_TRUE(slots[1].erased);
  slots[1] = before;
  disk_.objects["preimages/000"] = format_preimages(0, slots);
  FsckOptions options;
  options.preimages = true;
  expect_damage(check(checkpoint, options), "preimages/000",
                "preimage of entry 1: is not erased, although entry 3 says so");
}

TEST_F(FsckTest, TakesNoPreimageForPrunedThatNoEntrySaysSoOf) {
  push_numbers(300);
  push_own(kEpoch, codec::Cbor::map({{codec::Cbor::text("time"), codec::Cbor::integer(1)}}));
  push_numbers(300);
  push_pruning(512, 256);
  const VerifiedCheckpoint checkpoint = publish();
  FsckOptions options;
  options.preimages = true;
  // Not gone yet, in part, and all of it.
  EXPECT_TRUE(check(checkpoint, options).is_whole());
  for (const std::uint64_t pruned : {256U, 511U}) {
    ASSERT_TRUE(prune_content(store_, kAvouchOrigin, 1, retention_).has_value());
    const FsckReport report = check(checkpoint, options);
    EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
    EXPECT_EQ(report.pruned, pruned);
    EXPECT_EQ(report.erased, 0U);
    EXPECT_EQ(report.entries, 603U);
  }
  const std::string first = "preimages/000", last = "preimages/002";
  const auto with_slot = [&](const std::string& path, std::uint64_t group, std::size_t at,
                             const PreimageSlot& slot) {
    const Bytes good = disk_.objects[path];
    auto slots = parse_preimages(group, good).value();
    slots[at] = slot;
    disk_.objects[path] = format_preimages(group, slots);
    const FsckReport report = check(checkpoint, options);
    disk_.objects[path] = good;
    return report;
  };
  const PreimageSlot pruned{.erased = true, .preimage = {}, .id = "pruning/602"};
  // Beyond the boundary; of a kind that is never pruned; lost, and nobody says so.
  expect_damage(with_slot(last, 2, 3, pruned), last, "preimage of entry 515: is missing");
  expect_damage(with_slot("preimages/001", 1, 44, pruned), "preimages/001",
                "preimage of entry 300: is missing");
  expect_damage(with_slot(first, 0, 3, {}), first, "preimage of entry 3: is missing");
  // Back again, of an older copy.
  const PreimageSlot kept = parse_preimages(2, disk_.objects[last]).value()[0];
  const FsckReport back = with_slot(first, 0, 3, kept);
  ASSERT_FALSE(back.is_whole());
  EXPECT_NE(back.damages[0].what.find("is there, although entry 602 says that it was pruned"),
            std::string::npos);

  // What the store says of it is of no use by itself, and not believed.
  const Bytes said = disk_.objects["retention"];
  disk_.objects["retention"] = to_bytes("{}");
  EXPECT_EQ(check(checkpoint, options).damages.front().path, "retention");
  disk_.objects.erase("retention");
  const FsckReport without = check(checkpoint, options);
  expect_damage(without, "retention", "there was none");
  EXPECT_EQ(without.pruned, 511U);
  disk_.objects["retention"] = said;
  EXPECT_TRUE(check(checkpoint, options).is_whole());
}

TEST_F(FsckTest, WhatIsServedIsReadFromTheMinimumIndexOn) {
  push_numbers(600);
  push_pruning(512, 512);
  const VerifiedCheckpoint checkpoint = publish();
  const MemoryDisk whole = disk_;
  for (const char* denied : {"tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"}) {
    disk_.objects.erase(denied);
  }
  FsckOptions served;
  served.served = true;
  const FsckReport report = check(checkpoint, served);
  EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
  EXPECT_EQ(report.entries, 90U);
  EXPECT_EQ(report.minimum_index, 512U);
  EXPECT_FALSE(check(checkpoint).is_whole());  // a store has all of it
  disk_.objects.erase("retention");
  EXPECT_FALSE(check(checkpoint, served).is_whole());  // then they are lost
  disk_ = whole;
  disk_.objects["tile/entries/002.p/90"].back() ^= 0x01;
  EXPECT_FALSE(check(checkpoint, served).is_whole());
}

// The log goes on while it is checked.
TEST_F(FsckTest, WhatALaterEntryPrunesOfALogInUseIsNoLoss) {
  push_numbers(600);
  push_pruning(256, 0);
  const VerifiedCheckpoint checkpoint = publish();
  push_pruning(512, 256);
  publish();
  ASSERT_TRUE(prune_content(store_, kAvouchOrigin, 16, retention_).has_value());
  FsckOptions options;
  options.preimages = true;
  EXPECT_FALSE(check(checkpoint, options).is_whole());
  options.in_use = true;
  const FsckReport report = check(checkpoint, options);
  EXPECT_TRUE(report.is_whole()) << report.damages.front().what;
  EXPECT_EQ(report.pruned, 512U);
}

TEST_F(FsckTest, DoesNotTakeABusyServerForDamage) {
  const VerifiedCheckpoint checkpoint = grow_to(300);
  AlwaysBusyReader busy;
  const auto report = check_log(busy, checkpoint, {});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().kind, ErrorKind::kRetryable);
}

TEST_F(FsckTest, EndsWhenItIsAskedTo) {
  const VerifiedCheckpoint checkpoint = grow_to(1000);
  std::stop_source source;
  FsckOptions options;
  options.stop = source.get_token();
  std::uint64_t seen = 0;
  options.checked = [&](std::uint64_t entries) {
    seen = entries;
    source.request_stop();
  };
  EXPECT_FALSE(check_log(store_, checkpoint, options).has_value());
  EXPECT_EQ(seen, 256U);
}

}  // namespace
}  // namespace avouch::tlog
