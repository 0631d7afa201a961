// Which statements of other parties a log takes: known answers made by other code, and each thing
// that is refused.

#include "tlog/registration.h"

#include <gmock/gmock.h>

#include <functional>
#include <optional>

#include "codec/cose.h"
#include "crypto/hash.h"
#include "support/log_vectors.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;

constexpr const char* kIssuer = "https://vendor.example";
constexpr const char* kKind = "application/spdx+json";

class RegistrationTest : public ::testing::Test {
 protected:
  RegistrationTest() {
    policy.issuers.push_back({.name = kIssuer, .keys = {key.public_key()}, .kinds = {kKind}});
  }

  // The protected header of a good statement but for alg, which the signing adds.
  static Cbor::Map claims() {
    return {{Cbor::integer(1), Cbor::text(kIssuer)}, {Cbor::integer(2), Cbor::text("firmware/7")}};
  }
  static Cbor::Map header(Cbor::Map claims_of = claims()) {
    return {{Cbor::integer(4), Cbor::bytes(to_bytes("any"))},
            {Cbor::integer(15), Cbor::map(std::move(claims_of))},
            {Cbor::integer(258), Cbor::integer(-16)},
            {Cbor::integer(259), Cbor::text(kKind)}};
  }
  static Cbor::Map with(Cbor::Map map, std::int64_t label, std::optional<Cbor> value) {
    std::erase_if(map, [&](const auto& member) { return *member.first.as_integer() == label; });
    if (value) map.emplace_back(Cbor::integer(label), *std::move(value));
    return map;
  }
  Bytes signed_by_vendor(Cbor::Map protected_header, std::size_t payload = 32) const {
    return codec::sign1(key, std::move(protected_header), Bytes(payload, 7)).value();
  }
  std::string title(ByteView statement) const {
    const auto verdict = check_registration(statement, policy);
    const auto* refused = std::get_if<NotRegistered>(&verdict);
    return refused == nullptr ? "" : refused->title;
  }
  std::string what(ByteView statement) const {
    const auto verdict = check_registration(statement, policy);
    const auto* refused = std::get_if<NotRegistered>(&verdict);
    return refused == nullptr ? "" : refused->what;
  }

  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  RegistrationPolicy policy;
};

// tests/vectors/tlog/generate.py made these, with no code of this project.
TEST_F(RegistrationTest, StatementsOfOtherSoftwareAreTaken) {
  const testing::LogVectors lines("statements.txt");
  policy.issuers[0].keys = {crypto::PublicKey::from_spki_der(lines.bytes("p256-spki")).value(),
                            crypto::PublicKey::from_spki_der(lines.bytes("p384-spki")).value()};
  const Bytes plain = lines.bytes("es256");
  for (const char* name : {"es256", "es256-with-unprotected", "es384-with-all"}) {
    const Bytes sent = lines.bytes(name);
    const auto verdict = check_registration(sent, policy);
    const auto* taken = std::get_if<Registrable>(&verdict);
    ASSERT_NE(taken, nullptr) << name << ": " << what(sent);
    EXPECT_EQ(taken->issuer, kIssuer);
    EXPECT_EQ(taken->subject, "firmware/7");
    EXPECT_EQ(taken->kind, kKind);
    EXPECT_EQ(taken->digest, crypto::sha256(taken->entry));
    // What nobody signed does not reach the log.
    if (name != std::string("es384-with-all")) {
      EXPECT_EQ(taken->entry, plain) << name;
    }
  }
}

TEST_F(RegistrationTest, ADefaultVerdictAndAnEmptyPolicyRefuse) {
  EXPECT_TRUE(std::holds_alternative<NotRegistered>(RegistrationVerdict{}));
  const Bytes statement = signed_by_vendor(header());
  EXPECT_EQ(title(statement), "");
  policy.issuers.clear();
  EXPECT_EQ(title(statement), "Rejected");
}

