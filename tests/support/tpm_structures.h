#pragma once

// TPM structures byte by byte and without tss2-mu, so that what the product reads has another
// author than what it reads it with. A test may make them say anything.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"
#include "tpm/marshal.h"
#include "tpm/types.h"

namespace avouch::testing {

// tss2-mu would fill the output with lines about what tests feed it.
inline const bool kTss2IsSilent = (tpm::silence_tss2_log(), true);

// A test that cannot go on.
inline void must(bool held, const std::string& what) {
  if (!held) throw std::runtime_error("test support: " + what);
}

template <typename T>
T must_value(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error("test support: " + result.error().message);
  return std::move(result).value();
}

using EvpKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

inline EvpKey evp_of(const crypto::PrivateKey& key) {
  const std::string pem = key.pem();
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all);
  EvpKey out(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  must(out != nullptr, "private key");
  return out;
}

inline Bytes rsa_modulus(const crypto::PrivateKey& key) {
  const EvpKey evp = evp_of(key);
  BIGNUM* n = nullptr;
  must(EVP_PKEY_get_bn_param(evp.get(), OSSL_PKEY_PARAM_RSA_N, &n) == 1, "modulus");
  Bytes out(static_cast<std::size_t>(BN_num_bytes(n)));
  BN_bn2bin(n, out.data());
  BN_free(n);
  return out;
}

inline bool is_rsa(crypto::KeyType type) {
  return type == crypto::KeyType::kRsa2048 || type == crypto::KeyType::kRsa3072;
}

inline std::uint16_t scheme_id(crypto::SignatureScheme scheme) {
  switch (scheme) {
    case crypto::SignatureScheme::kEcdsa:
      return 0x0018;
    case crypto::SignatureScheme::kRsassa:
      return 0x0014;
    default:
      return 0x0016;
  }
}

struct PublicFields {
  std::uint32_t attributes = 0x00050072;
  std::uint16_t name_alg = 0x000b;
  Bytes auth_policy;
  std::uint16_t aes_bits = 0;  // 0: no symmetric algorithm
  std::optional<tpm::SigningScheme> signing;
};

// All of TPMT_PUBLIC before the parameters of the kind of key.
inline Bytes public_head(std::uint16_t type, const PublicFields& fields) {
  Bytes area;
  append_be16(area, type);
  append_be16(area, fields.name_alg);
  append_be32(area, fields.attributes);
  append(area, tpm::to_sized(fields.auth_policy));
  append_be16(area, fields.aes_bits == 0 ? 0x0010 : 0x0006);
  if (fields.aes_bits != 0) {
    append_be16(area, fields.aes_bits);
    append_be16(area, 0x0043);
  }
  append_be16(area, fields.signing ? scheme_id(fields.signing->scheme) : std::uint16_t{0x0010});
  if (fields.signing) append_be16(area, tpm::algorithm_id(fields.signing->hash));
  return area;
}

// TPM2B_PUBLIC.
inline Bytes rsa_public_area(const Bytes& modulus, const PublicFields& fields) {
  Bytes area = public_head(0x0001, fields);
  append_be16(area, static_cast<std::uint16_t>(modulus.size() * 8));
  append_be32(area, 0);
  append(area, tpm::to_sized(modulus));
  return tpm::to_sized(area);
}

inline Bytes public_area(const crypto::PrivateKey& key, const PublicFields& fields) {
  if (is_rsa(key.type())) return rsa_public_area(rsa_modulus(key), fields);
  Bytes area = public_head(0x0023, fields);
  const auto point = must_value(key.public_key().ec_point());
  append_be16(area, key.type() == crypto::KeyType::kEcP384 ? 0x0004 : 0x0003);
  append_be16(area, 0x0010);
  append(area, tpm::to_sized(point.first));
  append(area, tpm::to_sized(point.second));
  return tpm::to_sized(area);
}

// What a TPMS_ATTEST says; a test may make it say anything.
struct AttestFields {
  std::uint32_t magic = 0xff544347;
  std::uint16_t type = 0x8018;
  Bytes qualified_signer;
  Bytes extra_data;
  tpm::ClockInfo clock;
  std::uint64_t firmware_version = 0;
  std::vector<std::pair<std::uint16_t, std::uint32_t>> selection;  // TPM_ALG_ID, mask
  Bytes pcr_digest;
  Bytes trailing;
};

inline Bytes attest_bytes(const AttestFields& fields) {
  Bytes out;
  append_be32(out, fields.magic);
  append_be16(out, fields.type);
  append(out, tpm::to_sized(fields.qualified_signer));
  append(out, tpm::to_sized(fields.extra_data));
  append_be64(out, fields.clock.clock);
  append_be32(out, fields.clock.reset_count);
  append_be32(out, fields.clock.restart_count);
  append_u8(out, fields.clock.safe ? 1 : 0);
  append_be64(out, fields.firmware_version);
  append_be32(out, static_cast<std::uint32_t>(fields.selection.size()));
  for (const auto& [bank, mask] : fields.selection) {
    append_be16(out, bank);
    append_u8(out, 3);
    for (unsigned byte = 0; byte < 3; ++byte) {
      append_u8(out, static_cast<std::uint8_t>(mask >> (8 * byte)));
    }
  }
  append(out, tpm::to_sized(fields.pcr_digest));
  append(out, fields.trailing);
  return out;
}

// TPMT_SIGNATURE by `key` over `message`.
inline Bytes sign_attest(const crypto::PrivateKey& key, const tpm::SigningScheme& scheme,
                         ByteView message) {
  const Bytes value = must_value(key.sign(scheme.scheme, scheme.hash, message));
  Bytes out;
  append_be16(out, scheme_id(scheme.scheme));
  append_be16(out, tpm::algorithm_id(scheme.hash));
  if (scheme.scheme == crypto::SignatureScheme::kEcdsa) {
    append(out, tpm::to_sized(ByteView(value).first(value.size() / 2)));
    append(out, tpm::to_sized(ByteView(value).subspan(value.size() / 2)));
  } else {
    append(out, tpm::to_sized(value));
  }
  return out;
}

}  // namespace avouch::testing
