#pragma once

// Step one: which part of a node's runtime log the quote proves.
//
// A log grows while it is read and quoted, so it may be ahead of the quote or behind it. The quote
// proves the entries whose replay gives the quoted PCR 10, in every bank in which it was quoted;
// there is at most one such prefix. Entries after it are framed, and otherwise looked at by a later
// quote; entries before ReplayState::offset() are never needed again for this step.
//
// The caller keeps, for each node: the ReplayState, and the log's bytes from its offset on (all of
// the boot's bytes where policies may change: judging.h). For each new quote:
//
//   LogReplay replay = LogReplay::begin(kept, boot_identity(quote), quote.pcrs()).value();
//   feed it the stored bytes from replay.offset() to their end, in pieces of any size
//   Replayed r = replay.finish().value();
//   if met, keep r.state (durably, before it acts on it); else keep what it had
//
// However the log is cut into pieces, and whatever quotes come between, the same state comes out.
// Not met is no proof of anything: the log may be behind the quote, and the next piece is under
// way. It gives no trust either: what a verdict says of the runtime stays as it was until it
// expires. A refused log (a Reason) is at fault: drop the bytes from ReplayState::offset() on, and
// have the agent send from there. The quote decides the boot: a new one begins at offset 0, and
// bytes of the old one must be gone from the store.

#include <optional>

#include "attest/reason.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/replay.h"
#include "runtimelog/replay_state.h"

namespace avouch::runtimelog {

// Of what is fed to one LogReplay: its time is linear in both, some 1.2 us an entry.
struct ReplayLimits {
  std::uint64_t entries = 4'000'000;
  std::uint64_t bytes = std::uint64_t{1} << 30;
};

struct Replayed {
  bool met = false;
  ReplayState state;                   // proven by this quote; as it was where not met
  std::uint64_t unproven_entries = 0;  // whole ones after `state`
  std::uint64_t unproven_bytes = 0;
  std::uint64_t wrong_template_digests = 0;  // among the proven entries that were fed
  std::optional<attest::Reason> reason;      // where not met: RuntimeLogNotReplayed or, where there
                                             // are no entries at all, RuntimeLogMissing
};

// One owner. Beside what it is fed it holds one entry's beginning.
class LogReplay {
 public:
  // Goes on from `kept` where that is of this boot and of the quoted banks, and else begins anew.
  // SelectionInsufficient: `quoted` has no PCR 10.
  static attest::Checked<LogReplay> begin(const ReplayState& kept, const BootIdentity& boot,
                                          tpm::PcrValues quoted, const ReplayLimits& limits = {});

  // Where the bytes must begin that are fed: kept.offset(), or 0.
  std::uint64_t offset() const { return from_.offset(); }

  // RuntimeLogMalformed, RuntimeLogTooLong; after a reason, nothing may be fed.
  attest::Checked<attest::Passed> feed(ByteView piece);

  // RuntimeLogMalformed where the log ends within an entry, even past the proven ones.
  attest::Checked<Replayed> finish();

 private:
  LogReplay(const ReplayState& from, tpm::PcrValues quoted, const ReplayLimits& limits);
  Result<void> take(const Entry& entry);
  void look();
  attest::Reason why_not() const;

  ReplayState from_;
  tpm::PcrValues quoted_;
  ReplayLimits limits_;
  Replay replay_;
  EntryReader reader_;
  std::optional<ReplayState> proven_;
  std::uint64_t wrong_digests_ = 0;
  std::string first_wrong_;  // place of the first
};

}  // namespace avouch::runtimelog
