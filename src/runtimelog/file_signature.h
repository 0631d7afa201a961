#pragma once

// Signatures of files as the extended attribute security.ima holds them
// (kernel: security/integrity/integrity.h, struct signature_v2_hdr; ima_appraise.c):
//
//   u8 type | u8 version | u8 hash | u32 key identifier | u16 size | signature     (big-endian)
//
//   type 03, version 2: over the file's digest
//   type 03, version 3: over the hash of (03, hash, the file's digest)
//   type 06, version 3: over the hash of (06, hash, the file's fs-verity digest)
//
// The signature is RSA PKCS#1 v1.5, or ECDSA in DER.

#include <string>

#include "base/result.h"
#include "crypto/hash.h"
#include "runtimelog/fields.h"
#include "runtimelog/good_signatures.h"
#include "runtimelog/keyring.h"

namespace avouch::runtimelog {

struct FileSignature {
  std::uint8_t type = 0;  // 3 or 6
  std::uint8_t version = 0;
  crypto::HashAlgorithm hash = crypto::HashAlgorithm::kSha256;
  std::uint32_t key_id = 0;
  ByteView value;
};

// kRejected: another type (5 is an EVM portable signature, which covers what the log does not
// hold), another version, a weak or unknown hash, a size that is not that of the rest.
Result<FileSignature> parse_file_signature(ByteView attribute);

// How much a judgement spends on signatures.
struct SignatureChecks {
  bool wanted = true;              // false: none is checked
  GoodSignatures* good = nullptr;  // of this keyring: is not checked again; null: all are checked
};

// kNotChecked: a key has its number, and no check is wanted.
enum class SignatureFault : std::uint8_t { kNone, kMalformed, kKeyUnknown, kInvalid, kNotChecked };
struct SignatureVerdict {
  SignatureFault fault = SignatureFault::kInvalid;
  std::string message;  // of a fault
  unsigned checks = 0;  // signature checks that it took: what costs
};

// Whether `fields.signature` is one over `fields.digest` by a key of `keyring`. `revoked` accepts
// nothing: a key of it is called revoked, not unknown.
SignatureVerdict verify_file_signature(const Fields& fields, const Keyring& keyring,
                                       const Keyring& revoked = {}, SignatureChecks how = {});

}  // namespace avouch::runtimelog
