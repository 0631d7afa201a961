#pragma once

// Trustworthiness tiers and the AR4SI vector (draft-ietf-rats-ar4si, draft-ietf-rats-ear-04).

#include <array>
#include <cstdint>
#include <string_view>

namespace avouch::attest {

// Ordered: a greater value is worse. kNone: not measured, says nothing, and gives no trust.
enum class Status : std::uint8_t {
  kNone = 0,
  kAffirming = 2,
  kWarning = 32,
  kContraindicated = 96
};

std::string_view status_name(Status status);  // "none", "affirming", "warning", "contraindicated"
Status worse(Status a, Status b);
// Whether it satisfies the policy that it is of. A warning does: nothing gives one but what a
// policy says that it puts up with (runtime.violations: Record).
bool satisfies(Status status);

// Claim labels of the vector, 0 to 7.
enum class Claim : std::uint8_t {
  kInstanceIdentity,
  kConfiguration,
  kExecutables,
  kFileSystem,
  kHardware,
  kRuntimeOpaque,
  kStorageOpaque,
  kSourcedData,
};
inline constexpr std::size_t kClaimCount = 8;
std::string_view claim_name(Claim claim);  // "instanceIdentity", as in the custom resource

// Values used here; their tier is that of tier_of().
inline constexpr std::int8_t kNotMeasured = 0, kGenuine = 2, kApprovedBoot = 3, kUnacceptable = 96,
                             kNotRecognized = 97,
                             kUnrecognizedCode = 33;  // of executables: some that nobody knows

struct TrustVector {
  std::array<std::int8_t, kClaimCount> values{};  // all "not measured"

  std::int8_t operator[](Claim claim) const { return values[static_cast<std::size_t>(claim)]; }
  std::int8_t& operator[](Claim claim) { return values[static_cast<std::size_t>(claim)]; }
  bool operator==(const TrustVector&) const = default;
};

// -1 to 1 none, 2 to 31 affirming, 32 to 95 warning, 96 to 127 contraindicated. Other negative
// values are reserved by AR4SI and read as the same tier as their absolute value; -128 as the
// worst.
Status tier_of(std::int8_t value);
Status worst_tier(const TrustVector& vector);
// Entry by entry the worse of the two; "not measured" gives way to any other.
TrustVector worse(const TrustVector& a, const TrustVector& b);

}  // namespace avouch::attest
