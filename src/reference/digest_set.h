#pragma once

// Large sets of digests, such as those of every file of a distribution: made once, then immutable
// and shared by all nodes that are judged by them.

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "reference/digest.h"

namespace avouch::reference {

// The digests of one algorithm. Private to this library.
class DigestTable;

// Immutable and thread-safe. Memory: the digests' own bytes and about 6 KiB for each algorithm that
// occurs (10^6 SHA-256 digests: 32.0 MB).
class DigestSet {
 public:
  ~DigestSet();
  DigestSet(const DigestSet&) = delete;
  DigestSet& operator=(const DigestSet&) = delete;

  // Expected O(log log n) for digests of real files, O(log n) for any. False also where `digest` is
  // not of the algorithm's size.
  bool contains(crypto::HashAlgorithm algorithm, ByteView digest) const;
  bool contains(const Digest& digest) const { return contains(digest.algorithm, digest.view()); }

  std::size_t size() const;                                 // of all algorithms
  std::size_t size(crypto::HashAlgorithm algorithm) const;  // without duplicates
  std::size_t memory_bytes() const;                         // what it occupies
  std::vector<Digest> list() const;                         // by algorithm, then ascending
  // The binary form (docs/references.md), one for each set: what digest lists are stored as.
  Bytes to_binary() const;
  crypto::Sha256 binary_digest() const;  // SHA-256 of that

 private:
  friend class DigestSetBuilder;
  using Tables = std::array<std::unique_ptr<DigestTable>, 4>;
  explicit DigestSet(Tables tables);
  Tables tables_;
};

// One owner. While it builds it holds at most about twice the set's size.
class DigestSetBuilder {
 public:
  explicit DigestSetBuilder(std::size_t max_digests = 2'000'000);
  ~DigestSetBuilder();

  // kRejected: a digest not of the algorithm's size, or more than max_digests (duplicates count).
  Result<void> add(crypto::HashAlgorithm algorithm, ByteView digest);
  Result<void> add(const Digest& digest) { return add(digest.algorithm, digest.view()); }
  std::shared_ptr<const DigestSet> finish() &&;

 private:
  DigestSet::Tables tables_;
  std::size_t max_digests_;
  std::size_t count_ = 0;
};

}  // namespace avouch::reference
