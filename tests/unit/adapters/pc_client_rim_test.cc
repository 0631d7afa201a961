// PC Client RIMs, by the XML parser that reads them in earnest.

#include "provision/pc_client_rim.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "adapters/support_folder.h"
#include "adapters/xml_document.h"
#include "codec/utf8.h"
#include "support/vectors.h"
#include "tests/support/tpm_structures.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::provision {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::must_value;
using ::testing::Not;
using testing::read_vector;

const SystemTime kLater = reference::at("2040-01-01T00:00:00Z");

Bytes vector(const std::string& name) { return read_vector("rim/" + name); }

std::vector<crypto::Certificate> certificates(const std::string& name) {
  const Bytes pem = vector(name + ".pem");
  return must_value(crypto::Certificate::list_from_pem(as_text(pem)));
}

crypto::PublicKey key(const std::string& name) {
  return must_value(certificates(name).front().public_key());
}

Result<Draft> read_rim(ByteView tag, const SignerTrust* trust) {
  adapters::LibxmlReader reader;
  adapters::SupportFolder files(testing::vectors_dir() / "rim");
  return read_pc_client_rim(reader, tag, files, trust);
}

Result<Draft> read_by_key(ByteView tag, const std::string& signer) {
  const crypto::PublicKey its = key(signer);
  const SignerTrust trust{.key = &its, .authorities = {}, .now = kLater};
  return read_rim(tag, &trust);
}

Result<Draft> read_by_authority(ByteView tag, const std::string& authority, SystemTime now) {
  const SignerTrust trust{.key = nullptr, .authorities = certificates(authority), .now = now};
  return read_rim(tag, &trust);
}

std::string rim_problem(const Result<Draft>& read) {
  if (read.has_value()) return "none";
  EXPECT_EQ(read.error().kind, ErrorKind::kRejected);
  EXPECT_TRUE(codec::is_utf8(read.error().message));
  return read.error().message;
}

std::vector<std::string> names(const Draft& draft) {
  std::vector<std::string> out;
  for (const auto& each : draft.boot_components) out.push_back(each.name);
  return out;
}

TEST(PcClientRim, TheEventLogThatASignedTagNamesBecomesReferenceValues) {
  const Draft draft = must_value(read_by_key(vector("good-one.swidtag"), "rsa"));
  EXPECT_THAT(names(draft), Contains(AllOf(HasSubstr("BOOTX64.EFI"),
                                           HasSubstr("(Acme.RoadRunner.2.rimel, event 24)"))));
  EXPECT_EQ(draft.boot_components.size(), 4U);
  EXPECT_EQ(draft.secure_boot_certificates.size(), 4U);
  EXPECT_THAT(draft.remarks, Contains(HasSubstr("Signed by the key ")));
  EXPECT_THAT(draft.remarks, Not(Contains(HasSubstr("NOT VERIFIED"))));
}

TEST(PcClientRim, WhatItMakesIsAManifestThatIsAccepted) {
  Draft draft = must_value(read_by_key(vector("good-one.swidtag"), "rsa"));
  const auto made = make_manifests(draft, {.name = "acme", .place = ListPlace::kInline});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->objects.size(), 1U);
}

TEST(PcClientRim, WhatAManifestHasNoPlaceForIsSaid) {
  const Draft draft = must_value(read_by_key(vector("good-supplemental.swidtag"), "rsa"));
  for (const char* said :
       {"It supplements another RIM", "Not taken: Link, installationmedia", "rimLinkHash 88f21d8e",
        "Not taken: Evidence", "Not taken: extra.rimpcr (sha256:", "Not taken: flash.bin (sha256:",
        "PCR 0 ends as sha256:90040fdebcaef6fed8beec816d2a56ff8d77f91516bd053e493374c25562f11c",
        "4 EV_EFI_VARIABLE_BOOT", "platformModel RoadRunner",
        "is not the log of a whole boot, or else: the policy must name the quirk"}) {
    EXPECT_THAT(draft.remarks, Contains(HasSubstr(said))) << said;
  }
}

