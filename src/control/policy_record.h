#pragma once

// The last state of a policy that was entered in the log, so that a restart logs no change twice,
// and a new log gets it again.

#include <string>
#include <string_view>

#include "base/result.h"
#include "control/log_payloads.h"

namespace avouch::control {

struct RecordedPolicy {
  std::string uid;  // of the policy object; the record's key
  PolicyChange change;
  std::string log_origin = {};  // of that log; "" of a record from before it was said
};

// Keys of policy records; those of node records are the bare node UIDs.
inline const std::string kPolicyKeyPrefix = "policy.";

std::string encode_policy_record(const RecordedPolicy& policy);
Result<RecordedPolicy> parse_policy_record(std::string_view text);  // kRejected names the field

}  // namespace avouch::control
