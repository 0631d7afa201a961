#pragma once

// TPM 2.0 structures as plain values, read by tss2-mu (marshal.h). Nothing here is believed: a
// parsed structure is well-formed, no more.

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/keys.h"

namespace avouch::tpm {

inline constexpr unsigned kPcrCount = 24;  // PC Client: PCR 0 to 23
inline constexpr std::size_t kMaxBanks = 4;
inline constexpr std::size_t kMaxPublicBytes = 1024;     // TPM2B_PUBLIC
inline constexpr std::size_t kMaxAttestBytes = 1024;     // TPMS_ATTEST
inline constexpr std::size_t kMaxSignatureBytes = 1024;  // TPMT_SIGNATURE

// A PCR bank is named by its hash.
struct BankSelection {
  crypto::HashAlgorithm bank = crypto::HashAlgorithm::kSha256;
  std::uint32_t mask = 0;  // bit n is PCR n; n < kPcrCount

  bool has(unsigned index) const { return index < kPcrCount && ((mask >> index) & 1U) != 0; }
  bool operator==(const BankSelection&) const = default;
};
using PcrSelection = std::vector<BankSelection>;  // in the order in which it is signed

struct PcrId {
  crypto::HashAlgorithm bank = crypto::HashAlgorithm::kSha256;
  std::uint8_t index = 0;
  auto operator<=>(const PcrId&) const = default;
};
using PcrValues = std::map<PcrId, Bytes>;  // ordered by bank, then by index

struct SigningScheme {
  crypto::SignatureScheme scheme = crypto::SignatureScheme::kEcdsa;
  crypto::HashAlgorithm hash = crypto::HashAlgorithm::kSha256;
  bool operator==(const SigningScheme&) const = default;
};

// TPMA_OBJECT bits (TPM 2.0 Part 2, 8.3).
inline constexpr std::uint32_t kFixedTpm = 1U << 1, kStClear = 1U << 2, kFixedParent = 1U << 4,
                               kSensitiveDataOrigin = 1U << 5, kUserWithAuth = 1U << 6,
                               kAdminWithPolicy = 1U << 7, kRestricted = 1U << 16,
                               kDecrypt = 1U << 17, kSign = 1U << 18;

// A public area: an asymmetric key and what its TPM allows with it.
struct Public {
  Bytes encoded;  // TPMT_PUBLIC, as it was given (without the size of TPM2B_PUBLIC)
  crypto::PublicKey key;
  crypto::HashAlgorithm name_hash = crypto::HashAlgorithm::kSha256;
  std::uint32_t attributes = 0;          // TPMA_OBJECT
  std::optional<SigningScheme> signing;  // nothing: no scheme fixed (TPM_ALG_NULL)
  unsigned symmetric_bits = 0;           // of a storage key: AES-CFB with so many bits; 0: none
  Bytes auth_policy;
  Bytes name;  // name_hash (u16) || H(encoded)
};

struct ClockInfo {
  std::uint64_t clock = 0;  // milliseconds that the TPM was powered
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;
  bool operator==(const ClockInfo&) const = default;
};

inline constexpr std::uint32_t kGeneratedMagic = 0xff544347;
inline constexpr std::uint16_t kAttestQuote = 0x8018;

// TPMS_ATTEST. `magic` and `type` may be anything: whoever believes a quote checks them first.
struct Attest {
  std::uint32_t magic = 0;
  std::uint16_t type = 0;
  Bytes qualified_signer;
  Bytes extra_data;
  ClockInfo clock;
  std::uint64_t firmware_version = 0;
  PcrSelection selection;  // of a quote; else empty
  Bytes pcr_digest;        // of a quote; else empty
};

// TPMT_SIGNATURE.
struct Signature {
  SigningScheme scheme;
  Bytes r, s;  // ECDSA: unsigned, leading zeros may be missing
  Bytes rsa;   // RSASSA, RSAPSS
};

}  // namespace avouch::tpm
