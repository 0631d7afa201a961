#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace avouch {

// RFC 3339 in UTC: "2026-11-21T09:14:03Z" (whole seconds, as Kubernetes' metav1.Time), and
// with exactly six fractional digits for metav1.MicroTime.
std::string to_rfc3339(SystemTime time);
std::string to_rfc3339_micro(SystemTime time);

// Accepts an upper-case T, 0 to 9 fractional digits (cut to milliseconds), and Z only.
Result<SystemTime> from_rfc3339(std::string_view text);

// Kubernetes' metav1.Duration in the forms people write: "90s", "5m", "1h30m", "250ms".
// Units h, m, s, ms, each at most once and in that order; no sign, no fraction. At most 100000h.
Result<std::chrono::milliseconds> from_duration(std::string_view text);
std::string to_duration(std::chrono::milliseconds duration);

}  // namespace avouch
