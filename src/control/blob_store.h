#pragma once

// Seams to the evidence store: bulk evidence by digest, and each node's growing runtime log.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/http.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::control {

enum class BlobOutcome { kCreated, kExisted };

// One blob that is being written. One owner. Destroyed without commit(), it leaves nothing behind.
class BlobWriter : public BodySink {
 public:
  // Durable when it returns (file and directory). kRejected if the bytes are not those of the
  // digest; kRetryable if the store is full.
  virtual Result<BlobOutcome> commit() = 0;
};

// Content-addressed. Thread-safe. A full store gives up what was used longest ago, but nothing that
// was used within the last hour. A blob counts towards the share of the node that sent it first, so
// that no node can fill the store: a full share gives up that node's own blobs by the same rule,
// and a full store what those hold who hold more than an equal part of it, for those who do not.
// Naming a blob makes nobody its owner.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // `owner` is the node whose share it is to count towards.
  virtual Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256& digest,
                                                    const std::string& owner) = 0;
  // Whether it is there; counts as a use.
  virtual bool contains(const crypto::Sha256& digest) = 0;
  // kRejected if it is not there or longer than `max_bytes`; kFatal if its bytes are not those of
  // the digest. Counts as a use.
  virtual Result<Bytes> read(const crypto::Sha256& digest, std::size_t max_bytes) = 0;
  virtual std::uint64_t bytes() = 0;
  // Removes what was not used for `idle`. Returns how many bytes that freed.
  virtual std::uint64_t drop_unused(std::chrono::milliseconds idle) = 0;
};

// The runtime log of a node's current boot; `boot` is any text that differs from boot to boot.
// Thread-safe.
class RuntimeLogStore {
 public:
  virtual ~RuntimeLogStore() = default;
  // The offset that follows what is there; 0 for another boot than the stored one.
  virtual std::uint64_t next_offset(const std::string& node_uid, const std::string& boot) = 0;
  // Appends at `offset`, which must be next_offset() (kRejected otherwise); a new boot drops the
  // old one's bytes. Returns the new next offset. kRetryable if the store is full, or another
  // append for that node is under way.
  virtual Result<std::uint64_t> append(const std::string& node_uid, const std::string& boot,
                                       std::uint64_t offset, ByteView bytes) = 0;
  // Up to `max_bytes` from `offset` on; empty at the end, and of another boot than the stored one.
  virtual Result<Bytes> read(const std::string& node_uid, const std::string& boot,
                             std::uint64_t offset, std::size_t max_bytes) = 0;
  // Keeps the first `bytes` of that boot's log; longer than it is: nothing. kRetryable while an
  // append is under way.
  virtual Result<void> truncate(const std::string& node_uid, const std::string& boot,
                                std::uint64_t bytes) = 0;
  // Of whatever boot; nothing there is well. kRetryable while an append is under way.
  virtual Result<void> remove(const std::string& node_uid) = 0;
};

}  // namespace avouch::control
