#pragma once

// The boot log that a node's present verdict looked at, for `explain node`.

#include <string>

#include "appraisal/log_dump.h"
#include "base/result.h"
#include "inspect/log_access.h"
#include "inspect/nodes.h"
#include "kube/client.h"

namespace avouch::inspect {

// Decoded, and compared with the PCR values of the same verdict. Events that the verdict's reasons
// name are marked with their codes. Nothing of it is proven here: `verify --re-appraise` does that.
//
// kRejected, with what to do: the verdict has no boot log (no policy asks for it, or the node has
// none), there is no verdict on evidence, nothing of it is kept, the caller may not read it, or
// what is kept is not a boot log. kRetryable: nothing answers.
Result<appraisal::LogDump> read_boot_log(const kube::Client& api, LogAccess& log,
                                         const NodeReport& node);

}  // namespace avouch::inspect
