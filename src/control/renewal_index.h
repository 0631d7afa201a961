#pragma once

// In which epoch a renewed token is, without reading all epochs for each question.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "control/renewals.h"
#include "crypto/hash.h"

namespace avouch::control {

// Thread-safe; one question at a time. Keeps four bytes of each renewal that is in the store: of
// the 256 MiB that a store has at most 16 MiB, and some 100 bytes an epoch. They are read as
// questions come, newest epochs first; after that a question reads the epoch that has the token,
// and another one in a thousand.
class RenewalIndex {
 public:
  // So many bytes of the store, in blocks of 4 KiB, are read at most for one question that cannot
  // be answered without, but one epoch in any case.
  static constexpr std::uint64_t kBytesAtOnce = 32ULL * 1024 * 1024;

  // `store` outlives it.
  explicit RenewalIndex(RenewalStore& store, std::uint64_t bytes_at_once = kBytesAtOnce)
      : store_(store), bytes_at_once_(bytes_at_once) {}

  // Nothing if no epoch that is kept has the token. kRetryable also while older epochs have yet to
  // be read: the same question goes on from there.
  Result<std::optional<RenewalProof>> find(const crypto::Sha256& token);

 private:
  using Marks = std::vector<std::uint32_t>;  // the first bytes of each token

  Result<Marks> read_marks(std::uint64_t epoch_index, std::uint64_t& bytes_left);

  RenewalStore& store_;
  const std::uint64_t bytes_at_once_;
  std::mutex mutex_;                      // guards what follows
  std::map<std::uint64_t, Marks> marks_;  // by epoch index
};

}  // namespace avouch::control
