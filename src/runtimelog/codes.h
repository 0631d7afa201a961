#pragma once

// Codes of reasons that a runtime log gives (docs/interfaces.md).

#include <string_view>

namespace avouch::runtimelog::code {

// The log as a whole is no evidence. Nothing of it counts.
inline constexpr std::string_view kLogMissing = "RuntimeLogMissing",
                                  kLogMalformed = "RuntimeLogMalformed",
                                  kLogNotReplayed = "RuntimeLogNotReplayed",
                                  kLogTooLong = "RuntimeLogTooLong",
                                  kLogChanged = "RuntimeLogChanged";
// What proven entries say.
inline constexpr std::string_view kReplayWeak = "RuntimeReplayWeak",
                                  kBootAggregate = "RuntimeBootAggregate",
                                  kSecondBoot = "RuntimeSecondBoot",
                                  kTemplateUnknown = "RuntimeTemplateUnknown",
                                  kTemplateDigest = "RuntimeTemplateDigest",
                                  kEntryMalformed = "RuntimeEntryMalformed",
                                  kViolation = "RuntimeViolation",
                                  kFileUnknown = "RuntimeFileUnknown",
                                  kFileRevoked = "RuntimeFileRevoked",
                                  kSignatureMalformed = "RuntimeSignatureMalformed",
                                  kSignatureKeyUnknown = "RuntimeSignatureKeyUnknown",
                                  kSignatureInvalid = "RuntimeSignatureInvalid",
                                  kBufferUnknown = "RuntimeBufferUnknown",
                                  kNotMeasured = "RuntimeNotMeasured";

}  // namespace avouch::runtimelog::code