TEST(PcClientRim, EveryShapeThatIsFoundIsTakenByTheKeyThatSignedIt) {
  for (const char* name : {"one", "prefixed", "c14n11-sha512", "timestamp", "supplemental",
                           "odd-writing", "indented"}) {
    const auto draft = read_by_key(vector(std::string("good-") + name + ".swidtag"), "rsa");
    EXPECT_EQ(rim_problem(draft), "none") << name;
    EXPECT_THAT(rim_problem(read_by_key(vector(std::string("good-") + name + ".swidtag"), "brief")),
                HasSubstr("is not by the key"))
        << name;
  }
  EXPECT_EQ(rim_problem(read_by_key(vector("good-p384-exclusive.swidtag"), "p384")), "none");
}

// Of NSA's HIRS: their signatures hold, and what is missing is their event log.
TEST(PcClientRim, TagsOfAnotherToolAreVerified) {
  for (const char* name : {"hirs-embedded", "hirs-timestamp", "hirs-prefixed"}) {
    const Bytes tag = vector(std::string(name) + ".swidtag");
    EXPECT_THAT(rim_problem(read_by_key(tag, "hirs-signer")), HasSubstr("it is not there")) << name;
    EXPECT_THAT(rim_problem(read_by_key(tag, "rsa")), HasSubstr("is not by the key")) << name;
  }
}

TEST(PcClientRim, AnAuthorityVouchesForTheSignersCertificate) {
  const Bytes tag = vector("good-one.swidtag");
  const auto draft = read_by_authority(tag, "ca", kLater);
  ASSERT_EQ(rim_problem(draft), "none");
  EXPECT_THAT(draft->remarks, Contains(HasSubstr("Signed by CN=RIM signer rsa")));
  EXPECT_THAT(rim_problem(read_by_authority(tag, "other-ca", kLater)), HasSubstr("KeyInfo"));
  EXPECT_THAT(rim_problem(read_by_authority(tag, "rsa", kLater)), HasSubstr("KeyInfo"));
  EXPECT_THAT(rim_problem(read_by_authority(vector("hirs-embedded.swidtag"), "ca", kLater)),
              HasSubstr("KeyInfo"));
}

TEST(PcClientRim, ACertificateThatIsNotForSignaturesVouchesForNothing) {
  EXPECT_THAT(rim_problem(read_by_authority(vector("signer-tls.swidtag"), "ca", kLater)),
              HasSubstr("not made for digital signatures"));
}

TEST(PcClientRim, ACertificateThatHasEndedVouchesForNothing) {
  const Bytes tag = vector("signer-brief.swidtag");
  EXPECT_NE(rim_problem(read_by_authority(tag, "ca", kLater)), "none");
  const auto then = certificates("brief").front().not_after();
  EXPECT_EQ(rim_problem(read_by_authority(tag, "ca", then)), "none");
  EXPECT_NE(rim_problem(read_by_authority(tag, "ca", then + std::chrono::seconds(1))), "none");
}

TEST(PcClientRim, WithoutACertificateInTheSignatureAnAuthorityIsOfNoUse) {
  EXPECT_THAT(rim_problem(read_by_authority(vector("good-prefixed.swidtag"), "ca", kLater)),
              HasSubstr("give the signer's own as the key"));
}

TEST(PcClientRim, UnverifiedIsSaidLoudly) {
  EXPECT_THAT(must_value(read_rim(vector("good-unsigned.swidtag"), nullptr)).remarks,
              Contains(HasSubstr("NOT VERIFIED. It is not signed")));
  EXPECT_THAT(must_value(read_rim(vector("good-one.swidtag"), nullptr)).remarks,
              Contains(HasSubstr("NOT VERIFIED. Its signature was not checked")));
  EXPECT_THAT(rim_problem(read_by_key(vector("good-unsigned.swidtag"), "rsa")),
              HasSubstr("is not signed"));
}

