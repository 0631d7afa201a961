#include "adapters/esapi_device.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "adapters/esapi_values.h"
#include "tpm/marshal.h"

namespace avouch::adapters {
namespace {

using crypto::HashAlgorithm;

constexpr std::size_t kPcrsPerRead = 8;  // digests in one answer (TPML_DIGEST)

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

TPM2B_PUBLIC attestation_key_template(bool ecc) {
  TPM2B_PUBLIC out{};
  TPMT_PUBLIC& area = out.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  // noDA: unclean resets count as failed tries of guarded objects, and after a few the TPM would
  // let nobody use the key while its lockout lasts.
  area.objectAttributes = TPMA_OBJECT_NODA | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
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

Result<tpm::Endorsement> read_endorsement(const EsapiConnection& tpm, const EkPlan& plan) {
  tpm::Endorsement out;
  out.ek_certificates = plan.certificates;
  out.template_name = plan.template_name;
  AVOUCH_TRY(const EsapiHandle key, make_ek(tpm, plan, &out.ek_public));
  return out;
}

Result<tpm::WrappedKey> create_key(const EsapiConnection& tpm, const EkPlan& plan) {
  AVOUCH_TRY(const EsapiHandle ek, make_ek(tpm, plan, nullptr));
  Error last = rejected("create attestation key: no algorithm was tried");
  for (const bool ecc : {true, false}) {
    AVOUCH_TRY(const EkAuthorisation authorisation, EkAuthorisation::make(tpm, plan));
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

Result<TPM2B_ID_OBJECT> to_id_object(ByteView blob) {
  AVOUCH_TRY(const ByteView content, unsized(blob, "credentialBlob"));
  TPM2B_ID_OBJECT out{};
  if (content.size() > sizeof(out.credential)) {
    return rejected("credentialBlob is longer than a TPM2B_ID_OBJECT can be");
  }
  out.size = static_cast<UINT16>(content.size());
  std::copy(content.begin(), content.end(), out.credential);
  return out;
}

Result<TPM2B_ENCRYPTED_SECRET> to_encrypted_secret(ByteView encrypted_secret) {
  AVOUCH_TRY(const ByteView content, unsized(encrypted_secret, "encryptedSecret"));
  TPM2B_ENCRYPTED_SECRET out{};
  if (content.size() > sizeof(out.secret)) {
    return rejected("encryptedSecret is longer than a TPM2B_ENCRYPTED_SECRET can be");
  }
  out.size = static_cast<UINT16>(content.size());
  std::copy(content.begin(), content.end(), out.secret);
  return out;
}

Result<Bytes> activate_credential(const EsapiConnection& tpm, const EkPlan& plan,
                                  const EsapiHandle& ak, const TPM2B_ID_OBJECT& credential,
                                  const TPM2B_ENCRYPTED_SECRET& secret) {
  const auto ek = make_ek(tpm, plan, nullptr);
  if (!ek.has_value()) return as_passing(ek.error());
  const auto authorisation = EkAuthorisation::make(tpm, plan);
  if (!authorisation.has_value()) return as_passing(authorisation.error());
  TPM2B_DIGEST* raw = nullptr;
  if (const TSS2_RC rc = Esys_ActivateCredential(tpm.get(), ak.get(), ek->get(), ESYS_TR_PASSWORD,
                                                 authorisation->session(), ESYS_TR_NONE,
                                                 &credential, &secret, &raw);
      rc != TSS2_RC_SUCCESS) {
    return parameter_error(rc, "activate the credential");
  }
  const EsysPtr<TPM2B_DIGEST> info(raw);
  return Bytes(info->buffer, info->buffer + info->size);
}

Result<tpm::SignedQuote> sign_quote(const EsapiConnection& tpm, const EsapiHandle& ak,
                                    const TPM2B_DATA& data, const TPML_PCR_SELECTION& pcrs) {
  const TPMT_SIG_SCHEME keys_own = {.scheme = TPM2_ALG_NULL, .details = {}};
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

}  // namespace

Result<tpm::DeviceState> EsapiDevice::state() {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_, deadline_));
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

Result<const EkPlan*> EsapiDevice::ek_plan(const EsapiConnection& tpm) {
  if (!plan_) {
    AVOUCH_TRY(plan_, find_ek(tpm));
  }
  return &*plan_;
}

// One operation that loads objects.
template <typename Operation>
auto EsapiDevice::with_keys(Operation operation)
    -> decltype(operation(std::declval<const EsapiConnection&>(), std::declval<const EkPlan&>())) {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_, deadline_));
  AVOUCH_TRY(const EkPlan* plan, ek_plan(tpm));
  return operation(tpm, *plan);
}

Result<tpm::Endorsement> EsapiDevice::endorsement() {
  plan_.reset();  // NV is read anew: this may be another TPM than last time
  return with_keys(
      [](const EsapiConnection& tpm, const EkPlan& plan) { return read_endorsement(tpm, plan); });
}

Result<tpm::WrappedKey> EsapiDevice::create_attestation_key() {
  return with_keys(
      [](const EsapiConnection& tpm, const EkPlan& plan) { return create_key(tpm, plan); });
}

Result<Bytes> EsapiDevice::activate(const tpm::WrappedKey& key, ByteView blob,
                                    ByteView encrypted_secret) {
  AVOUCH_TRY(const TPM2B_ID_OBJECT credential, to_id_object(blob));
  AVOUCH_TRY(const TPM2B_ENCRYPTED_SECRET secret, to_encrypted_secret(encrypted_secret));
  return with_keys([&](const EsapiConnection& tpm, const EkPlan& plan) -> Result<Bytes> {
    AVOUCH_TRY(const EsapiHandle ak, load(tpm, plan, key));
    return activate_credential(tpm, plan, ak, credential, secret);
  });
}

Result<tpm::SignedQuote> EsapiDevice::quote(const tpm::WrappedKey& key, ByteView qualifying,
                                            const tpm::PcrSelection& selection) {
  AVOUCH_TRY(const TPM2B_DATA data, to_sized<TPM2B_DATA>(qualifying, "qualifying data"));
  return with_keys([&](const EsapiConnection& tpm, const EkPlan& plan) -> Result<tpm::SignedQuote> {
    AVOUCH_TRY(const EsapiHandle ak, load(tpm, plan, key));
    auto quoted = sign_quote(tpm, ak, data, to_tss_selection(selection));
    if (!quoted.has_value()) return as_passing(std::move(quoted).error());
    return quoted;
  });
}

Result<EsapiHandle> EsapiDevice::load(const EsapiConnection& tpm, const EkPlan& plan,
                                      const tpm::WrappedKey& key) {
  if (saved_ && saved_->private_area == key.private_area) {
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_ContextLoad(tpm.get(), &saved_->context, &handle) == TSS2_RC_SUCCESS) {
      return EsapiHandle(tpm, handle);
    }
    saved_.reset();  // the TPM was reset: its contexts are gone, the key is not
  }
  AVOUCH_TRY(const TPM2B_PUBLIC in_public, to_tss_public(key.public_area));
  AVOUCH_CHECK(from_tss_public(in_public));  // what can be read, but not sent, is damaged too
  AVOUCH_TRY(const ByteView content, unsized(key.private_area, "TPM2B_PRIVATE"));
  AVOUCH_TRY(const TPM2B_PRIVATE in_private, to_sized<TPM2B_PRIVATE>(content, "TPM2B_PRIVATE"));
  auto ek = make_ek(tpm, plan, nullptr);
  if (!ek.has_value()) return as_passing(std::move(ek).error());
  const auto authorisation = EkAuthorisation::make(tpm, plan);
  if (!authorisation.has_value()) return as_passing(authorisation.error());
  ESYS_TR handle = ESYS_TR_NONE;
  if (const TSS2_RC rc = Esys_Load(tpm.get(), ek->get(), authorisation->session(), ESYS_TR_NONE,
                                   ESYS_TR_NONE, &in_private, &in_public, &handle);
      rc != TSS2_RC_SUCCESS) {
    return parameter_error(rc, "load the attestation key");
  }
  EsapiHandle loaded(tpm, handle);
  TPMS_CONTEXT* raw = nullptr;
  if (Esys_ContextSave(tpm.get(), handle, &raw) == TSS2_RC_SUCCESS) {
    const EsysPtr<TPMS_CONTEXT> context(raw);
    saved_ = SavedKey{key.private_area, *context};
  }
  return loaded;
}

Result<tpm::PcrValues> EsapiDevice::read_pcrs(const tpm::PcrSelection& selection) {
  AVOUCH_TRY(const EsapiConnection tpm, EsapiConnection::open(tcti_, deadline_));
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
