#include "adapters/esapi_device.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "adapters/esapi_nv.h"
#include "tpm/marshal.h"

namespace avouch::adapters {
namespace {

using crypto::HashAlgorithm;

// EK certificate chains of the maker (TCG EK Credential Profile 2.5, 2.2.1.5.2).
constexpr std::uint32_t kFirstChainNv = 0x01c00100;
constexpr std::uint32_t kLastChainNv = 0x01c001ff;
constexpr std::size_t kMaxCertificates = 8;
constexpr std::size_t kPcrsPerRead = 8;  // digests in one answer (TPML_DIGEST)

Result<TPM2B_PUBLIC> to_tss_public(ByteView bytes) {
  TPM2B_PUBLIC area{};
  std::size_t offset = 0;
  if (const TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.data(), bytes.size(), &offset, &area);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPM2B_PUBLIC");
  }
  return area;
}

Result<Bytes> from_tss_public(const TPM2B_PUBLIC& area) {
  Bytes out(sizeof(TPM2B_PUBLIC));
  std::size_t size = 0;
  if (const TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Marshal(&area, out.data(), out.size(), &size);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPM2B_PUBLIC");
  }
  out.resize(size);
  return out;
}

// A TPM2B with `buffer` and `size`, from bytes without a size.
template <typename Sized>
Result<Sized> to_sized(ByteView bytes, std::string_view what) {
  Sized out{};
  if (bytes.size() > sizeof(out.buffer)) {
    return rejected(std::string(what) + ": " + std::to_string(bytes.size()) +
                    " bytes, expected at most " + std::to_string(sizeof(out.buffer)));
  }
  out.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.buffer);
  return out;
}

// The content after a u16 size that must be exactly the rest.
Result<ByteView> unsized(ByteView bytes, std::string_view what) {
  ByteReader reader(bytes);
  AVOUCH_TRY(const std::uint16_t size, reader.be16(what));
  AVOUCH_TRY(const ByteView content, reader.take(size, what));
  AVOUCH_CHECK(reader.expect_end(what));
  return content;
}

TPML_PCR_SELECTION to_tss_selection(const tpm::PcrSelection& selection) {
  TPML_PCR_SELECTION out{};
  for (const tpm::BankSelection& bank : selection) {
    if (out.count == TPM2_NUM_PCR_BANKS) break;
    TPMS_PCR_SELECTION& entry = out.pcrSelections[out.count++];
    entry.hash = tpm::algorithm_id(bank.bank);
    entry.sizeofSelect = 3;
    for (unsigned i = 0; i < 3; ++i) {
      entry.pcrSelect[i] = static_cast<BYTE>((bank.mask >> (8 * i)) & 0xff);
    }
  }
  return out;
}

std::optional<HashAlgorithm> bank_of(TPM2_ALG_ID id) {
  for (const HashAlgorithm bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                   HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    if (tpm::algorithm_id(bank) == id) return bank;
  }
  return std::nullopt;
}

Result<EsysPtr<TPMS_CAPABILITY_DATA>> capability(const EsapiConnection& tpm, TPM2_CAP what,
                                                 std::uint32_t first, std::uint32_t count) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  if (const TSS2_RC rc = Esys_GetCapability(tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                            what, first, count, &more, &raw);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "read TPM capability");
  }
  return EsysPtr<TPMS_CAPABILITY_DATA>(raw);
}

Result<std::uint32_t> property(const EsapiConnection& tpm, std::uint32_t name) {
  AVOUCH_TRY(const auto data, capability(tpm, TPM2_CAP_TPM_PROPERTIES, name, 1));
  const TPML_TAGGED_TPM_PROPERTY& list = data->data.tpmProperties;
  if (list.count < 1 || list.tpmProperty[0].property != name) {
    return rejected("the TPM does not say its property " + std::to_string(name));
  }
  return list.tpmProperty[0].value;
}

