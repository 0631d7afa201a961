#pragma once

// Why a check failed: a code that programs compare and a message that a person can act on.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "attest/trust.h"

namespace avouch::attest {

// Codes of docs/interfaces.md. Compare them by text.
namespace code {
inline constexpr std::string_view kEnrolling = "Enrolling", kIdentityMismatch = "IdentityMismatch",
                                  kEndorsementInvalid = "EndorsementInvalid",
                                  kHardwareRequired = "HardwareRequired",
                                  kEndorsementRuleUsed = "EndorsementRuleUsed",
                                  kKeyNotAllowed = "KeyNotAllowed",
                                  kActivationFailed = "ActivationFailed",
                                  kQuoteMalformed = "QuoteMalformed",
                                  kQuoteNotAQuote = "QuoteNotAQuote",
                                  kSignatureInvalid = "SignatureInvalid",
                                  kQualifiedSignerMismatch = "QualifiedSignerMismatch",
                                  kChallengeMismatch = "ChallengeMismatch",
                                  kBeaconUnknown = "BeaconUnknown",
                                  kBeaconExpired = "BeaconExpired",
                                  kSelectionInsufficient = "SelectionInsufficient",
                                  kPcrDigestMismatch = "PcrDigestMismatch",
                                  kClockUnsafe = "ClockUnsafe", kClockWentBack = "ClockWentBack",
                                  kFirmwareChanged = "FirmwareChanged",
                                  kPcrMismatch = "PcrMismatch", kPolicyUnusable = "PolicyUnusable",
                                  kNoPolicy = "NoPolicy", kEvidenceExpired = "EvidenceExpired",
                                  kVerdictUnsteady = "VerdictUnsteady",
                                  kInternalError = "InternalError";
}  // namespace code

// An event of a boot log. `number` counts from 0, the header, as tpm2_eventlog does.
struct EventPlace {
  std::optional<std::uint32_t> pcr;  // none: the log breaks off before it is known
  std::uint32_t number = 0;
  bool operator==(const EventPlace&) const = default;
};

// An entry of a runtime log, or a line of a list of reference values.
struct LinePlace {
  std::string file;        // the measured file's path, or the list's name; as evidence gives it
  std::uint64_t line = 0;  // from 1; 0: no certain one
  bool operator==(const LinePlace&) const = default;
};

// What stands there, decoded. The value is text of the evidence: printable UTF-8, bounded by the
// producer, and not to be believed beyond what the message says of it.
struct ReasonField {
  std::string name;
  std::string value;
  bool operator==(const ReasonField&) const = default;
};

struct Reason {
  std::string code;
  Status severity = Status::kContraindicated;
  std::string message;              // what, where, expected, remedy; no secret
  std::optional<EventPlace> event;  // where in the boot log, if it is about one event
  std::optional<LinePlace> line;    // where in the runtime log or a list
  std::vector<ReasonField> fields;  // in the order in which to show them
  std::string suggestion;           // what to add to a ReferenceManifest's spec so that it is
                                    // accepted, as JSON; empty where nothing would
  bool operator==(const Reason&) const = default;
};

inline Reason refuse(std::string_view code, std::string message) {
  return {std::string(code), Status::kContraindicated, std::move(message)};
}

// A value, or the reason why the input is refused. Like Result: no conversion to bool, and reading
// the wrong side throws std::bad_variant_access.
template <typename T>
class [[nodiscard]] Checked {
 public:
  Checked(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Checked(Reason reason)
      : state_(std::in_place_index<1>, std::move(reason)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Reason& reason() const { return std::get<1>(state_); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Reason> state_;
};

struct Passed {};  // Checked<Passed>: a check that gives nothing but its outcome

}  // namespace avouch::attest
