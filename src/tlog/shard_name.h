#pragma once

// Names of the logs that one log is cut into, a shard for each period of time (UTC).
//
// All of them make a chain, in the order in which they begin. The chain has a name, ORIGIN. A shard
// is named ORIGIN/LABEL, its label is that of the period in which it was begun: "2027", "2027-q1",
// "2027-01". A log that was there before is named ORIGIN itself, without a label, and is the first.
//
// Labels of different lengths mix: only when a period begins counts. As each shard must begin later
// than the one before it, no two of a chain can be taken for one another. Pure and thread-safe.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/note.h"

namespace avouch::tlog {

enum class ShardPeriod { kNone, kYear, kQuarter, kMonth };

inline constexpr std::size_t kMaxLabelBytes = 7;  // "2027-q1"

// Of the period of that length which holds `now`. "" for kNone, and for a time that is not of a
// year from 1970 to 9999.
std::string label_at(ShardPeriod period, SystemTime now);

// When the label's period begins; the earliest time there is for "", the log that was there before.
// Nothing for a text that is no label.
std::optional<SystemTime> begin_of(std::string_view label);

// The label of the shard that is to follow the one with label `newest`; nothing where that one
// holds `now`, or begins later: a clock that goes back opens nothing, and nothing twice.
std::optional<std::string> label_after(std::string_view newest, ShardPeriod period, SystemTime now);

// ORIGIN/LABEL, or ORIGIN.
std::string shard_origin(std::string_view chain, std::string_view label);
// The label of a log of that chain; nothing for any other origin.
std::optional<std::string> label_of(std::string_view chain, std::string_view origin);

// The labels of a log, and of one that may follow it: both of one chain, the next a later one.
// Nothing for any other two.
struct ChainStep {
  std::string from, to;  // `from` is "" for the log that was there before
};
std::optional<ChainStep> step_in_chain(std::string_view origin, std::string_view next);

// The keys of one log of a chain as those of another: a key is the same for all, and is named by
// each log after itself. kRejected: an origin that is no key's name.
Result<std::vector<NoteVerifier>> keys_for(std::string_view origin,
                                           std::span<const NoteVerifier> keys);

}  // namespace avouch::tlog
