// What entries say about other entries: the bytes of each kind, and each thing that is refused.

#include "tlog/remark.h"

#include <gmock/gmock.h>

#include <functional>

#include "crypto/random.h"
#include "support/log_vectors.h"
#include "support/other_log.h"
#include "tlog/entry.h"
#include "tlog/signed_statement.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kOurs = "log.example/ours";
constexpr std::uint64_t kOwnIndex = 12;
constexpr RemarkKind kEveryKind[] = {RemarkKind::kEndorsement, RemarkKind::kDispute,
                                     RemarkKind::kMeasurement, RemarkKind::kSupersede,
                                     RemarkKind::kErasure};

const testing::OtherLog& partner() {
  static const testing::OtherLog one("log.example/theirs");
  return one;
}

EntryReference ours(std::uint64_t index) {
  Hash leaf{};
  leaf.fill(static_cast<std::uint8_t>(index));
  return {kOurs, index, leaf, ""};
}

// With all that a remark of the kind may have.
Remark full(RemarkKind kind) {
  Remark remark;
  remark.kind = kind;
  remark.refs = {ours(3), kind == RemarkKind::kSupersede ? ours(4) : partner().reference(5, 33)};
  if (kind == RemarkKind::kErasure) remark.refs.pop_back();
  remark.text = "PCR 8 was measured by hand";
  remark.material = {{"application/pdf", crypto::sha256(to_bytes("report"))}};
  if (kind == RemarkKind::kMeasurement) {
    remark.values = {{"pcr 8", "sha256", Bytes(32, 1)}, {"firmware", "sha512", Bytes(64, 2)}};
  }
  if (kind == RemarkKind::kSupersede) remark.replacement = ours(11);
  return remark;
}

// With no more than it must have.
Remark least(RemarkKind kind) {
  Remark remark;
  remark.kind = kind;
  remark.refs = {ours(0)};
  if (kind == RemarkKind::kDispute || kind == RemarkKind::kErasure) remark.text = "-";
  if (kind == RemarkKind::kMeasurement) remark.values = {{"a", "sha384", Bytes(48, 0)}};
  return remark;
}

RecordedRemark recorded(Remark remark) {
  return {std::move(remark), "system:serviceaccount:audit:auditor",
          SystemTime(std::chrono::milliseconds(1'800'000'000'123))};
}

std::string refusal(const Remark& remark, ProofSize size = ProofSize::kAsKept) {
  const auto checked = check_remark(remark, kOurs, size);
  return checked.has_value() ? "" : checked.error().message;
}

Cbor with(const Cbor& map, std::string_view name, std::optional<Cbor> value) {
  Cbor::Map members = *map.as_map();
  std::erase_if(members, [&](const auto& each) { return *each.first.as_text() == name; });
  if (value) members.emplace_back(Cbor::text(name), *std::move(value));
  return Cbor::map(std::move(members));
}

// The first item of the array `list` with another member.
Cbor with_in(const Cbor& map, std::string_view list, std::string_view name,
             std::optional<Cbor> value) {
  Cbor::Array items = *map.find(list)->as_array();
  items[0] = with(items[0], name, std::move(value));
  return with(map, list, Cbor::array(std::move(items)));
}

std::string parse_refusal(RemarkKind kind, const Cbor& payload) {
  const auto parsed = parse_remark(kind, payload, kOurs, kOwnIndex);
  return parsed.has_value() ? "" : parsed.error().message;
}

TEST(Remark, OfEveryKindIsReadAsItWasWritten) {
  for (const RemarkKind kind : kEveryKind) {
    for (const Remark& remark : {full(kind), least(kind)}) {
      const RecordedRemark made = recorded(remark);
      const auto payload = remark_payload(made, kOurs);
      ASSERT_TRUE(payload.has_value()) << payload.error().message;
      // As it comes back from a preimage.
      const Cbor stored = codec::parse_cbor(codec::to_cbor(*payload)).value();
      const auto read = parse_remark(kind, stored, kOurs, kOwnIndex);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(*read, made);
    }
  }
}

