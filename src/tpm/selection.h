#pragma once

#include <optional>
#include <string>

#include "tpm/types.h"

namespace avouch::tpm {

// The first PCR that `need` has and `have` has not.
std::optional<PcrId> first_missing(const PcrSelection& have, const PcrSelection& need);

// Nothing where no PCR is selected in any bank.
std::optional<PcrId> first_selected(const PcrSelection& selection);

std::string to_text(const PcrId& pcr);               // "PCR 7 (sha256)"
std::string to_text(const PcrSelection& selection);  // "sha256: 0-7, 14; sha384: none"

}  // namespace avouch::tpm
