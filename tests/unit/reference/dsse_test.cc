#include "reference/dsse.h"

#include "tests/unit/reference/manifests.h"

namespace avouch::reference {
namespace {

using codec::Json;
using crypto::KeyType;
using crypto::PrivateKey;
using crypto::PublicKey;

constexpr std::array kKinds = {KeyType::kEcP256,  KeyType::kEcP384,  KeyType::kEd25519,
                               KeyType::kRsa2048, KeyType::kRsa3072, KeyType::kRsa4096};

Json with_signature(Json spec, const Bytes& signature, const std::string& key_id = "") {
  Json one = Json::Object{};
  one["keyid"] = key_id;
  one["sig"] = codec::to_base64(signature);
  spec["signature"]["payloadType"] = std::string(kManifestPayloadType);
  spec["signature"]["signatures"] = Json::Array{one};
  return spec;
}

Json signed_by(const PrivateKey& key, const Json& spec) {
  const Bytes message = dsse_pae(kManifestPayloadType, signed_payload(spec).value());
  return with_signature(spec, dsse_sign(key, message).value());
}

// The example of the DSSE protocol's document.
TEST(DssePae, IsThatOfTheProtocolsExample) {
  EXPECT_EQ(as_text(dsse_pae("http://example.com/HelloWorld", "hello world")),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(as_text(dsse_pae("", "")), "DSSEv1 0  0 ");
}

TEST(SignedPayload, IsTheCanonicalSpecWithoutItsSignature) {
  const Json spec = json(R"({"revoked": ["b"], "provider": "\u00e9", "ima": {"z": 1, "a": 2}})");
  const std::string expected =
      "{\"ima\":{\"a\":2,\"z\":1},\"provider\":\"\xc3\xa9\",\"revoked\":[\"b\"]}";
  EXPECT_EQ(signed_payload(spec).value(), expected);
  EXPECT_EQ(signed_payload(with_signature(spec, {1, 2, 3})).value(), expected);
}

TEST(VerifySignature, AcceptsEveryListedKindOfKey) {
  for (const KeyType kind : kKinds) {
    const PrivateKey key = PrivateKey::generate(kind);
    const auto parsed = manifest("m", signed_by(key, revoking("x")));
    const std::vector<PublicKey> trusted = {PrivateKey::generate(KeyType::kEcP256).public_key(),
                                            key.public_key()};
    const auto by = verify_signature(*parsed, trusted);
    ASSERT_TRUE(by.has_value()) << crypto::key_type_name(kind) << by.error().message;
    EXPECT_EQ(*by, key.public_key());
  }
}

// Made with Python's json for the payload and the openssl program for keys and signatures.
TEST(VerifySignature, AcceptsTheSignaturesOfAnIndependentProgram) {
  struct Made {
    const char* key;
    const char* signature;
  };
  constexpr std::array kMade = {
      Made{
          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcgVBjf5SJaWqrMBR5PAg9p4xbmyT2e+0SRNQ/osp/eWf0YlLepY7"
          "kUBSZQat1mDzMQqgVllw8J2yhUD804H47w==",
          "MEQCID2qkW+weLdHPnyp0qL3cKz9RG0jZeyzsdJeQqvJIIj8AiBPXNPeMdvXsIRFxCJ8v5ItuUtxT7jaDMGLHTJw"
          "MRjkhA=="},
      Made{
          "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEWGyf8bbtrVe2t/FUz0RVCcfg0WXrCqwjpmDh0jdYMFuLWbtWhpUYsQH8"
          "+lRWmFj0ZI1U4hXE68DrmEDQASWObpFkvMIEqt4zrab0b4vYe6Fgl8WYBL4ncGRHOtr03tx4",
          "MGYCMQDUaiDlSOPo+g7ADWlRKKeXEFO+cmXEUOVH9BVN2OAvak/tkZFt6cC9mBAExqiWE/cCMQC2Cu73+AIS6tKg"
          "2zB7OAoT7MvZqzeMJPivmj7Ghh78AcI3/1J9Rg4GWdsiSB5IMn8="},
      Made{"MCowBQYDK2VwAyEAUn8ePQXwSBcrl3SuOOy5RkYbmklZbxm3WdCNxF9wRzg=",
           "uQCq9NWUp675PCOdSKc4c7Bg57grvtu2tgYxKS/cwl2/w3Ylw1qSE2tYnSUdm8PVroat1Xyb1DMt89sM9njPAw"
           "=="}};
  Json spec = revoking("x");
  spec["provider"] = std::string("Example");
  for (const Made& made : kMade) {
    const auto key = PublicKey::from_spki_der(codec::from_base64(made.key).value());
    const std::vector<PublicKey> trusted = {key.value()};
    const Json with = with_signature(spec, codec::from_base64(made.signature).value());
    EXPECT_TRUE(verify_signature(*manifest("m", with), trusted).has_value())
        << crypto::key_type_name(key->type());
  }
}

TEST(VerifySignature, AcceptsRsaWithPkcs1Padding) {
  const PrivateKey key = PrivateKey::generate(KeyType::kRsa2048);
  const Bytes message = dsse_pae(kManifestPayloadType, signed_payload(revoking("x")).value());
  const Bytes signature =
      key.sign(crypto::SignatureScheme::kRsassa, crypto::HashAlgorithm::kSha256, message).value();
  const std::vector<PublicKey> trusted = {key.public_key()};
  EXPECT_TRUE(verify_signature(*manifest("m", with_signature(revoking("x"), signature)), trusted)
                  .has_value());
}

TEST(VerifySignature, RefusesAnotherKeyAnotherSpecAndNoSignature) {
  for (const KeyType kind : {KeyType::kEcP256, KeyType::kEd25519, KeyType::kRsa2048}) {
    const PrivateKey key = PrivateKey::generate(kind);
    const std::vector<PublicKey> other = {PrivateKey::generate(kind).public_key()};
    const std::vector<PublicKey> trusted = {key.public_key()};
    Json spec = signed_by(key, revoking("x"));
    EXPECT_FALSE(verify_signature(*manifest("m", spec), other).has_value());
    EXPECT_FALSE(verify_signature(*manifest("m", spec), {}).has_value());
    const auto unsigned_one = verify_signature(*manifest("m", revoking("x")), trusted);
    EXPECT_NE(unsigned_one.error().message.find("is not signed"), std::string::npos);
    spec["provider"] = std::string("someone else");
    EXPECT_FALSE(verify_signature(*manifest("m", spec), trusted).has_value());
  }
}

TEST(VerifySignature, TellsAChangedManifestFromOneThatNobodyTrustedHasSigned) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  const std::vector<PublicKey> trusted = {key.public_key()};
  const auto complaint = [&](const PrivateKey& signer, bool changed) {
    const Bytes message = dsse_pae(kManifestPayloadType, signed_payload(revoking("x")).value());
    Json spec = with_signature(revoking("x"), dsse_sign(signer, message).value(),
                               dsse_key_id(signer.public_key()));
    if (changed) spec["provider"] = std::string("someone else");
    return verify_signature(*manifest("m", spec), trusted).error().message;
  };
  EXPECT_NE(complaint(key, true).find("was it changed after it was signed?"), std::string::npos);
  for (const bool changed : {false, true}) {
    EXPECT_NE(complaint(PrivateKey::generate(KeyType::kEcP256), changed)
                  .find("none of its 1 signatures is by one of 1 trusted keys"),
              std::string::npos);
  }
}

TEST(VerifySignature, RefusesAnyFlippedBitOfASignature) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP256);
  const Bytes message = dsse_pae(kManifestPayloadType, signed_payload(revoking("x")).value());
  const Bytes signature = dsse_sign(key, message).value();
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    Bytes flipped = signature;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(dsse_verify(key.public_key(), message, flipped).has_value()) << bit;
  }
}

