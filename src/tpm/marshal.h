#pragma once

// Reads and writes TPM structures through tss2-mu. Every reader is total: whatever the bytes, it
// gives a value or kRejected with the structure, the field and what was expected. Input that is
// longer than the structure's bound (types.h) is refused before it is read, and so are trailing
// bytes. Thread-safe.

#include "base/bytes.h"
#include "base/result.h"
#include "tpm/types.h"

namespace avouch::tpm {

// tss2-mu writes a line to stderr about some malformed structures, which anybody can send. Programs
// that read them call this first in main, before there are threads: it sets TSS2_LOG=all+NONE
// unless that variable is set.
void silence_tss2_log();

// TPM2B_PUBLIC, with its size. RSA 2048, 3072, 4096 and ECC P-256, P-384; nameAlg SHA-256, SHA-384
// or SHA-512; signing schemes ECDSA, RSASSA, RSAPSS or none. Others are refused by name. The key
// has passed PublicKey's own checks. The bytes are canonical: writing the structure gives them
// again.
Result<Public> parse_public(ByteView tpm2b);

// TPMS_ATTEST, without a size. Any attestation type parses; only a quote has selection and digest.
// Refuses a selection of an unknown bank, of a PCR from kPcrCount up, or with the same bank twice.
Result<Attest> parse_attest(ByteView message);

// TPMT_SIGNATURE, without a size: ECDSA, RSASSA or RSAPSS with SHA-1 (refused later, by
// PublicKey::verify), SHA-256, SHA-384 or SHA-512.
Result<Signature> parse_signature(ByteView signature);

// The form that PublicKey::verify takes for a key of this type. kRejected if a part is too long.
Result<Bytes> signature_value(const Signature& signature, crypto::KeyType key);

// nameAlg (u16) || H(parent's qualified name || object's name), with the object's nameAlg (TPM 2.0
// Part 1, 16). The first is of a primary key of the endorsement hierarchy.
Bytes endorsement_primary_qualified_name(const Public& primary);
Bytes child_qualified_name(ByteView parent_qualified_name, const Public& child);

// TPM_ALG_ID of a bank or hash: 0x0004, 0x000b, 0x000c, 0x000d.
std::uint16_t algorithm_id(crypto::HashAlgorithm hash);

// The bytes that a quote's pcrDigest is the hash of: the selected values, bank by bank in the order
// of the selection, ascending in each. kRejected if a selected value is missing, has not its bank's
// size, or if `values` has one that is not selected.
Result<Bytes> quoted_bytes(const PcrSelection& selection, const PcrValues& values);

// Reads a u16 size and that many bytes, at most `max`, and nothing after it (TPM2B_DIGEST and its
// like); and writes one (at most 65,535 bytes).
Result<Bytes> parse_sized(ByteView tpm2b, std::size_t max);
Bytes to_sized(ByteView content);

}  // namespace avouch::tpm
