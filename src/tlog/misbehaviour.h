#pragma once

// Proof in one file that a log broke its promise: its own key signed two checkpoints that no
// append-only log can both have. Whoever has the log's key checks it without asking anybody.
//
//   avouch.dev/log-misbehaviour@v1
//   older BASE64(note)
//   newer BASE64(note)            of the same size or a larger one
//   prefix BASE64(hash)           missing where the sizes are equal
//   proof BASE64(hash)            one a line; missing where the sizes are equal
//
// Sizes equal: the roots differ. Else: `proof` shows (RFC 9162, 2.1.4) that the tree of `newer`
// begins with a tree of the older size whose root is `prefix`, and `older` has another. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxMisbehaviourBytes = 256 * 1024;

struct Misbehaviour {
  std::string older, newer;  // notes
  std::optional<Hash> prefix;
  std::vector<Hash> proof;
  bool operator==(const Misbehaviour&) const = default;
};

std::string format_misbehaviour(const Misbehaviour& misbehaviour);
// Strictly one spelling. kRejected with the line.
Result<Misbehaviour> parse_misbehaviour(std::string_view text);

struct ProvenMisbehaviour {
  VerifiedCheckpoint older, newer;
};

// A value only if both checkpoints are by one of `log_keys`, of `origin`, and contradict each
// other.
Result<ProvenMisbehaviour> verify_misbehaviour(const Misbehaviour& misbehaviour,
                                               std::span<const NoteVerifier> log_keys,
                                               std::string_view origin);

}  // namespace avouch::tlog
