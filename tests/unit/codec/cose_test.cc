#include "codec/cose.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::codec {
namespace {

Bytes unhex(std::string_view text) { return from_hex(text).value(); }

Cbor label(std::int64_t value) { return Cbor::integer(value); }

// The key "11" of the COSE working group's examples (RFC 9052, C.7.1).
crypto::PublicKey example_key() {
  return crypto::PublicKey::ec_from_point(
             crypto::KeyType::kEcP256,
             unhex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"),
             unhex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"))
      .value();
}

// RFC 9052, C.2.1: content "This is the content.", kid '11' in the unprotected header.
const char* const kExample =
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
    "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";

TEST(Sign1, VerifiesTheExampleOfRfc9052) {
  const auto message = parse_sign1_unverified(unhex(kExample));
  ASSERT_TRUE(message.has_value()) << message.error().message;
  EXPECT_EQ(message->payload, to_bytes("This is the content."));
  EXPECT_EQ(*message->unprotected_header.find(kCoseKid)->as_bytes(), to_bytes("11"));
  const auto verified = verify_sign1(*message, example_key());
  EXPECT_TRUE(verified.has_value()) << verified.error().message;
}

// Each flipped bit is refused by the parser or by the signature, but for those of the unprotected
// header, on which nothing may rely.
TEST(Sign1, RefusesEveryFlippedBitOfWhatIsProtected) {
  const Bytes sound = unhex(kExample);
  for (std::size_t bit = 0; bit < sound.size() * 8; ++bit) {
    Bytes flipped = sound;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    const auto message = parse_sign1_unverified(flipped);
    if (!message.has_value()) continue;
    const bool in_unprotected_header = bit / 8 >= 6 && bit / 8 <= 10;
    EXPECT_EQ(verify_sign1(*message, example_key()).has_value(), in_unprotected_header) << bit;
  }
}

TEST(Sign1, RefusesEveryTruncationAndTrailingByte) {
  Bytes encoded = unhex(kExample);
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(parse_sign1_unverified(ByteView(encoded).first(size)).has_value()) << size;
  }
  encoded.push_back(0xf6);
  EXPECT_FALSE(parse_sign1_unverified(encoded).has_value());
}

// The COSE working group's example ECDSA-sig-02 (github.com/cose-wg/Examples): P-384.
TEST(Sign1, VerifiesAnExampleByEs384WhereThatIsTaken) {
  const Bytes encoded = unhex(
      "d28444a1013822a104445033383454546869732069732074686520636f6e74656e742e5860"
      "b8f85eff78c88f5351ced2f1887b79b296490795594b62e41e22529bb90208b7d8cddd4a46d0e9c986464d83"
      "d0a5d1edf39b3e2c5750364230d0e8d76460d8808e76c83830fbbd1978cc174066eb437f17887979ecf027dc"
      "c9d51baf6c4fd8c0");
  const auto key =
      crypto::PublicKey::ec_from_point(crypto::KeyType::kEcP384,
                                       unhex("9132723f6292b010619dbe248d698c17b58756c639e7150f"
                                             "81bee4eb8ac37236ad0a1a19d67be32a66263e1e524d129c"),
                                       unhex("98cd3078c554d832ac603c4326410ff61662459b41f1f3df"
                                             "5dbcc83598ff7c5ed8411ca735679d1c4cb3009397d9ef2c"));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_FALSE(parse_sign1_unverified(encoded).has_value());
  const auto message = parse_sign1_unverified(encoded, {}, kEs256OrEs384);
  ASSERT_TRUE(message.has_value()) << message.error().message;
  EXPECT_EQ(message->algorithm, kCoseEs384);
  EXPECT_TRUE(verify_sign1(*message, *key).has_value());
  EXPECT_FALSE(verify_sign1(*message, example_key()).has_value());
  UnverifiedSign1 renamed = *message;
  renamed.algorithm = kCoseEs256;
  EXPECT_FALSE(verify_sign1(renamed, *key).has_value());
}

class OwnSign1 : public ::testing::Test {
 protected:
  const crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PublicKey public_key_ = key_.public_key();
  const Bytes payload_ = to_bytes("a verdict");