TEST_F(RegistrationTest, EveryHeaderIsAsItMustBe) {
  const Cbor::Map good = header();
  const auto odd_claims = [&](std::int64_t label, std::optional<Cbor> value) {
    return header(with(claims(), label, std::move(value)));
  };
  const struct {
    const char* name;
    Cbor::Map header;
    const char* says;
  } cases[] = {
      {"no kid", with(good, 4, std::nullopt), "kid (4)"},
      {"an empty kid", with(good, 4, Cbor::bytes({})), "kid (4)"},
      {"a long kid", with(good, 4, Cbor::bytes(Bytes(65, 1))), "kid (4)"},
      {"a kid of text", with(good, 4, Cbor::text("any")), "kid (4)"},
      {"no claims", with(good, 15, std::nullopt), "CWT claims (15)"},
      {"claims that are no map", with(good, 15, Cbor::array({})), "CWT claims (15)"},
      {"no issuer", odd_claims(1, std::nullopt), "iss (15, 1)"},
      {"an empty issuer", odd_claims(1, Cbor::text("")), "iss (15, 1)"},
      {"an issuer of two lines", odd_claims(1, Cbor::text("a\nb")), "iss (15, 1)"},
      {"no subject", odd_claims(2, std::nullopt), "sub (15, 2)"},
      {"a long subject", odd_claims(2, Cbor::text(std::string(513, 'a'))), "sub (15, 2)"},
      {"a claim that is not known", odd_claims(3, Cbor::text("x")), "claim 3"},
      {"a time that is none", odd_claims(6, Cbor::text("x")), "iat (15, 6)"},
      {"a time before all", odd_claims(6, Cbor::integer(-1)), "iat (15, 6)"},
      {"a content type of the payload", with(good, 3, Cbor::text(kKind)), "protected header 3"},
      {"certificates", with(good, 33, Cbor::bytes(Bytes(9, 1))), "protected header 33"},
      {"no hash algorithm", with(good, 258, std::nullopt), "(258)"},
      {"SHA-512", with(good, 258, Cbor::integer(-44)), "(258)"},
      {"no content type", with(good, 259, std::nullopt), "(259)"},
      {"a numbered content type", with(good, 259, Cbor::integer(50)), "(259)"},
      {"a parameter", with(good, 259, Cbor::text("text/plain; charset=utf-8")), "(259)"},
      {"a typ that is a number", with(good, 16, Cbor::integer(1)), "typ (16)"},
      {"a long location", with(good, 260, Cbor::text(std::string(1025, 'a'))), "location (260)"},
  };
  for (const auto& each : cases) {
    const Bytes statement = signed_by_vendor(each.header);
    EXPECT_EQ(title(statement), "Malformed request") << each.name;
    EXPECT_THAT(what(statement), HasSubstr(each.says)) << each.name;
  }
  EXPECT_EQ(title(signed_by_vendor(good)), "");
}

TEST_F(RegistrationTest, OnlyWhatThePolicyNamesIsTaken) {
  const crypto::PrivateKey other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  EXPECT_EQ(title(codec::sign1(other, header(), Bytes(32, 7)).value()), "Rejected");
  const Bytes stranger = signed_by_vendor(header(with(claims(), 1, Cbor::text("stranger"))));
  EXPECT_EQ(title(stranger), "Rejected");
  EXPECT_THAT(what(stranger), HasSubstr("\"stranger\""));
  const Bytes kind = signed_by_vendor(with(header(), 259, Cbor::text("text/plain")));
  EXPECT_EQ(title(kind), "Rejected");
  EXPECT_THAT(what(kind), HasSubstr("text/plain"));

  // A key is its issuer's alone.
  policy.issuers.push_back({.name = "second", .keys = {other.public_key()}, .kinds = {kKind}});
  const Bytes second = signed_by_vendor(header(with(claims(), 1, Cbor::text("second"))));
  EXPECT_EQ(title(second), "Rejected");
  EXPECT_EQ(title(codec::sign1(other, header(with(claims(), 1, Cbor::text("second"))), Bytes(32, 7))
                      .value()),
            "");
}

// A policy that check_policy() would have refused lets nobody speak as the verifier all the same.
TEST_F(RegistrationTest, NoPolicyMakesAnEntryOfTheLogsOwnKinds) {
  const std::string own = "application/vnd.avouch.node-verdict+cbor";
  policy.issuers[0].kinds = {own};
  EXPECT_EQ(title(signed_by_vendor(with(header(), 259, Cbor::text(own)))), "Rejected");
}

TEST_F(RegistrationTest, ThePayloadIsASha256) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{31}, std::size_t{33}}) {
    EXPECT_EQ(title(signed_by_vendor(header(), size)), "Malformed request") << size;
  }
  EXPECT_EQ(title(codec::sign1_detached(key, header(), {}, Bytes(32, 7)).value()),
            "Payload Missing");
}

