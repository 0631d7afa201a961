#pragma once

// What the webhook sends to be logged. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"

namespace avouch::control {

inline constexpr std::size_t kMaxAdmissionEntries = 1024;
inline constexpr std::size_t kMaxAdmissionBytes = 1024 * 1024;
inline constexpr std::size_t kMaxAdmissionPayload = 32 * 1024;

struct AdmissionEntry {
  std::string id;        // AdmissionReview UID
  std::string decision;  // "allow" or "deny"
  codec::Cbor payload;   // an admission-verdict
  std::string pod_namespace, pod;
  std::size_t bytes = 0;  // of the payload, encoded
};

// Body of POST /v1/log/entries. kRejected names the entry and what is wrong with it: too many, no
// canonical CBOR map, a member missing or of the wrong type, an id that is not the payload's.
Result<std::vector<AdmissionEntry>> parse_admission_entries(std::string_view body);

}  // namespace avouch::control
