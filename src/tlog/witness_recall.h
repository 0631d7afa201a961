#pragma once

// What the witnesses of a log remember of it, asked before it signs anything: a store that was put
// back, with all that lies beside it, has forgotten what they have not. Each is asked at its
// monitoring endpoint, where a copy may be old and which not every witness has; so who shows no
// more there than is stored is sent the stored checkpoint as well, and its answer says which size
// it has. Where nothing is stored that is one of size 0, which a witness that knows nothing of the
// log may cosign: it continues to know nothing of any entry.

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/log.h"
#include "tlog/log_policy.h"
#include "tlog/tree.h"
#include "tlog/witness_client.h"

namespace avouch::tlog {

struct WitnessToRecall {
  std::string name;  // in the policy
  CosignerKey key;
  WitnessExchange* exchange = nullptr;
};

struct RecallOptions {
  VerifiedCheckpoint empty;                  // of this log, signed, with nothing in it
  std::vector<NoteVerifier> log_keys;        // which may have signed what is shown: former ones too
  std::optional<VerifiedCheckpoint> stored;  // what the store has published
  NodeSource nodes;                          // of its tree; may be empty
  std::optional<std::string> kept;           // the newest witnessed note that is known here
};

struct Recalled {
  // To be held against the store (LogOptions): what witnesses show, and what was kept, where one of
  // the keys has signed it.
  std::vector<Remembered> remembered;

  // What a witness says, and shows nothing for: that it has cosigned more than is stored, or
  // another tree. It counts as silent, as anybody who answers in its name could say so.
  struct Claim {
    std::string witness, what;
  };
  std::vector<Claim> claims;

  // Why nothing may be signed yet, and who is silent: those who have answered are no quorum of the
  // policy, or those who have not are one, and may have cosigned together what nobody else knows.
  // Nothing where what is remembered contradicts the store: then nothing will be signed.
  std::optional<std::string> missing;
};

// Asks all at once; ends within a second once `stop` is requested. Silent is also who shows what
// none of the keys has signed or it has not cosigned, and who says that it knows less than the kept
// note that it has cosigned: a proxy says that too. kRetryable: stopped.
Result<Recalled> recall(const RecallOptions& options, const LogPolicy& policy,
                        std::span<const WitnessToRecall> witnesses, const std::stop_token& stop);

}  // namespace avouch::tlog
