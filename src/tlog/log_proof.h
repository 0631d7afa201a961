#pragma once

// C2SP tlog-proof v1: that an entry is in a log, in one file that is verified without asking
// anybody.
//
//   c2sp.org/tlog-proof@v1
//   extra BASE64                  may be missing; nothing vouches for it
//   index N
//   BASE64 HASH ...               the leaf's sibling first, the root's child last
//   (empty line)
//   the checkpoint's note, with its cosignatures
//
// Ours carry the entry itself as `extra`, so that the file needs no other; a verifier recomputes
// the leaf hash from it. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/log_policy.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::string_view kLogProofExtension = ".tlog-proof";

struct LogProof {
  std::optional<Bytes> extra;
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string note;
  bool operator==(const LogProof&) const = default;
};

// Strictly one spelling: numbers without leading zeros, canonical base64, 32-byte hashes, at most
// 63 of them. kRejected with the line.
Result<LogProof> parse_log_proof(std::string_view text);
std::string format_log_proof(const LogProof& proof);

struct VerifiedLogProof {
  VerifiedCheckpoint checkpoint;
  std::vector<Cosignature> cosignatures;  // of the policy's witnesses
};

// That the entry with `leaf` is where the proof says, under a checkpoint of `origin` by one of
// `log_keys` that a quorum of `policy` has cosigned (null: no witnesses are asked for).
Result<VerifiedLogProof> verify_log_proof(const LogProof& proof, const Hash& leaf,
                                          std::span<const NoteVerifier> log_keys,
                                          std::string_view origin, const LogPolicy* policy);

}  // namespace avouch::tlog