TEST_F(RegistrationTest, AnAlgorithmThatIsNotTakenIsSaid) {
  for (const std::int64_t algorithm : {-8, -36, -37, 5, -65535}) {
    const Bytes inner = codec::to_cbor(Cbor::map(with(header(), 1, Cbor::integer(algorithm))));
    const Bytes statement = codec::to_cbor(
        Cbor::tagged(18, Cbor::array({Cbor::bytes(inner), Cbor::map({}), Cbor::bytes(Bytes(32, 7)),
                                      Cbor::bytes(Bytes(64, 1))})));
    EXPECT_EQ(title(statement), "Bad Signature Algorithm") << algorithm;
  }
  // ES384 by a policy that has a P-256 key alone.
  const Bytes inner = codec::to_cbor(Cbor::map(with(header(), 1, Cbor::integer(-35))));
  EXPECT_EQ(title(codec::to_cbor(Cbor::tagged(
                18, Cbor::array({Cbor::bytes(inner), Cbor::map({}), Cbor::bytes(Bytes(32, 7)),
                                 Cbor::bytes(Bytes(96, 1))})))),
            "Rejected");
}

TEST_F(RegistrationTest, WhatMustBeUnderstoodIsNot) {
  const Bytes inner = codec::to_cbor(
      Cbor::map(with(with(header(), 1, Cbor::integer(-7)), 2, Cbor::array({Cbor::integer(4)}))));
  const Bytes statement = codec::to_cbor(
      Cbor::tagged(18, Cbor::array({Cbor::bytes(inner), Cbor::map({}), Cbor::bytes(Bytes(32, 7)),
                                    Cbor::bytes(Bytes(64, 1))})));
  EXPECT_EQ(title(statement), "Malformed request");
  EXPECT_THAT(what(statement), HasSubstr("crit"));
}

TEST_F(RegistrationTest, TheSizeIsOfWhatIsSent) {
  const Bytes statement = signed_by_vendor(header());
  policy.max_bytes = statement.size();
  EXPECT_EQ(title(statement), "");
  policy.max_bytes = statement.size() - 1;
  EXPECT_EQ(title(statement), "TooLarge");
  EXPECT_THAT(what(statement), HasSubstr(std::to_string(policy.max_bytes)));
}

TEST_F(RegistrationTest, EveryTruncationAndEveryFlippedBitIsRefused) {
  const Bytes good = signed_by_vendor(header());
  ASSERT_EQ(title(good), "");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(title(ByteView(good).first(size)), "") << size;
  }
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_NE(title(bad), "") << bit;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(title(longer), "Malformed request");
}

// A statement with receipts of other logs is registered without them, under the same digest.
TEST_F(RegistrationTest, ATransparentStatementIsTheSameEntry) {
  const Bytes statement = signed_by_vendor(header());
  const Hash sibling{};
  const auto receipt = make_receipt(
      key, {.issuer = "another log",
            .subject = "firmware/7",
            .inclusion = {.size = 2, .index = 0, .path = {sibling}},
            .root = root_from_inclusion(0, 2, leaf_hash(statement), std::vector{sibling}).value()});
  const Bytes transparent = format_transparent_statement({statement, {receipt.value()}}).value();
  const auto verdict = check_registration(transparent, policy);
  ASSERT_TRUE(std::holds_alternative<Registrable>(verdict)) << what(transparent);
  EXPECT_EQ(std::get<Registrable>(verdict).entry, statement);
}

TEST_F(RegistrationTest, TheLogsOwnEntriesAreNotOfAnother) {
  const auto own = make_entry(key,
                              {.issuer = kOrigin,
                               .subject = "log:00",
                               .kind = std::string(kGenesis),
                               .payload = Cbor::map({})},
                              crypto::system_random());
  EXPECT_FALSE(statement_of_another(own.value().statement, kOrigin).has_value());
  EXPECT_FALSE(statement_of_another(to_bytes("garbage"), kOrigin).has_value());
  // What says that it is a verdict is a verifier's or nobody's, whatever log it names.
  EXPECT_FALSE(statement_of_another(own.value().statement, "another log").has_value());
  const auto other = statement_of_another(signed_by_vendor(header()), kOrigin);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->issuer, kIssuer);
}

