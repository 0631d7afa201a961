// Rows Q of THREATS.md. Each test presents evidence that is right in all but one thing.

#include "attest/quote.h"

#include <gtest/gtest.h>

#include <random>

#include "attest/policy_names.h"
#include "tests/support/pss.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;
using testing::AttestFields;

TEST(Quote, OfAnHonestNodeIsAcceptedWithEveryKindOfKey) {
  for (const char* name :
       {"ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsassa-2048-sha256", "rsassa-3072-sha256",
        "rsassa-3072-sha384", "rsapss-2048-sha256", "rsapss-3072-sha256", "rsapss-3072-sha384"}) {
    const auto kind = parse_key_kind(name);
    ASSERT_TRUE(kind.has_value()) << name;
    EXPECT_EQ(key_kind_name(*kind), name);
    TestNode node(kind->type, kind->scheme);
    const Presented honest = node.present();
    const auto verified = node.verify(honest);
    ASSERT_TRUE(verified.has_value()) << name << ": " << verified.reason().message;
    EXPECT_EQ((KeyKind{node.keys().ak.key.type(), *node.keys().ak.signing}), *kind) << name;
    EXPECT_EQ(verified->pcrs(), honest.pcrs);
    EXPECT_EQ(verified->selection(), node.selection);
    EXPECT_EQ(verified->state().clock, node.tpm.clock);
    EXPECT_EQ(verified->boot(), Boot::kFirst);
    EXPECT_EQ(verified->beacon(), (BeaconReference{"log", 42}));
    EXPECT_EQ(verified->not_older_than(), kNow - std::chrono::seconds(5));
    EXPECT_EQ(verified->digest(), quote_digest(honest.quote));
    EXPECT_EQ(verified->ak_name(), node.keys().ak.name);
    EXPECT_EQ(verified->node_uid(), "node-1");
  }
}

// TPM 2.0 Part 1, B.7: the salt is as long as the digest, or as long as fits.
TEST(Quote, OfATpmThatTakesTheLargestSaltIsAccepted) {
  TestNode node(KeyType::kRsa2048, {SignatureScheme::kRsapss, HashAlgorithm::kSha256});
  Presented presented = node.present();
  const std::string_view wrapped = as_text(node.ak.private_area);
  const auto key =
      testing::must_value(crypto::PrivateKey::from_pem(wrapped.substr(wrapped.find('\n') + 1)));
  for (const int salt : {32, 222, 0, 221}) {
    presented.quote.signature = {0x00, 0x16, 0x00, 0x0b};  // RSAPSS, SHA-256
    append(presented.quote.signature,
           tpm::to_sized(testing::sign_pss(key, presented.quote.message, salt)));
    EXPECT_EQ(node.code(presented), salt == 32 || salt == 222 ? "" : "SignatureInvalid") << salt;
  }
}

TEST(Quote, MayCoverSeveralBanksInAnyOrder) {
  TestNode node;
  node.tpm.active_banks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384};
  node.tpm.extend_event(4, as_bytes("more"));
  node.selection = {{HashAlgorithm::kSha384, 0x10},
                    {HashAlgorithm::kSha256, 0xff},
                    {HashAlgorithm::kSha1, 0x800001}};
  EXPECT_EQ(node.code(node.present()), "");
}

TEST(Q1, RefusesEveryMagicThatNoTpmWrites) {
  TestNode node;
  for (unsigned bit = 0; bit < 32; ++bit) {
    AttestFields fields = node.fields();
    fields.magic ^= 1U << bit;
    EXPECT_EQ(node.code(node.present(fields)), "QuoteNotAQuote") << bit;
  }
}

TEST(Q2, RefusesEveryOtherAttestTypeUnderAValidSignature) {
  TestNode node;
  // TPM2_Certify over any object: type 8017, qualifiedSigner, extraData, clock, firmware, name and
  // qualified name. The agent may ask its TPM for that.
  AttestFields fields = node.fields();
  Bytes message = testing::attest_bytes(fields);
  const std::size_t head = message.size() - (4 + 6 + 2 + 32);
  for (const int type : {0x8014, 0x8015, 0x8016, 0x8017, 0x8019, 0x801a, 0x801c}) {
    Bytes other(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(head));
    other[4] = 0x80;
    other[5] = static_cast<std::uint8_t>(type);
    append(other, tpm::to_sized(Bytes(34, 1)));
    append(other, tpm::to_sized(Bytes(34, 2)));
    const std::string code = node.code(node.present_message(other));
    EXPECT_TRUE(code == "QuoteNotAQuote" || code == "QuoteMalformed") << type << ": " << code;
    EXPECT_TRUE(type != 0x8017 || code == "QuoteNotAQuote") << code;
  }
}

TEST(Q3, RefusesValuesRelabelledToAnotherIndex) {
  TestNode node;
  Presented presented = node.present();
  std::swap(presented.pcrs[{HashAlgorithm::kSha256, 4}],
            presented.pcrs[{HashAlgorithm::kSha256, 7}]);
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
}

