// TPM2B_PUBLIC.

#include "tpm/algorithms.h"
#include "tpm/marshal.h"
#include "tpm/mu.h"

namespace avouch::tpm {
namespace {

using crypto::KeyType;
using crypto::PublicKey;
using crypto::SignatureScheme;

constexpr std::string_view kWhat = "TPM2B_PUBLIC";

Error refused(const std::string& why) { return rejected(std::string(kWhat) + ": " + why); }

template <typename Scheme>
Result<std::optional<SigningScheme>> read_scheme(const Scheme& scheme) {
  SignatureScheme kind{};
  TPM2_ALG_ID hash_id = TPM2_ALG_NULL;
  switch (scheme.scheme) {
    case TPM2_ALG_NULL:
      return std::optional<SigningScheme>{};
    case TPM2_ALG_ECDSA:
      kind = SignatureScheme::kEcdsa;
      hash_id = scheme.details.ecdsa.hashAlg;
      break;
    case TPM2_ALG_RSASSA:
      kind = SignatureScheme::kRsassa;
      hash_id = scheme.details.rsassa.hashAlg;
      break;
    case TPM2_ALG_RSAPSS:
      kind = SignatureScheme::kRsapss;
      hash_id = scheme.details.rsapss.hashAlg;
      break;
    default:
      return refused("scheme " + hex_id(scheme.scheme) +
                     " is not supported: expected ECDSA, RSASSA, RSAPSS or none");
  }
  const auto hash = hash_of(hash_id);
  if (!hash || *hash == crypto::HashAlgorithm::kSha1) {
    return refused("scheme hash " + hex_id(hash_id) +
                   " is not accepted: expected SHA-256, SHA-384 or SHA-512");
  }
  return std::optional<SigningScheme>{SigningScheme{kind, *hash}};
}

Result<unsigned> read_symmetric(const TPMT_SYM_DEF_OBJECT& symmetric) {
  if (symmetric.algorithm == TPM2_ALG_NULL) return 0U;
  const unsigned bits = symmetric.algorithm == TPM2_ALG_AES ? symmetric.keyBits.aes : 0U;
  if (bits != 128 && bits != 256) {
    return refused("symmetric algorithm " + hex_id(symmetric.algorithm) +
                   " is not supported: expected AES-128 or AES-256");
  }
  if (symmetric.mode.aes != TPM2_ALG_CFB) {
    return refused("symmetric mode " + hex_id(symmetric.mode.aes) + " is not CFB");
  }
  return bits;
}

Result<PublicKey> read_rsa(const TPMT_PUBLIC& area) {
  const TPMS_RSA_PARMS& parameters = area.parameters.rsaDetail;
  const TPM2B_PUBLIC_KEY_RSA& modulus = area.unique.rsa;
  if (modulus.size * 8U != parameters.keyBits) {
    return refused("RSA modulus of " + std::to_string(modulus.size) + " bytes in a key of " +
                   std::to_string(parameters.keyBits) + " bits");
  }
  const std::uint32_t exponent = parameters.exponent == 0 ? 65537 : parameters.exponent;
  return PublicKey::rsa_from_modulus({modulus.buffer, modulus.size}, exponent);
}

Result<PublicKey> read_ecc(const TPMT_PUBLIC& area) {
  const TPMS_ECC_PARMS& parameters = area.parameters.eccDetail;
  const TPMS_ECC_POINT& point = area.unique.ecc;
  const ByteView x{point.x.buffer, point.x.size};
  const ByteView y{point.y.buffer, point.y.size};
  switch (parameters.curveID) {
    case TPM2_ECC_NIST_P256:
      return PublicKey::ec_from_point(KeyType::kEcP256, x, y);
    case TPM2_ECC_NIST_P384:
      return PublicKey::ec_from_point(KeyType::kEcP384, x, y);
    default:
      return refused("curve " + hex_id(parameters.curveID) +
                     " is not supported: expected NIST P-256 or P-384");
  }
}

}  // namespace

Result<Public> parse_public(ByteView tpm2b) {
  AVOUCH_TRY(Bytes encoded, parse_sized(tpm2b, kMaxPublicBytes));
  AVOUCH_TRY(const auto area,
             unmarshal_whole<TPMT_PUBLIC>(encoded, kWhat, Tss2_MU_TPMT_PUBLIC_Unmarshal,
                                          Tss2_MU_TPMT_PUBLIC_Marshal));
  const auto name_hash = hash_of(area->nameAlg);
  if (!name_hash || *name_hash == crypto::HashAlgorithm::kSha1) {
    return refused("nameAlg " + hex_id(area->nameAlg) +
                   " is not accepted: expected SHA-256, SHA-384 or SHA-512");
  }
  const bool is_rsa = area->type == TPM2_ALG_RSA;
  if (!is_rsa && area->type != TPM2_ALG_ECC) {
    return refused("object type " + hex_id(area->type) + " is not an RSA or ECC key");
  }
  auto key = is_rsa ? read_rsa(*area) : read_ecc(*area);
  if (!key.has_value()) return with_context(std::move(key).error(), std::string(kWhat));
  AVOUCH_TRY(const auto signing, is_rsa ? read_scheme(area->parameters.rsaDetail.scheme)
                                        : read_scheme(area->parameters.eccDetail.scheme));
  AVOUCH_TRY(const unsigned symmetric_bits,
             read_symmetric(is_rsa ? area->parameters.rsaDetail.symmetric
                                   : area->parameters.eccDetail.symmetric));
  Bytes name;
  append_be16(name, algorithm_id(*name_hash));
  append(name, crypto::hash(*name_hash, encoded));
  return Public{std::move(encoded),
                std::move(key).value(),
                *name_hash,
                area->objectAttributes,
                signing,
                symmetric_bits,
                Bytes(area->authPolicy.buffer, area->authPolicy.buffer + area->authPolicy.size),
                std::move(name)};
}

}  // namespace avouch::tpm