std::string manufacturer_text(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const char c = static_cast<char>((value >> shift) & 0xff);
    if (c > ' ' && c <= '~') out.push_back(c);
  }
  return out;
}

// What authorises the use of an EK: its template's policy, PolicySecret(endorsement hierarchy), in
// a fresh session; or, for templates with userWithAuth, the empty password.
class EkAuthorisation {
 public:
  static Result<EkAuthorisation> make(const EsapiConnection& tpm, ByteView ek_public) {
    AVOUCH_TRY(const TPM2B_PUBLIC area, to_tss_public(ek_public));
    EkAuthorisation out;
    if ((area.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH) != 0) return out;
    const TPMT_SYM_DEF symmetric = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
    ESYS_TR session = ESYS_TR_NONE;
    if (const TSS2_RC rc = Esys_StartAuthSession(
            tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
            nullptr, TPM2_SE_POLICY, &symmetric, TPM2_ALG_SHA256, &session);
        rc != TSS2_RC_SUCCESS) {
      return tss_error(rc, "start policy session");
    }
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
  ESYS_TR session() const { return session_ ? session_->get() : ESYS_TR_PASSWORD; }

 private:
  std::optional<EsapiHandle> session_;
};

TPM2B_PUBLIC attestation_key_template(bool ecc) {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                          TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  if (ecc) {
    area.type = TPM2_ALG_ECC;
    TPMS_ECC_PARMS& parameters = area.parameters.eccDetail;
    parameters.symmetric.algorithm = TPM2_ALG_NULL;
    parameters.scheme.scheme = TPM2_ALG_ECDSA;
    parameters.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    parameters.curveID = TPM2_ECC_NIST_P256;
    parameters.kdf.scheme = TPM2_ALG_NULL;
  } else {
    area.type = TPM2_ALG_RSA;
    TPMS_RSA_PARMS& parameters = area.parameters.rsaDetail;
    parameters.symmetric.algorithm = TPM2_ALG_NULL;
    parameters.scheme.scheme = TPM2_ALG_RSASSA;
    parameters.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    parameters.keyBits = 2048;
  }
  return out;
}

}  // namespace

Result<tpm::DeviceState> EsapiDevice::state() {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  tpm::DeviceState out;
  TPMS_TIME_INFO* raw = nullptr;
  if (const TSS2_RC rc = Esys_ReadClock(tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "read TPM clock");
  }
  const EsysPtr<TPMS_TIME_INFO> time(raw);
  out.clock = {.clock = time->clockInfo.clock,
               .reset_count = time->clockInfo.resetCount,
               .restart_count = time->clockInfo.restartCount,
               .safe = time->clockInfo.safe == TPM2_YES};

  AVOUCH_TRY(const auto banks, capability(tpm, TPM2_CAP_PCRS, 0, TPM2_NUM_PCR_BANKS));
  const TPML_PCR_SELECTION& list = banks->data.assignedPCR;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(list.count, TPM2_NUM_PCR_BANKS); ++i) {
    const TPMS_PCR_SELECTION& entry = list.pcrSelections[i];
    const auto size = std::min<std::size_t>(entry.sizeofSelect, TPM2_PCR_SELECT_MAX);
    const bool allocated =
        std::any_of(entry.pcrSelect, entry.pcrSelect + size, [](BYTE bits) { return bits != 0; });
    const auto bank = bank_of(entry.hash);
    if (allocated && bank) out.active_banks.push_back(*bank);
  }
  AVOUCH_TRY(const std::uint32_t manufacturer, property(tpm, TPM2_PT_MANUFACTURER));
  AVOUCH_TRY(const std::uint32_t high, property(tpm, TPM2_PT_FIRMWARE_VERSION_1));
  AVOUCH_TRY(const std::uint32_t low, property(tpm, TPM2_PT_FIRMWARE_VERSION_2));
  out.manufacturer = manufacturer_text(manufacturer);
  out.firmware_version = (std::uint64_t{high} << 32) | low;
  return out;
}

