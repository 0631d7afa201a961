#pragma once

// A verdict out of the log as an in-toto Statement v1 in a DSSE envelope, for tools whose policies
// are about such statements. The signature is that of whoever exports it, and says: "this entry,
// with this content, is in that log". The statement carries what shows it: nobody needs to believe
// the signer about the log. Members and subjects: src/tlog/FORMAT.md, 'In-toto statement'. Pure.

#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "inspect/proof.h"
#include "inspect/proof_file.h"
#include "tlog/log_proof.h"

namespace avouch::inspect {

inline constexpr std::string_view kInTotoPayloadType = "application/vnd.in-toto+json";
// What a predicate of this type means never changes.
inline constexpr std::string_view kVerdictPredicate = "https://avouch.dev/in-toto/verdict/v1";

// The envelope. kRejected: an entry that is no verdict on a node or a pod, or names no UID of its
// subject (and no digest of a pod's spec); a preimage that is not the entry's. That the entry is in
// the log is for the caller to check, before or by check_in_toto().
Result<std::string> sign_in_toto(const crypto::PrivateKey& key, const tlog::LogProof& proof,
                                 ByteView preimage);

// The tree of what holds: the signature by one of `signer_keys` (none: it fails, and nothing else
// is looked at), the proof in the statement as by check_log_proof(), and that subject and predicate
// are what the entry says. Members that the type does not have are ignored, as in-toto wants it.
ProofStep check_in_toto(std::string_view file, std::span<const crypto::PublicKey> signer_keys,
                        const ProofFileAnchors& anchors);

}  // namespace avouch::inspect
