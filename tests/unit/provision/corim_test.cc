#include "provision/corim.h"

#include <gmock/gmock.h>

#include <sstream>

#include "codec/cbor.h"
#include "codec/cose.h"
#include "support/vectors.h"
#include "tests/support/tpm_structures.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::provision {
namespace {

using crypto::HashAlgorithm;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::read_vector;

const std::string kProfile = "https://acme.example/profile";

Bytes vector(const std::string& name) { return read_vector("corim/" + name + ".cbor"); }

Corim good(const std::string& name, CorimDigests digests = CorimDigests::kAuthenticode,
           const crypto::PublicKey* key = nullptr) {
  auto read = read_corim(vector("good-" + name), digests, key, kProfile);
  EXPECT_TRUE(read.has_value()) << name << ": " << (read.has_value() ? "" : read.error().message);
  return read.has_value() ? *std::move(read) : Corim{};
}

std::string problem(ByteView file, const crypto::PublicKey* key = nullptr,
                    const std::string& profile = kProfile) {
  const auto read = read_corim(file, CorimDigests::kFile, key, profile);
  if (read.has_value()) return "none";
  EXPECT_EQ(read.error().kind, ErrorKind::kRejected);
  return read.error().message;
}

crypto::PublicKey signer() {
  return testing::must_value(crypto::PublicKey::from_pem(as_text(read_vector("corim/key.pem"))));
}

std::string hex(HashAlgorithm algorithm, const std::string& of) {
  return reference::digest_text(testing::must_value(
      reference::make_digest(algorithm, crypto::hash(algorithm, as_bytes(of)))));
}

// "name digest" of each boot component, in order.
std::vector<std::string> components(const Corim& corim) {
  std::vector<std::string> out;
  for (const auto& each : corim.draft.boot_components) {
    const auto& digest = each.authenticode ? each.authenticode : each.digest;
    out.push_back(each.name + " " + reference::digest_text(*digest));
  }
  return out;
}

TEST(Corim, DigestsOfAReferenceTripleAreTaken) {
  const Corim corim = good("one");
  EXPECT_THAT(components(corim), ElementsAre("bootx64.efi " + hex(HashAlgorithm::kSha256, "boot")));
  EXPECT_TRUE(corim.draft.boot_components.at(0).authenticode.has_value());
  EXPECT_FALSE(corim.draft.boot_components.at(0).digest.has_value());
  EXPECT_FALSE(corim.is_signed);
  EXPECT_FALSE(corim.not_before.has_value());
  EXPECT_THAT(corim.draft.remarks, Contains(HasSubstr("acme.example/corim")));
  EXPECT_THAT(corim.draft.remarks, Contains(HasSubstr("ACME RoadRunner")));
}

TEST(Corim, WhatComputesTheDigestsIsTheCallersWord) {
  const Corim files = good("one", CorimDigests::kFile);
  EXPECT_TRUE(files.draft.boot_components.at(0).digest.has_value());
  EXPECT_FALSE(files.draft.boot_components.at(0).authenticode.has_value());
  Corim ima = good("one", CorimDigests::kIma);
  EXPECT_TRUE(ima.draft.boot_components.empty());
  ASSERT_EQ(ima.draft.files.sorted().size(), 1U);
  EXPECT_EQ(ima.draft.files.sorted().at(0).path, "bootx64.efi");
}

TEST(Corim, OneMeasurementInPlaceOfAListIsTakenWithPsasName) {
  EXPECT_THAT(components(good("psa-single")),
              ElementsAre("BL 2.1.0 " + hex(HashAlgorithm::kSha256, "boot")));
}

TEST(Corim, AlgorithmsAreKnownByNumberOfEitherRegistryAndByName) {
  EXPECT_THAT(
      components(good("algorithms")),
      ElementsAre("a " + hex(HashAlgorithm::kSha256, "a"), "a " + hex(HashAlgorithm::kSha384, "a"),
                  "a " + hex(HashAlgorithm::kSha512, "a"), "7 " + hex(HashAlgorithm::kSha256, "b"),
                  "7 " + hex(HashAlgorithm::kSha384, "b"), "7 " + hex(HashAlgorithm::kSha512, "b"),
                  "uuid 000102030405060708090a0b0c0d0e0f named " + hex(HashAlgorithm::kSha256, "c"),
                  "ACME RoadRunner " + hex(HashAlgorithm::kSha256, "d")));
}

TEST(Corim, EveryCoMidIsReadAndTriplesOfKeysAreSaidToBeLeftOut) {
  const Corim corim = good("two-comids");
  EXPECT_EQ(components(corim).size(), 2U);
  EXPECT_THAT(corim.draft.remarks, Contains(HasSubstr("1 triples of attestation")));
}

TEST(Corim, WhatStandsBesideADigestOrEndorsesMakesNoDifferenceAndIsSaid) {
  const Corim corim = good("beside");
  EXPECT_THAT(components(corim),
              ElementsAre("ACME layer 0 " + hex(HashAlgorithm::kSha384, "boot"),
                          "psa.software-component PRoT " + hex(HashAlgorithm::kSha256, "PRoT")));
  EXPECT_THAT(corim.draft.remarks,
              Contains(HasSubstr("signers' keys beside the digests of 2 measurements: not taken")));
  EXPECT_THAT(corim.draft.remarks, Contains(HasSubstr("3 triples of endorsed values")));
  EXPECT_THAT(corim.draft.remarks, Contains("CoRIM 000102030405060708090a0b0c0d0e0f"));
}

TEST(Corim, TheClaimsOfASignatureNarrowItsValidity) {
  const crypto::PublicKey key = signer();
  const Corim corim = good("signed-claims", CorimDigests::kFile, &key);
  EXPECT_EQ(corim.not_before, SystemTime(std::chrono::seconds(1'750'000'000)));
  EXPECT_EQ(corim.not_after, SystemTime(std::chrono::seconds(1'800'000'000)));
}

TEST(Corim, ItsValidityIsTaken) {
  const Corim corim = good("validity");
  EXPECT_EQ(corim.not_before, SystemTime(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ(corim.not_after, SystemTime(std::chrono::seconds(1'900'000'000)));
}

// The draft: one that is not recognized must be rejected.
TEST(Corim, AProfileThatIsNotKnownIsRefused) {
  for (const char* known : {"", "https://acme.example/profile2", "https://acme.example/"}) {
    EXPECT_THAT(problem(vector("good-validity"), nullptr, known),
                HasSubstr("corim.profile: \"https://acme.example/profile\" may change"));
  }
  EXPECT_EQ(problem(vector("good-one"), nullptr, ""), "none") << "it has none";
}

TEST(Corim, ASignedOneIsTakenByTheKeyThatSignedItAndByNoOther) {
  const crypto::PublicKey key = signer();
  const Corim corim = good("signed", CorimDigests::kFile, &key);
  EXPECT_TRUE(corim.is_signed);
  // The narrower of the CoRIM's own and the signature's.
  EXPECT_EQ(corim.not_before, SystemTime(std::chrono::seconds(1'750'000'000)));
  EXPECT_EQ(corim.not_after, SystemTime(std::chrono::seconds(1'800'000'000)));
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  EXPECT_THAT(problem(vector("good-signed"), &other), HasSubstr("signature"));
  EXPECT_THAT(problem(vector("good-one"), &key), HasSubstr("is not signed"));
}

TEST(Corim, OneThatIsSignedByEs384IsTaken) {
  using codec::Cbor;
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP384);
  const crypto::PublicKey public_key = key.public_key();
  const Bytes payload = vector("good-one");
  const Bytes header = codec::to_cbor(
      Cbor::map({{Cbor::integer(codec::kCoseAlg), Cbor::integer(codec::kCoseEs384)},
                 {Cbor::integer(codec::kCoseContentType), Cbor::text("application/rim+cbor")}}));
  const Bytes signature = testing::must_value(
      key.sign(crypto::SignatureScheme::kEcdsa, HashAlgorithm::kSha384,
               codec::to_cbor(Cbor::array({Cbor::text("Signature1"), Cbor::bytes(header),
                                           Cbor::bytes({}), Cbor::bytes(payload)}))));
  const Bytes file =
      codec::to_cbor(Cbor::tagged(18, Cbor::array({Cbor::bytes(header), Cbor::map({}),
                                                   Cbor::bytes(payload), Cbor::bytes(signature)})));
  EXPECT_EQ(problem(file, &public_key), "none");
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP384).public_key();
  EXPECT_THAT(problem(file, &other), HasSubstr("signature"));
  const crypto::PublicKey p256 = signer();
  EXPECT_THAT(problem(file, &p256), HasSubstr("ES384 needs a key of type"));
}

TEST(Corim, AFlippedBitAnywhereInASignedOneIsRefused) {
  const crypto::PublicKey key = signer();
  Bytes file = vector("good-signed");
  for (std::size_t i = 0; i < file.size(); ++i) {
    file[i] = static_cast<std::uint8_t>(file[i] ^ 1);
    EXPECT_NE(problem(file, &key), "none") << i;
    file[i] = static_cast<std::uint8_t>(file[i] ^ 1);
  }
}

TEST(Corim, EveryTruncationIsRefused) {
  for (const char* name : {"good-one", "good-validity", "good-signed"}) {
    const Bytes whole = vector(name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(problem(ByteView(whole).first(size)), "none") << name << " " << size;
    }
  }
}

TEST(Corim, EveryOtherShapeIsRefusedWithItsPlace) {
  std::istringstream lines{std::string(as_text(read_vector("corim/bad.txt")))};
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::string name = line.substr(0, line.find(' '));
    EXPECT_THAT(problem(vector("bad-" + name)), HasSubstr(line.substr(name.size() + 1))) << name;
  }
  EXPECT_GE(count, 35U);
}

TEST(Corim, ATooLargeFileIsRefused) {
  EXPECT_THAT(problem(Bytes(kMaxCorimBytes + 1, 0)), HasSubstr("at most"));
}

TEST(Corim, WhatIsTakenMakesAManifestThatIsAccepted) {
  for (const char* name : {"one", "psa-single", "algorithms", "two-comids", "validity", "beside"}) {
    for (const auto digests : {CorimDigests::kFile, CorimDigests::kIma}) {
      Corim corim = good(name, digests);
      const auto made = make_manifests(corim.draft, {.name = "imported"});
      EXPECT_TRUE(made.has_value()) << name << ": " << made.error().message;
    }
  }
}

}  // namespace
}  // namespace avouch::provision