TEST(Remark, IsAnEntryOfTheLogsOwnKinds) {
  for (const RemarkKind kind : kEveryKind) {
    const std::string name(remark_name(kind));
    EXPECT_EQ(remark_kind(name), kind);
    EXPECT_TRUE(is_own_kind("application/vnd.avouch." + name + "+cbor")) << name;
  }
  EXPECT_EQ(remark_name(RemarkKind::kSupersede), "supersede");
  for (const char* name : {"", "genesis", "node-verdict", "endorsements", "Endorsement"}) {
    EXPECT_EQ(remark_kind(name), std::nullopt) << name;
  }
}

TEST(Remark, ALargeOneFitsIntoAPreimage) {
  Remark remark = full(RemarkKind::kMeasurement);
  remark.refs.clear();
  remark.material.clear();
  remark.values.clear();
  for (std::uint64_t i = 0; i < Remark::kMaxRefs; ++i) {
    remark.refs.push_back(partner().reference(i, 40));
  }
  remark.text = std::string(Remark::kMaxText, 't');
  for (std::size_t i = 0; i < 16; ++i) {
    std::string type = "a/" + std::string(kMaxMediaType - 2, static_cast<char>('a' + i));
    remark.material.push_back({std::move(type), {}});
    remark.values.push_back({std::string(256, static_cast<char>('a' + i)), "sha512", Bytes(64, 0)});
  }
  EXPECT_EQ(refusal(remark), "");
  RecordedRemark made = recorded(remark);
  made.by = std::string(RecordedRemark::kMaxSender, 'b');
  const std::size_t without_proofs = codec::to_cbor(remark_payload(made, kOurs).value()).size() -
                                     Remark::kMaxRefs * remark.refs[0].proof.size();
  // Of eight references of another log's that is as large as logs become, each with a witness.
  EXPECT_LT(without_proofs + Remark::kMaxRefs * 5'000, kMaxPreimageBytes);
}

struct Refused {
  const char* name;
  RemarkKind kind;
  std::function<void(Remark&)> change;
  const char* message;  // how it begins
};

TEST(Remark, EachRuleIsKept) {
  using enum RemarkKind;
  const std::vector<Refused> cases = {
      {"no reference", kEndorsement, [](Remark& r) { r.refs.clear(); }, "refs: has 0"},
      {"nine references", kEndorsement,
       [](Remark& r) {
         r.refs.clear();
         for (std::uint64_t i = 0; i < 9; ++i) r.refs.push_back(ours(i));
       },
       "refs: has 9, expected 1 to 8"},
      {"an entry twice", kDispute,
       [](Remark& r) {
         r.refs.push_back(ours(3));
         r.refs.back().leaf[0] ^= 1;
       },
       "refs[2]: is the entry of refs[0]"},
      {"no origin", kDispute, [](Remark& r) { r.refs[0].origin = ""; }, "refs[0].origin: "},
      {"a long origin", kDispute, [](Remark& r) { r.refs[0].origin = std::string(513, 'o'); },
       "refs[0].origin: "},
      {"a control character", kDispute, [](Remark& r) { r.refs[0].origin += "\n"; },
       "refs[0].origin: "},
      {"an index without end", kDispute,
       [](Remark& r) { r.refs[0].index = std::uint64_t{1} << 63; }, "refs[0].index: "},
      {"a proof where none is needed", kDispute,
       [](Remark& r) { r.refs[0].proof = r.refs[1].proof; }, "refs[0].proof: the entry is of this"},
      {"no proof where one is needed", kDispute, [](Remark& r) { r.refs[1].proof = ""; },
       "refs[1].proof: is missing"},
      {"a proof that is none", kDispute, [](Remark& r) { r.refs[1].proof = "x"; },
       "refs[1].proof: tlog-proof: line 1"},
      {"a proof of another index", kDispute,
       [](Remark& r) { r.refs[1].proof = partner().reference(6, 33).proof; },
       "refs[1].proof: is of entry 6, expected 5"},
      {"a proof of another leaf", kDispute, [](Remark& r) { r.refs[1].leaf[0] ^= 1; },
       "refs[1].proof: "},
      {"a proof of another log", kDispute,
       [](Remark& r) { r.refs[1].origin = "log.example/another"; },
       "refs[1].proof: its checkpoint is of log"},
      {"a proof with the entry", kDispute,
       [](Remark& r) {
         LogProof proof = partner().proof(5, 33);
         proof.extra = to_bytes(partner().origin + " entry 5");
         r.refs[1].proof = format_log_proof(proof);
       },
       "refs[1].proof: has an \"extra\" line"},
      {"a size that is not above the index", kDispute,
       [](Remark& r) {
         LogProof proof = partner().proof(5, 33);
         proof.note = partner().note(5);
         r.refs[1].proof = format_log_proof(proof);
       },
       "refs[1].proof: "},
      {"no text in a dispute", kDispute, [](Remark& r) { r.text = ""; }, "text: is missing"},
      {"a long text", kEndorsement, [](Remark& r) { r.text = std::string(2049, 't'); }, "text: "},
      {"a text of two lines", kEndorsement, [](Remark& r) { r.text = "a\nb"; }, "text: "},
      {"much material", kEndorsement, [](Remark& r) { r.material.assign(17, r.material[0]); },
       "material: has 17"},
      {"no media type", kEndorsement, [](Remark& r) { r.material[0].type = "PDF"; },
       "material[0].type: "},
      {"material twice", kEndorsement, [](Remark& r) { r.material.push_back(r.material[0]); },
       "material[1]: stands there twice"},
      {"values in an endorsement", kEndorsement,
       [](Remark& r) {
         r.values = {{"a", "sha256", Bytes(32, 0)}};
       },
       "values: only"},
      {"values in a dispute", kDispute,
       [](Remark& r) {
         r.values = {{"a", "sha256", Bytes(32, 0)}};
       },
       "values: only"},
      {"values in a supersede", kSupersede,
       [](Remark& r) {
         r.values = {{"a", "sha256", Bytes(32, 0)}};
       },
       "values: only"},
      {"a measurement of nothing", kMeasurement, [](Remark& r) { r.values.clear(); },
       "values: has 0"},
      {"many values", kMeasurement, [](Remark& r) { r.values.assign(17, r.values[0]); },
       "values: has 17"},
      {"a value without name", kMeasurement, [](Remark& r) { r.values[0].name = ""; },
       "values[0].name: "},
      {"a value of a long name", kMeasurement,
       [](Remark& r) { r.values[1].name = std::string(257, 'n'); }, "values[1].name: "},
      {"two values of a name", kMeasurement, [](Remark& r) { r.values[1].name = r.values[0].name; },
       "values[1].name: stands"},
      {"an unknown algorithm", kMeasurement, [](Remark& r) { r.values[0].algorithm = "sha1"; },
       "values[0].algorithm: "},
      {"a digest of another size", kMeasurement, [](Remark& r) { r.values[0].digest.pop_back(); },
       "values[0].digest: has 31"},
      {"a replacement in a dispute", kDispute, [](Remark& r) { r.replacement = ours(1); },
       "replacement: only a supersede"},
      {"superseding another log's", kSupersede,
       [](Remark& r) { r.refs[1] = partner().reference(5, 33); }, "refs[1].origin: only remarks"},
      {"a replacement of another log", kSupersede,
       [](Remark& r) { r.replacement = partner().reference(5, 33); }, "replacement.origin: "},
      {"a replacement with a proof", kSupersede, [](Remark& r) { r.replacement->proof = "x"; },
       "replacement.proof: "},
      {"replaced by itself", kSupersede, [](Remark& r) { r.replacement = ours(4); },
       "replacement: is the entry of refs[1]"},
      {"erasing two", kErasure, [](Remark& r) { r.refs.push_back(ours(4)); },
       "refs: has 2, expected 1 to 1"},
      {"erasing another log's", kErasure, [](Remark& r) { r.refs = {partner().reference(5, 33)}; },
       "refs[0].origin: only what this log"},
      {"erasing without a reason", kErasure, [](Remark& r) { r.text = ""; }, "text: is missing"},
      {"values in an erasure", kErasure,
       [](Remark& r) {
         r.values = {{"a", "sha256", Bytes(32, 0)}};
       },
       "values: only"},
      {"a replacement in an erasure", kErasure, [](Remark& r) { r.replacement = ours(1); },
       "replacement: only a supersede"},
  };
  for (const Refused& each : cases) {
    Remark remark = full(each.kind);
    ASSERT_EQ(refusal(remark), "") << each.name;
    each.change(remark);
    EXPECT_THAT(refusal(remark), StartsWith(each.message)) << each.name;
    // What cannot be in the log is neither made nor believed.
    EXPECT_FALSE(remark_payload(recorded(remark), kOurs).has_value()) << each.name;
    EXPECT_FALSE(
        parse_remark_request(each.kind, format_remark_request({"id", remark}), kOurs).has_value())
        << each.name;
  }
}

TEST(Remark, AProofIsKeptOnlyUpToItsBound) {
  Remark remark = full(RemarkKind::kEndorsement);
  std::string& proof = remark.refs[1].proof;
  while (proof.size() <= EntryReference::kMaxProofBytes) {  // lines of nobody that is known
    proof += "\xe2\x80\x94 " + std::string(900, 'w') + " AAAAAAAA\n";
  }
  EXPECT_THAT(refusal(remark), StartsWith("refs[1].proof: has "));
  EXPECT_EQ(refusal(remark, ProofSize::kAsSent), "");
}

// CBOR cannot hold such a text: it is not made up into another one.
TEST(Remark, WithATextThatIsNoneIsNotMade) {
  Remark remark = full(RemarkKind::kMeasurement);
  remark.text = "\xff";
  EXPECT_THAT(refusal(remark), StartsWith("text: "));
  remark = full(RemarkKind::kMeasurement);
  remark.values[0].name = "\xff";
  EXPECT_THAT(refusal(remark), StartsWith("values[0].name: "));
}

TEST(Remark, ThatHasNoSenderOrIsOfNoTimeIsNotMade) {
  RecordedRemark made = recorded(least(RemarkKind::kEndorsement));
  for (const std::string& by : {std::string(), std::string(513, 'b'), std::string("a\nb")}) {
    made.by = by;
    const auto payload = remark_payload(made, kOurs);
    ASSERT_FALSE(payload.has_value());
    EXPECT_THAT(payload.error().message, StartsWith("by: "));
  }
  made.by = "b";
  made.time = SystemTime(std::chrono::milliseconds(-1));
  EXPECT_FALSE(remark_payload(made, kOurs).has_value());
}

// Nothing that is read refers to itself or to what comes later, so no chain of them has an end that
// is its beginning.
TEST(Remark, RefersToNothingButWhatIsBeforeIt) {
  for (std::uint64_t index = 10; index < 15; ++index) {
    Remark remark = least(RemarkKind::kEndorsement);
    remark.refs.push_back(ours(index));
    const Cbor payload = remark_payload(recorded(remark), kOurs).value();
    const auto read = parse_remark(RemarkKind::kEndorsement, payload, kOurs, kOwnIndex);
    EXPECT_EQ(read.has_value(), index < kOwnIndex) << index;
    EXPECT_THAT(read.has_value() ? "refs[1].index: " : read.error().message,
                StartsWith("refs[1].index: "));

    Remark supersede = least(RemarkKind::kSupersede);
    supersede.replacement = ours(index);
    const auto order = check_order(supersede, kOurs, kOwnIndex);
    EXPECT_EQ(order.has_value(), index < kOwnIndex) << index;
    EXPECT_THAT(order.has_value() ? "replacement.index: " : order.error().message,
                StartsWith("replacement.index: "));
  }
  // Another log counts for itself.
  Remark remark = least(RemarkKind::kEndorsement);
  remark.refs.push_back(partner().reference(30, 33));
  EXPECT_TRUE(check_order(remark, kOurs, kOwnIndex).has_value());
}

TEST(Remark, IsReadStrictly) {
  using enum RemarkKind;
  struct Case {
    const char* name;
    RemarkKind kind;
    std::function<Cbor(const Cbor&)> change;
    const char* message;
  };
  const auto text = [](const char* value) { return Cbor::text(value); };
  std::vector<Case> cases = {
      {"no map", kDispute, [](const Cbor&) { return Cbor::array({}); }, "remark: expected a map"},
      {"null", kDispute, [](const Cbor&) { return Cbor(); }, "remark: expected a map"},
      {"another version", kDispute,
       [](const Cbor& p) { return with(p, "version", Cbor::integer(2)); }, "version: is 2"},
      {"an unknown member", kDispute,
       [&](const Cbor& p) { return with(p, "severity", text("high")); },
       "there is a member \"severity\""},
      {"an unknown member of a reference", kDispute,
       [&](const Cbor& p) { return with_in(p, "refs", "size", text("5")); },
       "refs[0]: there is a member \"size\""},
      {"an unknown member of material", kDispute,
       [&](const Cbor& p) { return with_in(p, "material", "url", text("x")); },
       "material[0]: there is a member \"url\""},
      {"an id", kDispute, [&](const Cbor& p) { return with(p, "id", text("x")); },
       "there is a member \"id\""},
      {"a key that is no text", kDispute,
       [](const Cbor& p) {
         Cbor::Map map = *p.as_map();
         map.emplace_back(Cbor::integer(1), Cbor::integer(1));
         return Cbor::map(std::move(map));
       },
       "the key of a member is no text"},
      {"references that are no array", kDispute,
       [&](const Cbor& p) { return with(p, "refs", text("x")); }, "refs: expected an array"},
      {"an empty array of references", kDispute,
       [](const Cbor& p) { return with(p, "refs", Cbor::array({})); }, "refs: has 0"},
      {"a reference that is no map", kDispute,
       [](const Cbor& p) { return with(p, "refs", Cbor::array({Cbor::integer(3)})); },
       "refs[0]: expected a map"},
      {"nine references", kDispute,
       [](const Cbor& p) { return with(p, "refs", Cbor::array(Cbor::Array(9))); },
       "refs: has 9, expected 1 to 8"},
      {"an empty text", kEndorsement, [&](const Cbor& p) { return with(p, "text", text("")); },
       "text: is empty"},
      {"empty material", kEndorsement,
       [](const Cbor& p) { return with(p, "material", Cbor::array({})); }, "material: has 0"},
      {"no values, as an array", kMeasurement,
       [](const Cbor& p) { return with(p, "values", Cbor::array({})); }, "values: has 0"},
      {"an empty proof", kEndorsement,
       [&](const Cbor& p) { return with_in(p, "refs", "proof", text("")); },
       "refs[0].proof: is empty"},
      {"an index below 0", kEndorsement,
       [](const Cbor& p) { return with_in(p, "refs", "index", Cbor::integer(-1)); },
       "refs[0].index: expected a number"},
      {"a short leaf hash", kEndorsement,
       [](const Cbor& p) { return with_in(p, "refs", "leafHash", Cbor::bytes(Bytes(31, 3))); },
       "refs[0].leafHash: expected 32 bytes"},
      {"a leaf hash in hexadecimal", kEndorsement,
       [&](const Cbor& p) { return with_in(p, "refs", "leafHash", text("03")); },
       "refs[0].leafHash: expected bytes"},
      {"a short digest of material", kEndorsement,
       [](const Cbor& p) { return with_in(p, "material", "digest", Cbor::bytes(Bytes(33, 3))); },
       "material[0].digest: expected 32 bytes"},
      {"a time before 1970", kEndorsement,
       [](const Cbor& p) { return with(p, "time", Cbor::integer(-1)); }, "time: expected"},
      {"a sender that is no line", kEndorsement,
       [&](const Cbor& p) { return with(p, "by", text("a\tb")); }, "by: expected"},
      {"a replacement that is no map", kSupersede,
       [](const Cbor& p) { return with(p, "replacement", Cbor::integer(1)); },
       "replacement: expected a map"},
      {"a replacement with more", kSupersede,
       [&](const Cbor& p) {
         return with(p, "replacement", with(*p.find("replacement"), "kind", text("dispute")));
       },
       "replacement: there is a member \"kind\""},
  };
  for (const char* member : {"version", "time", "by", "refs"}) {
    cases.push_back({member, kEndorsement,
                     [member](const Cbor& p) { return with(p, member, std::nullopt); }, member});
    cases.push_back({member, kEndorsement,
                     [member](const Cbor& p) { return with(p, member, Cbor::boolean(true)); },
                     member});
  }
  for (const Case& each : cases) {
    const Cbor good = remark_payload(recorded(full(each.kind)), kOurs).value();
    ASSERT_EQ(parse_refusal(each.kind, good), "") << each.name;
    EXPECT_THAT(parse_refusal(each.kind, each.change(good)), StartsWith(each.message)) << each.name;
  }
  for (const auto& [list, kind] : {std::pair{"refs", kEndorsement}, std::pair{"material", kDispute},
                                   std::pair{"values", kMeasurement}}) {
    const Cbor good = remark_payload(recorded(full(kind)), kOurs).value();
    const Cbor first = good.find(list)->as_array()->front();
    for (const auto& [key, value] : *first.as_map()) {
      const std::string& name = *key.as_text();
      const std::string where = std::string(list) + "[0]." + name + ": ";
      EXPECT_THAT(parse_refusal(kind, with_in(good, list, name, std::nullopt)), StartsWith(where));
      EXPECT_THAT(parse_refusal(kind, with_in(good, list, name, Cbor::boolean(true))),
                  StartsWith(where));
    }
  }
}

TEST(Remark, OfOneKindIsNoneOfAnother) {
  const Cbor measurement = remark_payload(recorded(full(RemarkKind::kMeasurement)), kOurs).value();
  EXPECT_THAT(parse_refusal(RemarkKind::kEndorsement, measurement), StartsWith("values: only"));
  const Cbor supersede = remark_payload(recorded(full(RemarkKind::kSupersede)), kOurs).value();
  EXPECT_THAT(parse_refusal(RemarkKind::kDispute, supersede), StartsWith("replacement: only"));
}

NewEntry entry_of(std::string_view kind, Cbor payload) {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return make_entry(key, {kOurs, "entry:1", std::string(kind), std::move(payload)},
                    crypto::system_random())
      .value();
}

TEST(Erasure, SaysWhatItErases) {
  const Cbor payload = remark_payload(recorded(full(RemarkKind::kErasure)), kOurs).value();
  const NewEntry made = entry_of(kErasureKind, payload);
  EXPECT_EQ(erased_index(made.statement, made.preimage, kOwnIndex), 3U);
  // Nothing that is itself, or comes later.
  EXPECT_EQ(erased_index(made.statement, made.preimage, 4), 3U);
  EXPECT_EQ(erased_index(made.statement, made.preimage, 3), std::nullopt);
  EXPECT_EQ(erased_index(made.statement, {}, kOwnIndex), std::nullopt);
  const NewEntry salted_anew = entry_of(kErasureKind, payload);
  EXPECT_EQ(erased_index(made.statement, salted_anew.preimage, kOwnIndex), std::nullopt);
  // Of another kind, or with what is none.
  const NewEntry dispute = entry_of(kDisputeKind, payload);
  EXPECT_EQ(erased_index(dispute.statement, dispute.preimage, kOwnIndex), std::nullopt);
  const NewEntry mute = entry_of(kErasureKind, with(payload, "text", std::nullopt));
  EXPECT_EQ(erased_index(mute.statement, mute.preimage, kOwnIndex), std::nullopt);
  for (std::size_t at = 0; at < made.statement.size(); ++at) {
    Bytes cut(made.statement.begin(), made.statement.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(erased_index(cut, made.preimage, kOwnIndex), std::nullopt) << at;
  }
}

// A payload with other people's references is not of this log.
TEST(Remark, IsOfTheLogThatItIsReadFrom) {
  const Cbor payload = remark_payload(recorded(least(RemarkKind::kEndorsement)), kOurs).value();
  const auto read =
      parse_remark(RemarkKind::kEndorsement, payload, "log.example/another", kOwnIndex);
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, StartsWith("refs[0].proof: is missing"));
}

TEST(RemarkRequest, IsReadAsItWasWritten) {
  for (const RemarkKind kind : kEveryKind) {
    for (const Remark& remark : {full(kind), least(kind)}) {
      const RemarkRequest made{"0123abcd", remark};
      const auto read = parse_remark_request(kind, format_remark_request(made), kOurs);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(*read, made);
    }
  }
}

TEST(RemarkRequest, IsReadStrictly) {
  const RemarkRequest made{"id", full(RemarkKind::kDispute)};
  const Bytes good = format_remark_request(made);
  const auto refused = [](ByteView body) {
    const auto read = parse_remark_request(RemarkKind::kDispute, body, kOurs);
    return read.has_value() ? "" : read.error().message;
  };
  EXPECT_EQ(refused(good), "");
  const Cbor value = codec::parse_cbor(good).value();
  for (const auto& [name, change] : std::map<std::string, Cbor>{{"by", Cbor::text("somebody else")},
                                                                {"time", Cbor::integer(0)}}) {
    EXPECT_THAT(refused(codec::to_cbor(with(value, name, change))),
                HasSubstr("there is a member \"" + name + "\""));
  }
  for (const std::string& id :
       {std::string(), std::string(65, 'i'), std::string("a b"), std::string("\xc3\xa4")}) {
    EXPECT_THAT(refused(codec::to_cbor(with(value, "id", Cbor::text(id)))), StartsWith("id: "));
  }
  EXPECT_THAT(refused(codec::to_cbor(with(value, "id", std::nullopt))), StartsWith("id: "));
  EXPECT_NE(refused(Bytes(RemarkRequest::kMaxBytes + 1, 0)), "");
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(refused(ByteView(good).first(length)), "") << length;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_NE(refused(longer), "");
}

// tests/vectors/tlog/generate.py made these, with no code of this project.
TEST(Remark, OfOtherSoftwareIsReadAndMadeAlike) {
  const testing::LogVectors lines("remarks.txt");
  const std::string origin = lines.decoded_text("origin");
  const Bytes key = lines.bytes("pseudonym-key");
  for (const RemarkKind kind : kEveryKind) {
    const std::string name(remark_name(kind));
    const Bytes encoded = lines.bytes(name);
    const Cbor payload = codec::parse_cbor(encoded).value();
    const auto read = parse_remark(kind, payload, origin, 100);
    ASSERT_TRUE(read.has_value()) << name << ": " << read.error().message;
    EXPECT_EQ(codec::to_cbor(remark_payload(*read, origin).value()), encoded) << name;
    const EntryReference& first = read->remark.refs.front();
    EXPECT_EQ(entry_pseudonym(key, first.origin, first.index), lines.text(name + "-sub")) << name;
  }
}

}  // namespace
}  // namespace avouch::tlog