Result<EsapiDevice::EkPlan> EsapiDevice::find_ek(const EsapiConnection& tpm) {
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
  plan.slot = slot != nullptr ? slot : &tpm::kEkSlots.front();

  AVOUCH_TRY(const auto own_template, read_nv(tpm, plan.slot->template_nv));
  if (own_template) {
    plan.template_name = "NV template";
    Bytes sized;
    append_be16(sized, static_cast<std::uint16_t>(own_template->size()));
    append(sized, *own_template);
    plan.inside_template = std::move(sized);
    return plan;
  }
  plan.template_name = plan.slot->name;
  plan.inside_template = tpm::ek_template(plan.slot->key);
  if (plan.slot->nonce_nv == 0) return plan;
  AVOUCH_TRY(const auto nonce, read_nv(tpm, plan.slot->nonce_nv));
  if (!nonce) return plan;
  AVOUCH_TRY(TPM2B_PUBLIC area, to_tss_public(plan.inside_template));
  TPMU_PUBLIC_ID& unique = area.publicArea.unique;
  if (area.publicArea.type == TPM2_ALG_RSA) {
    if (nonce->size() > unique.rsa.size) return rejected("EK nonce in NV is longer than the key");
    std::copy(nonce->begin(), nonce->end(), unique.rsa.buffer);
  } else {
    if (nonce->size() > unique.ecc.x.size) return rejected("EK nonce in NV is longer than the key");
    std::copy(nonce->begin(), nonce->end(), unique.ecc.x.buffer);
  }
  AVOUCH_TRY(plan.inside_template, from_tss_public(area));
  return plan;
}

Result<const EsapiDevice::EkPlan*> EsapiDevice::ek_plan(const EsapiConnection& tpm) {
  if (!plan_) {
    AVOUCH_TRY(plan_, find_ek(tpm));
  }
  return &*plan_;
}

Result<EsapiHandle> EsapiDevice::make_ek(const EsapiConnection& tpm, const EkPlan& plan,
                                         Bytes* public_area) {
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
  AVOUCH_TRY(*public_area, from_tss_public(*area));
  return key;
}

Result<tpm::Endorsement> EsapiDevice::endorsement() {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  AVOUCH_TRY(const EkPlan* plan, ek_plan(tpm));
  tpm::Endorsement out;
  out.ek_certificates = plan->certificates;
  out.template_name = plan->template_name;
  AVOUCH_TRY(const EsapiHandle key, make_ek(tpm, *plan, &out.ek_public));
  return out;
}

Result<tpm::WrappedKey> EsapiDevice::create_attestation_key() {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  AVOUCH_TRY(const EkPlan* plan, ek_plan(tpm));
  Bytes ek_public;
  AVOUCH_TRY(const EsapiHandle ek, make_ek(tpm, *plan, &ek_public));

  Error last = rejected("create attestation key: no algorithm was tried");
  for (const bool ecc : {true, false}) {
    AVOUCH_TRY(const EkAuthorisation authorisation, EkAuthorisation::make(tpm, ek_public));
    const TPM2B_PUBLIC in_public = attestation_key_template(ecc);
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION no_pcrs{};
    TPM2B_PRIVATE* raw_private = nullptr;
    TPM2B_PUBLIC* raw_public = nullptr;
    const TSS2_RC rc = Esys_Create(tpm.get(), ek.get(), authorisation.session(), ESYS_TR_NONE,
                                   ESYS_TR_NONE, &sensitive, &in_public, &outside, &no_pcrs,
                                   &raw_private, &raw_public, nullptr, nullptr, nullptr);
    if (rc != TSS2_RC_SUCCESS) {
      last = tss_error(rc, "create attestation key");
      if (last.kind == ErrorKind::kRetryable) return last;
      continue;  // this TPM may lack the algorithm
    }
    const EsysPtr<TPM2B_PRIVATE> private_area(raw_private);
    const EsysPtr<TPM2B_PUBLIC> public_area(raw_public);
    tpm::WrappedKey key;
    AVOUCH_TRY(key.public_area, from_tss_public(*public_area));
    append_be16(key.private_area, private_area->size);
    append(key.private_area, ByteView(private_area->buffer, private_area->size));
    return key;
  }
  return last;
}

