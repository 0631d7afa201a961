// Row S3 of THREATS.md, and F6: what a relying party believes, and for how long.

#include "attest/token.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/hex.h"
#include "codec/cose.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using codec::Cbor;
using crypto::KeyType;
using crypto::PrivateKey;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string kIssuer = "example.com/log";

TokenClaims sample_claims() {
  TokenClaims out;
  out.issuer = kIssuer;
  out.issued_at = kNow;
  out.expires_at = kNow + minutes(5);
  out.verifier_build = "avouch-controller 0.1.0";
  out.status = Status::kAffirming;
  out.vector[Claim::kInstanceIdentity] = kGenuine;
  out.vector[Claim::kExecutables] = kApprovedBoot;
  out.node_uid = "0f6b7d3c-6f3b-4d53-9d1c-6a1f0f6d1a55";
  out.node_name = "worker-1";
  out.ak_name = Bytes(34, 0x0b);
  out.reset_count = 7;
  out.restart_count = 1;
  out.beacon = {kIssuer, 42};
  out.quote = crypto::sha256("quote");
  out.policies = {
      {"production", crypto::sha256("spec"), crypto::sha256("digest"), Status::kAffirming}};
  return out;
}

const PrivateKey& verifier_key() {
  static const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  return key;
}

KeySigner signer() { return testing::must_value(KeySigner::make(verifier_key())); }

Bytes issue(const TokenClaims& claims) {
  KeySigner with = signer();
  return testing::must_value(issue_token(claims, with));
}

Result<VerifiedToken> verify(ByteView token) {
  const crypto::PublicKey keys[] = {verifier_key().public_key()};
  return verify_token(token, keys, kIssuer);
}

std::string error_of(ByteView token) {
  const auto verified = verify(token);
  return verified.has_value() ? "" : verified.error().message;
}

// The payload of a genuine token, changed, under a genuine signature and header.
Cbor::Map header() {
  return {{Cbor::integer(3), Cbor::text("application/eat+cwt")},
          {Cbor::integer(4), Cbor::bytes(codec::key_id(verifier_key().public_key()))}};
}
Cbor payload_of(const Bytes& token) {
  const auto message = codec::parse_sign1_unverified(token).value();
  return codec::parse_cbor(*message.payload).value();
}
Bytes sign_payload(const Cbor& payload) {
  return codec::sign1(verifier_key(), header(), codec::to_cbor(payload)).value();
}

// A claim by its path of keys; integers are written as such.
using Path = std::vector<Cbor>;
Cbor key(std::int64_t number) { return Cbor::integer(number); }
Cbor key(std::string_view text) { return Cbor::text(text); }

Cbor change(const Cbor& value, const Path& path, std::size_t depth,
            const std::function<std::optional<Cbor>(const Cbor&)>& with) {
  Cbor::Map out;
  for (const auto& [name, member] : *value.as_map()) {
    if (!(name == path[depth])) {
      out.emplace_back(name, member);
    } else if (depth + 1 < path.size()) {
      out.emplace_back(name, change(member, path, depth + 1, with));
    } else if (auto changed = with(member)) {
      out.emplace_back(name, *std::move(changed));
    }
  }
  return Cbor::map(std::move(out));
}

std::string error_with(const Path& path,
                       const std::function<std::optional<Cbor>(const Cbor&)>& with) {
  return error_of(sign_payload(change(payload_of(issue(sample_claims())), path, 0, with)));
}

std::string error_with(const Path& path, const Cbor& value) {
  return error_with(path, [&](const Cbor&) { return value; });
}

const std::vector<Path>& every_claim() {
  static const std::vector<Path> paths = [] {
    std::vector<Path> out = {
        {key(265)},
        {key(1)},
        {key(6)},
        {key(4)},
        {key(1004)},
        {key(1004), key(0)},
        {key(1004), key(1)},
        {key(266)},
        {key(266), key("node")},
        {key(266), key("node"), key(1000)},
        {key(266), key("node"), key(1001)},
        {key(266), key("node"), key(1003)},
        {key("avouch_node_uid")},
        {key("avouch_node_name")},
        {key("avouch_ak_name")},
        {key("avouch_boot")},
        {key("avouch_boot"), key("reset")},
        {key("avouch_boot"), key("restart")},
        {key("avouch_beacon")},
        {key("avouch_beacon"), key("origin")},
        {key("avouch_beacon"), key("size")},
        {key("avouch_evidence")},
        {key("avouch_policies")},
    };
    for (std::int64_t i = 0; i < 8; ++i) {
      out.push_back({key(266), key("node"), key(1001), key(i)});
    }
    return out;
  }();
  return paths;
}

