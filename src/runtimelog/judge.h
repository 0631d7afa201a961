#pragma once

// What one proven entry means under a policy's rules.

#include <string>

#include "attest/reason.h"
#include "runtimelog/boot_aggregate.h"
#include "runtimelog/entry.h"
#include "runtimelog/file_signature.h"
#include "runtimelog/rules.h"
#include "tpm/types.h"

namespace avouch::runtimelog {

enum class Issue : std::uint8_t {
  kNone,
  kBootAggregate,    // the first entry is not that of the quoted boot PCRs
  kSecondBoot,       // a boot_aggregate later on: another kernel was started by kexec
  kTemplateUnknown,  // also the legacy one where the rules do not allow it
  kTemplateDigest,
  kEntryMalformed,
  kViolation,
  kFileUnknown,
  kFileRevoked,
  kSignatureMalformed,  // these three: of a file whose digest is unknown as well
  kSignatureKeyUnknown,
  kSignatureInvalid,
  kBufferUnknown,
};
inline constexpr std::uint8_t kLastIssue = static_cast<std::uint8_t>(Issue::kBufferUnknown);
std::string_view issue_code(Issue issue);  // codes.h

// By what an entry was accepted.
enum class AcceptedBy : std::uint8_t {
  kNothing,
  kBootAggregate,
  kReference,
  kSignature,
  kExclude,
  kBuffer,      // a rule, a reference, or a key of the keyrings
  kNotJudged,   // FileRule::kReplayOnly, or a signature whose check was not wanted
  kViolation,   // OnViolation::kRecord
  kSecondBoot,  // allow_second_boot
};

struct Judgement {
  Issue issue = Issue::kFileUnknown;
  AcceptedBy by = AcceptedBy::kNothing;
  AggregateForm aggregate = AggregateForm::kNone;  // of the first entry
  // Of an issue.
  std::string detail;
  std::string path, digest;  // as the entry says, printable; empty where its fields are not read
  std::string suggestion;    // attest::Reason's
  unsigned checks = 0;       // signature checks that it took
};

// The checks, in this order: the template digest is SHA-1 of the data; the template is known and
// its fields well-formed; the first entry is boot_aggregate, made from `quoted`; violations; the
// digest is not revoked; buffers: their digest is of the buffer, and reference, key or rule accept
// them; files: reference (by the content's digest: an fs-verity digest is none), exclude,
// signature. Thread-safe.
Judgement judge_entry(const Entry& entry, const Rules& rules, const tpm::PcrValues& quoted,
                      SignatureChecks how = {});

// For people: what, where, expected, and what would accept it.
attest::Reason reason_of(const Entry& entry, const Judgement& judgement);

}  // namespace avouch::runtimelog
