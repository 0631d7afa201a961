// Rows I of THREATS.md: keys, binding, activation.

#include "attest/enrolment.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "tests/unit/attest/node.h"
#include "tests/unit/crypto/vectors.h"
#include "unit/attest/code_of.h"

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;
using std::chrono::milliseconds;
using testing::PublicFields;
using testing::SoftwareTpm;

PublicFields ak_fields(std::uint32_t attributes = 0x00050072) {
  PublicFields fields;
  fields.attributes = attributes;
  fields.signing = kEcdsaSha256;
  return fields;
}

PublicFields ek_fields(std::uint32_t attributes = 0x000300b2) {
  PublicFields fields;
  fields.attributes = attributes;
  fields.auth_policy = Bytes(32, 1);
  fields.aes_bits = 128;
  return fields;
}

const crypto::PrivateKey& some_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate(KeyType::kEcP256);
  return key;
}

std::string judge_ak(const PublicFields& fields, const crypto::PrivateKey& key = some_key()) {
  static const SoftwareTpm tpm;
  return code_of(check_keys({{}, tpm.ek_public(), testing::public_area(key, fields)}));
}

std::string judge_ek(const PublicFields& fields) {
  return code_of(check_keys({{},
                             testing::public_area(some_key(), fields),
                             testing::public_area(some_key(), ak_fields())}));
}

TEST(CheckKeys, AcceptsTheKeysOfATpmAndNamesThem) {
  const SoftwareTpm tpm;
  const tpm::WrappedKey ak = tpm.make_key(KeyType::kEcP256, kEcdsaSha256);
  const auto keys = check_keys({{}, tpm.ek_public(), ak.public_area});
  ASSERT_TRUE(keys.has_value()) << keys.reason().message;
  EXPECT_EQ(keys->ek_digest, crypto::sha256(ByteView(tpm.ek_public()).subspan(2)));
  EXPECT_EQ(keys->ak.name.size(), 34U);
  EXPECT_EQ(keys->ak_qualified_name.size(), 34U);
}

// I4: only the very attributes of a TPM's own restricted signing key.
TEST(I4, RefusesAnAttestationKeyWithAnyAttributeBitChanged) {
  ASSERT_EQ(judge_ak(ak_fields()), "");
  constexpr unsigned kNoDa = 10;  // guards nothing: the key has no authorization value
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::string want = bit == kNoDa ? "" : "IdentityMismatch";
    EXPECT_EQ(judge_ak(ak_fields(0x00050072 ^ (1U << bit))), want) << bit;
    EXPECT_EQ(judge_ak(ak_fields((0x00050072 | (1U << kNoDa)) ^ (1U << bit))), want) << bit;
  }
}

TEST(I4, RefusesAnAttestationKeyWithoutAFixedScheme) {
  PublicFields fields = ak_fields();
  fields.signing.reset();
  EXPECT_EQ(judge_ak(fields), "IdentityMismatch");
}

TEST(I4, RefusesAnAttestationKeyThatIsNoSigningKeyOfItsKind) {
  PublicFields symmetric = ak_fields();
  symmetric.aes_bits = 128;
  EXPECT_EQ(judge_ak(symmetric), "IdentityMismatch");
  PublicFields rsa_scheme = ak_fields();
  rsa_scheme.signing = {SignatureScheme::kRsassa, HashAlgorithm::kSha256};
  EXPECT_EQ(judge_ak(rsa_scheme), "IdentityMismatch");
}

TEST(I4, RefusesAnEndorsementKeyWithoutAnyNeededAttribute) {
  ASSERT_EQ(judge_ek(ek_fields()), "");
  ASSERT_EQ(judge_ek(ek_fields(0x000300f2)), "");
  for (const unsigned bit : {1U, 4U, 5U, 16U, 17U}) {
    EXPECT_EQ(judge_ek(ek_fields(0x000300b2 & ~(1U << bit))), "EndorsementInvalid") << bit;
  }
  EXPECT_EQ(judge_ek(ek_fields(0x000300b2 | (1U << 18))), "EndorsementInvalid");  // may sign
  EXPECT_EQ(judge_ek(ek_fields(0x000300b2 | (1U << 2))), "EndorsementInvalid");   // stClear
  PublicFields no_aes = ek_fields();
  no_aes.aes_bits = 0;
  EXPECT_EQ(judge_ek(no_aes), "EndorsementInvalid");
  PublicFields signing = ek_fields();
  signing.signing = kEcdsaSha256;
  EXPECT_EQ(judge_ek(signing), "EndorsementInvalid");
}

