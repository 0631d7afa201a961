#pragma once

// The content of log entries, a CBOR map with text keys, for people and programs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/cbor.h"
#include "codec/json.h"

namespace avouch::inspect {

// A payload as JSON: byte strings as hexadecimal, map keys as text. For people; digests are made
// from the CBOR alone.
codec::Json payload_json(const codec::Cbor& payload);

// A member, or "" or nothing where it is missing or of another type.
std::string text_of(const codec::Cbor& payload, std::string_view key);
std::optional<std::int64_t> integer_of(const codec::Cbor& payload, std::string_view key);
const Bytes* bytes_of(const codec::Cbor& payload, std::string_view key);

// When the entry was made, as RFC 3339; "-" where it does not say.
std::string time_of(const codec::Cbor& payload);
// Whether it says that it came by a webhook's spool.
bool is_late(const codec::Cbor& payload);
// Which of these entries, newest first as the log has them, do not stand in the order of their
// times: those that say that they came by a webhook's spool, and those of more than five seconds
// before the latest time of entries that stand before them (by less the clocks of a cluster
// differ). A payload that is null has no time.
std::vector<bool> late_entries(const std::vector<const codec::Cbor*>& newest_first);
// "PcrMismatch: PCR 8 is ...; NoVerdict: ...", or "".
std::string reasons_of(const codec::Cbor& payload);
// Who sent the review of an admission verdict: "the review was sent by 10.0.0.7, which showed no
// client certificate: ..."; "" where the entry does not say.
std::string sender_of(const codec::Cbor& payload);
// What the entry says, in one line without its time.
std::string summary_of(std::string_view kind, const codec::Cbor& payload);

}  // namespace avouch::inspect