// A signature over the bare payload, or with another type, is none over the envelope.
TEST(VerifySignature, RefusesASignatureOverAnythingButTheEnvelope) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  const std::string payload = signed_payload(revoking("x")).value();
  const std::vector<PublicKey> trusted = {key.public_key()};
  for (const Bytes& message : {to_bytes(payload), dsse_pae("application/json", payload),
                               dsse_pae(kManifestPayloadType, payload + "\n")}) {
    const Bytes signature = dsse_sign(key, message).value();
    EXPECT_FALSE(verify_signature(*manifest("m", with_signature(revoking("x"), signature)), trusted)
                     .has_value());
  }
}

TEST(VerifySignature, DecidesNothingByTheKeyid) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEd25519);
  const PrivateKey other = PrivateKey::generate(KeyType::kEd25519);
  const std::vector<PublicKey> trusted = {key.public_key()};
  const Bytes message = dsse_pae(kManifestPayloadType, signed_payload(revoking("x")).value());
  const auto claiming = [&](const PrivateKey& signer, const std::string& key_id) {
    return verify_signature(
        *manifest("m", with_signature(revoking("x"), dsse_sign(signer, message).value(), key_id)),
        trusted);
  };
  EXPECT_FALSE(claiming(other, dsse_key_id(key.public_key())).has_value());
  EXPECT_TRUE(claiming(key, dsse_key_id(other.public_key())).has_value());
}

TEST(VerifySignature, NeedsOnlyOneOfSeveralToBeGood) {
  const PrivateKey key = PrivateKey::generate(KeyType::kEcP384);
  Json spec = signed_by(PrivateKey::generate(KeyType::kEcP256), revoking("x"));
  const Json good = signed_by(key, revoking("x"));
  spec["signature"]["signatures"].as_array()->push_back(
      good.find_path({"signature", "signatures"})->as_array()->front());
  const std::vector<PublicKey> trusted = {key.public_key()};
  EXPECT_TRUE(verify_signature(*manifest("m", spec), trusted).has_value());
}

TEST(ParseReferenceKeys, ReadsAllKeysOfAllEntries) {
  const std::string one = PrivateKey::generate(KeyType::kEcP256).public_key().pem();
  const std::string two = PrivateKey::generate(KeyType::kEd25519).public_key().pem();
  EXPECT_EQ(parse_reference_keys({{"a", one + "# and\n" + two}, {"b", one}})->size(), 3U);
}

TEST(ParseReferenceKeys, NamesTheEntryThatIsWrong) {
  const std::string key = PrivateKey::generate(KeyType::kEcP256).public_key().pem();
  const auto error = [](const std::map<std::string, std::string>& data) {
    const auto keys = parse_reference_keys(data);
    return keys.has_value() ? "" : keys.error().message;
  };
  EXPECT_TRUE(error({}).find("no entry") != std::string::npos);
  EXPECT_TRUE(error({{"a", key}, {"b", "x"}}).find("\"b\"") != std::string::npos);
  EXPECT_TRUE(error({{"a", key + some_certificate("x").pem()}}).find("PEM block 2") !=
              std::string::npos);
  std::map<std::string, std::string> many;
  for (int i = 0; i < 65; ++i) many[std::to_string(i)] = key;
  EXPECT_TRUE(error(many).find("more than 64") != std::string::npos);
}

}  // namespace
}  // namespace avouch::reference
