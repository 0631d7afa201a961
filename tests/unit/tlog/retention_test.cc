#include "tlog/retention.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "crypto/random.h"
#include "support/memory_log_store.h"
#include "tlog/builder.h"
#include "tlog/copy.h"
#include "tlog/entry.h"
#include "tlog/fsck.h"
#include "tlog/preimages.h"
#include "tlog/recovery.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr RetentionPolicy kMonths{hours(720), hours(8760)};

NewEntry log_entry_of(std::string_view kind, Cbor payload) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return make_entry(key, {kAvouchOrigin, "log:1", std::string(kind), std::move(payload)},
                    crypto::system_random())
      .value();
}
NewEntry policy_entry(const RetentionPolicy& policy) {
  return log_entry_of(kRetentionKind, retention_payload(policy, kNow));
}
NewEntry pruning_entry(const Pruning& pruning) {
  return log_entry_of(kPruningKind, pruning_payload(pruning, kNow));
}

// The payload with a member replaced, added or, for null, left out.
Cbor with_member(const Cbor& payload, std::string_view name, const Cbor& value) {
  Cbor::Map map;
  for (const auto& [key, each] : *payload.as_map()) {
    if (*key.as_text() != name) map.emplace_back(key, each);
  }
  if (!value.is_null()) map.emplace_back(Cbor::text(name), value);
  return Cbor::map(std::move(map));
}

