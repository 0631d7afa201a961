#pragma once

// Private to provision/: reference values out of a boot log (from_evidence.h).

#include "attest/quote.h"
#include "provision/draft.h"

namespace avouch::provision {

Result<void> add_boot_values(ByteView log, const attest::VerifiedQuote* quote, Draft& out);

}  // namespace avouch::provision
