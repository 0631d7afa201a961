#pragma once

// Seams to the records of verdicts (appraisal/record.h) and to what they name.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "appraisal/record.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::control {

enum class RecordKind {
  kTransition,  // a verdict with a log entry of its own
  kRenewal,     // one that says the same again: the first to be given up where space is short
};

struct RecordToKeep {
  RecordKind kind = RecordKind::kTransition;
  SystemTime time{};
  std::string node_uid;
  appraisal::PackedRecord packed;
  std::vector<crypto::Sha256> named;  // objects that are kept by hold()
  // Taken over from the evidence store.
  std::optional<crypto::Sha256> boot_log;
  std::optional<appraisal::RuntimeLogUsed> runtime_log;
};

// Seam for whoever makes verdicts. Thread-safe. Everything is kept for the retention time after the
// last record that names it, and given up before that only where space is short.
class VerdictArchive {
 public:
  virtual ~VerdictArchive() = default;

  // Durable when it returns, but for renewals. Keeping a record twice is no error. One outcome for
  // each record. kRetryable: the archive is full, or the disk fails; the verdict is then without a
  // record. An object that is not there any more keeps nothing else from being kept: kRetryable
  // names it, once all is done.
  virtual std::vector<Result<void>> keep(
      std::span<const std::shared_ptr<const RecordToKeep>> records) = 0;

  // An object that records will name: a policy's spec, or what it refers to. kRetryable: not kept.
  virtual Result<void> add(const appraisal::RecordObject& object, SystemTime now) = 0;
  // A digest list that records will name: it is taken over from the store of lists, once however
  // many records name it. kRetryable: not kept, for it is not there, or is too large.
  virtual Result<void> add_list(const crypto::Sha256& list, SystemTime now) = 0;
  // Of the objects and lists added, these stay until the next call, whether records name them or
  // not: what the policies in force are and refer to.
  virtual void hold(std::set<crypto::Sha256> objects) = 0;
};

// Seam for whoever shows records. Thread-safe.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  // The record of the verdict with that token; nothing: there is none (any more).
  virtual Result<std::optional<Bytes>> record(const crypto::Sha256& token) = 0;

  // Up to `max_bytes` of an object from `offset` on, empty at its end; nothing: it is not there.
  // Whether the bytes are those of the digest is for the reader to check.
  virtual Result<std::optional<Bytes>> object(const crypto::Sha256& digest, std::uint64_t offset,
                                              std::size_t max_bytes) = 0;
  virtual Result<std::optional<Bytes>> runtime_log(const std::string& node_uid,
                                                   const appraisal::RuntimeLogUsed& log,
                                                   std::uint64_t offset, std::size_t max_bytes) = 0;
};

}  // namespace avouch::control
