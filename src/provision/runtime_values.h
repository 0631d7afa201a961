#pragma once

// Private to provision/: reference values out of a runtime log (from_evidence.h).

#include <span>

#include "attest/quote.h"
#include "provision/draft.h"

namespace avouch::provision {

Result<void> add_runtime_values(ByteView log, const attest::VerifiedQuote* quote,
                                std::span<const crypto::Certificate> signers, Draft& out);

}  // namespace avouch::provision