TEST(Q3, RefusesValuesMovedToAnIndexThatWasNotQuoted) {
  TestNode node;
  Presented presented = node.present();
  auto moved = presented.pcrs.extract({HashAlgorithm::kSha256, 14});
  moved.key() = {HashAlgorithm::kSha256, 15};
  presented.pcrs.insert(std::move(moved));
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
}

TEST(Q3, RefusesValuesRelabelledToAnotherBank) {
  TestNode node;
  Presented presented = node.present();
  tpm::PcrValues relabelled;
  for (auto& [id, digest] : presented.pcrs) relabelled[{HashAlgorithm::kSha384, id.index}] = digest;
  presented.pcrs = relabelled;
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
}

TEST(Q4, RefusesAnEmptySelectionAsAnInactiveBankGives) {
  TestNode node;
  node.need.clear();  // even where no policy needs anything
  node.selection = {{HashAlgorithm::kSha512, 0xff}};
  EXPECT_EQ(node.code(node.present()), "SelectionInsufficient");
  AttestFields none = node.fields();
  none.selection.clear();
  EXPECT_EQ(node.code(node.present(none)), "SelectionInsufficient");
}

TEST(Q4, RefusesASelectionThatLacksAnyPcrThatThePolicyNeeds) {
  TestNode node;
  for (unsigned index = 0; index < 8; ++index) {
    node.selection = {{HashAlgorithm::kSha256, kUsualMask & ~(1U << index)}};
    EXPECT_EQ(node.code(node.present()), "SelectionInsufficient") << index;
  }
}

TEST(Q4, RefusesAnotherBankInPlaceOfTheRequiredOne) {
  TestNode node;
  node.tpm.active_banks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256};
  node.selection = {{HashAlgorithm::kSha1, 0xffffff}};
  EXPECT_EQ(node.code(node.present()), "SelectionInsufficient");
}

TEST(Q4, RefusesValuesThatAreGivenButNotQuoted) {
  TestNode node;
  Presented presented = node.present();
  presented.pcrs[{HashAlgorithm::kSha256, 20}] = Bytes(32, 0xff);
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
}

TEST(Q4, RefusesValuesThatAreQuotedButNotGiven) {
  TestNode node;
  Presented presented = node.present();
  presented.pcrs.erase({HashAlgorithm::kSha256, 14});
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
  presented.pcrs.clear();
  EXPECT_EQ(node.code(presented), "PcrDigestMismatch");
}

TEST(Q4, OnePolicysNeedDoesNotSilenceTheOthers) {
  TestNode node;
  node.need.push_back({"wants-sha384", {{HashAlgorithm::kSha384, 0xff}}});
  EXPECT_EQ(node.code(node.present()), "");
}

TEST(Q5, RefusesASignatureOfAnotherSchemeOrHashThanTheEnrolledKeys) {
  TestNode node;
  const Presented honest = node.present();
  for (const int hash : {0x04, 0x0c, 0x0d}) {
    Presented changed = honest;
    changed.quote.signature[3] = static_cast<std::uint8_t>(hash);
    EXPECT_EQ(node.code(changed), "SignatureInvalid") << hash;
  }
  Presented rsa = honest;
  rsa.quote.signature.clear();
  append_be16(rsa.quote.signature, 0x0014);
  append_be16(rsa.quote.signature, 0x000b);
  append(rsa.quote.signature, tpm::to_sized(Bytes(256, 1)));
  EXPECT_EQ(node.code(rsa), "SignatureInvalid");
}

TEST(Q5, RefusesAnEcdsaSignatureForAnRsaKeyAndPssForPkcs1) {
  TestNode rsa(KeyType::kRsa2048, {SignatureScheme::kRsassa, HashAlgorithm::kSha256});
  TestNode ec;
  Presented presented = rsa.present();
  presented.quote.signature = ec.present().quote.signature;
  EXPECT_EQ(rsa.code(presented), "SignatureInvalid");
  presented = rsa.present();
  presented.quote.signature[1] = 0x16;
  EXPECT_EQ(rsa.code(presented), "SignatureInvalid");
}

TEST(Q5, RefusesSha1EvenWhereTheKeyItselfWouldSignWithIt) {
  TestNode node;
  NodeKeys weak = node.keys();
  weak.ak.signing = {SignatureScheme::kEcdsa, HashAlgorithm::kSha1};
  Presented presented = node.present();
  presented.quote.signature[3] = 0x04;
  const QuoteContext usual = node.context();
  const QuoteContext context{
      weak,        usual.node_uid, usual.beacons,          usual.max_beacon_age,
      usual.needs, usual.previous, usual.allowed_firmware, usual.now};
  const auto refused = verify_quote(presented.quote, presented.pcrs, context);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.reason().code, "SignatureInvalid");
}