Result<EsapiHandle> EsapiDevice::load(const EsapiConnection& tpm, const tpm::WrappedKey& key) {
  if (saved_ && saved_->private_area == key.private_area) {
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_ContextLoad(tpm.get(), &saved_->context, &handle) == TSS2_RC_SUCCESS) {
      return EsapiHandle(tpm, handle);
    }
    saved_.reset();  // the TPM was reset: its contexts are gone, the key is not
  }
  AVOUCH_TRY(const EkPlan* plan, ek_plan(tpm));
  Bytes ek_public;
  AVOUCH_TRY(const EsapiHandle ek, make_ek(tpm, *plan, &ek_public));
  AVOUCH_TRY(const EkAuthorisation authorisation, EkAuthorisation::make(tpm, ek_public));
  AVOUCH_TRY(const TPM2B_PUBLIC in_public, to_tss_public(key.public_area));
  AVOUCH_TRY(const ByteView content, unsized(key.private_area, "TPM2B_PRIVATE"));
  AVOUCH_TRY(const TPM2B_PRIVATE in_private, to_sized<TPM2B_PRIVATE>(content, "TPM2B_PRIVATE"));
  ESYS_TR handle = ESYS_TR_NONE;
  if (const TSS2_RC rc = Esys_Load(tpm.get(), ek.get(), authorisation.session(), ESYS_TR_NONE,
                                   ESYS_TR_NONE, &in_private, &in_public, &handle);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "load the attestation key");
  }
  EsapiHandle loaded(tpm, handle);
  TPMS_CONTEXT* raw = nullptr;
  if (Esys_ContextSave(tpm.get(), handle, &raw) == TSS2_RC_SUCCESS) {
    const EsysPtr<TPMS_CONTEXT> context(raw);
    saved_ = SavedKey{key.private_area, *context};
  }
  return loaded;
}

Result<Bytes> EsapiDevice::activate(const tpm::WrappedKey& key, ByteView blob,
                                    ByteView encrypted_secret) {
  AVOUCH_TRY(const ByteView id_object, unsized(blob, "credentialBlob"));
  AVOUCH_TRY(const ByteView seed, unsized(encrypted_secret, "encryptedSecret"));
  TPM2B_ID_OBJECT credential{};
  if (id_object.size() > sizeof(credential.credential)) {
    return rejected("credentialBlob is longer than a TPM2B_ID_OBJECT can be");
  }
  credential.size = static_cast<UINT16>(id_object.size());
  std::copy(id_object.begin(), id_object.end(), credential.credential);
  TPM2B_ENCRYPTED_SECRET secret{};
  if (seed.size() > sizeof(secret.secret)) {
    return rejected("encryptedSecret is longer than a TPM2B_ENCRYPTED_SECRET can be");
  }
  secret.size = static_cast<UINT16>(seed.size());
  std::copy(seed.begin(), seed.end(), secret.secret);

  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  AVOUCH_TRY(const EsapiHandle ak, load(tpm, key));
  AVOUCH_TRY(const EkPlan* plan, ek_plan(tpm));
  Bytes ek_public;
  AVOUCH_TRY(const EsapiHandle ek, make_ek(tpm, *plan, &ek_public));
  AVOUCH_TRY(const EkAuthorisation authorisation, EkAuthorisation::make(tpm, ek_public));
  TPM2B_DIGEST* raw = nullptr;
  if (const TSS2_RC rc = Esys_ActivateCredential(tpm.get(), ak.get(), ek.get(), ESYS_TR_PASSWORD,
                                                 authorisation.session(), ESYS_TR_NONE, &credential,
                                                 &secret, &raw);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "activate the credential");
  }
  const EsysPtr<TPM2B_DIGEST> info(raw);
  return Bytes(info->buffer, info->buffer + info->size);
}

