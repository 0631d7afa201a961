#pragma once

// Claims of a verdict token to and from their CBOR form. Private to attest/.

#include "attest/token.h"

namespace avouch::attest {

// Whether the claims may stand in a token, whoever wrote it: kRejected with the claim at fault.
Result<void> check_claims(const TokenClaims& claims);

codec::Cbor write_claims(const TokenClaims& claims);  // of claims that pass check_claims
Result<TokenClaims> read_claims(const codec::Cbor& value);

}  // namespace avouch::attest
