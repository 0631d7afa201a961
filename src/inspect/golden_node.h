#pragma once

// What a node's present verdict was judged by, for `reference from-evidence --node`.

#include <string>

#include "appraisal/stored_case.h"
#include "base/result.h"
#include "inspect/log_access.h"
#include "inspect/release.h"
#include "kube/client.h"

namespace avouch::inspect {

struct GoldenNode {
  appraisal::StoredCase evidence;
  std::string verdict;  // of then, for people: "affirming", with its time
};

// The evidence that the record of the verdict keeps: keys, quote, PCR values, boot log and the
// runtime log's proven part, as far as there are. The verdict's token must be by a verifier of
// `trust`, of this node as the cluster has it now, and of this quote, AK and these logs; so the
// evidence is that of the TPM that was enrolled for the node. What the quote proves is left to
// provision::draft_from_case, with `evidence.nonce` as what its extraData must be.
//
// kRejected, with what to do: there is no verdict on evidence, its record or what it names is not
// kept or is of something else, neither log was judged, or the caller may not read it. kRetryable:
// nothing answers.
Result<GoldenNode> read_golden_node(const kube::Client& api, LogAccess& log,
                                    const TrustAnchors& trust, const std::string& node);

}  // namespace avouch::inspect
