// The records of verdicts on disk: how long they stay, and what is given up first.

#include "adapters/record_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/blob_files.h"
#include "base/hex.h"
#include "support/manual_clock.h"
#include "tests/support/tpm_structures.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

using control::RecordKind;
using control::RecordToKeep;
using std::chrono::hours;
using ::testing::HasSubstr;
using testing::must_value;

crypto::Sha256 digest_of(const std::string& text) { return crypto::sha256(as_bytes(text)); }

class RecordFilesTest : public ::testing::Test {
 protected:
  RecordFilesTest() {
    evidence = must_value(
        BlobFiles::open({.directory = folder.path() / "evidence", .total_bytes = 1U << 20}, clock));
    lists = must_value(
        BlobFiles::open({.directory = folder.path() / "lists", .total_bytes = 1U << 20}, clock));
    open();
  }
  static void put(BlobFiles& store, const std::string& blob) {
    auto writer = must_value(store.begin(digest_of(blob), "n"));
    ASSERT_TRUE(writer->write(as_bytes(blob)).has_value());
    ASSERT_TRUE(writer->commit().has_value());
  }
  // The problem; empty where it is kept.
  std::string add_list(const std::string& list, int on_day) {
    const auto outcome = files->add_list(digest_of(list), day(on_day));
    return outcome.has_value() ? "" : outcome.error().message;
  }
  void open(std::uint64_t bytes = 1U << 20, hours retention = hours(72)) {
    files.reset();
    files = must_value(RecordFiles::open({.directory = folder.path() / "records",
                                          .evidence = folder.path() / "evidence",
                                          .lists = folder.path() / "lists",
                                          .total_bytes = bytes,
                                          .retention = retention}));
  }
  static SystemTime day(int number, hours hour = hours(12)) {
    return SystemTime(hours(24) * (20'000 + number) + hour);
  }
  static RecordToKeep make(const std::string& token, int on_day,
                           RecordKind kind = RecordKind::kTransition,
                           const std::string& object = "identity") {
    RecordToKeep out;
    out.kind = kind;
    out.time = day(on_day);
    out.node_uid = "uid-1";
    out.packed.bytes = to_bytes("record of " + token);
    out.packed.token = digest_of(token);
    out.packed.objects = {{digest_of(object), to_bytes(object)}};
    return out;
  }
  // The problem; empty where everything is kept.
  std::string keep(RecordToKeep record) {
    const std::vector one = {std::make_shared<const RecordToKeep>(std::move(record))};
    const auto outcome = files->keep(one);
    return outcome.at(0).has_value() ? "" : outcome.at(0).error().message;
  }
  bool has(const std::string& token) {
    const auto found = must_value(files->record(digest_of(token)));
    if (found) {
      EXPECT_EQ(as_text(*found), "record of " + token);
    }
    return found.has_value();
  }
  std::optional<std::string> object(const std::string& text) {
    const auto found = must_value(files->object(digest_of(text), 0, 1U << 20));
    if (!found) return std::nullopt;
    return std::string(as_text(*found));
  }
  std::string runtime(std::uint64_t bytes, const std::string& text, const std::string& boot = "7") {
    const auto found =
        must_value(files->runtime_log("uid-1", {digest_of(text), bytes, boot}, 0, 1U << 20));
    return found ? std::string(as_text(*found)) : "none";
  }
  void append_log(std::uint64_t offset, const std::string& text, const std::string& boot = "7") {
    ASSERT_TRUE(evidence->append("uid-1", boot, offset, as_bytes(text)).has_value());
  }
  RecordToKeep with_log(const std::string& token, const std::string& log,
                        const std::string& boot = "7") {
    RecordToKeep out = make(token, 0);
    out.runtime_log = appraisal::RuntimeLogUsed{digest_of(log), log.size(), boot};
    return out;
  }

  ScratchFolder folder;
  avouch::testing::ManualClock clock;
  std::unique_ptr<BlobFiles> evidence, lists;
  std::unique_ptr<RecordFiles> files;
};

TEST_F(RecordFilesTest, KeepsRecordsAndObjectsOverARestart) {
  EXPECT_EQ(keep(make("a", 0)), "");
  EXPECT_EQ(keep(make("b", 1, RecordKind::kRenewal)), "");
  const std::uint64_t bytes = files->counts().bytes;
  EXPECT_EQ(bytes, 3U * 4096) << "two records and the object that they share";
  open();
  EXPECT_EQ(files->counts().bytes, bytes);
  EXPECT_TRUE(has("a"));
  EXPECT_TRUE(has("b"));
  EXPECT_FALSE(has("c"));
  EXPECT_EQ(object("identity"), "identity");
  EXPECT_EQ(object("nothing"), std::nullopt);
}

TEST_F(RecordFilesTest, KeepingARecordTwiceIsNoError) {
  EXPECT_EQ(keep(make("a", 0)), "");
  const std::uint64_t bytes = files->counts().bytes;
  EXPECT_EQ(keep(make("a", 0)), "");
  EXPECT_EQ(files->counts().bytes, bytes);
}

TEST_F(RecordFilesTest, WhatTheRetentionTimeHasPassedOfGoesAndNothingElse) {
  ASSERT_EQ(keep(make("old", 0, RecordKind::kTransition, "old identity")), "");
  ASSERT_EQ(keep(make("shared", 0)), "");
  ASSERT_EQ(keep(make("new", 2)), "");
  open();  // what objects are named by, and when, is on the disk
  files->sweep(day(3, hours(23)));
  EXPECT_TRUE(has("old")) << "its day is not three days over yet";
  files->sweep(day(4, hours(0)));
  EXPECT_FALSE(has("old"));
  EXPECT_FALSE(has("shared"));
  EXPECT_TRUE(has("new"));
  EXPECT_EQ(object("old identity"), std::nullopt);
  EXPECT_EQ(object("identity"), "identity") << "a newer record names it";
  files->sweep(day(9));
  EXPECT_FALSE(has("new"));
  EXPECT_EQ(object("identity"), std::nullopt);
  EXPECT_EQ(files->counts().bytes, 0U);
  EXPECT_EQ(files->counts().dropped_transitions, 0U) << "their time had passed";
}

TEST_F(RecordFilesTest, WhatPoliciesInForceReferToStaysUnnamed) {
  const appraisal::RecordObject spec{digest_of("spec"), to_bytes("spec")};
  ASSERT_TRUE(files->add(spec, day(0)).has_value());
  files->hold({spec.digest});
  files->sweep(day(100));
  EXPECT_EQ(object("spec"), "spec");
  files->hold({});
  files->sweep(day(100));
  EXPECT_EQ(object("spec"), std::nullopt);
}

TEST_F(RecordFilesTest, AFullStoreGivesUpRenewalsBeforeTransitionsAndTheOldestFirst) {
  open(5 * 4096);  // the object, and four records
  ASSERT_EQ(keep(make("t0", 0)), "");
  ASSERT_EQ(keep(make("r0", 0, RecordKind::kRenewal)), "");
  ASSERT_EQ(keep(make("t1", 1)), "");
  ASSERT_EQ(keep(make("r1", 1, RecordKind::kRenewal)), "");
  EXPECT_EQ(keep(make("t2", 2)), "");
  EXPECT_FALSE(has("r0"));
  EXPECT_TRUE(has("r1"));
  EXPECT_EQ(keep(make("t2b", 2)), "");
  EXPECT_FALSE(has("r1"));
  EXPECT_TRUE(has("t0"));
  EXPECT_EQ(keep(make("t2c", 2)), "");
  EXPECT_FALSE(has("t0"));
  EXPECT_TRUE(has("t1"));
  EXPECT_EQ(files->counts().dropped_renewals, 2U);
  EXPECT_EQ(files->counts().dropped_transitions, 1U);
  EXPECT_EQ(object("identity"), "identity");
}

TEST_F(RecordFilesTest, OfTodayNothingIsGivenUpButRenewalsForTransitions) {
  open(3 * 4096);
  ASSERT_EQ(keep(make("t", 0)), "");
  ASSERT_EQ(keep(make("r", 0, RecordKind::kRenewal)), "");
  EXPECT_THAT(keep(make("r2", 0, RecordKind::kRenewal)), HasSubstr("full"));
  EXPECT_TRUE(has("r"));
  EXPECT_EQ(files->counts().not_kept, 1U);
  EXPECT_EQ(keep(make("t2", 0)), "");
  EXPECT_FALSE(has("r"));
  EXPECT_THAT(keep(make("t3", 0)), HasSubstr("records.bytes"));
  EXPECT_TRUE(has("t"));
  EXPECT_TRUE(has("t2"));
  EXPECT_LE(files->counts().bytes, 3U * 4096);
}

TEST_F(RecordFilesTest, NoNodeHasTheOthersRecordsGivenUp) {
  files.reset();
  files = must_value(RecordFiles::open({.directory = folder.path() / "shared",
                                        .evidence = folder.path() / "evidence",
                                        .total_bytes = 10 * 4096,
                                        .retention = hours(72),
                                        .node_day_bytes = 3 * 4096}));
  RecordToKeep other = make("other", 0);
  other.node_uid = "uid-2";
  ASSERT_EQ(keep(other), "");
  for (const char* token : {"a", "b", "c"}) EXPECT_EQ(keep(make(token, 1)), "");
  EXPECT_THAT(keep(make("d", 1)), HasSubstr("share of a day"));
  RecordToKeep more = make("e", 1);
  more.node_uid = "uid-2";
  EXPECT_EQ(keep(more), "");
  EXPECT_TRUE(has("other"));
  EXPECT_EQ(keep(make("f", 2)), "") << "the next day it has a share again";
}

TEST_F(RecordFilesTest, KeepsNothingMoreWhereTheVolumeIsShortAndGivesNothingUp) {
  files.reset();
  bool room = true;
  files = must_value(RecordFiles::open({.directory = folder.path() / "short",
                                        .evidence = folder.path() / "evidence",
                                        .has_room = [&room](std::uint64_t) { return room; }}));
  EXPECT_EQ(keep(make("a", 0)), "");
  room = false;
  EXPECT_THAT(keep(make("b", 9)), HasSubstr("volume is short of space"));
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(files->counts().not_kept, 1U);
  room = true;
  EXPECT_EQ(keep(make("c", 0)), "");
  files.reset();
}

TEST_F(RecordFilesTest, ABootLogOutlivesTheEvidenceStores) {
  const std::string log(5000, 'l');
  auto writer = must_value(evidence->begin(digest_of(log), "n"));
  ASSERT_TRUE(writer->write(as_bytes(log)).has_value());
  ASSERT_TRUE(writer->commit().has_value());
  RecordToKeep record = make("a", 0);
  record.boot_log = digest_of(log);
  EXPECT_EQ(keep(record), "");
  EXPECT_EQ(files->counts().bytes, 4U * 4096);
  clock.advance(hours(2));
  evidence->drop_unused(hours(1));
  ASSERT_FALSE(evidence->contains(digest_of(log)));
  EXPECT_EQ(object(log), log);
}

TEST_F(RecordFilesTest, ABootLogThatIsGoneLeavesTheRestOfTheRecord) {
  RecordToKeep record = make("a", 0);
  record.boot_log = digest_of("gone");
  EXPECT_THAT(keep(record), HasSubstr("boot log is not in the evidence store"));
  EXPECT_TRUE(has("a"));
  EXPECT_EQ(object("identity"), "identity");
}

TEST_F(RecordFilesTest, ADigestListOutlivesItsStoresAndIsKeptOnceForAllRecords) {
  const std::string list(5000, 'l');
  put(*lists, list);
  EXPECT_EQ(add_list(list, 0), "");
  EXPECT_EQ(add_list(list, 0), "") << "again, by another policy";
  EXPECT_EQ(files->counts().bytes, 2U * 4096);
  EXPECT_EQ(
      std::filesystem::hard_link_count(folder.path() / "lists" / "blobs" / to_hex(digest_of(list))),
      2U)
      << "on the disk it is there once";
  RecordToKeep a = make("a", 0);
  a.named = {digest_of(list)};
  RecordToKeep b = make("b", 1);
  b.named = {digest_of(list)};
  EXPECT_EQ(keep(a), "");
  EXPECT_EQ(keep(b), "");
  EXPECT_EQ(files->counts().bytes, 5U * 4096);
  clock.advance(hours(2));
  lists->drop_unused(hours(1));
  ASSERT_FALSE(lists->contains(digest_of(list)));
  EXPECT_EQ(object(list), list);
  open();
  EXPECT_EQ(files->counts().bytes, 5U * 4096);
  EXPECT_EQ(object(list), list);
}

TEST_F(RecordFilesTest, ADigestListStaysAsLongAsARecordNamesItAndNoLonger) {
  put(*lists, "list");
  EXPECT_EQ(add_list("list", 0), "");
  for (const int on_day : {0, 2}) {
    RecordToKeep record = make("r" + std::to_string(on_day), on_day);
    record.named = {digest_of("list")};
    EXPECT_EQ(keep(record), "");
  }
  EXPECT_EQ(keep(make("other", 4)), "");
  files->sweep(day(4));  // the first is gone
  EXPECT_FALSE(has("r0"));
  EXPECT_EQ(object("list"), "list");
  open();  // what stays is read off the disk
  files->sweep(day(5));
  EXPECT_TRUE(has("r2"));
  EXPECT_EQ(object("list"), "list");
  files->sweep(day(6));
  EXPECT_FALSE(has("r2"));
  EXPECT_EQ(object("list"), std::nullopt);
  EXPECT_TRUE(lists->contains(digest_of("list"))) << "its own store keeps it";
}

TEST_F(RecordFilesTest, ADigestListThatPoliciesInForceNameStaysUnnamed) {
  put(*lists, "list");
  EXPECT_EQ(add_list("list", 0), "");
  files->hold({digest_of("list")});
  files->sweep(day(9));
  EXPECT_EQ(object("list"), "list");
  files->hold({});
  files->sweep(day(9));
  EXPECT_EQ(object("list"), std::nullopt);
  EXPECT_EQ(files->counts().bytes, 0U);
}

TEST_F(RecordFilesTest, ADigestListThatIsGoneIsSaid) {
  EXPECT_THAT(add_list("gone", 0), HasSubstr("not in the controller's store"));
  RecordToKeep record = make("a", 0);
  record.named = {digest_of("gone")};
  EXPECT_THAT(keep(record), HasSubstr(attest::digest_text(digest_of("gone"))));
  EXPECT_TRUE(has("a"));
}

TEST_F(RecordFilesTest, DigestListsTakeHalfOfTheRoomAtMostAndNeverARecordsOfToday) {
  open(16 * 4096);
  const auto list = [](char c) { return std::string(4U * 4096, c); };
  for (const char c : {'a', 'b', 'c'}) put(*lists, list(c));
  EXPECT_EQ(keep(make("old", 0)), "");
  EXPECT_EQ(add_list(list('a'), 1), "");
  EXPECT_EQ(add_list(list('b'), 1), "");
  EXPECT_THAT(add_list(list('c'), 1), HasSubstr("raise records.bytes"));
  EXPECT_TRUE(has("old"));
  open(16 * 4096);
  EXPECT_THAT(add_list(list('c'), 1), HasSubstr("raise records.bytes")) << "counted over a restart";
  files->sweep(day(9));  // nobody names the two
  EXPECT_EQ(add_list(list('c'), 9), "");
}

TEST_F(RecordFilesTest, ARuntimeLogsProvenPartStaysWhileItGrowsAndAfterTheNextBoot) {
  append_log(0, "one,");
  EXPECT_EQ(keep(with_log("a", "one,")), "");
  append_log(4, "two,");
  EXPECT_EQ(keep(with_log("b", "one,two,")), "");
  EXPECT_EQ(runtime(4, "one,"), "one,");
  EXPECT_EQ(runtime(8, "one,two,"), "one,two,");
  append_log(0, "next boot,", "8");
  EXPECT_EQ(keep(with_log("c", "next boot,", "8")), "");
  open();
  EXPECT_EQ(runtime(8, "one,two,"), "one,two,");
  EXPECT_EQ(runtime(10, "next boot,", "8"), "next boot,");
  EXPECT_EQ(runtime(11, "longer", "8"), "none");
  EXPECT_EQ(runtime(1, "x", "../7"), "none");
}

TEST_F(RecordFilesTest, ANodeCannotChangeWhatIsKeptByHavingItsLogCut) {
  append_log(0, "one,two,");
  ASSERT_EQ(keep(with_log("a", "one,two,")), "");
  ASSERT_TRUE(evidence->truncate("uid-1", "7", 4).has_value());
  append_log(4, "lies,");
  EXPECT_EQ(as_text(must_value(evidence->read("uid-1", "7", 0, 100))), "one,lies,");
  EXPECT_EQ(runtime(8, "one,two,"), "one,two,");
  ASSERT_EQ(keep(with_log("b", "one,lies,")), "");
  EXPECT_EQ(runtime(8, "one,two,"), "one,two,");
  EXPECT_EQ(runtime(9, "one,lies,"), "one,lies,");
  ASSERT_TRUE(evidence->truncate("uid-1", "7", 0).has_value());
  append_log(0, "x");
  EXPECT_EQ(runtime(8, "one,two,"), "one,two,");
}

TEST_F(RecordFilesTest, ObjectsAreReadInPieces) {
  ASSERT_EQ(keep(make("a", 0)), "");
  EXPECT_EQ(as_text(*must_value(files->object(digest_of("identity"), 2, 3))), "ent");
  EXPECT_EQ(must_value(files->object(digest_of("identity"), 8, 3))->size(), 0U);
}

TEST_F(RecordFilesTest, WhatAPolicyRefersToAndIsNotKeptIsNamed) {
  RecordToKeep record = make("a", 0);
  record.named = {digest_of("spec")};
  EXPECT_THAT(keep(record), HasSubstr(attest::digest_text(digest_of("spec"))));
  EXPECT_TRUE(has("a"));
}

}  // namespace
}  // namespace avouch::adapters
