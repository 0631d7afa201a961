#pragma once

// The newest verified token for each node UID, so that an older one written back into a status
// changes nothing. One owner; not thread-safe.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "admission/facts.h"
#include "attest/token.h"
#include "base/clock.h"

namespace avouch::admission {

class VerdictBook {
 public:
  enum class Kept {
    kNew,      // it is the node's newest now
    kSame,     // known already; reasons and log index are brought up to date
    kOlder,    // an older one than what is known: ignored
    kEarlier,  // of an earlier boot of the same TPM than what is known: ignored
  };

  // `now` is when it came here, by the steady clock.
  Kept offer(VerdictFacts verdict, SteadyTime now);

  // Marks the verdicts that came here longer ago than their whole life, so that a wall clock that
  // goes back revives none. True where there was one to mark.
  bool outlive(SteadyTime now);

  // The node's evidence was deleted, on purpose: no verdict counts, nor any that is not newer than
  // what was known.
  void forget(std::string_view node_uid);

  // The verification keys have changed: nothing is known any more, but when each node's last token
  // came here. It is no younger for being verified again.
  void clear();

  // Drops what can matter no longer: verdicts and memories of them older than a token's longest
  // life, and, by the steady clock, arrivals as long after their end. A wall clock that jumps ahead
  // and back makes nothing of them younger.
  void prune(SystemTime now, SteadyTime steady_now);

  const NamedFacts<VerdictFacts>& verdicts() const { return verdicts_; }
  std::size_t memories() const { return forgotten_.size(); }

 private:
  NamedFacts<VerdictFacts> verdicts_;   // by node UID
  NamedFacts<VerdictFacts> forgotten_;  // by node UID: the floor below which nothing counts
  struct Arrival {
    crypto::Sha256 token{};
    SteadyTime end{};  // of its life, by the steady clock
    std::optional<crypto::Sha256> quote;
    SteadyTime quote_came{};  // with this token or one before it
  };
  std::map<std::string, Arrival, std::less<>> arrivals_;  // by node UID: of its last token
  SteadyTime earliest_end_ = SteadyTime::max();           // of those not outlived, or before it
};

}  // namespace avouch::admission
