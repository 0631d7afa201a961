#pragma once

// What a log says that the PCRs are, and whether a quote says the same.

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "bootlog/log.h"
#include "tpm/types.h"

namespace avouch::bootlog {

namespace code {
inline constexpr std::string_view kReplayMismatch = "BootLogReplayMismatch",
                                  kBankNotInLog = "BootLogBankMissing";
}  // namespace code

struct ReplayedBank {
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;
  std::array<std::array<std::uint8_t, 64>, tpm::kPcrCount> values{};  // digest, then zeros
  std::array<std::uint32_t, tpm::kPcrCount> extends{};                // events that extended it

  ByteView value(std::size_t pcr) const;  // pcr < kPcrCount
};

// Every complete bank of the log whose hash we can compute, from the PCRs' values at start: zeros;
// PCR 0 with the startup locality as its last byte; PCR 17 to 22 all ones. EV_NO_ACTION is never
// extended.
std::vector<ReplayedBank> replay(const BootLog& log);
// Nothing where the log has no such bank, or one that some event leaves out.
std::optional<ReplayedBank> replay_bank(const BootLog& log, crypto::HashAlgorithm algorithm);

// Every quoted value against the replay, exactly:
//   * a quoted bank of which an event has no digest: BootLogBankMissing (CVE-2021-42299)
//   * a PCR that differs: BootLogReplayMismatch, with its last event that still fits if the quoted
//     value is that of a beginning of the log's events of this PCR, so that the next one diverges.
//     Without such a beginning the event cannot be known, for a digest tells nothing of its past.
// A quoted PCR that the log does not extend must have its value at start. PCR 10 is the kernel's
// runtime log's and is left out, as are those of `excluded` (bit n is PCR n).
// What is not quoted is not compared, and nothing is said of it. In the order of the events, first
// those that name one.
std::vector<attest::Reason> compare(const BootLog& log, std::span<const ReplayedBank> replayed,
                                    const tpm::PcrValues& quoted, std::uint32_t excluded = 0);

}  // namespace avouch::bootlog