// Each with the words that bad.txt has of it; see generate.py for what it is.
struct Refused {
  std::string name, reason;
};
std::vector<Refused> all_refused() {
  std::istringstream lines{std::string(as_text(vector("bad.txt")))};
  std::vector<Refused> out;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    out.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return out;
}
class RefusedRim : public ::testing::TestWithParam<Refused> {};
TEST_P(RefusedRim, SaysWhy) {
  EXPECT_THAT(rim_problem(read_by_key(vector("bad-" + GetParam().name + ".swidtag"), "rsa")),
              HasSubstr(GetParam().reason));
}
INSTANTIATE_TEST_SUITE_P(All, RefusedRim, ::testing::ValuesIn(all_refused()),
                         [](const ::testing::TestParamInfo<Refused>& each) {
                           std::string name = each.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(RefusedRims, AreAsManyAsTheGeneratorMakes) { EXPECT_GE(all_refused().size(), 70U); }

TEST(PcClientRim, AnAuthoritysTrustHelpsNoRefusedRim) {
  for (const Refused& each : all_refused()) {
    if (each.name == "other-signer") continue;  // the same authority's: that is what it means
    EXPECT_NE(rim_problem(read_by_authority(vector("bad-" + each.name + ".swidtag"), "ca", kLater)),
              "none")
        << each.name;
  }
}

TEST(PcClientRim, AChangedByteAnywhereIsRefusedOrChangesNothing) {
  const Bytes tag = vector("good-prefixed.swidtag");
  const Draft before = must_value(read_by_key(tag, "rsa"));
  for (std::size_t i = 0; i < tag.size(); i += 3) {
    Bytes other = tag;
    other[i] = static_cast<std::uint8_t>(other[i] ^ 1);
    const auto after = read_by_key(other, "rsa");
    // White space, quotes and what is in KeyInfo are not covered, and mean nothing.
    if (!after.has_value()) continue;
    EXPECT_EQ(after->remarks, before.remarks) << i;
  }
}

TEST(PcClientRim, EveryTruncationIsRefused) {
  const Bytes tag = vector("good-one.swidtag");
  const std::size_t whole = tag.size() - 1;  // but for the last newline
  for (std::size_t size = 0; size < whole; size += 7) {
    EXPECT_NE(rim_problem(read_by_key(ByteView(tag).first(size), "rsa")), "none") << size;
  }
}

// Files that are not there, whatever is asked for.
class NoFiles final : public SupportFiles {
 public:
  Result<std::optional<Bytes>> read(const std::string&, std::size_t max_bytes) override {
    asked_max = max_bytes;
    return std::optional<Bytes>();
  }
  std::size_t asked_max = 0;
};

TEST(PcClientRim, AMissingSupportFileIsNamedWithItsDigest) {
  adapters::LibxmlReader reader;
  NoFiles files;
  const auto draft = read_pc_client_rim(reader, vector("good-one.swidtag"), files, nullptr);
  EXPECT_THAT(rim_problem(draft),
              AllOf(HasSubstr("Acme.RoadRunner.2.rimel"), HasSubstr("sha256:")));
  EXPECT_EQ(files.asked_max, 16U * 1024 * 1024);
}

TEST(SupportFolder, OpensNoPath) {
  adapters::SupportFolder files(testing::vectors_dir() / "rim");
  for (const std::string name : {"", ".", "..", "../rim/bad.txt", "/etc/hostname"}) {
    EXPECT_FALSE(files.read(name, 1000).has_value()) << name;
  }
  EXPECT_FALSE(must_value(files.read("nothing", 1000)).has_value());
  EXPECT_FALSE(files.read("Acme.RoadRunner.2.rimel", 1000).has_value());  // too large
}

}  // namespace
}  // namespace avouch::provision
