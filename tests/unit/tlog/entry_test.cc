#include "tlog/entry.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "codec/cose.h"
#include "support/log_vectors.h"
#include "tlog/bundle.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using testing::LogVectors;

constexpr const char* kNodeUid = "6f0b1c62-9d5c-4f6e-9a43-0f4b6f1f8a11";

class CountingRandom final : public crypto::Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

const LogVectors& entry_vectors() {
  static const LogVectors all("entry.txt");
  return all;
}

crypto::PublicKey vector_key() {
  return crypto::PublicKey::from_spki_der(entry_vectors().bytes("verifier-spki")).value();
}

const crypto::PrivateKey& own_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return key;
}

Cbor payload() {
  return Cbor::map({{Cbor::text("time"), Cbor::integer(1'800'000'000'000)},
                    {Cbor::text("node"), Cbor::text("worker-1")},
                    {Cbor::text("phase"), Cbor::text("Trusted")},
                    {Cbor::text("reasons"), Cbor::array({})}});
}

NewEntry own_entry() {
  CountingRandom random;
  return make_entry(
             own_key(),
             {kAvouchOrigin, entry_vectors().text("subject"), std::string(kNodeVerdict), payload()},
             random)
      .value();
}

Cbor::Map own_header() {
  return {{Cbor::integer(codec::kCoseKid), Cbor::bytes(codec::key_id(own_key().public_key()))},
          {Cbor::integer(codec::kCoseCwtClaims),
           Cbor::map({{Cbor::integer(1), Cbor::text(kAvouchOrigin)},
                      {Cbor::integer(2), Cbor::text("node:00")}})},
          {Cbor::integer(codec::kCosePayloadHashAlg), Cbor::integer(-16)},
          {Cbor::integer(codec::kCosePreimageContentType),
           Cbor::text("application/vnd.avouch.epoch+cbor")}};
}

bool parses(const Cbor::Map& header, ByteView payload_bytes) {
  const Bytes entry = codec::sign1(own_key(), header, payload_bytes).value();
  return parse_statement_unverified(entry).has_value();
}

TEST(Pseudonym, AgreesWithAnIndependentComputation) {
  const Bytes key = entry_vectors().bytes("pseudonym-key");
  EXPECT_EQ(node_pseudonym(key, kNodeUid), entry_vectors().text("subject"));
  EXPECT_EQ(pod_pseudonym(key, "shop", "cart-0"), entry_vectors().text("pod-subject"));
  EXPECT_EQ(policy_pseudonym(key, "workers"), entry_vectors().text("policy-subject"));
  EXPECT_EQ(log_pseudonym(key), entry_vectors().text("log-subject"));
}

TEST(Statement, OfAnIndependentSignerVerifiesAndOpens) {
  const Bytes entry = entry_vectors().bytes("statement");
  const std::vector<crypto::PublicKey> keys{own_key().public_key(), vector_key()};
  const auto statement = verify_statement(entry, keys, kAvouchOrigin);
  ASSERT_TRUE(statement.has_value()) << statement.error().message;
  EXPECT_EQ(statement->issuer(), kAvouchOrigin);
  EXPECT_EQ(statement->subject(), entry_vectors().text("subject"));
  EXPECT_EQ(statement->kind(), kNodeVerdict);
  const auto opened =
      open_preimage(statement->preimage_digest(), entry_vectors().bytes("preimage"));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(*opened, payload());
}

TEST(Statement, IsMadeWithTheSameHeaderAndPreimage) {
  const NewEntry entry = own_entry();
  EXPECT_EQ(entry.preimage, entry_vectors().bytes("preimage"));
  const auto message = codec::parse_sign1_unverified(entry.statement).value();
  Bytes expected = entry_vectors().bytes("protected");
  // The key differs, and with it the 8 bytes of the kid behind `4: h'`.
  const Bytes their_kid = codec::key_id(vector_key()),
              own_kid = codec::key_id(own_key().public_key());
  const auto at = std::search(expected.begin(), expected.end(), their_kid.begin(), their_kid.end());
  ASSERT_NE(at, expected.end());
  std::copy(own_kid.begin(), own_kid.end(), at);
  EXPECT_EQ(message.protected_bytes, expected);
}

