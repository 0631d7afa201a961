#pragma once

// Tokens that were renewed without a change, gathered for one epoch entry of the log.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "tlog/tree.h"

namespace avouch::control {

struct Renewal {
  crypto::Sha256 token{};  // digest of the token
  tlog::Hash leaf{};       // leaf hash of: subject || 00 || token digest
};
Renewal make_renewal(std::string_view subject, const crypto::Sha256& token);

// Root of the leaves in order; the empty tree's where there are none.
tlog::Hash renewals_root(const std::vector<Renewal>& renewals);

// Where a token stands in an epoch's renewals.
struct RenewalProof {
  std::uint64_t epoch_index = 0;
  std::uint64_t leaf_index = 0;
  std::uint64_t size = 0;
  std::vector<tlog::Hash> path;
};

// Thread-safe. At most 1,000,000 wait; more are dropped, oldest first (their tokens stay valid, and
// are in the log with the next renewal).
class RenewalBatch {
 public:
  void add(const Renewal& renewal);
  std::vector<Renewal> take();
  // What take() gave and could not be logged: in front of what came since.
  void put_back(std::vector<Renewal> renewals);
  std::size_t waiting() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Renewal> renewals_;
};

// Seam: the renewals of past epochs, one file each. One writer, any readers.
class RenewalStore {
 public:
  virtual ~RenewalStore() = default;
  // Durable on return. Gives up the oldest epochs beyond the store's bound.
  virtual Result<void> save(std::uint64_t epoch_index, ByteView renewals) = 0;
  virtual Result<std::vector<std::uint64_t>> epochs() = 0;  // newest first
  virtual Result<Bytes> read(std::uint64_t epoch_index) = 0;
};

Bytes encode_renewals(const std::vector<Renewal>& renewals);
Result<std::vector<Renewal>> parse_renewals(ByteView bytes);

// Where `token` stands in the renewals of one epoch; nothing if it is not there.
Result<std::optional<RenewalProof>> find_renewal(std::uint64_t epoch_index,
                                                 const std::vector<Renewal>& renewals,
                                                 const crypto::Sha256& token);

}  // namespace avouch::control
