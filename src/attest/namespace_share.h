#pragma once

// One requirement on labels for what several selectors select together. Pure.

#include <optional>
#include <vector>

#include "attest/selector.h"

namespace avouch::attest {

// A requirement that all labels meet which at least one of `selectors` selects, as narrow as one
// requirement can be; nothing where they have no label in common, so that any labels may be
// selected. Expects at least one selector.
std::optional<LabelRequirement> shared_requirement(
    const std::vector<const LabelSelector*>& selectors);

}  // namespace avouch::attest