  UnverifiedSign1 signed_message() const {
    const auto encoded = sign1(
        key_, {{label(kCoseKid), Cbor::bytes(key_id(public_key_))}, {label(16), Cbor::text("t")}},
        payload_);
    return parse_sign1_unverified(encoded.value()).value();
  }
};

TEST_F(OwnSign1, VerifiesWithItsKeyOnly) {
  const UnverifiedSign1 message = signed_message();
  EXPECT_TRUE(verify_sign1(message, public_key_).has_value());
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  const auto refused = verify_sign1(message, other);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
}

TEST_F(OwnSign1, HasAlgInTheProtectedHeaderAndNothingOutside) {
  const UnverifiedSign1 message = signed_message();
  EXPECT_EQ(*message.protected_header.find(kCoseAlg)->as_integer(), kCoseEs256);
  EXPECT_EQ(*message.protected_header.find(kCoseKid)->as_bytes(), key_id(public_key_));
  EXPECT_EQ(to_cbor(message.protected_header), message.protected_bytes);
  EXPECT_TRUE(message.unprotected_header.as_map()->empty());
  EXPECT_EQ(message.payload, payload_);
  EXPECT_EQ(message.signature.size(), 64U);
}

TEST_F(OwnSign1, DoesNotVerifyWithAnotherPayloadOrHeader) {
  UnverifiedSign1 payload_changed = signed_message();
  payload_changed.payload->push_back(0);
  EXPECT_FALSE(verify_sign1(payload_changed, public_key_).has_value());
  UnverifiedSign1 header_changed = signed_message();
  header_changed.protected_bytes.back() ^= 1;
  EXPECT_FALSE(verify_sign1(header_changed, public_key_).has_value());
}

TEST_F(OwnSign1, VerifiesADetachedPayloadThatIsGiven) {
  UnverifiedSign1 message = signed_message();
  message.payload.reset();
  EXPECT_TRUE(verify_sign1(message, public_key_, ByteView(payload_)).has_value());
  EXPECT_FALSE(verify_sign1(message, public_key_, as_bytes("another")).has_value());
  EXPECT_FALSE(verify_sign1(message, public_key_).has_value());
}

TEST_F(OwnSign1, RefusesADetachedPayloadBesideItsOwn) {
  const auto verified = verify_sign1(signed_message(), public_key_, ByteView(payload_));
  ASSERT_FALSE(verified.has_value());
  EXPECT_NE(verified.error().message.find("has its own"), std::string::npos);
}

TEST_F(OwnSign1, MayHaveAnEmptyPayloadWhichIsNotADetachedOne) {
  const auto message = parse_sign1_unverified(sign1(key_, {}, {}).value());
  ASSERT_TRUE(message.has_value()) << message.error().message;
  ASSERT_TRUE(message->payload.has_value());
  EXPECT_TRUE(message->payload->empty());
  EXPECT_TRUE(verify_sign1(*message, public_key_).has_value());
}

TEST_F(OwnSign1, IsMadeAndVerifiedWithP256Only) {
  for (const auto type : {crypto::KeyType::kEcP384, crypto::KeyType::kEd25519}) {
    const auto key = crypto::PrivateKey::generate(type);
    EXPECT_FALSE(sign1(key, {}, payload_).has_value());
    EXPECT_FALSE(verify_sign1(signed_message(), key.public_key()).has_value());
  }
}

TEST_F(OwnSign1, RefusesHeadersThatItWouldNotRead) {
  EXPECT_FALSE(sign1(key_, {{label(kCoseAlg), label(kCoseEs256)}}, payload_).has_value());
  EXPECT_FALSE(sign1(key_, {{label(2), Cbor::array({label(1)})}}, payload_).has_value());
  EXPECT_FALSE(sign1(key_, {{Cbor::boolean(true), label(1)}}, payload_).has_value());
}

TEST(KeyId, IsTheStartOfTheDigestOfTheKey) {
  const crypto::PublicKey key = example_key();
  const auto digest = crypto::sha256(key.spki_der());
  EXPECT_EQ(to_hex(key_id(key)), to_hex(ByteView(digest).first(8)));
}

Bytes message_of(const Cbor& protected_header, const Cbor& unprotected, const Cbor& payload,
                 const Cbor& signature, std::uint64_t tag = 18) {
  return to_cbor(
      Cbor::tagged(tag, Cbor::array({protected_header, unprotected, payload, signature})));
}

Cbor many_labels(int count) {
  Cbor::Map out;
  for (int i = 0; i < count; ++i) out.emplace_back(Cbor::integer(100 + i), Cbor());
  return Cbor::map(std::move(out));
}

struct CoseRefusal {
  const char* name;
  Bytes encoded;
  const char* expected;
};

TEST(ParseSign1, RefusesWhatIsNotExactlyThat) {
  const Cbor alg = Cbor::bytes(unhex("a10126"));
  const Cbor none = Cbor::map({});
  const Cbor payload = Cbor::bytes(to_bytes("x"));
  const Cbor signature = Cbor::bytes(Bytes(64, 1));
  ASSERT_TRUE(parse_sign1_unverified(message_of(alg, none, payload, signature)).has_value());
  ASSERT_TRUE(parse_sign1_unverified(message_of(alg, none, Cbor(), signature)).has_value());
  const CoseRefusal refusals[] = {
      {"no tag", to_cbor(Cbor::array({alg, none, payload, signature})), "tag 18"},
      {"COSE_Mac0", message_of(alg, none, payload, signature, 17), "tag 18"},
      {"three elements", to_cbor(Cbor::tagged(18, Cbor::array({alg, none, payload}))), "four"},
      {"five elements",
       to_cbor(Cbor::tagged(18, Cbor::array({alg, none, payload, signature, payload}))), "four"},
      {"no alg", message_of(Cbor::bytes({}), none, payload, signature), "protected header"},
      {"empty map", message_of(Cbor::bytes(unhex("a0")), none, payload, signature), "alg (1)"},
      {"ES384", message_of(Cbor::bytes(unhex("a1013822")), none, payload, signature), "alg (1)"},
      {"alg as text", message_of(Cbor::bytes(unhex("a101654553323536")), none, payload, signature),
       "alg (1)"},
      {"alg outside only",
       message_of(Cbor::bytes(unhex("a0")), Cbor::map({{label(1), label(-7)}}), payload, signature),
       "alg (1)"},
      {"alg in both", message_of(alg, Cbor::map({{label(1), label(-7)}}), payload, signature),
       "both headers"},
      {"text label in both",
       message_of(Cbor::bytes(unhex("a20126617800")), Cbor::map({{Cbor::text("x"), label(1)}}),
                  payload, signature),
       "both headers"},
      {"too many labels", message_of(alg, many_labels(65), payload, signature), "at most 64"},
      {"crit", message_of(Cbor::bytes(unhex("a2012602811864")), none, payload, signature), "crit"},
      {"crit outside",
       message_of(alg, Cbor::map({{label(2), Cbor::array({label(4)})}}), payload, signature),
       "crit"},
      {"label of another kind",
       message_of(Cbor::bytes(unhex("a20126f500")), none, payload, signature), "label"},
      {"protected map not wrapped",
       message_of(Cbor::map({{label(1), label(-7)}}), none, payload, signature), "byte string"},
      {"protected header not a map", message_of(Cbor::bytes(unhex("80")), none, payload, signature),
       "not a map"},
      {"protected header not deterministic",
       message_of(Cbor::bytes(unhex("a1180126")), none, payload, signature), "shortest form"},
      {"protected header with a trailing byte",
       message_of(Cbor::bytes(unhex("a1012600")), none, payload, signature), "trailing"},
      {"unprotected not a map", message_of(alg, Cbor::array({}), payload, signature), "not a map"},
      {"payload a text", message_of(alg, none, Cbor::text("x"), signature), "payload"},
      {"signature a text", message_of(alg, none, payload, Cbor::text("x")), "signature"},
      {"signature short", message_of(alg, none, payload, Cbor::bytes(Bytes(63, 1))), "64 bytes"},
      {"signature long", message_of(alg, none, payload, Cbor::bytes(Bytes(65, 1))), "64 bytes"},
  };
  for (const CoseRefusal& refusal : refusals) {
    const auto message = parse_sign1_unverified(refusal.encoded);
    ASSERT_FALSE(message.has_value()) << refusal.name;
    EXPECT_EQ(message.error().kind, ErrorKind::kRejected) << refusal.name;
    EXPECT_NE(message.error().message.find(refusal.expected), std::string::npos)
        << refusal.name << ": " << message.error().message;
  }
}

TEST(ParseSign1, RespectsTheLimits) {
  EXPECT_FALSE(parse_sign1_unverified(unhex(kExample), {.bytes = 50}).has_value());
  EXPECT_FALSE(parse_sign1_unverified(unhex(kExample), {.depth = 1}).has_value());
}

}  // namespace
}  // namespace avouch::codec
