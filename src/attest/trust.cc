#include "attest/trust.h"

#include <algorithm>

namespace avouch::attest {

std::string_view status_name(Status status) {
  switch (status) {
    case Status::kNone:
      return "none";
    case Status::kAffirming:
      return "affirming";
    case Status::kWarning:
      return "warning";
    case Status::kContraindicated:
      break;
  }
  return "contraindicated";
}

Status worse(Status a, Status b) { return std::max(a, b); }

bool satisfies(Status status) { return status == Status::kAffirming || status == Status::kWarning; }

std::string_view claim_name(Claim claim) {
  constexpr std::array<std::string_view, kClaimCount> kNames = {
      "instanceIdentity", "configuration", "executables",   "fileSystem",
      "hardware",         "runtimeOpaque", "storageOpaque", "sourcedData"};
  return kNames.at(static_cast<std::size_t>(claim));
}

Status tier_of(std::int8_t value) {
  if (value >= 96 || value <= -97) return Status::kContraindicated;
  if (value >= 32 || value <= -33) return Status::kWarning;
  if (value >= 2 || value <= -2) return Status::kAffirming;
  return Status::kNone;
}

Status worst_tier(const TrustVector& vector) {
  Status worst = Status::kNone;
  for (const std::int8_t value : vector.values) worst = worse(worst, tier_of(value));
  return worst;
}

TrustVector worse(const TrustVector& a, const TrustVector& b) {
  TrustVector out = a;
  for (std::size_t i = 0; i < kClaimCount; ++i) {
    const Status tier_a = tier_of(a.values[i]);
    const Status tier_b = tier_of(b.values[i]);
    const bool take_b = tier_a != tier_b ? tier_b > tier_a : b.values[i] > a.values[i];
    if (take_b) out.values[i] = b.values[i];
  }
  return out;
}

}  // namespace avouch::attest