TEST(I5, RefusesNameAlgorithmsThatAreNoneOrWeak) {
  for (const int name_alg : {0x0004, 0x0010, 0x0012, 0x0000}) {
    PublicFields fields = ak_fields();
    fields.name_alg = static_cast<std::uint16_t>(name_alg);
    EXPECT_EQ(judge_ak(fields), "IdentityMismatch") << name_alg;
    PublicFields ek = ek_fields();
    ek.name_alg = static_cast<std::uint16_t>(name_alg);
    EXPECT_EQ(judge_ek(ek), "EndorsementInvalid") << name_alg;
  }
}

TEST(I5, RefusesPublicAreasThatAreMalformed) {
  const SoftwareTpm tpm;
  const Bytes ak = testing::public_area(some_key(), ak_fields());
  for (std::size_t size = 0; size < ak.size(); ++size) {
    const Bytes cut(ak.begin(), ak.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(code_of(check_keys({{}, tpm.ek_public(), cut})), "IdentityMismatch") << size;
    EXPECT_EQ(code_of(check_keys({{}, cut, ak})), "EndorsementInvalid") << size;
  }
}

// The moduli are made like those of CVE-2017-15361, one that is sound is the control.
TEST(I11, RefusesEndorsementAndAttestationKeysWithTheRocaFingerprint) {
  const auto vectors = crypto::read_hex_vectors("crypto/rsa.txt");
  const SoftwareTpm tpm;
  const Bytes good_ak = testing::public_area(some_key(), ak_fields());
  const auto area = [&](const std::string& name, const PublicFields& fields) {
    return testing::rsa_public_area(vectors.at(name + ".modulus"), fields);
  };
  PublicFields rsa_ak = ak_fields();
  rsa_ak.signing = {SignatureScheme::kRsassa, HashAlgorithm::kSha256};
  EXPECT_EQ(code_of(check_keys({{}, area("rsa2048", ek_fields()), good_ak})), "");
  EXPECT_EQ(code_of(check_keys({{}, area("roca2048", ek_fields()), good_ak})),
            "EndorsementInvalid");
  EXPECT_EQ(code_of(check_keys({{}, tpm.ek_public(), area("rsa2048", rsa_ak)})), "");
  EXPECT_EQ(code_of(check_keys({{}, tpm.ek_public(), area("roca2048", rsa_ak)})),
            "IdentityMismatch");
}

struct Pair {
  SoftwareTpm tpm;
  tpm::WrappedKey ak = tpm.make_key(KeyType::kEcP256, kEcdsaSha256);
  NodeKeys keys = TestNode::keys_of(tpm, ak);
  Enrolled enrolled_as(const std::string& node_uid) const {
    return {node_uid, keys.ek_digest, keys.ak.name};
  }
};

TEST(CheckBinding, KnowsFirstNewAndUnchangedKeys) {
  const Pair pair;
  EXPECT_EQ(check_binding(pair.keys, "a", {}, {}).value(), Binding::kFirst);
  const Enrolled enrolled = pair.enrolled_as("a");
  EXPECT_EQ(check_binding(pair.keys, "a", enrolled, enrolled).value(), Binding::kUnchanged);
  const tpm::WrappedKey second = pair.tpm.make_key(KeyType::kEcP256, kEcdsaSha256);
  const NodeKeys renewed = TestNode::keys_of(pair.tpm, second);
  EXPECT_EQ(check_binding(renewed, "a", enrolled, enrolled).value(), Binding::kNewKey);
}

TEST(I3, RefusesAnotherTpmForAnEnrolledNode) {
  const Pair old;
  const Pair other;
  EXPECT_EQ(code_of(check_binding(other.keys, "a", old.enrolled_as("a"), {})), "IdentityMismatch");
}

TEST(I3, RefusesAnEnrolledTpmOnASecondNode) {
  const Pair pair;
  EXPECT_EQ(code_of(check_binding(pair.keys, "b", {}, pair.enrolled_as("a"))), "IdentityMismatch");
}

TEST(I3, NamesTheNodeThatHasTheTpmWhereItsNameIsKnown) {
  const Pair pair;
  const auto reason = [&](std::string_view name) {
    return check_binding(pair.keys, "b", {}, pair.enrolled_as("a"), name).reason();
  };
  EXPECT_NE(reason("").message.find(" is enrolled for the node with UID a: "), std::string::npos);
  EXPECT_TRUE(reason("").fields.empty());
  EXPECT_NE(reason("node-1").message.find(" is enrolled for node \"node-1\" (UID a): "),
            std::string::npos);
  EXPECT_EQ(reason("node-1").fields,
            (std::vector<ReasonField>{{std::string(kEnrolledNodeField), "node-1"}}));
}

// Both ask at once; the caller decides one after the other, so that the second sees the first.
TEST(I3, OfTwoNodesThatClaimOneTpmInARaceOneIsEnrolled) {
  const Pair pair;
  std::optional<Enrolled> of_ek;
  ASSERT_EQ(check_binding(pair.keys, "a", {}, of_ek).value(), Binding::kFirst);
  of_ek = pair.enrolled_as("a");
  EXPECT_EQ(code_of(check_binding(pair.keys, "b", {}, of_ek)), "IdentityMismatch");
}

TEST(I3, RefusesTwoNodesThatExchangedTheirTpms) {
  const Pair a;
  const Pair b;
  EXPECT_EQ(code_of(check_binding(b.keys, "a", a.enrolled_as("a"), b.enrolled_as("b"))),
            "IdentityMismatch");
}

class Activation : public ::testing::Test {
 protected:
  Activation()
      : challenge_(testing::must_value(
            make_activation_challenge(pair_.keys, "node-1", crypto::system_random(), kNow))) {}

  ActivationAnswer honest_answer() {
    const Bytes secret = testing::must_value(pair_.tpm.activate(
        pair_.ak, challenge_.credential.blob, challenge_.credential.encrypted_secret));
    return {challenge_.id, activation_proof(secret, "node-1", challenge_.id, pair_.keys.ak.name)};
  }
  std::string judge(const ActivationAnswer& answer, SystemTime now = kNow) {
    return code_of(check_activation(ActivationChallenge(challenge_), pair_.keys, answer, now));
  }

  Pair pair_;
  ActivationChallenge challenge_;
};

TEST_F(Activation, ByTheTpmThatHasBothKeysEnrolsThem) {
  const auto enrolled = check_activation(
      std::move(challenge_), pair_.keys, [this] { return honest_answer(); }(), kNow);
  ASSERT_TRUE(enrolled.has_value()) << enrolled.reason().message;
  EXPECT_EQ(enrolled.value(), pair_.enrolled_as("node-1"));
}

// Made by a short Python program from the formula of docs/interfaces.md.
TEST_F(Activation, ProofIsTheAnswerOfAnIndependentProgram) {
  EXPECT_EQ(to_hex(activation_proof(Bytes(32, 7), "node-uid", "00112233", Bytes(34, 9))),
            "4de6eb26446644904055ba00f2c3345918c2961c71c775c398ef429af8990468");
}

TEST_F(Activation, I1_WithoutTheSecretIsRefused) {
  for (const Bytes& guess : {Bytes{}, Bytes(32, 0), Bytes(31, 1)}) {
    EXPECT_EQ(judge({challenge_.id,
                     activation_proof(guess, "node-1", challenge_.id, pair_.keys.ak.name)}),
              "ActivationFailed");
  }
}

TEST_F(Activation, I2_WithAnyBitOfTheProofChangedIsRefused) {
  const ActivationAnswer honest = honest_answer();
  ASSERT_EQ(judge(honest), "");
  for (std::size_t bit = 0; bit < 256; ++bit) {
    ActivationAnswer changed = honest;
    changed.proof[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(judge(changed), "ActivationFailed") << bit;
  }
  for (std::size_t size = 0; size < 32; ++size) {
    ActivationAnswer cut = honest;
    cut.proof.resize(size);
    EXPECT_EQ(judge(cut), "ActivationFailed") << size;
  }
}

TEST_F(Activation, I2_IsOneAttemptForEachChallenge) {
  const ActivationAnswer honest = honest_answer();
  ActivationAnswer wrong = honest;
  wrong.proof[0] ^= 1;
  ASSERT_FALSE(check_activation(std::move(challenge_), pair_.keys, wrong, kNow).has_value());
  // The challenge is used up: even the right answer comes too late. NOLINTNEXTLINE
  EXPECT_FALSE(check_activation(std::move(challenge_), pair_.keys, honest, kNow).has_value());
}

TEST_F(Activation, I2_AnswersToAnotherChallengeAreRefused) {
  const ActivationAnswer honest = honest_answer();
  const ActivationChallenge next = testing::must_value(
      make_activation_challenge(pair_.keys, "node-1", crypto::system_random(), kNow));
  EXPECT_EQ(code_of(check_activation(ActivationChallenge(next), pair_.keys, honest, kNow)),
            "ActivationFailed");
  EXPECT_EQ(code_of(check_activation(ActivationChallenge(next), pair_.keys, {next.id, honest.proof},
                                     kNow)),
            "ActivationFailed");
  EXPECT_NE(next.id, challenge_.id);
  EXPECT_NE(next.secret, challenge_.secret);
}

TEST_F(Activation, AfterFiveMinutesIsRefused) {
  const ActivationAnswer honest = honest_answer();
  EXPECT_EQ(judge(honest, kNow + kActivationTime), "");
  EXPECT_EQ(judge(honest, kNow + kActivationTime + milliseconds(1)), "ActivationFailed");
  EXPECT_EQ(judge(honest, kNow - milliseconds(1)), "ActivationFailed");
}

TEST_F(Activation, I1_OfKeysThatWereExchangedMeanwhileIsRefused) {
  const ActivationAnswer honest = honest_answer();
  const Pair other;
  NodeKeys other_ak = pair_.keys;
  other_ak.ak = other.keys.ak;
  NodeKeys other_ek = pair_.keys;
  other_ek.ek = other.keys.ek;
  other_ek.ek_digest = other.keys.ek_digest;
  for (const NodeKeys* keys : {&other_ak, &other_ek}) {
    EXPECT_EQ(code_of(check_activation(ActivationChallenge(challenge_), *keys, honest, kNow)),
              "ActivationFailed");
  }
}

TEST_F(Activation, I1_ByAnotherTpmOrForAnotherKeyGivesNoSecret) {
  Pair other;
  EXPECT_FALSE(
      other.tpm
          .activate(other.ak, challenge_.credential.blob, challenge_.credential.encrypted_secret)
          .has_value());
  const tpm::WrappedKey second = pair_.tpm.make_key(KeyType::kEcP256, kEcdsaSha256);
  EXPECT_FALSE(
      pair_.tpm.activate(second, challenge_.credential.blob, challenge_.credential.encrypted_secret)
          .has_value());
}

TEST_F(Activation, NoSecretIsInAnyMessage) {
  ActivationAnswer wrong = honest_answer();
  wrong.proof[0] ^= 1;
  const auto refused = check_activation(ActivationChallenge(challenge_), pair_.keys, wrong, kNow);
  const std::string& message = refused.reason().message;
  EXPECT_EQ(message.find(to_hex(challenge_.secret)), std::string::npos);
  EXPECT_EQ(message.find(to_hex(wrong.proof)), std::string::npos);
}

}  // namespace
}  // namespace avouch::attest
