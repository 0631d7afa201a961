#pragma once

// Which policies gate a pod. Also for those who look afterwards at what was let in.

#include <string_view>
#include <vector>

#include "admission/facts.h"

namespace avouch::admission {

// On a namespace: the API server asks no webhook about what is in it, whatever the label's value.
inline constexpr std::string_view kExemptLabel = "avouch.dev/exempt";

// By name. Labels that are not known (null) might be any: the policy gates then.
std::vector<const PolicyFacts*> gating(const NamedFacts<PolicyFacts>& policies,
                                       const attest::Labels* ns, const attest::Labels* pod);

}  // namespace avouch::admission
