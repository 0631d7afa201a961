#pragma once

#include <string>

#include "attest/evidence.h"
#include "attest/quote.h"
#include "base/clock.h"

namespace avouch::control {

// A quote that was accepted, with the evidence that it came in.
struct HeldQuote {
  attest::VerifiedQuote quote;
  SteadyTime since{};                   // its age counts from here, whatever the wall clock
  std::string beacon_text;              // of the beacon that it answers
  attest::UnverifiedEvidence evidence;  // without identity
};

}  // namespace avouch::control
