#include "tlog/shard.h"

#include <gmock/gmock.h>

#include <tuple>

#include "codec/base64.h"
#include "crypto/random.h"
#include "support/served_log.h"
#include "tlog/client.h"
#include "tlog/closed_log.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/shard_name.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;

const std::string kNext = std::string(kAvouchOrigin) + "/2027";
const std::string kBefore = "log.example.org/before";

NewEntry link_entry(std::string_view kind, Cbor payload,
                    const std::string& issuer = kAvouchOrigin) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return make_entry(key, {issuer, "log:1", std::string(kind), std::move(payload)},
                    crypto::system_random())
      .value();
}

Predecessor predecessor() {
  static const NoteSigner before =
      NoteSigner::make(kBefore, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  const std::string text = format_checkpoint({kBefore, 7, leaf_hash(to_bytes("x")), {}}).value();
  return {kBefore, sign_note(text, std::span(&before, 1)).value()};
}

NewEntry end_entry(const std::string& next = kNext) {
  return link_entry(kShardKind, shard_end_payload({kNow, next}));
}
NewEntry begin_entry() { return link_entry(kGenesis, predecessor_payload(predecessor(), kNow)); }

// The payload with a member replaced, added or, for null, left out.
Cbor replaced(const Cbor& payload, std::string_view name, const Cbor& value) {
  Cbor::Map map;
  for (const auto& [key, each] : *payload.as_map()) {
    if (*key.as_text() != name) map.emplace_back(key, each);
  }
  if (!value.is_null()) map.emplace_back(Cbor::text(name), value);
  return Cbor::map(std::move(map));
}

TEST(ShardEnd, IsReadStrictly) {
  const ShardEnd end{kNow, kNext};
  const Cbor good = shard_end_payload(end);
  EXPECT_EQ(parse_shard_end(good, kAvouchOrigin).value(), end);
  const Cbor none;
  for (const auto& [name, value, words] :
       {std::tuple{"version", Cbor::integer(2), "version"},
        std::tuple{"version", none, "3 members"}, std::tuple{"time", Cbor::integer(-1), "time"},
        std::tuple{"time", Cbor::text("1"), "time"},
        std::tuple{"next", Cbor::text(kAvouchOrigin), "another log"},
        std::tuple{"next", Cbor::text("a\nb"), "another log"},
        std::tuple{"next", Cbor::text(""), "next"}, std::tuple{"next", Cbor::integer(1), "next"},
        std::tuple{"next", Cbor::text(std::string(513, 'x')), "512"},
        std::tuple{"more", Cbor::integer(1), "3 members"}}) {
    const auto read = parse_shard_end(replaced(good, name, value), kAvouchOrigin);
    ASSERT_FALSE(read.has_value()) << name;
    EXPECT_THAT(read.error().message, HasSubstr(words)) << name;
  }
}

TEST(Predecessor, IsReadStrictly) {
  const Cbor good = predecessor_payload(predecessor(), kNow);
  EXPECT_EQ(parse_predecessor(good, kAvouchOrigin).value(), predecessor());
  EXPECT_FALSE(parse_predecessor(good, kBefore).has_value()) << "its own";
  const Cbor none;
  for (const auto& [name, value] :
       {std::pair{"type", Cbor::text("trust-anchors")}, std::pair{"type", none},
        std::pair{"created", Cbor::integer(-1)}, std::pair{"origin", Cbor::text("another")},
        std::pair{"checkpoint", Cbor::text("no note")}, std::pair{"checkpoint", none},
        std::pair{"checkpoint", Cbor::text(std::string(kMaxLastNote + 1, 'x'))},
        std::pair{"more", Cbor::integer(1)}}) {
    EXPECT_FALSE(parse_predecessor(replaced(good, name, value), kAvouchOrigin).has_value()) << name;
  }
}

TEST(ClosesLogOf, KnowsTheEntryByItsBytesAlone) {
  EXPECT_EQ(closes_log_of(end_entry().statement), kAvouchOrigin);
  EXPECT_EQ(closes_log_of(link_entry(kShardKind, shard_end_payload({kNow, kNext}), "x").statement),
            "x");
  EXPECT_EQ(closes_log_of(begin_entry().statement), std::nullopt);
  EXPECT_EQ(closes_log_of(to_bytes("application/vnd.avouch.shard+cbor")), std::nullopt);
  EXPECT_EQ(closes_log_of({}), std::nullopt);
}

// A log with what is served beside its tiles.
struct LinkedLog : testing::ServedLog {
  LinkedLog() : testing::ServedLog(avouch::tlog::signer()) {}

  VerifiedCheckpoint checkpoint() {
    return fetch_checkpoint(store, std::span(&avouch::tlog::signer().verifier(), 1), kAvouchOrigin)
        .value();
  }
  Result<ShardLinks> links() { return stored_shard_links(store, checkpoint()); }
  void serve_links() {
    disk.objects[std::string(kShardPath)] =
        make_shard_resource(store, kAvouchOrigin, checkpoint().size()).value();
  }
};

TEST(ShardLinks, AreInTheFirstAndTheLastEntry) {
  for (const std::uint64_t size : {3U, 255U, 256U, 257U, 700U}) {
    LinkedLog log;
    log.add(begin_entry());
    log.grow_to(size - 1);
    auto links = log.links();
    ASSERT_TRUE(links.has_value()) << links.error().message;
    EXPECT_EQ(links->predecessor, predecessor());
    EXPECT_FALSE(links->end.has_value());
    log.add(end_entry());
    log.grow_to(size);
    links = log.links();
    ASSERT_TRUE(links.has_value()) << links.error().message;
    EXPECT_EQ(links->predecessor, predecessor());
    EXPECT_EQ(links->end, (ShardEnd{kNow, kNext}));
    const auto closed =
        ClosedLog::open(log.store, std::span(&avouch::tlog::signer().verifier(), 1), kAvouchOrigin);
    ASSERT_TRUE(closed.has_value()) << closed.error().message;
    EXPECT_EQ(closed->checkpoint().size(), size);
    EXPECT_EQ(closed->end().next, kNext);
    EXPECT_FALSE(closed->get(size - 1)->preimage.empty());
    EXPECT_FALSE(closed->get(size).has_value());
  }
}

// What was pruned keeps nobody from what is there: how the log ends.
TEST(ShardLinks, SayNothingOfAFirstEntryThatIsNotServed) {
  LinkedLog log;
  log.add(begin_entry());
  log.grow_to(299);
  log.add(end_entry());
  log.grow_to(300);
  log.serve_links();
  log.prune_to(256);
  const auto links = load_shard_links(log.store, log.checkpoint());
  ASSERT_TRUE(links.has_value()) << links.error().message;
  EXPECT_FALSE(links->predecessor.has_value());
  EXPECT_EQ(links->end, (ShardEnd{kNow, kNext}));
}

TEST(ShardLinks, AreNoneOfALogThatIsInNoShards) {
  LinkedLog log;
  log.grow_to(300);
  EXPECT_FALSE(log.links()->predecessor.has_value());
  EXPECT_FALSE(log.links()->end.has_value());
  EXPECT_FALSE(load_shard_links(log.store, log.checkpoint())->end.has_value());  // not served
  const auto open =
      ClosedLog::open(log.store, std::span(&avouch::tlog::signer().verifier(), 1), kAvouchOrigin);
  ASSERT_FALSE(open.has_value());
  EXPECT_EQ(open.error().kind, ErrorKind::kRejected);
  EXPECT_THAT(open.error().message, HasSubstr("is not closed"));
}

// Where they stand elsewhere they say nothing.
TEST(ShardLinks, AreNotTakenFromTheMiddle) {
  LinkedLog log;
  log.grow_to(2);
  log.add(begin_entry());
  log.add(end_entry());
  log.grow_to(9);
  EXPECT_FALSE(log.links()->predecessor.has_value());
  EXPECT_FALSE(log.links()->end.has_value());
}

TEST(ShardLinks, AreRefusedWhereTheEntriesSaySomethingElse) {
  LinkedLog log;
  log.add(begin_entry());
  log.grow_to(8);
  log.add(end_entry());
  log.grow_to(9);
  log.serve_links();
  ASSERT_TRUE(load_shard_links(log.store, log.checkpoint())->end.has_value());
  const auto served = [&](const std::string& text) {
    log.disk.objects[std::string(kShardPath)] = to_bytes(text);
    return load_shard_links(log.store, log.checkpoint());
  };
  const auto entry = [](std::uint64_t index, const Bytes& preimage) {
    return R"({"version":1,"entries":[{"index":)" + std::to_string(index) + R"(,"preimage":")" +
           codec::to_base64(preimage) + R"("}]})";
  };
  EXPECT_FALSE(served("nonsense").has_value());
  EXPECT_FALSE(served(R"({"version":2,"entries":[]})").has_value());
  EXPECT_FALSE(served(entry(8, to_bytes("x"))).has_value()) << "no preimage of it";
  EXPECT_FALSE(served(entry(8, end_entry("another").preimage)).has_value()) << "of another entry";
  EXPECT_FALSE(served(entry(0, end_entry().preimage)).has_value());
  // Of entries that are no link of this checkpoint nothing is said.
  EXPECT_FALSE(served(entry(5, to_bytes("x")))->end.has_value());
  EXPECT_FALSE(served(entry(9, to_bytes("x")))->end.has_value());
}

// Another party's word does not close a log, whatever it is called.
TEST(ShardLinks, AreTheLogsOwn) {
  LinkedLog log;
  log.grow_to(8);
  log.add(link_entry(kShardKind, shard_end_payload({kNow, kNext}), "somebody"));
  log.grow_to(9);
  const auto links = log.links();
  ASSERT_TRUE(links.has_value()) << links.error().message;
  EXPECT_FALSE(links->end.has_value());
}

}  // namespace
}  // namespace avouch::tlog
