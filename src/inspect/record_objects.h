#pragma once

// Private to inspect/: the record of a node's present verdict, and what it names.

#include <string>

#include "appraisal/record.h"
#include "base/result.h"
#include "inspect/log_access.h"
#include "kube/client.h"

namespace avouch::inspect {

// The token that the node's status shows, unverified. kRejected where there is none.
Result<Bytes> read_token(const kube::Client& api, const std::string& node);

// An object that the record of that token names. kRejected where it is not kept, or has other
// bytes.
Result<Bytes> read_kept(LogAccess& log, const std::string& node, const tlog::Hash& token,
                        const crypto::Sha256& digest, std::size_t max_bytes);

// The record with the objects that complete it, read with bounds. kRejected where it is not kept.
Result<appraisal::VerdictRecord> read_whole_record(LogAccess& log, const std::string& node,
                                                   const tlog::Hash& token);

}  // namespace avouch::inspect
