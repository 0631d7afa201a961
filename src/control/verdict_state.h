#pragma once

// A node's verdict and how it changes. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/appraisal.h"
#include "attest/quote.h"
#include "attest/token.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace avouch::control {

enum class Phase { kPending, kEnrolling, kTrusted, kWarning, kContraindicated, kStale };
std::string_view phase_name(Phase phase);
Result<Phase> parse_phase(std::string_view name);

// Only affirming is Trusted; "none" gives no trust and is shown as Contraindicated.
Phase phase_of(attest::Status status);

// Whether the phase rests on evidence that was judged: Trusted, Warning, Contraindicated.
bool is_judged(Phase phase);
// Every policy that selects the node is satisfied, with reservations or without.
bool is_trusted(Phase phase);

// Where in the log a verdict was entered.
struct LogPlace {
  std::uint64_t index = 0;
  crypto::Sha256 leaf_hash{};
  bool operator==(const LogPlace&) const = default;
};

struct BootIdentity {
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool operator==(const BootIdentity&) const = default;
};

// What a verdict rests on. Logs are named as claimed: nothing here says that they were judged.
struct EvidenceDigests {
  std::optional<crypto::Sha256> quote, pcrs, boot_log, runtime_log;
};

inline constexpr std::size_t kMaxReasons = 16;
inline constexpr std::size_t kMaxReasonBytes = 1024;
// Of the first reasons everything is kept, of the others what and where.
inline constexpr std::size_t kDetailedReasons = 4;
inline constexpr std::size_t kMaxReasonFields = 16;
inline constexpr std::size_t kMaxSuggestionBytes = 8 * 1024;

// What a node is judged to be. Default-constructed: Pending, which no one trusts.
struct NodeVerdict {
  Phase phase = Phase::kPending;
  std::vector<attest::Reason> reasons;
  std::vector<attest::TokenPolicy> policies;
  attest::TrustVector vector;
  BootIdentity boot;
  Bytes ak_name;
  Bytes token;             // empty for Pending, Enrolling and Stale
  SystemTime issued_at{};  // of the newest token ever issued for this node
  SystemTime expires_at{};
  std::chrono::milliseconds max_age{};
  EvidenceDigests evidence;
  attest::BeaconReference beacon;
  std::optional<LogPlace> log;  // of the last entry about this node
};

// The same verdict, entered there.
NodeVerdict entered_at(NodeVerdict verdict, const LogPlace& place);

// Whether two verdicts say the same, but for times, token, beacon and evidence that differ from one
// heartbeat to the next.
enum class Comparison { kSame, kDifferent };
Comparison compare_substance(const NodeVerdict& a, const NodeVerdict& b);

// What to do with `candidate` while `current` is in force.
enum class Step {
  kKeep,        // nothing: the current token is young enough
  kRenew,       // same substance, new token: goes into the next epoch entry
  kTransition,  // an entry of its own, an Event
};
Step next_step(const NodeVerdict& current, const NodeVerdict& candidate, SystemTime now);

// The verdict that takes the place of `current` when its time is over: Stale, EvidenceExpired.
NodeVerdict stale_after(const NodeVerdict& current, std::string_view node_name);

// The same where the evidence is acceptable still, and its tokens have run ahead of it: each is
// dated a second after the one before, and the newest would be dated after its own end.
NodeVerdict outrun_after(const NodeVerdict& current, std::string_view node_name);

// The verdict that takes the place of `next` where the node's verdict has changed too often: nobody
// trusts it, and it says why `next` did not either. Of `next`'s policies it names those that the
// node fails. It is over at `ends`.
NodeVerdict unsteady_instead_of(const NodeVerdict& next, const NodeVerdict& current,
                                std::string_view node_name, SystemTime ends);
bool is_unsteady(const NodeVerdict& verdict);

// Whether the verdict's time is over at `now`. Pending, Enrolling and Stale never expire.
enum class Life { kLasting, kOver };
Life life_at(const NodeVerdict& verdict, SystemTime now);

// How long a verdict that was saved by another process may still stand: never longer than its
// maxAge, and not at all where `now` is before it was issued, for then the clock has gone back by
// nobody knows how much.
std::chrono::milliseconds life_left(const NodeVerdict& verdict, SystemTime now);

// Tokens are issued at most this far ahead of the clock: each is a second younger than the last,
// and relying parties allow their own clocks as much.
inline constexpr std::chrono::seconds kIssuedAhead{60};

// The candidate of an appraisal: token claims and verdict. `last_issued` is the newest token's
// issue time: the new one's is later, so that of two tokens the newer always wins.
struct Candidate {
  NodeVerdict verdict;  // without token
  attest::TokenClaims claims;
};
Candidate make_candidate(const attest::Verdict& appraisal, const attest::VerifiedQuote& quote,
                         const attest::UnverifiedEvidence& evidence, std::string_view issuer,
                         std::string_view node_name, std::string_view build, SystemTime last_issued,
                         SystemTime now);

}  // namespace avouch::control
