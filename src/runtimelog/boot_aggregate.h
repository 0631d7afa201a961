#pragma once

// The first entry of every IMA log: a digest over the boot PCRs, which ties the log to this boot.

#include <string>

#include "attest/reason.h"
#include "runtimelog/fields.h"
#include "tpm/types.h"

namespace avouch::runtimelog {

inline constexpr std::string_view kAggregateName = "boot_aggregate";

// How kernels make it (ima_crypto.c, ima_calc_boot_aggregate_tfm): the hash of a bank's boot PCRs,
// under the bank's own algorithm.
enum class AggregateForm : std::uint8_t {
  kNone,
  kSha1Pcr0To7,  // of the SHA-1 bank: every kernel
  kPcr0To9,      // of another bank: since 5.8
  kPcr0To7,  // of another bank: kernels that took the bank's choice from 5.8 but not PCR 8 and 9
  kZero,     // none, as the legacy template writes it where the TPM has no SHA-1 bank
};
std::string_view aggregate_form_name(AggregateForm form);

// The form whose value the entry has, computed from the quoted PCRs, or why there is none
// (kRejected): not the entry named boot_aggregate, an algorithm that names no bank, PCRs that the
// quote does not cover, another value. kZero is found for the legacy template only.
Result<AggregateForm> check_boot_aggregate(const Fields& fields, const tpm::PcrValues& quoted);

}  // namespace avouch::runtimelog
