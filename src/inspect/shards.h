#pragma once

// Which of a release's logs is read.

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "inspect/log_access.h"

namespace avouch::inspect {

// The logs of the chain, oldest first; at least one: a release without a list has one log, at
// "/log/". Errors as of LogAccess::shards(): whoever went on without the list would read another
// log than the newest.
Result<std::vector<UnverifiedShard>> list_shards(LogAccess& log, const std::string& chain);

// Which of them `wanted` is, a label or an origin that `option` has. kRejected: none.
Result<std::size_t> find_shard(const std::vector<UnverifiedShard>& shards, const std::string& chain,
                               const std::string& option, const std::string& wanted);

}  // namespace avouch::inspect