TEST_F(RegistrationTest, APolicyNamesEachOfItsFaults) {
  EXPECT_TRUE(check_policy(policy, kOrigin).has_value());
  EXPECT_TRUE(check_policy({}, kOrigin).has_value());
  using Change = std::function<void(RegistrationPolicy&)>;
  const struct {
    Change change;
    const char* says;
  } cases[] = {
      {[](auto& p) { p.max_bytes = 255; }, "maxBytes"},
      {[](auto& p) { p.max_bytes = 65'536; }, "maxBytes"},
      {[](auto& p) { p.issuers.resize(65, p.issuers[0]); }, "issuers: has 65"},
      {[](auto& p) { p.issuers.push_back(p.issuers[0]); }, "issuers[1].issuer: stands there twice"},
      {[](auto& p) { p.issuers[0].name = ""; }, "issuers[0].issuer"},
      {[](auto& p) { p.issuers[0].name = kOrigin; }, "issuers[0].issuer: is this log's own name"},
      {[](auto& p) { p.issuers[0].keys.clear(); }, "issuers[0].keys: has 0"},
      {[](auto& p) { p.issuers[0].keys.resize(9, p.issuers[0].keys[0]); }, "issuers[0].keys"},
      {[](auto& p) {
         p.issuers[0].keys = {crypto::PrivateKey::generate(crypto::KeyType::kEd25519).public_key()};
       },
       "issuers[0].keys: a key of type"},
      {[](auto& p) { p.issuers[0].kinds.clear(); }, "issuers[0].kinds: has 0"},
      {[](auto& p) { p.issuers[0].kinds = {"Text/Plain"}; }, "issuers[0].kinds: \"Text/Plain\""},
      {[](auto& p) {
         p.issuers[0].kinds = {kKind, kKind};
       },
       "stands there twice"},
      {[](auto& p) { p.issuers[0].kinds = {"application/vnd.avouch.genesis+cbor"}; },
       "is what this log alone makes"},
  };
  for (const auto& each : cases) {
    RegistrationPolicy changed = policy;
    each.change(changed);
    const auto checked = check_policy(changed, kOrigin);
    ASSERT_FALSE(checked.has_value()) << each.says;
    EXPECT_THAT(checked.error().message, HasSubstr(each.says));
  }
}

TEST_F(RegistrationTest, KeysOfHashedRekordsAreDistinctAndTheLogHasAHostName) {
  constexpr const char* kHost = "log.example.org";
  RegistrationPolicy rekor;
  EXPECT_FALSE(rekor.takes_hashed_rekords());
  rekor.rekor_keys = {key.public_key(),
                      crypto::PrivateKey::generate(crypto::KeyType::kEcP384).public_key()};
  EXPECT_TRUE(rekor.takes_hashed_rekords());
  EXPECT_FALSE(rekor.takes_statements());
  const auto said = [&](const RegistrationPolicy& what, std::string_view origin) {
    const auto checked = check_policy(what, origin);
    return checked.has_value() ? std::string() : checked.error().message;
  };
  for (const char* good : {kHost, "log", "a-1.b", "LOG.example", "192.0.2.1"}) {
    EXPECT_EQ(said(rekor, good), "") << good;
  }
  const std::string long_label(64, 'a'),
      long_name = std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') +
                  "." + std::string(60, 'd') + "." + std::string(10, 'e');
  for (const std::string& bad :
       {std::string(), std::string("log.example.org/avouch"), std::string("log.example.org:443"),
        std::string("log..example"), std::string(".log"), std::string("log."), std::string("-log"),
        std::string("log-"), std::string("l_g"), std::string("l\xc3\xb6g"), long_label,
        long_name}) {
    EXPECT_THAT(said(rekor, bad), HasSubstr("rekorKeys: the log's name is")) << bad;
    EXPECT_EQ(said(policy, bad), "") << "of statements alone nothing is asked";
  }
  RegistrationPolicy changed = rekor;
  changed.rekor_keys.push_back(changed.rekor_keys[0]);
  EXPECT_THAT(said(changed, kHost), HasSubstr("rekorKeys: a key stands there twice"));
  changed = rekor;
  changed.rekor_keys.push_back(
      crypto::PrivateKey::generate(crypto::KeyType::kEd25519).public_key());
  EXPECT_THAT(said(changed, kHost), HasSubstr("rekorKeys: a key of type"));
  changed.rekor_keys.resize(65, key.public_key());
  EXPECT_THAT(said(changed, kHost), HasSubstr("rekorKeys: has 65, at most 64"));
}

TEST(MediaType, IsLowerCaseAndBare) {
  for (const char* good : {"a/b", "application/vnd.x+cbor", "text/x-1"}) {
    EXPECT_TRUE(is_media_type(good)) << good;
  }
  for (const char* bad : {"", "/", "a", "a/", "/b", "a/b/c", "A/b", "a/b;c", "a /b", "a/b\n"}) {
    EXPECT_FALSE(is_media_type(bad)) << bad;
  }
  EXPECT_TRUE(is_media_type("a/" + std::string(kMaxMediaType - 2, 'b')));
  EXPECT_FALSE(is_media_type("a/" + std::string(kMaxMediaType - 1, 'b')));
}

}  // namespace
}  // namespace avouch::tlog
