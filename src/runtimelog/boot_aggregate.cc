#include "runtimelog/boot_aggregate.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/hex.h"
#include "codec/utf8.h"

namespace avouch::runtimelog {
namespace {

using crypto::HashAlgorithm;

// Nothing where the quote lacks one of PCR 0 to `last`.
std::optional<Bytes> aggregate(const tpm::PcrValues& quoted, HashAlgorithm bank,
                               std::uint8_t last) {
  Bytes values;
  for (std::uint8_t index = 0; index <= last; ++index) {
    const auto found = quoted.find({bank, index});
    if (found == quoted.end()) return std::nullopt;
    append(values, found->second);
  }
  return crypto::hash(bank, values);
}

bool has_bank(const tpm::PcrValues& quoted, HashAlgorithm bank) {
  return std::any_of(quoted.begin(), quoted.end(),
                     [bank](const auto& pcr) { return pcr.first.bank == bank; });
}

Result<AggregateForm> of_bank(const Fields& fields, const tpm::PcrValues& quoted) {
  const HashAlgorithm bank = *fields.known;
  const std::string name(crypto::hash_name(bank));
  const auto to_7 = aggregate(quoted, bank, 7);
  if (!to_7) {
    return rejected("boot_aggregate is of bank " + name +
                    ", of which the quote lacks some of PCR 0 to 9: add pcrs of that bank to the "
                    "policy, or have IMA use a quoted bank (ima_hash=)");
  }
  if (bank == HashAlgorithm::kSha1) {
    if (equal(*to_7, fields.digest)) return AggregateForm::kSha1Pcr0To7;
    return rejected("boot_aggregate is " + digest_text(fields) + ", expected sha1:" +
                    to_hex(*to_7) + " (PCR 0 to 7): the log is of another boot or machine");
  }
  const auto to_9 = aggregate(quoted, bank, 9);
  if (to_9 && equal(*to_9, fields.digest)) return AggregateForm::kPcr0To9;
  if (equal(*to_7, fields.digest)) return AggregateForm::kPcr0To7;
  return rejected(
      "boot_aggregate is " + digest_text(fields) + ", expected " +
      (to_9 ? name + ":" + to_hex(*to_9) + " (PCR 0 to 9) or " : std::string()) + name + ":" +
      to_hex(*to_7) +
      " (PCR 0 to 7): the log is of another boot or machine, or a boot PCR was extended since");
}

}  // namespace

std::string_view aggregate_form_name(AggregateForm form) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "sha1 of PCR 0-7",
                                                      "the bank's hash of PCR 0-9",
                                                      "the bank's hash of PCR 0-7", "zero"};
  return kNames.at(static_cast<std::size_t>(form));
}

Result<AggregateForm> check_boot_aggregate(const Fields& fields, const tpm::PcrValues& quoted) {
  if (fields.path != kAggregateName || fields.kind == Template::kImaBuf) {
    return rejected("the first entry is " + codec::in_quotes(fields.path, 200) +
                    ", expected boot_aggregate: the log does not begin at the boot");
  }
  const bool is_zero = std::all_of(fields.digest.begin(), fields.digest.end(),
                                   [](std::uint8_t byte) { return byte == 0; });
  if (is_zero && fields.kind == Template::kIma && !has_bank(quoted, HashAlgorithm::kSha1)) {
    return AggregateForm::kZero;
  }
  if (is_zero) {
    return rejected(
        "boot_aggregate is zero: the kernel found no TPM when IMA started; build the TPM "
        "driver into the kernel, or load it in time");
  }
  if (!fields.known) {
    return rejected("boot_aggregate is a digest by " + std::string(fields.algorithm) +
                    ", expected the algorithm of a PCR bank");
  }
  return of_bank(fields, quoted);
}

}  // namespace avouch::runtimelog
