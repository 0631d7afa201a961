#pragma once

// Private to provision/: reference values out of a boot log (from_evidence.h).

#include <string>

#include "attest/quote.h"
#include "provision/draft.h"

namespace avouch::provision {

// `origin` is the name of the support file of a RIM whose log it is, or "": then each component's
// name says file and event, remarks say what of the log was not taken and what its PCRs are, and
// the log need not be that of a whole boot.
Result<void> add_boot_values(ByteView log, const attest::VerifiedQuote* quote, Draft& out,
                             const std::string& origin = "");

}  // namespace avouch::provision
