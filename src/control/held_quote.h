#pragma once

#include "attest/quote.h"
#include "base/clock.h"
#include "control/kept_evidence.h"

namespace avouch::control {

// A quote that was accepted, with the evidence that it came in.
struct HeldQuote {
  attest::VerifiedQuote quote;
  SteadyTime since{};  // its age counts from here, whatever the wall clock
  KeptEvidence kept;   // and the beacon that it answers
};

}  // namespace avouch::control
