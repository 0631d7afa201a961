#include "reference/dsse_envelope.h"

#include <gmock/gmock.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "reference/dsse.h"

namespace avouch::reference {
namespace {

using codec::Json;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::PublicKey;
using ::testing::HasSubstr;

constexpr const char* kType = "application/vnd.example+json";

Json envelope_value(const PrivateKey& key, std::string_view payload = "{}") {
  return codec::parse_json(sign_envelope(key, kType, payload).value()).value();
}

Result<VerifiedEnvelope> open(const Json& envelope, const PublicKey& key,
                              std::string_view type = kType) {
  AVOUCH_TRY(const UnverifiedEnvelope parsed, parse_envelope_unverified(codec::to_json(envelope)));
  return verify_envelope(parsed, std::span(&key, 1), type);
}

// The example of the DSSE protocol's document, but for its signature, which is in no form of ours.
TEST(DsseEnvelope, ReadsTheExampleOfTheProtocol) {
  const auto parsed = parse_envelope_unverified(
      R"({"payload": "aGVsbG8gd29ybGQ=",
          "payloadType": "http://example.com/HelloWorld",
          "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJ)"
      R"(PcIAriEGAHTVeCUjW2JIZA=="}]})");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->payload, "hello world");
  EXPECT_EQ(parsed->payload_type, "http://example.com/HelloWorld");
  ASSERT_EQ(parsed->signatures.size(), 1U);
  EXPECT_EQ(parsed->signatures.front().key_id, "");
  EXPECT_EQ(parsed->signatures.front().signature.size(), 64U);
}

TEST(DsseEnvelope, IsOpenedByTheKeyThatSignedItWhateverItsKind) {
  for (const KeyType kind :
       {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519, KeyType::kRsa2048}) {
    const PrivateKey key = PrivateKey::generate(kind);
    const auto opened = open(envelope_value(key, "any \xff bytes"), key.public_key());
    ASSERT_TRUE(opened.has_value()) << crypto::key_type_name(kind) << opened.error().message;
    EXPECT_EQ(opened->payload(), "any \xff bytes");
    EXPECT_EQ(opened->signer(), key.public_key());
    const PublicKey other = PrivateKey::generate(kind).public_key();
    EXPECT_FALSE(open(envelope_value(key), other).has_value());
  }
}

TEST(DsseEnvelope, IsRefusedWithAnotherPayloadOrType) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  Json changed = envelope_value(key);
  changed["payload"] = codec::to_base64(to_bytes("[]"));
  EXPECT_THAT(open(changed, key.public_key()).error().message, HasSubstr("none of its 1"));
  changed = envelope_value(key);
  changed["payloadType"] = "application/json";
  EXPECT_FALSE(open(changed, key.public_key(), "application/json").has_value());
  EXPECT_THAT(open(envelope_value(key), key.public_key(), "application/json").error().message,
              HasSubstr("payloadType is \"application/vnd.example+json\""));
}

TEST(DsseEnvelope, NeedsOneGoodSignatureOfSeveralAndNoKeyid) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  Json envelope = envelope_value(PrivateKey::generate(KeyType::kEd25519));
  const Json good = envelope_value(key);
  envelope["signatures"].as_array()->push_back(good.find("signatures")->as_array()->front());
  EXPECT_TRUE(open(envelope, key.public_key()).has_value());
  envelope["signatures"].as_array()->back().as_object()->erase("keyid");
  envelope["comment"] = "what DSSE does not know";
  EXPECT_TRUE(open(envelope, key.public_key()).has_value());
}

TEST(DsseEnvelope, MayBeInEitherBase64) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  Json envelope = envelope_value(key, "\xfb\xff\xfe");
  EXPECT_EQ(envelope.text({"payload"}), "+//+");
  envelope["payload"] = "-__-";
  EXPECT_TRUE(open(envelope, key.public_key()).has_value());
}

TEST(DsseEnvelope, NamesTheMemberThatIsWrong) {
  const Json whole = envelope_value(PrivateKey::generate(KeyType::kEd25519));
  const auto error = [&](const char* name, const Json& value) {
    Json envelope = whole;
    envelope[name] = value;
    const auto parsed = parse_envelope_unverified(codec::to_json(envelope));
    return parsed.has_value() ? "" : parsed.error().message;
  };
  EXPECT_THAT(error("payload", nullptr), HasSubstr("payload is missing"));
  EXPECT_THAT(error("payload", "e30"), HasSubstr("payload"));
  EXPECT_THAT(error("payloadType", ""), HasSubstr("payloadType"));
  EXPECT_THAT(error("signatures", Json::Array{}), HasSubstr("list of 1 to 16"));
  EXPECT_THAT(error("signatures", Json::Array(17, Json::Object{{"sig", "AA=="}})),
              HasSubstr("list of 1 to 16"));
  EXPECT_THAT(error("signatures", Json::Array{Json::Object{{"sig", "AA=="}}, "x"}),
              HasSubstr("signatures[1].sig"));
  EXPECT_THAT(parse_envelope_unverified("{").error().message, HasSubstr("DSSE envelope: "));
}

TEST(DsseEnvelope, IsNotMadeLargerThanItIsRead) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  EXPECT_THAT(sign_envelope(key, kType, std::string(kMaxEnvelopeBytes, 'x')).error().message,
              HasSubstr("at most 1048576"));
}

}  // namespace
}  // namespace avouch::reference