TEST(Q6, RefusesEveryFlippedBitOfTheMessage) {
  TestNode node;
  const Presented honest = node.present();
  ASSERT_EQ(node.code(honest), "");
  for (std::size_t bit = 0; bit < honest.quote.message.size() * 8; ++bit) {
    Presented changed = honest;
    changed.quote.message[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(node.code(changed), "") << bit;
  }
}

TEST(Q6, RefusesEveryFlippedBitOfTheSignature) {
  TestNode node;
  const Presented honest = node.present();
  for (std::size_t bit = 0; bit < honest.quote.signature.size() * 8; ++bit) {
    Presented changed = honest;
    changed.quote.signature[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(node.code(changed), "") << bit;
  }
}

TEST(Q6, RefusesEveryFlippedBitOfTheClaimedValues) {
  TestNode node;
  const Presented honest = node.present();
  for (const auto& [id, digest] : honest.pcrs) {
    for (std::size_t bit = 0; bit < digest.size() * 8; ++bit) {
      Presented changed = honest;
      changed.pcrs[id][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_NE(node.code(changed), "") << int{id.index} << " " << bit;
    }
  }
}

TEST(Q7, RefusesAQuoteByAnotherEnrolledKey) {
  TestNode node;
  TestNode other;
  EXPECT_EQ(other.code(other.present()), "");
  EXPECT_EQ(node.code(other.present()), "SignatureInvalid");
}

TEST(Q7, RefusesAQualifiedSignerThatIsNotTheEnrolledPair) {
  TestNode node;
  TestNode other;
  AttestFields fields = node.fields();
  for (const Bytes& signer :
       {other.keys().ak_qualified_name, node.keys().ak.name, Bytes{}, Bytes(34, 0)}) {
    fields.qualified_signer = signer;
    EXPECT_EQ(node.code(node.present(fields)), "QualifiedSignerMismatch");
  }
}

TEST(Q8, RefusesTrailingBytesAfterMessageAndSignature) {
  TestNode node;
  AttestFields fields = node.fields();
  fields.trailing = {0};
  EXPECT_EQ(node.code(node.present(fields)), "QuoteMalformed");
  Presented presented = node.present();
  presented.quote.signature.push_back(0);
  EXPECT_EQ(node.code(presented), "QuoteMalformed");
}

TEST(Q8, RefusesTruncationAtEveryLengthThoughItIsSigned) {
  TestNode node;
  const Presented honest = node.present();
  for (std::size_t size = 0; size < honest.quote.message.size(); ++size) {
    Bytes cut = honest.quote.message;
    cut.resize(size);
    EXPECT_EQ(node.code(node.present_message(cut)), "QuoteMalformed") << size;
  }
  for (std::size_t size = 0; size < honest.quote.signature.size(); ++size) {
    Presented cut = honest;
    cut.quote.signature.resize(size);
    EXPECT_EQ(node.code(cut), "QuoteMalformed") << size;
  }
}

TEST(Q8, RefusesOversizeBeforeReadingAnyOfIt) {
  TestNode node;
  Presented long_message = node.present();
  long_message.quote.message.resize(tpm::kMaxAttestBytes + 1);
  Presented long_signature = node.present();
  long_signature.quote.signature.resize(10'000'000);
  Presented many_values = node.present();
  for (unsigned index = 0; index < 256; ++index) {
    many_values.pcrs[{HashAlgorithm::kSha256, static_cast<std::uint8_t>(index)}] = Bytes(32);
  }
  for (const Presented* presented : {&long_message, &long_signature, &many_values}) {
    const auto refused = node.verify(*presented);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.reason().code, "QuoteMalformed");
    EXPECT_NE(refused.reason().message.find("larger than any"), std::string::npos);
  }
}

TEST(Q9, RefusesGarbageWithAReasonAndNeverThrows) {
  TestNode node;
  const Presented honest = node.present();
  std::mt19937 random(20261121);
  const auto byte = [&] { return static_cast<std::uint8_t>(random()); };
  for (int round = 0; round < 3000; ++round) {
    Presented garbage = honest;
    for (Bytes* part : {&garbage.quote.message, &garbage.quote.signature}) {
      const std::size_t edits = random() % 4;
      for (std::size_t i = 0; i < edits && !part->empty(); ++i) {
        const auto at = static_cast<std::ptrdiff_t>(random() % part->size());
        if (random() % 3 == 0)
          part->erase(part->begin() + at);
        else if (random() % 2 == 0)
          part->insert(part->begin() + at, byte());
        else
          (*part)[static_cast<std::size_t>(at)] = byte();
      }
    }
    if (garbage.quote == honest.quote) continue;
    const auto refused = node.verify(garbage);
    ASSERT_FALSE(refused.has_value()) << round;
    EXPECT_FALSE(refused.reason().code.empty() || refused.reason().message.empty());
    EXPECT_EQ(refused.reason().severity, Status::kContraindicated);
  }
}

}  // namespace
}  // namespace avouch::attest
