#pragma once

// What a boot is worth under a policy.

#include <vector>

#include "attest/policy.h"
#include "attest/reason.h"
#include "attest/trust.h"
#include "bootlog/meaning.h"
#include "reference/resolved.h"

namespace avouch::bootlog {

namespace code {
inline constexpr std::string_view kSecureBootDisabled = "SecureBootDisabled",
                                  kSecureBootUnproven = "SecureBootUnproven",
                                  kSecureBootKeyUnknown = "SecureBootKeyUnknown",
                                  kSecureBootKeyRevoked = "SecureBootKeyRevoked",
                                  kImageUnknown = "BootImageUnknown",
                                  kImageRevoked = "BootImageRevoked",
                                  kFileUnknown = "BootFileUnknown",
                                  kFileRevoked = "BootFileRevoked",
                                  kCommandLine = "KernelCommandLine",
                                  kCommandLineUnproven = "KernelCommandLineUnproven",
                                  kOutdated = "SecureBootOutdated",
                                  kPcrUnproven = "BootPcrUnproven",
                                  kMoreReasons = "BootLogMoreReasons";
}  // namespace code

inline constexpr std::size_t kMaxReasons = 16;

struct BootJudgement {
  attest::TrustVector vector;           // configuration, executables
  std::vector<attest::Reason> reasons;  // at most kMaxReasons, and then how many more there are
};

// All that the policy asks, each problem with its event and, where it lacks a reference value, with
// what would accept it; the same digest or certificate once:
//   * PCR 0 to 9 and 14 are proven (BootPcrUnproven; of one that differs compare() says so, and
//   here
//     it counts against the vector alone)
//   * the log's own problems (meaning.h)
//   * secureBoot Required: the variable SecureBoot is 1 (SecureBootDisabled); PK, KEK and db are
//     there and readable, at least one program was let in by an entry of db, shim's verification is
//     on (SecureBootUnproven, SecureBootDisabled)
//   * `references`, null where the policy names none: every program and file that was measured is
//     known, by its digest of each of the policy's banks but SHA-1 (BootImageUnknown,
//     BootFileUnknown); where they have certificates, every one in PK, KEK, db and of an authority
//     is known (SecureBootKeyUnknown); nothing is revoked (BootImageRevoked, BootFileRevoked,
//     SecureBootKeyRevoked), and neither is the SHA-256 digest of the content of dbx or SbatLevel
//     (SecureBootOutdated); what systemd-stub is said to have added to the initrd is proven (PCR 12
//     and 13, BootPcrUnproven)
//   * `revocations`, without `references`: nothing is revoked, by the same codes
//   * no program is one that the node's own dbx forbids (BootImageRevoked)
//   * kernelCommandLine: each text that may have been the kernel's has, of its arguments, one that
//     each required expression matches (before "--": what follows is for init), and none that a
//     forbidden one does (KernelCommandLine), in each reading of it (codec/kernel_arguments.h); an
//     expression may also match the whole text. At least
//     one such text, none that is hashed but not known, and PCR 12, where it is quoted, is proven
//     (KernelCommandLineUnproven)
BootJudgement judge(const BoundLog& log, const Meaning& meaning, const attest::BootLogSpec& policy,
                    const reference::ResolvedReferences* references,
                    const reference::ResolvedReferences* revocations);

}  // namespace avouch::bootlog
