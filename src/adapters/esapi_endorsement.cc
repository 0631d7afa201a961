#include "adapters/esapi_endorsement.h"

#include <algorithm>

#include "adapters/esapi_nv.h"
#include "adapters/esapi_values.h"
#include "base/hex.h"

namespace avouch::adapters {
namespace {

// EK certificate chains of the maker (TCG EK Credential Profile 2.5, 2.2.1.5.2).
constexpr std::uint32_t kFirstChainNv = 0x01c00100;
constexpr std::uint32_t kLastChainNv = 0x01c001ff;
constexpr std::size_t kMaxCertificates = 8;

std::string nv_name(std::string_view what, std::uint32_t index) {
  Bytes bytes;
  append_be32(bytes, index);
  return std::string(what) + " in NV index 0x" + to_hex(bytes);
}

// The maker's nonce stands in front of the zeros in `unique` (B.2 of the profile).
Result<void> put_nonce(TPM2B_PUBLIC& area, ByteView nonce) {
  TPMU_PUBLIC_ID& unique = area.publicArea.unique;
  const bool is_rsa = area.publicArea.type == TPM2_ALG_RSA;
  const std::size_t room = is_rsa ? unique.rsa.size : unique.ecc.x.size;
  if (nonce.size() > room) {
    return rejected(std::to_string(nonce.size()) + " bytes, expected at most the " +
                    std::to_string(room) + " of the key");
  }
  std::copy(nonce.begin(), nonce.end(), is_rsa ? unique.rsa.buffer : unique.ecc.x.buffer);
  return {};
}

Result<ESYS_TR> start_policy_session(const EsapiConnection& tpm) {
  const TPMT_SYM_DEF symmetric = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
  ESYS_TR session = ESYS_TR_NONE;
  if (const TSS2_RC rc = Esys_StartAuthSession(tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, ESYS_TR_NONE, nullptr, TPM2_SE_POLICY,
                                               &symmetric, TPM2_ALG_SHA256, &session);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "start policy session");
  }
  return session;
}

}  // namespace

Result<EkPlan> find_ek(const EsapiConnection& tpm) {
  const tpm::EkSlot* slot = nullptr;
  EkPlan plan;
  for (const tpm::EkSlot& candidate : tpm::kEkSlots) {
    AVOUCH_TRY(auto certificate, read_nv(tpm, candidate.certificate_nv));
    if (!certificate) continue;
    slot = &candidate;
    plan.certificates.push_back(std::move(*certificate));
    break;
  }
  if (slot != nullptr) {
    AVOUCH_TRY(const auto chain, nv_indices(tpm, kFirstChainNv, kLastChainNv));
    for (const std::uint32_t index : chain) {
      if (plan.certificates.size() == kMaxCertificates) break;
      AVOUCH_TRY(auto certificate, read_nv(tpm, index));
      if (certificate) plan.certificates.push_back(std::move(*certificate));
    }
  }
  if (slot == nullptr) slot = &tpm::kEkSlots.front();

  AVOUCH_TRY(TPM2B_PUBLIC area, to_tss_public(tpm::ek_template(slot->key)));
  plan.template_name = slot->name;
  AVOUCH_TRY(const auto own_template, read_nv(tpm, slot->template_nv));
  if (own_template) {
    plan.template_name = "NV template";
    auto read = from_nv_template(*own_template);
    if (!read.has_value()) {
      return with_context(std::move(read).error(), nv_name("EK template", slot->template_nv));
    }
    area = *read;
  }
  if (slot->nonce_nv != 0) {
    AVOUCH_TRY(const auto nonce, read_nv(tpm, slot->nonce_nv));
    if (nonce) {
      if (const auto put = put_nonce(area, *nonce); !put.has_value()) {
        return with_context(put.error(), nv_name("EK nonce", slot->nonce_nv));
      }
    }
  }
  AVOUCH_TRY(plan.inside_template, from_tss_public(area));
  return plan;
}

Result<EsapiHandle> make_ek(const EsapiConnection& tpm, const EkPlan& plan, Bytes* public_area) {
  AVOUCH_TRY(const TPM2B_PUBLIC in_public, to_tss_public(plan.inside_template));
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw = nullptr;
  if (const TSS2_RC rc = Esys_CreatePrimary(
          tpm.get(), ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
          &sensitive, &in_public, &outside, &no_pcrs, &handle, &raw, nullptr, nullptr, nullptr);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "make the endorsement key from template " + plan.template_name);
  }
  EsapiHandle key(tpm, handle);
  const EsysPtr<TPM2B_PUBLIC> area(raw);
  if (public_area != nullptr) {
    AVOUCH_TRY(*public_area, from_tss_public(*area));
  }
  return key;
}

Result<EkAuthorisation> EkAuthorisation::make(const EsapiConnection& tpm, const EkPlan& plan) {
  AVOUCH_TRY(const TPM2B_PUBLIC area, to_tss_public(plan.inside_template));
  EkAuthorisation out;
  if ((area.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH) != 0) return out;
  AVOUCH_TRY(const ESYS_TR session, start_policy_session(tpm));
  out.session_.emplace(tpm, session);
  if (const TSS2_RC rc = Esys_PolicySecret(tpm.get(), ESYS_TR_RH_ENDORSEMENT, session,
                                           ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, nullptr,
                                           nullptr, nullptr, 0, nullptr, nullptr);
      rc != TSS2_RC_SUCCESS) {
    return with_context(tss_error(rc, "PolicySecret"),
                        "the endorsement hierarchy must have the empty password");
  }
  return out;
}

}  // namespace avouch::adapters
