#pragma once

// Accepted evidence for keeping: there is one a node, and it is asked for only when something about
// the node changes. Packed, and copies share it.

#include <string>
#include <string_view>
#include <utility>

#include "attest/evidence.h"
#include "attest/quote.h"
#include "base/bytes.h"
#include "base/shared.h"
#include "tpm/packed_pcrs.h"

namespace avouch::control {

class KeptEvidence {
 public:
  // Without identity and activation. Its PCR values are those of `quote`, which was verified with
  // it, and are shared with that. `beacon_text` is of the beacon that it answers.
  KeptEvidence(const attest::UnverifiedEvidence& evidence, const attest::VerifiedQuote& quote,
               std::string_view beacon_text);
  // As it was saved.
  KeptEvidence(const attest::UnverifiedEvidence& evidence, std::string_view beacon_text);

  attest::UnverifiedEvidence evidence() const;
  std::string beacon_text() const;

  // For putting it out of memory: what it is made of, and again.
  const tpm::PackedPcrs& pcrs() const { return pcrs_; }
  const Bytes& rest() const { return *rest_; }
  KeptEvidence(tpm::PackedPcrs pcrs, Bytes rest) : pcrs_(std::move(pcrs)), rest_(std::move(rest)) {}

 private:
  KeptEvidence(const attest::UnverifiedEvidence& evidence, tpm::PackedPcrs pcrs,
               std::string_view beacon_text);

  tpm::PackedPcrs pcrs_;
  Shared<Bytes> rest_;  // deterministic CBOR
};

}  // namespace avouch::control
