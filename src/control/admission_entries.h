#pragma once

// What the webhook sends to be logged. Pure.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"

namespace avouch::control {

inline constexpr std::size_t kMaxAdmissionEntries = 1024;
inline constexpr std::size_t kMaxAdmissionBytes = 1024 * 1024;
inline constexpr std::size_t kMaxAdmissionPayload = 32 * 1024;
// Of every text and byte string in a payload: the webhook cuts all of its.
inline constexpr std::size_t kMaxAdmissionText = 256;
// How far the time of a review may be from the controller's clock: a review is answered within 30
// s, and its denial waits hardly longer for the log; the rest is for clocks. One that was spooled
// says so (`late`), may be of any time, and is never refused for it: its pod may be running.
inline constexpr std::chrono::minutes kMostBehind{60}, kMostAhead{10};

struct AdmissionEntry {
  std::string id;        // AdmissionReview UID
  std::string decision;  // "allow" or "deny"
  codec::Cbor payload;   // an admission-verdict
  std::string pod_namespace, pod;
  std::size_t bytes = 0;  // of the payload, encoded
};

// Body of POST /v1/log/entries. kRejected names the entry and what is wrong with it: too many, no
// canonical CBOR map, a member missing or of the wrong type, an id that is not the payload's, a
// text that is too long, a time that is not near `now`.
Result<std::vector<AdmissionEntry>> parse_admission_entries(std::string_view body, SystemTime now);

}  // namespace avouch::control