TEST(Token, IsVerifiedWithAllItsClaims) {
  const Bytes token = issue(sample_claims());
  const auto verified = verify(token);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->claims(), sample_claims());
  EXPECT_EQ(verified->digest(), crypto::sha256(token));
}

TEST(Token, CarriesEveryOptionalClaimAndManyPolicies) {
  TokenClaims claims = sample_claims();
  claims.boot_log = crypto::sha256("boot");
  claims.runtime_log = crypto::sha256("ima");
  claims.status = Status::kContraindicated;
  for (std::size_t i = 1; i < kMaxTokenPolicies; ++i) {
    claims.policies.push_back(
        {"policy-" + std::to_string(i), crypto::sha256(std::to_string(i)), {}, Status::kWarning});
  }
  const auto verified = verify(issue(claims));
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->claims(), claims);
}

// draft-ietf-rats-ear-04 and docs/interfaces.md: labels and types as other implementations read
// them.
TEST(Token, HasTheLabelsOfTheContract) {
  const Cbor payload = payload_of(issue(sample_claims()));
  EXPECT_EQ(*payload.find(265)->as_text(), "tag:ietf.org,2026:rats/ear#04");
  EXPECT_EQ(*payload.find(1)->as_text(), kIssuer);
  EXPECT_EQ(*payload.find(6)->as_integer(), 1'800'000'000);
  EXPECT_EQ(*payload.find(4)->as_integer(), 1'800'000'300);
  EXPECT_EQ(*payload.find(1004)->find(0)->as_text(), "avouch.dev");
  const Cbor& node = *payload.find(266)->find("node");
  EXPECT_EQ(*node.find(1000)->as_integer(), 2);
  EXPECT_EQ(*node.find(1001)->find(0)->as_integer(), 2);
  EXPECT_EQ(*node.find(1001)->find(2)->as_integer(), 3);
  EXPECT_EQ(*(*node.find(1003)->as_array())[0].as_text(),
            "production@" + digest_text(crypto::sha256("digest")));
  EXPECT_EQ(payload.find("avouch_evidence")->as_map()->size(), 1U);
  EXPECT_EQ(payload.as_map()->size(), 13U);
}

TEST(S3, RefusesATokenWithoutAnyOneClaim) {
  for (const Path& path : every_claim()) {
    const std::string error = error_with(path, [](const Cbor&) { return std::nullopt; });
    EXPECT_NE(error.find("is missing"), std::string::npos) << error;
  }
}

TEST(S3, RefusesAClaimOfAnyOtherType) {
  const Cbor others[] = {Cbor(),
                         Cbor::boolean(true),
                         Cbor::bytes(Bytes(200, 1)),
                         Cbor::text(""),
                         Cbor::integer(-1'000'000'000'000),
                         Cbor::array({Cbor::integer(1)}),
                         Cbor::map({{key(99), Cbor::integer(1)}}),
                         Cbor::tagged(1, Cbor::integer(1'800'000'000))};
  for (const Path& path : every_claim()) {
    for (const Cbor& other : others) EXPECT_NE(error_with(path, other), "");
  }
}

TEST(S3, RefusesAClaimThatItDoesNotKnowAnywhere) {
  const auto more = [](const Cbor& value) -> std::optional<Cbor> {
    Cbor::Map out = *value.as_map();
    out.emplace_back(Cbor::text("zz"), Cbor::integer(1));
    return Cbor::map(std::move(out));
  };
  const Path maps[] = {{key(1004)},
                       {key(266)},
                       {key(266), key("node")},
                       {key("avouch_boot")},
                       {key("avouch_beacon")},
                       {key("avouch_evidence")},
                       {key(266), key("node"), key(1001)}};
  for (const Path& path : maps) {
    EXPECT_NE(error_with(path, more).find("not known"), std::string::npos);
  }
  const Cbor top = *more(payload_of(issue(sample_claims())));
  EXPECT_NE(error_of(sign_payload(top)).find("not known"), std::string::npos);
  EXPECT_NE(
      error_with({key("avouch_policies")},
                 [&](const Cbor& list) { return Cbor::array({*more((*list.as_array())[0])}); })
          .find("not known"),
      std::string::npos);
}

TEST(S3, RefusesAnotherProfileOrIssuer) {
  EXPECT_NE(error_with({key(265)}, Cbor::text("tag:github.com,2023:veraison/ear")), "");
  EXPECT_NE(error_with({key(265)}, Cbor::text("tag:ietf.org,2026:rats/ear#03")), "");
  EXPECT_NE(error_with({key(1)}, Cbor::text("example.com/other")), "");
}

TEST(S3, RefusesAStatusBetterThanItsVector) {
  for (int value = -128; value <= 127; ++value) {
    const Status tier = tier_of(static_cast<std::int8_t>(value));
    const std::string error =
        error_with({key(266), key("node"), key(1001), key(4)}, Cbor::integer(value));
    EXPECT_EQ(error.empty(), tier == Status::kNone || tier == Status::kAffirming) << value;
  }
  EXPECT_NE(error_with({key(266), key("node"), key(1001), key(4)}, Cbor::integer(128)), "");
  EXPECT_NE(error_with({key(266), key("node"), key(1001), key(4)}, Cbor::integer(-129)), "");
}

TEST(S3, RefusesAStatusBetterThanItsPoliciesAndAcceptsAWorseOne) {
  for (const Status policy : {Status::kAffirming, Status::kWarning, Status::kContraindicated}) {
    for (const Status whole : {Status::kAffirming, Status::kWarning, Status::kContraindicated}) {
      TokenClaims claims = sample_claims();
      claims.policies[0].status = policy;
      claims.status = whole;
      KeySigner with = signer();
      EXPECT_EQ(issue_token(claims, with).has_value(), whole >= policy);
      // The same under a genuine signature, from a signer that does not check.
      Cbor payload = payload_of(issue(sample_claims()));
      payload = change(payload, {key(266), key("node"), key(1000)}, 0,
                       [&](const Cbor&) { return Cbor::integer(static_cast<int>(whole)); });
      payload = change(payload, {key("avouch_policies")}, 0, [&](const Cbor& list) {
        return Cbor::array({change((*list.as_array())[0], {key("status")}, 0, [&](const Cbor&) {
          return Cbor::integer(static_cast<int>(policy));
        })});
      });
      EXPECT_EQ(error_of(sign_payload(payload)).empty(), whole >= policy);
    }
  }
}

TEST(S3, RefusesEveryStatusThatIsNotOneOfThree) {
  for (std::int64_t status = -1; status <= 128; ++status) {
    const std::string error = error_with({key(266), key("node"), key(1000)}, Cbor::integer(status));
    EXPECT_EQ(error.empty(), status == 2 || status == 32 || status == 96) << status;
  }
}

TEST(S3, RefusesPolicyIdsThatAreNotItsPolicies) {
  const Path ids = {key(266), key("node"), key(1003)};
  EXPECT_NE(error_with(ids, Cbor::array({})), "");
  EXPECT_NE(error_with(ids, Cbor::array({Cbor::text("production")})), "");
  EXPECT_NE(error_with(ids, Cbor::array({Cbor::text("other@" + digest_text({}))})), "");
  EXPECT_NE(error_with(ids,
                       [](const Cbor& list) {
                         Cbor::Array twice = *list.as_array();
                         twice.push_back(twice[0]);
                         return Cbor::array(std::move(twice));
                       }),
            "");
}

TEST(S3, RefusesTwoPoliciesOfOneNameAndNone) {
  TokenClaims claims = sample_claims();
  claims.policies.push_back(claims.policies[0]);
  KeySigner with = signer();
  EXPECT_FALSE(issue_token(claims, with).has_value());
  claims.policies.clear();
  EXPECT_FALSE(issue_token(claims, with).has_value());
}

TEST(S3, RefusesLivesThatAreNotPositiveOrTooLong) {
  KeySigner with = signer();
  for (const auto& [life, good] : {std::pair{seconds(-1), false},
                                   {seconds(0), false},
                                   {seconds(1), true},
                                   {seconds(hours(24)), true},
                                   {seconds(hours(24)) + seconds(1), false}}) {
    TokenClaims claims = sample_claims();
    claims.expires_at = claims.issued_at + life;
    EXPECT_EQ(issue_token(claims, with).has_value(), good) << life.count();
    const std::string error = error_with({key(4)}, Cbor::integer(1'800'000'000 + life.count()));
    EXPECT_EQ(error.empty(), good) << life.count();
  }
}

TEST(S3, RefusesAnotherKeyAndKnowsEachOfSeveral) {
  const PrivateKey other = PrivateKey::generate(KeyType::kEcP256);
  KeySigner by_other = testing::must_value(KeySigner::make(other));
  const Bytes forged = testing::must_value(issue_token(sample_claims(), by_other));
  EXPECT_NE(error_of(forged).find("not one of the verifier's"), std::string::npos);
  const crypto::PublicKey both[] = {other.public_key(), verifier_key().public_key()};
  EXPECT_TRUE(verify_token(forged, both, kIssuer).has_value());
  EXPECT_TRUE(verify_token(issue(sample_claims()), both, kIssuer).has_value());
  EXPECT_FALSE(verify_token(issue(sample_claims()), {}, kIssuer).has_value());
}

TEST(S3, RefusesTheKeyIdOfOneKeyUnderTheSignatureOfAnother) {
  const PrivateKey other = PrivateKey::generate(KeyType::kEcP256);
  const Bytes forged =
      codec::sign1(other, header(), codec::to_cbor(payload_of(issue(sample_claims())))).value();
  EXPECT_FALSE(verify(forged).has_value());
}

TEST(S3, RefusesEveryOtherProtectedHeader) {
  const Bytes payload = codec::to_cbor(payload_of(issue(sample_claims())));
  const auto judged = [&](Cbor::Map with) {
    return error_of(codec::sign1(verifier_key(), std::move(with), payload).value());
  };
  EXPECT_EQ(judged(header()), "");
  EXPECT_NE(judged({}), "");
  for (std::size_t left_out = 0; left_out < 2; ++left_out) {
    Cbor::Map less = header();
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(left_out));
    EXPECT_NE(judged(less), "");
  }
  Cbor::Map more = header();
  more.emplace_back(Cbor::integer(16), Cbor::text("x"));
  EXPECT_NE(judged(more), "");
  Cbor::Map other_type = header();
  other_type[0].second = Cbor::text("application/cwt");
  EXPECT_NE(judged(other_type), "");
  Cbor::Map no_kid_bytes = header();
  no_kid_bytes[1].second = Cbor::text("kid");
  EXPECT_NE(judged(no_kid_bytes), "");
}

TEST(S3, RefusesEveryFlippedBitTruncationAndTrailingByte) {
  const Bytes token = issue(sample_claims());
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    Bytes changed = token;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_FALSE(verify(changed).has_value()) << bit;
  }
  for (std::size_t size = 0; size < token.size(); ++size) {
    ASSERT_FALSE(verify(ByteView(token).first(size)).has_value()) << size;
  }
  for (int value = 0; value < 256; ++value) {
    Bytes longer = token;
    longer.push_back(static_cast<std::uint8_t>(value));
    ASSERT_FALSE(verify(longer).has_value()) << value;
  }
  EXPECT_FALSE(verify(Bytes(kMaxTokenBytes + 1)).has_value());
}

TEST(F6, ATokenExpiresByItselfAtItsVeryTime) {
  const VerifiedToken token = verify(issue(sample_claims())).value();
  EXPECT_EQ(token.at(kNow), TokenTime::kValid);
  EXPECT_EQ(token.at(kNow + minutes(5) - milliseconds(1)), TokenTime::kValid);
  EXPECT_EQ(token.at(kNow + minutes(5)), TokenTime::kExpired);
  EXPECT_EQ(token.at(kNow + hours(100)), TokenTime::kExpired);
}

TEST(F6, ATokenFromTheFutureIsNotYetValid) {
  const VerifiedToken token = verify(issue(sample_claims())).value();
  EXPECT_EQ(token.at(kNow - seconds(60)), TokenTime::kValid);  // clocks differ a little
  EXPECT_EQ(token.at(kNow - seconds(60) - milliseconds(1)), TokenTime::kNotYet);
}

TEST(Token, OrdersByIssueThenByExpiry) {
  TokenClaims later = sample_claims();
  later.issued_at += seconds(1);
  TokenClaims longer = sample_claims();
  longer.expires_at += seconds(1);
  const VerifiedToken a = verify(issue(sample_claims())).value();
  const VerifiedToken b = verify(issue(later)).value();
  const VerifiedToken c = verify(issue(longer)).value();
  EXPECT_TRUE(b.newer_than(a));
  EXPECT_FALSE(a.newer_than(b));
  EXPECT_TRUE(c.newer_than(a));
  EXPECT_TRUE(b.newer_than(c));
  EXPECT_FALSE(a.newer_than(a));
}

TEST(Token, FindsAPolicyByNameAndSpecDigestTogether) {
  const VerifiedToken token = verify(issue(sample_claims())).value();
  ASSERT_NE(token.policy(crypto::sha256("spec"), "production"), nullptr);
  EXPECT_EQ(token.policy(crypto::sha256("spec"), "production")->status, Status::kAffirming);
  EXPECT_EQ(token.policy(crypto::sha256("other"), "production"), nullptr);
  EXPECT_EQ(token.policy(crypto::sha256("spec"), "other"), nullptr);
}

TEST(KeySigner, TakesAP256KeyOnly) {
  EXPECT_FALSE(KeySigner::make(PrivateKey::generate(KeyType::kEcP384)).has_value());
  EXPECT_FALSE(KeySigner::make(PrivateKey::generate(KeyType::kEd25519)).has_value());
}

TEST(F5, ClaimsAreThoseOfTheVerdictAndTheQuoteAndOfNothingUnjudged) {
  TestNode node;
  const VerifiedQuote quote = node.verify(node.present()).value();
  PolicyResult good;
  good.name = "a";
  good.max_age = minutes(10);
  good.status = Status::kAffirming;
  PolicyResult strict = good;
  strict.name = "b";
  strict.max_age = minutes(2);
  const Verdict verdict = combine({good, strict});
  const TokenClaims claims =
      claims_of(verdict, quote, kIssuer, "worker-1", kNow + milliseconds(999));
  EXPECT_EQ(claims.issued_at, kNow);
  // Two minutes after the beacon, which is all that proves the quote's age.
  EXPECT_EQ(claims.expires_at, kNow - seconds(5) + minutes(2));
  EXPECT_EQ(claims.status, Status::kAffirming);
  EXPECT_EQ(claims.node_uid, "node-1");
  EXPECT_EQ(claims.node_name, "worker-1");
  EXPECT_EQ(claims.ak_name, node.keys().ak.name);
  EXPECT_EQ(claims.reset_count, node.tpm.clock.reset_count);
  EXPECT_EQ(claims.beacon, (BeaconReference{"log", 42}));
  EXPECT_EQ(claims.quote, quote.digest());
  EXPECT_FALSE(claims.boot_log || claims.runtime_log);  // F5: nothing beside the quote
  ASSERT_EQ(claims.policies.size(), 2U);
  EXPECT_EQ(claims.policies[1].name, "b");
}

TEST(ClaimsOf, AStoredQuoteCannotBecomeAToken) {
  TestNode node;
  const Presented presented = node.present();
  const VerifiedQuote quote =
      verify_stored_quote(presented.quote, presented.pcrs, node.answer(), kNow, node.context())
          .value();
  PolicyResult good;
  good.name = "a";
  good.max_age = minutes(10);
  good.status = Status::kAffirming;
  TokenClaims claims = claims_of(combine({good}), quote, kIssuer, "worker-1", kNow);
  claims.verifier_build = "x";
  KeySigner with = signer();
  EXPECT_FALSE(issue_token(claims, with).has_value());
  claims.beacon = {"log", 42};
  EXPECT_TRUE(issue_token(claims, with).has_value());
}

}  // namespace
}  // namespace avouch::attest
