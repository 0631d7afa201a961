// Which endorsement key an agent takes from a real (software) TPM whose NV holds several
// certificates, in the low and in the high range, and that the verifier believes it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "adapters/esapi_device.h"
#include "attest/enrolment.h"
#include "base/hex.h"
#include "tests/support/ek_authority.h"
#include "tests/support/swtpm.h"
#include "tpm/credential.h"
#include "tpm/marshal.h"

namespace avouch {
namespace {

using adapters::EsapiDevice;
using testing::must_value;

const SystemTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::uint32_t kFirstChainNv = 0x01c00100;

class NvCertificates : public ::testing::Test {
 protected:
  static std::string hex_index(std::uint32_t index) {
    Bytes bytes;
    append_be32(bytes, index);
    return "0x" + to_hex(bytes);
  }

  void write_nv(std::uint32_t index, const Bytes& content) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() /
        ("avouch-nv-" + std::to_string(getpid()) + "-" + hex_index(index));
    std::ofstream(file, std::ios::binary) << as_text(content);
    tpm.tool("tpm2_nvdefine -C o -s " + std::to_string(content.size()) +
             " -a 'ownerread|ownerwrite|authread|no_da' " + hex_index(index));
    tpm.tool("tpm2_nvwrite -C o -i " + file.string() + " " + hex_index(index));
    std::filesystem::remove(file);
  }
  void remove_nv(std::uint32_t index) { tpm.tool("tpm2_nvundefine -C o " + hex_index(index)); }

  // Puts a certificate by `issuer` into a slot's index, for the key that the slot's template makes.
  void certify(const tpm::EkSlot& slot, const testing::EkAuthority& issuer, std::size_t padding) {
    write_nv(slot.certificate_nv, {0});  // the agent makes the key of the slot that has something
    const tpm::Endorsement alone = must_value(EsapiDevice(tpm.tcti()).endorsement());
    testing::must(alone.template_name == slot.name, alone.template_name);
    remove_nv(slot.certificate_nv);
    Bytes certificate = issuer.issue(must_value(tpm::parse_public(alone.ek_public)).key);
    certificate.resize(certificate.size() + padding, 0xff);
    certificates[slot.certificate_nv] = certificate;
  }

  // The whole way of a node's identity: read, judged, activated, quoted.
  attest::EndorsementResult enrol(const std::string& template_name, const Bytes& certificate) {
    EsapiDevice device(tpm.tcti());
    const tpm::Endorsement endorsement = must_value(device.endorsement());
    EXPECT_EQ(endorsement.template_name, template_name);
    EXPECT_EQ(endorsement.ek_certificates.at(0), certificate);
    const tpm::WrappedKey ak = must_value(device.create_attestation_key());
    const attest::UnverifiedIdentity identity{endorsement.ek_certificates, endorsement.ek_public,
                                              ak.public_area};
    const auto keys = attest::check_keys(identity);
    if (!keys.has_value()) {
      ADD_FAILURE() << keys.reason().message;
      return {};
    }
    attest::EndorsementRules rules;
    rules.trust_anchors = {root.root()};
    rules.enrollment = attest::Enrollment::kTrustOnFirstUse;
    rules.keys = {{keys.value().ak.key.type(), *keys.value().ak.signing}};
    const auto result = attest::check_endorsement(keys.value(), identity, "node", rules, kNow);
    if (!result.has_value()) {
      ADD_FAILURE() << result.reason().message;
      return {};
    }
    const Bytes secret(32, 0x42);
    const tpm::Credential credential = must_value(tpm::make_credential(
        keys.value().ek, keys.value().ak.name, secret, crypto::system_random()));
    EXPECT_EQ(must_value(device.activate(ak, credential.blob, credential.encrypted_secret)),
              secret);
    const auto quote = device.quote(ak, Bytes(32, 1), {{crypto::HashAlgorithm::kSha256, 0x0000ff}});
    EXPECT_TRUE(quote.has_value());
    return result.value();
  }

  testing::Swtpm tpm{testing::Swtpm::Certificates::kNone};
  testing::EkAuthority root;
  std::map<std::uint32_t, Bytes> certificates;
};

TEST_F(NvCertificates, OfEachRangeLeadToTheirOwnKeyAndTheFirstSlotWins) {
  for (const tpm::EkSlot& slot : tpm::kEkSlots) {
    SCOPED_TRACE(slot.name);
    certify(slot, root, slot.nonce_nv == 0 ? 0 : 700);
    write_nv(slot.certificate_nv, certificates[slot.certificate_nv]);
    const auto result = enrol(std::string(slot.name), certificates[slot.certificate_nv]);
    EXPECT_EQ(result.rules_used.empty(), slot.nonce_nv == 0);
    remove_nv(slot.certificate_nv);
  }
  // All at once: with each one that goes, the next takes its place.
  for (const auto& [index, certificate] : certificates) write_nv(index, certificate);
  for (const tpm::EkSlot& slot : tpm::kEkSlots) {
    SCOPED_TRACE(slot.name);
    enrol(std::string(slot.name), certificates[slot.certificate_nv]);
    remove_nv(slot.certificate_nv);
  }
}

TEST_F(NvCertificates, FindTheirIssuersInTheChainThatNvHoldsOverTwoIndices) {
  const testing::EkAuthority stranger("a stranger");
  const testing::EkAuthority middle = root.subordinate("intermediate");
  const tpm::EkSlot& slot = tpm::kEkSlots.front();
  certify(slot, middle, 0);
  write_nv(slot.certificate_nv, certificates[slot.certificate_nv]);
  Bytes chain = stranger.root_der();
  append(chain, middle.root_der());
  const auto cut = chain.begin() + static_cast<std::ptrdiff_t>(stranger.root_der().size() + 100);
  write_nv(kFirstChainNv, Bytes(chain.begin(), cut));
  write_nv(kFirstChainNv + 1, Bytes(cut, chain.end()));
  const auto result = enrol(std::string(slot.name), certificates[slot.certificate_nv]);
  EXPECT_EQ(result.rules_used, std::vector<std::string>{"nv-chain"});
}

TEST_F(NvCertificates, ThatNobodyMayReadOrThatWereNeverWrittenAreAsGoodAsNone) {
  const tpm::EkSlot& first = tpm::kEkSlots[0];
  const tpm::EkSlot& second = tpm::kEkSlots[1];
  certify(second, root, 0);
  write_nv(second.certificate_nv, certificates[second.certificate_nv]);
  tpm.tool("tpm2_nvdefine -C o -s 600 -a 'ownerread|ownerwrite' " +
           hex_index(first.certificate_nv));
  enrol(std::string(second.name), certificates[second.certificate_nv]);
  remove_nv(first.certificate_nv);
  tpm.tool("tpm2_nvdefine -C o -s 8 -p secret -a 'authread|authwrite' " +
           hex_index(first.certificate_nv));
  tpm.tool("sh -c 'printf 12345678 | tpm2_nvwrite -P secret -i- " +
           hex_index(first.certificate_nv) + "'");
  enrol(std::string(second.name), certificates[second.certificate_nv]);
}

}  // namespace
}  // namespace avouch
