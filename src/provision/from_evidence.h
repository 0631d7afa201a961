#pragma once

// What a machine that is known to be good, a golden node, booted and ran: reference values that
// accept it again.

#include <optional>
#include <span>
#include <string>

#include "appraisal/stored_case.h"
#include "attest/quote.h"
#include "base/clock.h"
#include "crypto/x509.h"
#include "provision/draft.h"

namespace avouch::provision {

// Logs, empty where there is none. Without `quote` they are believed as they are.
struct GoldenLogs {
  ByteView boot_log, runtime_log;
  const attest::VerifiedQuote* quote = nullptr;
};

// From the boot log, as far as the quote proves it: every program and file that was measured
// (bootComponents), every certificate of PK, KEK, db and of an authority, and as remarks the
// kernel's command lines and the quirks that a policy must name. From the runtime log, as far as
// the quote proves it: every file's digest, but for files with a good signature by one of
// `signers`, which become the manifest's own. Violations, and files measured by SHA-1 or fs-verity,
// are left out and counted in remarks.
//
// kRejected: no log at all; a log that is malformed, that the quote does not prove, or (boot log)
// with something that no genuine boot does: the event or entry is named.
Result<Draft> draft_from_logs(const GoldenLogs& logs, std::span<const crypto::Certificate> signers);

// The same of a stored case, whose quote must be good by its own AK and nonce. Whether that AK is
// of a TPM, and whose, is not asked: that the machine is golden is the caller's word.
Result<Draft> draft_from_case(const appraisal::StoredCase& stored,
                              std::span<const crypto::Certificate> signers, SystemTime now);

}  // namespace avouch::provision
