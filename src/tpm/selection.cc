#include "tpm/selection.h"

namespace avouch::tpm {
namespace {

std::string ranges(const BankSelection& entry) {
  std::string out;
  for (unsigned first = 0; first < kPcrCount; ++first) {
    if (!entry.has(first)) continue;
    unsigned last = first;
    while (entry.has(last + 1)) ++last;
    if (!out.empty()) out += ", ";
    out += std::to_string(first);
    if (last > first) out += "-" + std::to_string(last);
    first = last;
  }
  return out.empty() ? "none" : out;
}

}  // namespace

std::optional<PcrId> first_selected(const PcrSelection& selection) {
  return first_missing({}, selection);
}

std::optional<PcrId> first_missing(const PcrSelection& have, const PcrSelection& need) {
  for (const BankSelection& needed : need) {
    std::uint32_t missing = needed.mask;
    for (const BankSelection& entry : have) {
      if (entry.bank == needed.bank) missing &= ~entry.mask;
    }
    for (std::uint8_t index = 0; index < kPcrCount; ++index) {
      if (((missing >> index) & 1U) != 0) return PcrId{needed.bank, index};
    }
  }
  return std::nullopt;
}

std::string to_text(const PcrId& pcr) {
  return "PCR " + std::to_string(pcr.index) + " (" + std::string(crypto::hash_name(pcr.bank)) + ")";
}

std::string to_text(const PcrSelection& selection) {
  std::string out;
  for (const BankSelection& entry : selection) {
    if (!out.empty()) out += "; ";
    out += std::string(crypto::hash_name(entry.bank)) + ": " + ranges(entry);
  }
  return out.empty() ? "nothing" : out;
}

}  // namespace avouch::tpm