TEST(Statement, IsVerifiedByTheKeyItNamesOnly) {
  const NewEntry entry = own_entry();
  const std::vector<crypto::PublicKey> own{own_key().public_key()}, other{vector_key()};
  EXPECT_TRUE(verify_statement(entry.statement, own, kAvouchOrigin).has_value());
  EXPECT_FALSE(verify_statement(entry.statement, other, kAvouchOrigin).has_value());
  EXPECT_FALSE(verify_statement(entry.statement, {}, kAvouchOrigin).has_value());
  EXPECT_FALSE(verify_statement(entry.statement, own, "another.log").has_value());
}

TEST(Statement, RefusesEveryFlippedBitAndEveryTruncation) {
  const Bytes good = own_entry().statement;
  const std::vector<crypto::PublicKey> keys{own_key().public_key()};
  ASSERT_TRUE(verify_statement(good, keys, kAvouchOrigin).has_value());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes entry = good;
    entry[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(verify_statement(entry, keys, kAvouchOrigin).has_value()) << bit;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(verify_statement(ByteView(good).first(length), keys, kAvouchOrigin).has_value());
  }
}

TEST(Statement, NeedsEveryHeaderAndTakesNoOther) {
  const Bytes digest(32, 1);
  ASSERT_TRUE(parses(own_header(), digest));
  for (std::size_t i = 0; i < own_header().size(); ++i) {
    Cbor::Map header = own_header();
    header.erase(header.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(parses(header, digest)) << i;
  }
  Cbor::Map more = own_header();
  more.emplace_back(Cbor::integer(codec::kCoseContentType), Cbor::text("text/plain"));
  EXPECT_FALSE(parses(more, digest));
}

TEST(Statement, RefusesHeadersOfAnotherForm) {
  struct Case {
    const char* name;
    std::size_t at;
    Cbor value;
  };
  const auto claims = [](Cbor::Map map) { return Cbor::map(std::move(map)); };
  const Cbor issuer = Cbor::text(kAvouchOrigin), subject = Cbor::text("node:00");
  const std::string type = "application/vnd.avouch.", suffix = "+cbor";
  const std::vector<Case> cases{
      {"kid that is text", 0, Cbor::text("12345678")},
      {"empty kid", 0, Cbor::bytes({})},
      {"long kid", 0, Cbor::bytes(Bytes(65, 1))},
      {"claims that are no map", 1, Cbor::text("claims")},
      {"claims without sub", 1, claims({{Cbor::integer(1), issuer}})},
      {"claims without iss", 1, claims({{Cbor::integer(2), subject}})},
      {"a third claim", 1,
       claims({{Cbor::integer(1), issuer},
               {Cbor::integer(2), subject},
               {Cbor::integer(6), Cbor::integer(1)}})},
      {"iss that is bytes", 1,
       claims({{Cbor::integer(1), Cbor::bytes({})}, {Cbor::integer(2), subject}})},
      {"empty sub", 1, claims({{Cbor::integer(1), issuer}, {Cbor::integer(2), Cbor::text("")}})},
      {"sub of two lines", 1,
       claims({{Cbor::integer(1), issuer}, {Cbor::integer(2), Cbor::text("a\nb")}})},
      {"SHA-384", 2, Cbor::integer(-43)},
      {"hash by name", 2, Cbor::text("sha-256")},
      {"type by number", 3, Cbor::integer(60)},
      {"another type", 3, Cbor::text("application/json")},
      {"no kind", 3, Cbor::text(type + suffix)},
      {"overlapping ends", 3, Cbor::text("application/vnd.avouch.cbor")},
      {"kind in capitals", 3, Cbor::text(type + "Epoch" + suffix)},
      {"long kind", 3, Cbor::text(type + std::string(33, 'a') + suffix)},
  };
  for (const Case& one : cases) {
    Cbor::Map header = own_header();
    header[one.at].second = one.value;
    EXPECT_FALSE(parses(header, Bytes(32, 1))) << one.name;
  }
  for (const std::size_t length : {0UL, 31UL, 33UL, 64UL}) {
    EXPECT_FALSE(parses(own_header(), Bytes(length, 1))) << length;
  }
}

TEST(Statement, RefusesAnUnprotectedHeader) {
  const Bytes good = own_entry().statement;
  // The empty map (a0) stands between the protected header and the payload (58 20 ...).
  const Bytes mark{0xa0, 0x58, 0x20};
  const auto at = std::search(good.begin(), good.end(), mark.begin(), mark.end());
  ASSERT_NE(at, good.end());
  Bytes entry(good.begin(), at);
  append(entry, Bytes{0xa1, 0x19, 0x01, 0x8a, 0x80});  // {394: []}
  entry.insert(entry.end(), at + 1, good.end());
  ASSERT_TRUE(codec::parse_sign1_unverified(entry).has_value());
  EXPECT_FALSE(parse_statement_unverified(entry).has_value());
}

TEST(Preimage, OpensOnlyForItsDigestAndForm) {
  const NewEntry entry = own_entry();
  const Hash digest = crypto::sha256(entry.preimage);
  EXPECT_TRUE(open_preimage(digest, entry.preimage).has_value());
  Hash other = digest;
  other[0] ^= 1;
  EXPECT_FALSE(open_preimage(other, entry.preimage).has_value());

  const Cbor salt = Cbor::bytes(Bytes(32, 1));
  const auto opens = [](const Cbor& value) {
    const Bytes bytes = codec::to_cbor(value);
    return open_preimage(crypto::sha256(bytes), bytes).has_value();
  };
  EXPECT_TRUE(opens(Cbor::array({salt, payload()})));
  EXPECT_FALSE(opens(Cbor::array({salt})));
  EXPECT_FALSE(opens(Cbor::array({salt, payload(), payload()})));
  EXPECT_FALSE(opens(Cbor::array({Cbor::bytes(Bytes(31, 1)), payload()})));
  EXPECT_FALSE(opens(Cbor::array({Cbor::text("salt"), payload()})));
  EXPECT_FALSE(opens(Cbor::array({salt, Cbor::text("payload")})));
  EXPECT_FALSE(opens(Cbor::array({salt, Cbor::map({{Cbor::integer(1), Cbor::integer(1)}})})));
  EXPECT_FALSE(opens(payload()));
}

TEST(MakeEntry, GivesOnePayloadTwoDifferentCommitments) {
  const EntryParts parts{kAvouchOrigin, "node:00", std::string(kEpoch), payload()};
  const auto first = make_entry(own_key(), parts, crypto::system_random()).value();
  const auto second = make_entry(own_key(), parts, crypto::system_random()).value();
  EXPECT_NE(parse_statement_unverified(first.statement)->preimage_digest,
            parse_statement_unverified(second.statement)->preimage_digest);
}

TEST(MakeEntry, RefusesWhatNoReaderWouldTake) {
  CountingRandom random;
  const EntryParts good{kAvouchOrigin, "node:00", std::string(kEpoch), payload()};
  ASSERT_TRUE(make_entry(own_key(), good, random).has_value());
  const auto made = [&](auto change) {
    EntryParts parts = good;
    change(parts);
    return make_entry(own_key(), parts, random).has_value();
  };
  EXPECT_FALSE(made([](EntryParts& p) { p.issuer.clear(); }));
  EXPECT_FALSE(made([](EntryParts& p) { p.issuer = std::string(513, 'a'); }));
  EXPECT_FALSE(made([](EntryParts& p) { p.subject.clear(); }));
  EXPECT_FALSE(made([](EntryParts& p) { p.kind = "Epoch"; }));
  EXPECT_FALSE(made([](EntryParts& p) { p.kind.clear(); }));
  EXPECT_FALSE(made([](EntryParts& p) { p.payload = Cbor::text("x"); }));
  EXPECT_FALSE(made([](EntryParts& p) {
    p.payload = Cbor::map({{Cbor::integer(1), Cbor::text("x")}});
  }));
  EXPECT_FALSE(made([](EntryParts& p) {
    p.payload = Cbor::map({{Cbor::text("x"), Cbor::bytes(Bytes(kMaxPreimageBytes, 1))}});
  }));
  const auto ed25519 = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  EXPECT_FALSE(make_entry(ed25519, good, random).has_value());
}

}  // namespace
}  // namespace avouch::tlog
