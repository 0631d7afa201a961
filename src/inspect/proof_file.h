#pragma once

// Proofs that leave the cluster: an entry with its inclusion under a signed checkpoint in one C2SP
// tlog-proof file, or with the log's COSE Receipts in one transparent statement, checked later
// without asking anybody. Pure.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"
#include "inspect/proof.h"
#include "tlog/log_policy.h"
#include "tlog/log_proof.h"
#include "tlog/note.h"

namespace avouch::inspect {

struct ProofFileAnchors {
  std::vector<tlog::NoteVerifier> log_keys;
  std::string origin;
  std::vector<crypto::PublicKey> verifier_keys;  // none: who signed the statement is not checked
  std::optional<tlog::LogPolicy> policy;         // none: witnesses are not asked for
  std::vector<crypto::PublicKey> issuer_keys;    // of what another party signed; none: as above
};

// The tree of what holds: the file's form, checkpoint, cosignatures, inclusion, statement, and,
// where the content is given too, that the statement commits to it.
ProofStep check_proof_file(std::string_view file, const std::optional<Bytes>& preimage,
                           const ProofFileAnchors& anchors);

// The same of a proof that has been read: from the entry in its `extra` on.
ProofStep check_log_proof(const tlog::LogProof& proof, const std::optional<Bytes>& preimage,
                          const ProofFileAnchors& anchors);

enum class ProofForm { kLogProof, kTransparentStatement, kInToto };
// What a file is by its first byte. What is none of them is said to be one, and is then refused as
// such.
ProofForm form_of(ByteView file);
std::string_view form_name(ProofForm form);  // "a tlog-proof"

// The tree of what holds of a transparent statement: its form, receipts, the root that each leads
// to, who signed them and the statement, and its content. At least one of its receipts must be the
// log's; those of others are noted. The verifier's keys sign both; none: everything fails. A
// statement of another party (tlog/signed_statement.h) is signed by `issuer_keys`; where there are
// none it is noted that this was not checked.
ProofStep check_transparent_statement(ByteView file, const std::optional<Bytes>& preimage,
                                      std::span<const crypto::PublicKey> verifier_keys,
                                      std::string_view origin,
                                      std::span<const crypto::PublicKey> issuer_keys = {});

// The tree of what holds of a proof that a log contradicted itself (tlog/misbehaviour.h).
ProofStep check_misbehaviour_file(std::string_view file,
                                  std::span<const tlog::NoteVerifier> log_keys,
                                  std::string_view origin);

}  // namespace avouch::inspect
