// TPMS_ATTEST and TPMT_SIGNATURE.

#include "tpm/algorithms.h"
#include "tpm/marshal.h"
#include "tpm/mu.h"

namespace avouch::tpm {
namespace {

using crypto::SignatureScheme;

template <typename Tpm2b>
Bytes content(const Tpm2b& sized, const std::uint8_t* data) {
  return {data, data + sized.size};
}

Result<void> check_size(ByteView input, std::size_t max, std::string_view what) {
  if (input.size() <= max) return {};
  return rejected(std::string(what) + ": has " + std::to_string(input.size()) + " bytes, at most " +
                  std::to_string(max) + " are accepted");
}

Result<PcrSelection> read_selection(const TPML_PCR_SELECTION& list) {
  PcrSelection selection;
  for (std::uint32_t i = 0; i < list.count; ++i) {
    const TPMS_PCR_SELECTION& entry = list.pcrSelections[i];
    const std::string where = "PCR selection " + std::to_string(i);
    const auto bank = hash_of(entry.hash);
    if (!bank) {
      return rejected(where + ": bank " + hex_id(entry.hash) +
                      " is not supported: expected SHA-1, SHA-256, SHA-384 or SHA-512");
    }
    for (const BankSelection& other : selection) {
      if (other.bank == *bank) {
        return rejected(where + ": bank " + std::string(crypto::hash_name(*bank)) +
                        " is selected twice");
      }
    }
    std::uint32_t mask = 0;
    for (unsigned byte = 0; byte < entry.sizeofSelect; ++byte) {
      mask |= static_cast<std::uint32_t>(entry.pcrSelect[byte]) << (8 * byte);
    }
    if ((mask >> kPcrCount) != 0) {
      return rejected(where + ": selects a PCR above " + std::to_string(kPcrCount - 1));
    }
    selection.push_back({*bank, mask});
  }
  return selection;
}

Result<crypto::HashAlgorithm> read_hash(TPM2_ALG_ID id) {
  if (const auto hash = hash_of(id)) return *hash;
  return rejected("signature: hash " + hex_id(id) +
                  " is not supported: expected SHA-256, SHA-384 or SHA-512");
}

Result<Bytes> padded(const Bytes& number, std::size_t size, std::string_view what) {
  if (number.size() > size) {
    return rejected("signature: " + std::string(what) + " has " + std::to_string(number.size()) +
                    " bytes, at most " + std::to_string(size) + " fit the key");
  }
  Bytes out(size - number.size(), 0);
  append(out, number);
  return out;
}

}  // namespace

Result<Attest> parse_attest(ByteView message) {
  AVOUCH_CHECK(check_size(message, kMaxAttestBytes, "TPMS_ATTEST"));
  AVOUCH_TRY(const auto parsed,
             unmarshal_whole<TPMS_ATTEST>(message, "TPMS_ATTEST", Tss2_MU_TPMS_ATTEST_Unmarshal,
                                          Tss2_MU_TPMS_ATTEST_Marshal));
  const TPMS_CLOCK_INFO& clock = parsed->clockInfo;
  Attest out;
  out.magic = parsed->magic;
  out.type = parsed->type;
  out.qualified_signer = content(parsed->qualifiedSigner, parsed->qualifiedSigner.name);
  out.extra_data = content(parsed->extraData, parsed->extraData.buffer);
  out.clock = {clock.clock, clock.resetCount, clock.restartCount, clock.safe == TPM2_YES};
  out.firmware_version = parsed->firmwareVersion;
  if (parsed->type == TPM2_ST_ATTEST_QUOTE) {
    const TPMS_QUOTE_INFO& quote = parsed->attested.quote;
    AVOUCH_TRY(out.selection, read_selection(quote.pcrSelect));
    out.pcr_digest = content(quote.pcrDigest, quote.pcrDigest.buffer);
  }
  return out;
}

Result<Signature> parse_signature(ByteView signature) {
  AVOUCH_CHECK(check_size(signature, kMaxSignatureBytes, "TPMT_SIGNATURE"));
  AVOUCH_TRY(const auto parsed, unmarshal_whole<TPMT_SIGNATURE>(signature, "TPMT_SIGNATURE",
                                                                Tss2_MU_TPMT_SIGNATURE_Unmarshal,
                                                                Tss2_MU_TPMT_SIGNATURE_Marshal));
  Signature out;
  switch (parsed->sigAlg) {
    case TPM2_ALG_ECDSA: {
      const TPMS_SIGNATURE_ECDSA& ecdsa = parsed->signature.ecdsa;
      AVOUCH_TRY(const auto hash, read_hash(ecdsa.hash));
      out.scheme = {SignatureScheme::kEcdsa, hash};
      out.r = content(ecdsa.signatureR, ecdsa.signatureR.buffer);
      out.s = content(ecdsa.signatureS, ecdsa.signatureS.buffer);
      return out;
    }
    case TPM2_ALG_RSASSA: {
      const TPMS_SIGNATURE_RSASSA& rsassa = parsed->signature.rsassa;
      AVOUCH_TRY(const auto hash, read_hash(rsassa.hash));
      out.scheme = {SignatureScheme::kRsassa, hash};
      out.rsa = content(rsassa.sig, rsassa.sig.buffer);
      return out;
    }
    case TPM2_ALG_RSAPSS: {
      const TPMS_SIGNATURE_RSAPSS& rsapss = parsed->signature.rsapss;
      AVOUCH_TRY(const auto hash, read_hash(rsapss.hash));
      out.scheme = {SignatureScheme::kRsapss, hash};
      out.rsa = content(rsapss.sig, rsapss.sig.buffer);
      return out;
    }
    default:
      return rejected("signature: scheme " + hex_id(parsed->sigAlg) +
                      " is not supported: expected ECDSA, RSASSA or RSAPSS");
  }
}

Result<Bytes> signature_value(const Signature& signature, crypto::KeyType key) {
  if (signature.scheme.scheme != SignatureScheme::kEcdsa) return signature.rsa;
  const std::size_t size = key == crypto::KeyType::kEcP384 ? 48 : 32;
  AVOUCH_TRY(Bytes out, padded(signature.r, size, "r"));
  AVOUCH_TRY(const Bytes s, padded(signature.s, size, "s"));
  append(out, s);
  return out;
}

}  // namespace avouch::tpm