Result<tpm::SignedQuote> EsapiDevice::quote(const tpm::WrappedKey& key, ByteView qualifying,
                                            const tpm::PcrSelection& selection) {
  AVOUCH_TRY(const TPM2B_DATA data, to_sized<TPM2B_DATA>(qualifying, "qualifying data"));
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  AVOUCH_TRY(const EsapiHandle ak, load(tpm, key));
  const TPMT_SIG_SCHEME keys_own = {.scheme = TPM2_ALG_NULL, .details = {}};
  const TPML_PCR_SELECTION pcrs = to_tss_selection(selection);
  TPM2B_ATTEST* raw_message = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  if (const TSS2_RC rc =
          Esys_Quote(tpm.get(), ak.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                     &keys_own, &pcrs, &raw_message, &raw_signature);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "quote");
  }
  const EsysPtr<TPM2B_ATTEST> message(raw_message);
  const EsysPtr<TPMT_SIGNATURE> signature(raw_signature);
  tpm::SignedQuote out;
  out.message.assign(message->attestationData, message->attestationData + message->size);
  out.signature.resize(sizeof(TPMT_SIGNATURE));
  std::size_t size = 0;
  if (const TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature.get(), out.signature.data(),
                                                        out.signature.size(), &size);
      rc != TSS2_RC_SUCCESS) {
    return tss_error(rc, "TPMT_SIGNATURE");
  }
  out.signature.resize(size);
  return out;
}

Result<tpm::PcrValues> EsapiDevice::read_pcrs(const tpm::PcrSelection& selection) {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_));
  tpm::PcrValues out;
  for (const tpm::BankSelection& bank : selection) {
    // The TPM answers with as many as fit; ask for those that are still missing.
    std::uint32_t missing = bank.mask;
    while (missing != 0) {
      const TPML_PCR_SELECTION want = to_tss_selection({{bank.bank, missing}});
      UINT32 counter = 0;
      TPML_PCR_SELECTION* raw_selected = nullptr;
      TPML_DIGEST* raw_values = nullptr;
      if (const TSS2_RC rc = Esys_PCR_Read(tpm.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                           &want, &counter, &raw_selected, &raw_values);
          rc != TSS2_RC_SUCCESS) {
        return tss_error(rc, "read PCRs");
      }
      const EsysPtr<TPML_PCR_SELECTION> selected(raw_selected);
      const EsysPtr<TPML_DIGEST> values(raw_values);
      std::uint32_t got = 0;
      if (selected->count == 1) {
        for (unsigned i = 0; i < 3 && i < selected->pcrSelections[0].sizeofSelect; ++i) {
          got |= std::uint32_t{selected->pcrSelections[0].pcrSelect[i]} << (8 * i);
        }
      }
      std::size_t next = 0;
      for (unsigned index = 0; index < tpm::kPcrCount; ++index) {
        if (((got >> index) & 1U) == 0) continue;
        if (next >= std::min<std::size_t>(values->count, kPcrsPerRead) ||
            ((missing >> index) & 1U) == 0) {
          return rejected("read PCRs: the TPM's answer does not fit its own selection");
        }
        const TPM2B_DIGEST& value = values->digests[next++];
        out[{bank.bank, static_cast<std::uint8_t>(index)}] =
            Bytes(value.buffer, value.buffer + value.size);
      }
      if ((got & missing) == 0) {
        return rejected("read PCRs: the TPM has none of the PCRs asked for in bank " +
                        std::string(crypto::hash_name(bank.bank)));
      }
      missing &= ~got;
    }
  }
  return out;
}

}  // namespace avouch::adapters