TEST(RetentionPolicy, KeepsContentAtMostAsLongAsEntriesAreServed) {
  const auto is_fine = [](milliseconds content, milliseconds entries) {
    return check_retention_policy({content, entries}).has_value();
  };
  EXPECT_TRUE(is_fine(hours(0), hours(0)));
  EXPECT_TRUE(is_fine(hours(24), hours(0)));
  EXPECT_TRUE(is_fine(hours(24), hours(24)));
  EXPECT_TRUE(is_fine(hours(24), hours(876'000)));
  EXPECT_FALSE(is_fine(hours(0), hours(24)));
  EXPECT_FALSE(is_fine(hours(25), hours(24)));
  EXPECT_FALSE(is_fine(hours(24) - milliseconds(1), hours(0)));
  EXPECT_FALSE(is_fine(hours(24), hours(24) - milliseconds(1)));
  EXPECT_FALSE(is_fine(hours(876'000) + milliseconds(1), hours(0)));
  EXPECT_FALSE(is_fine(-hours(24), hours(0)));
}

TEST(Retention, PayloadsAreReadAsTheyWereWritten) {
  EXPECT_EQ(parse_retention(retention_payload(kMonths, kNow)).value(), kMonths);
  EXPECT_EQ(parse_retention(retention_payload({}, kNow)).value(), RetentionPolicy());
  const Pruning pruning{7, 512, 256};
  EXPECT_EQ(parse_pruning(pruning_payload(pruning, kNow), 512).value(), pruning);
}

TEST(Retention, EveryMemberIsNeededAndNoOtherIsTaken) {
  const Cbor policy = retention_payload(kMonths, kNow);
  const Cbor pruning = pruning_payload({7, 512, 256}, kNow);
  for (const Cbor* good : {&policy, &pruning}) {
    const auto is_read = [&](const Cbor& payload) {
      return good == &policy ? parse_retention(payload).has_value()
                             : parse_pruning(payload, 600).has_value();
    };
    ASSERT_TRUE(is_read(*good));
    for (const auto& [key, value] : *good->as_map()) {
      const std::string& name = *key.as_text();
      for (const Cbor& bad : {Cbor(), Cbor::text("1"), Cbor::integer(-1)}) {
        EXPECT_FALSE(is_read(with_member(*good, name, bad))) << name;
      }
    }
    EXPECT_FALSE(is_read(with_member(*good, "version", Cbor::integer(2))));
    EXPECT_FALSE(is_read(with_member(*good, "more", Cbor::integer(1))));
    EXPECT_FALSE(is_read(Cbor::integer(1)));
  }
  EXPECT_FALSE(parse_retention(with_member(policy, "content", Cbor::integer(1))).has_value());
}

TEST(Retention, APruningIsOfWhatIsBeforeIt) {
  const auto is_read = [](const Pruning& pruning, std::uint64_t own_index) {
    return parse_pruning(pruning_payload(pruning, kNow), own_index).has_value();
  };
  EXPECT_TRUE(is_read({511, 512, 512}, 512));
  EXPECT_FALSE(is_read({512, 512, 512}, 512));  // its own policy
  EXPECT_FALSE(is_read({7, 512, 0}, 511));      // itself
  EXPECT_FALSE(is_read({7, 256, 512}, 600));    // content of what is denied
  EXPECT_FALSE(is_read({7, 255, 0}, 600));
  EXPECT_FALSE(is_read({7, 512, 255}, 600));
}

TEST(Retention, OnlyContentThatNoAuditNeedsMayBeLost) {
  for (const std::string_view kind : {kNodeVerdict, kAdmissionVerdict, kEndorsementKind,
                                      kDisputeKind, kMeasurementKind, kSupersedeKind}) {
    EXPECT_TRUE(may_lose_content(kind)) << kind;
  }
  for (const std::string_view kind :
       {kGenesis, kEpoch, kPolicyChange, kErasureKind, kRetentionKind, kPruningKind,
        std::string_view("exception"), std::string_view()}) {
    EXPECT_FALSE(may_lose_content(kind)) << kind;
  }
}

class RetentionTaken : public ::testing::Test {
 protected:
  bool take(std::uint64_t index, const NewEntry& entry,
            Retention::Before before = Retention::Before::kAll) {
    const Retention was = retention;
    const bool taken = retention.take(index, entry.statement, entry.preimage, before);
    if (!taken) {
      EXPECT_EQ(retention.sources, was.sources);
      EXPECT_EQ(retention.pruning, was.pruning);
      EXPECT_EQ(retention.policy, was.policy);
    }
    return taken;
  }
  Retention retention;
};

TEST_F(RetentionTaken, ByTheNewestPolicyAloneAndNeverBack) {
  EXPECT_FALSE(take(600, pruning_entry({500, 256, 0})));  // no policy
  EXPECT_TRUE(take(601, policy_entry({hours(24), hours(0)})));
  EXPECT_FALSE(take(602, pruning_entry({500, 256, 0})));
  EXPECT_FALSE(take(603, pruning_entry({601, 256, 256})));  // served for ever
  EXPECT_TRUE(take(604, pruning_entry({601, 256, 0})));
  EXPECT_TRUE(take(605, policy_entry(kMonths)));
  EXPECT_FALSE(take(606, pruning_entry({601, 512, 0})));
  EXPECT_TRUE(take(607, pruning_entry({605, 512, 256})));
  EXPECT_FALSE(take(608, pruning_entry({605, 256, 256})));
  EXPECT_FALSE(take(609, pruning_entry({605, 512, 0})));
  EXPECT_TRUE(take(610, policy_entry({})));
  EXPECT_FALSE(take(611, pruning_entry({610, 768, 256})));
  EXPECT_EQ(retention.pruning, (Pruning{605, 512, 256}));
  EXPECT_EQ(retention.policy_index, 610U);
  EXPECT_EQ(retention.pruning_index, 607U);
}

TEST_F(RetentionTaken, NothingThatIsNotWhatItsEntryCommitsTo) {
  const NewEntry policy = policy_entry(kMonths), other = policy_entry(kMonths);
  EXPECT_FALSE(take(5, {policy.statement, other.preimage}));
  EXPECT_FALSE(take(5, {policy.statement, {}}));
  EXPECT_FALSE(take(5, log_entry_of(kPruningKind, retention_payload(kMonths, kNow))));
  EXPECT_FALSE(take(5, log_entry_of(kEpoch, retention_payload(kMonths, kNow))));
  for (std::size_t at = 0; at < policy.statement.size(); ++at) {
    const auto cut = static_cast<std::ptrdiff_t>(at);
    EXPECT_FALSE(take(
        5, {Bytes(policy.statement.begin(), policy.statement.begin() + cut), policy.preimage}));
  }
  EXPECT_TRUE(take(5, policy));
}

TEST_F(RetentionTaken, FewSourcesAreKeptAndTheOnesThatItRestsOn) {
  EXPECT_TRUE(take(1000, policy_entry(kMonths)));
  for (std::uint64_t i = 1; i <= 30; ++i) {
    EXPECT_TRUE(take(9000 + i, pruning_entry({1000, 256 * i, 0})));
    EXPECT_LE(retention.sources.size(), 5U);
    EXPECT_EQ(retention.sources.front().index, 1000U);
    EXPECT_EQ(retention.sources.back().index, 9000 + i);
  }
}

// Policies that come after a pruning, and move nothing, leave it what it is.
TEST_F(RetentionTaken, TheNewestPruningsAreKeptWithTheirPolicies) {
  const auto names = [&](std::uint64_t index) {
    return std::any_of(retention.sources.begin(), retention.sources.end(),
                       [&](const Retention::Source& each) { return each.index == index; });
  };
  std::uint64_t at = 2000;
  std::vector<std::uint64_t> prunings, policies;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    policies.push_back(at);
    EXPECT_TRUE(take(at++, policy_entry(kMonths)));
    prunings.push_back(at);
    EXPECT_TRUE(take(at, pruning_entry({at - 1, 256 * i, 256})));
    ++at;
    for (int more = 0; more < 7; ++more) EXPECT_TRUE(take(at++, policy_entry(kMonths)));
    for (std::size_t last = 0; last < std::min<std::size_t>(i, 3); ++last) {
      EXPECT_TRUE(names(prunings[i - 1 - last])) << i;
      EXPECT_TRUE(names(policies[i - 1 - last])) << i;
    }
    EXPECT_LE(retention.sources.size(), 10U);
  }
}

TEST(Retention, DeniesFullTilesThatEndAtTheMinimumIndexOrBefore) {
  Retention retention;
  EXPECT_FALSE(retention.denies({0, 0, 256}));
  retention.pruning.minimum_index = 3 * 65'536 + 2 * 256;
  EXPECT_TRUE(retention.denies({0, 0, 256}));
  EXPECT_TRUE(retention.denies({0, 3 * 256 + 1, 256}));
  EXPECT_FALSE(retention.denies({0, 3 * 256 + 2, 256}));
  EXPECT_TRUE(retention.denies({1, 2, 256}));
  EXPECT_FALSE(retention.denies({1, 3, 256}));  // ends beyond
  EXPECT_FALSE(retention.denies({2, 0, 256}));
  for (unsigned level = 2; level < 64; ++level) EXPECT_FALSE(retention.denies({level, 0, 1}));
  // A partial one is cut from the full one.
  EXPECT_TRUE(retention.denies({0, 3 * 256 + 1, 17}));
}

class RetentionObject : public ::testing::Test {
 protected:
  void push(NewEntry entry) {
    Record record{builder.size(), std::move(entry.statement), std::move(entry.preimage), ""};
    builder.push(record, leaf_hash(record.entry));
  }
  void push_verdicts(std::uint64_t until) {
    while (builder.size() < until) {
      push(log_entry_of(kNodeVerdict, Cbor::map({{Cbor::text("n"), Cbor::integer(1)}})));
    }
  }
  VerifiedCheckpoint publish() {
    EXPECT_TRUE(store.put(builder.take_objects()).has_value());
    EXPECT_TRUE(take_retention(store, builder.take_of_retention(), retention).has_value());
    return sign_checkpoint(kAvouchOrigin, builder.size(), builder.root(), signer()).value();
  }

  testing::MemoryDisk disk;
  testing::MemoryLogStore store{disk};
  Builder builder;
  Retention retention;
};

TEST_F(RetentionObject, IsHeldAgainstTheTree) {
  push_verdicts(600);
  const VerifiedCheckpoint before = publish();
  EXPECT_FALSE(disk.objects.contains("retention"));
  EXPECT_EQ(load_retention(store, before)->policy_index, std::nullopt);
  push(policy_entry(kMonths));
  const VerifiedCheckpoint first = publish();
  push(pruning_entry({600, 512, 256}));
  const VerifiedCheckpoint second = publish();
  EXPECT_EQ(load_retention(store, second)->pruning, (Pruning{600, 512, 256}));
  EXPECT_EQ(load_retention(store, second)->policy, kMonths);
  // What a checkpoint does not cover is not in force under it, and what was before is.
  EXPECT_EQ(load_retention(store, first)->pruning, Pruning());
  EXPECT_EQ(load_retention(store, first)->policy, kMonths);
  EXPECT_EQ(load_retention(store, before)->policy, RetentionPolicy());

  const std::string good(as_text(disk.objects["retention"]));
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string text = good;
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    disk.objects["retention"] = to_bytes(text.replace(at, what.size(), with));
    return load_retention(store, second);
  };
  // Numbers for people are not believed.
  EXPECT_EQ(replaced("\"minimumIndex\":0", "\"minimumIndex\":512")->pruning.minimum_index, 256U);
  EXPECT_THAT(replaced("\"index\":601", "\"index\":600").error().message, HasSubstr("entry 600"));
  EXPECT_THAT(replaced("\"index\":600", "\"index\":599").error().message, HasSubstr("entry 599"));
  EXPECT_THAT(replaced("\"version\":1", "\"version\":2").error().message, HasSubstr("version"));
  for (std::size_t length = 0; length < good.size(); ++length) {
    disk.objects["retention"] = to_bytes(good.substr(0, length));
    const auto cut = load_retention(store, second);
    ASSERT_FALSE(cut.has_value()) << length;
    EXPECT_EQ(cut.error().kind, ErrorKind::kRejected);
  }
}

// A reader takes no pruning that the log's own writer would not have taken.
TEST_F(RetentionObject, IsHeldAgainstItsPolicy) {
  push_verdicts(600);
  const auto source = [&](NewEntry entry) {
    Retention::Source out{builder.size(), entry.preimage};
    push(std::move(entry));
    return out;
  };
  const Retention::Source months = source(policy_entry(kMonths));
  const Retention::Source good = source(pruning_entry({600, 512, 256}));
  const Retention::Source back = source(pruning_entry({600, 256, 256}));
  const Retention::Source for_ever = source(policy_entry({hours(720), hours(0)}));
  const Retention::Source too_much = source(pruning_entry({603, 512, 512}));
  const Retention::Source content_alone = source(pruning_entry({603, 512, 256}));
  const Retention::Source of_another = source(pruning_entry({600, 512, 512}));
  const VerifiedCheckpoint checkpoint = publish();
  const auto load = [&](const std::vector<Retention::Source>& sources) {
    Retention said;
    said.sources = sources;
    disk.objects["retention"] = format_retention(said);
    return load_retention(store, checkpoint);
  };
  EXPECT_EQ(load({months, good})->pruning.minimum_index, 256U);
  EXPECT_EQ(load({months, good, for_ever, content_alone})->pruning.policy, 603U);
  EXPECT_EQ(load({good, for_ever, content_alone})->pruning.policy, 603U);
  const auto refuses = [&](const std::string& why, const std::vector<Retention::Source>& sources) {
    const auto loaded = load(sources);
    ASSERT_FALSE(loaded.has_value()) << why;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kRejected);
    EXPECT_THAT(loaded.error().message, HasSubstr(why));
  };
  refuses("and not that policy", {good});
  refuses("and not that policy", {good, for_ever});
  refuses("does not allow", {months, good, back});
  refuses("does not allow", {for_ever, too_much});
  refuses("does not allow", {months, good, for_ever, too_much});
  refuses("does not allow, with none before it", {for_ever, content_alone});
  refuses("entry 603 has another one before it", {months, good, for_ever, of_another});
  refuses("entry 603 has another one before it", {for_ever, of_another});
}

// Four changes of the policy after a pruning, and then one that moves content alone.
TEST_F(RetentionObject, KeepsAPruningThatLaterPoliciesLeaveAsItIs) {
  push_verdicts(600);
  push(policy_entry(kMonths));
  push(pruning_entry({600, 256, 256}));
  std::vector<VerifiedCheckpoint> published;
  for (int i = 0; i < 6; ++i) {
    push(policy_entry({hours(24), hours(0)}));
    published.push_back(publish());
    const auto loaded = load_retention(store, published.back());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ(loaded->pruning.minimum_index, 256U) << i;
    EXPECT_EQ(loaded->sources, retention.sources);
  }
  push(pruning_entry({607, 512, 256}));
  const VerifiedCheckpoint last = publish();
  EXPECT_EQ(load_retention(store, last)->pruning, (Pruning{607, 512, 256}));
  // As it is served from then on, to a reader who does not know of the last one yet.
  disk.objects["retention"] = format_retention(retention);
  EXPECT_EQ(load_retention(store, published.back())->pruning, (Pruning{600, 256, 256}));
}

// Earlier versions forgot a pruning after four changes of the policy, and could not open what came
// of it.
TEST_F(RetentionObject, IsMadeAnewInACopy) {
  push_verdicts(600);
  push(policy_entry(kMonths));
  push(pruning_entry({600, 256, 256}));
  push(policy_entry({hours(24), hours(0)}));
  push(pruning_entry({602, 512, 256}));
  const VerifiedCheckpoint checkpoint = publish();
  while (retention.content_gone < 512) {
    ASSERT_TRUE(prune_content(store, kAvouchOrigin, 1, retention).has_value());
  }
  disk.objects["checkpoint"] = to_bytes(checkpoint.note());
  const Bytes good = disk.objects["retention"];
  Retention forgetful = retention;
  std::erase_if(forgetful.sources,
                [](const Retention::Source& source) { return source.index < 602; });
  const std::vector keys{signer().verifier()};
  for (const Bytes& bad : {format_retention(forgetful), to_bytes("{}"), Bytes()}) {
    disk.objects["retention"] = bad;
    if (bad.empty()) disk.objects.erase("retention");
    EXPECT_FALSE(check_log(store, checkpoint, {.preimages = true})->is_whole());
    testing::MemoryDisk other;
    testing::MemoryLogStore target(other);
    const auto copied = copy_log(store, target, keys, kAvouchOrigin, {});
    ASSERT_TRUE(copied.has_value()) << copied.error().message;
    EXPECT_EQ(load_retention(target, checkpoint)->pruning, (Pruning{602, 512, 256}));
    EXPECT_EQ(load_retention(target, checkpoint)->sources, retention.sources);
    disk.objects["tile/0/000"][5] ^= 1;
    const auto damaged = copy_log(store, target, keys, kAvouchOrigin, {});
    ASSERT_FALSE(damaged.has_value());
    EXPECT_THAT(damaged.error().message, HasSubstr("the source is damaged"));
    disk.objects["tile/0/000"][5] ^= 1;
  }
  disk.objects["retention"] = good;
  EXPECT_TRUE(check_log(store, checkpoint, {.preimages = true})->is_whole());
}

TEST_F(RetentionObject, SaysHowFarContentIsGone) {
  push_verdicts(1030);
  push(policy_entry(kMonths));
  push(pruning_entry({1030, 1024, 0}));
  const VerifiedCheckpoint checkpoint = publish();
  for (const std::uint64_t gone :
       {768U, 1024U, 1024U}) {  // three groups at once, then what is left
    ASSERT_TRUE(prune_content(store, kAvouchOrigin, 3, retention).has_value());
    EXPECT_EQ(retention.content_gone, gone);
    EXPECT_EQ(load_retention(store, checkpoint)->content_gone, gone);
    for (std::uint64_t group = 0; group < 5; ++group) {
      const std::string path = preimages_path(group);
      const auto slots = parse_preimages(group, disk.objects[path]).value();
      for (const PreimageSlot& slot : slots) EXPECT_EQ(is_pruned(slot), group * 256 < gone);
    }
  }
  EXPECT_EQ(erased_by(parse_preimages(0, disk.objects["preimages/000"])->front()), 1031U);
}

TEST_F(RetentionObject, OfAnotherLogsEntriesNothingIsTaken) {
  push_verdicts(300);
  push(policy_entry(kMonths));
  push(pruning_entry({300, 256, 0}));
  (void)publish();
  ASSERT_TRUE(prune_content(store, "log.example/another", 16, retention).has_value());
  EXPECT_FALSE(parse_preimages(0, disk.objects["preimages/000"])->front().erased);
  disk.objects.erase("tile/entries/000");
  retention.content_gone = 0;
  EXPECT_EQ(prune_content(store, kAvouchOrigin, 16, retention).error().kind, ErrorKind::kFatal);
  EXPECT_EQ(retention.content_gone, 0U);
}

TEST_F(RetentionObject, WhatCannotBeReadOfItIsGoneWithAllBesideIt) {
  push(log_entry_of(kEpoch, Cbor::map({{Cbor::text("n"), Cbor::integer(1)}})));
  push_verdicts(800);
  push(policy_entry(kMonths));
  push(pruning_entry({800, 768, 0}));
  (void)publish();
  disk.objects.erase("preimages/000");
  Bytes& damaged = disk.objects["preimages/001"];
  damaged[100] ^= 1;
  const Bytes aside = damaged;
  const auto lost = prune_content(store, kAvouchOrigin, 16, retention);
  ASSERT_TRUE(lost.has_value()) << lost.error().message;
  EXPECT_THAT(*lost, ::testing::ElementsAre(HasSubstr("preimages/000: is missing"),
                                            HasSubstr("preimages/001: ")));
  EXPECT_EQ(retention.content_gone, 768U);
  EXPECT_EQ(disk.objects["damaged/preimages/001"], aside) << "for a person to mend";
  for (std::uint64_t group = 0; group < 3; ++group) {
    const auto slots = parse_preimages(group, disk.objects[preimages_path(group)]).value();
    ASSERT_EQ(slots.size(), 256U);
    EXPECT_TRUE(is_pruned(slots[7]));
    EXPECT_EQ(is_pruned(slots[0]), group > 0) << "what may not be lost is missed on";
  }
  EXPECT_TRUE(prune_content(store, kAvouchOrigin, 16, retention)->empty());
}

// What was lost with a damaged group is said, and no more than that; the log can be moved as it is.
TEST_F(RetentionObject, WhatWasLostIsSaidAndNeedNotBeFoundToCopyTheLog) {
  push(log_entry_of(kEpoch, Cbor::map({{Cbor::text("n"), Cbor::integer(1)}})));
  push(policy_entry({hours(720), hours(0)}));
  push_verdicts(300);
  push(policy_entry(kMonths));
  push_verdicts(600);
  push(pruning_entry({300, 256, 256}));
  push(policy_entry({hours(720), hours(0)}));
  (void)publish();
  const std::uint64_t newest = builder.size() - 1;
  for (int i = 0; i < 6; ++i) push(policy_entry({hours(720), hours(0)}));  // the first is forgotten
  push(pruning_entry({newest + 6, 512, 256}));
  const VerifiedCheckpoint checkpoint = publish();
  disk.objects["checkpoint"] = to_bytes(checkpoint.note());
  disk.objects["preimages/000"][100] ^= 1;
  disk.objects["preimages/001"][100] ^= 1;
  while (retention.content_gone < 512) {
    ASSERT_TRUE(prune_content(store, kAvouchOrigin, 1, retention).has_value());
  }
  const auto said = check_log(store, checkpoint, {.preimages = true});
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->lost, 2U) << "what the log has beside it is put back";
  ASSERT_EQ(said->damage_count, 1U) << said->damages[1].what;
  EXPECT_EQ(said->damages[0].path, "preimages/000");
  EXPECT_THAT(said->damages[0].what,
              HasSubstr("is lost of 2 entries: the group could not be read"));
  EXPECT_EQ(said->retention.pruning, (Pruning{newest + 6, 512, 256}));

  testing::MemoryDisk other;
  testing::MemoryLogStore target(other);
  const std::vector keys{signer().verifier()};
  const auto copied = copy_log(store, target, keys, kAvouchOrigin, {});
  ASSERT_TRUE(copied.has_value()) << copied.error().message;
  EXPECT_EQ(copied->lost, 2U);
  EXPECT_EQ(load_retention(target, checkpoint)->pruning, (Pruning{newest + 6, 512, 256}));
  disk.objects["preimages/002"][100] ^= 1;
  const auto refused = copy_log(store, target, keys, kAvouchOrigin, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("is damaged: preimages/002: "));
}

}  // namespace
}  // namespace avouch::tlog
