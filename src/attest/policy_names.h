#pragma once

// The words of a policy and what they stand for. Private to attest/.

#include <optional>
#include <string>
#include <string_view>

#include "attest/policy.h"

namespace avouch::attest {

std::optional<KeyKind> parse_key_kind(std::string_view name);
std::string all_key_kind_names();

}  // namespace avouch::attest
