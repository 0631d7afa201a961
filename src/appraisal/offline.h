#pragma once

// Appraisal of stored evidence by the controller's own verifier.

#include <optional>
#include <string>
#include <vector>

#include "appraisal/appraise.h"
#include "appraisal/policy_in_force.h"
#include "appraisal/stored_case.h"
#include "attest/appraisal.h"
#include "base/clock.h"
#include "codec/json.h"

namespace avouch::appraisal {

struct OfflineVerdict {
  std::string case_id;
  attest::PolicyResult result;
  // What the verdict is about; nothing where it was not authentic.
  std::optional<attest::TpmState> tpm;
  std::vector<std::string> rules_used;  // named rules for odd certificates and boot logs
  std::uint64_t runtime_entries = 0;    // proven
  std::uint64_t unproven_entries = 0;   // of the runtime log, after what the quote covers
};

// Everything that fails is a reason, in the order of the checks: keys, endorsement, credential,
// quote, and where that is authentic what it says. Certificates are judged at `now`. A case says
// nothing of when it was made, so freshness is not judged beyond the nonce.
OfflineVerdict appraise_case(const StoredCase& stored, const PolicyInForce& policy, SystemTime now);

// {case, policy: {name, digest}, status, trustVector, reasons: [...], tpm, ...}
// (docs/interfaces.md)
codec::Json to_json(const OfflineVerdict& verdict);

}  // namespace avouch::appraisal
