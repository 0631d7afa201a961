#include "control/renewal_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace avouch::control {
namespace {

constexpr std::uint64_t kBlock = 4096;

std::uint32_t mark_of(const crypto::Sha256& token) {
  std::uint32_t mark = 0;
  std::memcpy(&mark, token.data(), sizeof mark);
  return mark;
}

}  // namespace

Result<std::optional<RenewalProof>> RenewalIndex::find(const crypto::Sha256& token) {
  const std::uint32_t mark = mark_of(token);
  const std::lock_guard lock(mutex_);
  AVOUCH_TRY(const std::vector<std::uint64_t> epochs, store_.epochs());
  // The store gives up its oldest.
  marks_.erase(marks_.begin(), epochs.empty() ? marks_.end() : marks_.lower_bound(epochs.back()));
  std::uint64_t bytes_left = bytes_at_once_;
  for (const std::uint64_t epoch : epochs) {
    auto marks = marks_.find(epoch);
    if (marks == marks_.end()) {
      if (bytes_left == 0) {
        return retryable("the lists of renewed tokens before entry " + std::to_string(epoch) +
                         " are still to be read; try again");
      }
      AVOUCH_TRY(Marks read, read_marks(epoch, bytes_left));
      marks = marks_.emplace(epoch, std::move(read)).first;
    }
    if (std::find(marks->second.begin(), marks->second.end(), mark) == marks->second.end()) {
      continue;
    }
    AVOUCH_TRY(const Bytes bytes, store_.read(epoch));
    AVOUCH_TRY(const std::vector<Renewal> renewals, parse_renewals(bytes));
    AVOUCH_TRY(auto proof, find_renewal(epoch, renewals, token));
    if (proof) return proof;
  }
  return std::optional<RenewalProof>();
}

Result<RenewalIndex::Marks> RenewalIndex::read_marks(std::uint64_t epoch_index,
                                                     std::uint64_t& bytes_left) {
  AVOUCH_TRY(const Bytes bytes, store_.read(epoch_index));
  bytes_left -= std::min(bytes_left, (bytes.size() / kBlock + 1) * kBlock);
  AVOUCH_TRY(const std::vector<Renewal> renewals, parse_renewals(bytes));
  Marks out;
  out.reserve(renewals.size());
  for (const Renewal& renewal : renewals) out.push_back(mark_of(renewal.token));
  return out;
}

}  // namespace avouch::control
