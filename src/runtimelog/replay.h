#pragma once

// Replays entries into PCR 10 of each bank, and says when the quoted values are met.

#include "crypto/hash.h"
#include "runtimelog/entry.h"
#include "runtimelog/replay_state.h"
#include "tpm/types.h"

namespace avouch::runtimelog {

// The template digest field is SHA-1 of the entry's data, as every kernel writes it, or zero, which
// records a violation.
bool has_digest_of_its_data(const Entry& entry);

// One owner.
class Replay {
 public:
  // `quoted` must outlive it and have PCR 10 in exactly the state's banks.
  Replay(const ReplayState& from, const tpm::PcrValues& quoted);

  // Extends the next entry: what the kernel hashed, whatever its template digest says; ff..ff where
  // that is zero.
  enum class DigestField { kOfItsData, kOfOtherData };
  DigestField extend(const Entry& entry);

  // Every quoted bank's PCR 10 has its quoted value, each under one kind of extending.
  bool met() const;

  const ReplayState& state() const { return state_; }
  // As of now, with the kind of each bank decided; it stays undecided while nothing but violations
  // was extended, for which the kinds are one. Only where met().
  ReplayState proven() const;

 private:
  bool own_meets(std::size_t bank) const;
  bool padded_meets(std::size_t bank) const;
  void extend_bank(std::size_t bank, ByteView data, const TemplateDigest& sha1, bool violation);

  ReplayState state_;
  std::array<ByteView, 4> quoted_{};
};

}  // namespace avouch::runtimelog
