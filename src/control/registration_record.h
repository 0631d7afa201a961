#pragma once

// The registration policy as an entry of the log itself: which statements of others were taken, and
// since when, is there for everybody who reads the log (RFC 9943, 5.1.1).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "control/log_index.h"
#include "control/recorder.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "tlog/log.h"
#include "tlog/registration.h"

namespace avouch::control {

struct PolicyRecordParts {
  tlog::Log& log;
  EntryLog& entries;
  const LogIndex& index;  // of the log as it is
  std::string origin;
  ByteView pseudonym_key;
  const crypto::PrivateKey& verifier_key;
  crypto::Random& random;
};

// The index of the entry that holds `policy` and `references` (a C2SP tlog-policy: the other logs
// whose entries are referred to; "" for none), where either takes anything. Where the newest such
// entry says something else, as on the kinds of entries that there are, or is not found, one more
// is appended, and it is in force; what takes nothing is entered only where the newest one differs.
// Nothing where there is none of it. An entry that is older than what the index holds is not found:
// then the same policy is entered again, which changes nothing. kRejected: the policy cannot be in
// force here (tlog::check_policy), its entry would be too large. kRetryable: the log takes no
// entries now.
Result<std::optional<std::uint64_t>> ensure_registration_policy(
    const PolicyRecordParts& parts, const tlog::RegistrationPolicy& policy, SystemTime now,
    std::string_view references = "");

}  // namespace avouch::control
