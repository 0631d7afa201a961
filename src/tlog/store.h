#pragma once

// The seam to where a log is kept, and the seam to its anchors. Engines: adapters/log_files.h; an
// in-memory one with faults in tests/support/. tests/contract/tlog runs one suite on each.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::tlog {

// Reads a log by path: "checkpoint", "tile/0/x001/067.p/12". Also what clients fetch through.
class TileReader {
 public:
  virtual ~TileReader() = default;

  // The bytes at `path`, or nothing if there is no such object. Thread-safe.
  virtual Result<std::optional<Bytes>> fetch(std::string_view path) = 0;
};

// One sequenced entry with what is kept beside it.
struct Record {
  std::uint64_t index = 0;
  Bytes entry;
  Bytes preimage;  // may be empty
  std::string id;  // may be empty
};

struct Object {
  std::string path;
  Bytes bytes;
  bool replaceable = false;  // false: the path never has other bytes
  // It takes the place of one that had more: what is left out, of records under the checkpoint, is
  // to be found nowhere in the store once another batch has been committed and published.
  bool erases = false;
};

// Every error but kRetryable means that the store's state is unknown: the caller stops using it and
// ends. kRetryable (disk full) means that the call has changed nothing that later calls can see,
// or that repeating it is harmless.
//
// Threads: recover() first and alone; then commit() from one thread, put() and publish() from one
// other, fetch() from any.
class Store : public TileReader {
 public:
  // Committed records with index >= from, in order and without gaps, if there are any.
  // kFatal for damage before the end, with its place. What was cut at the end was never
  // acknowledged.
  virtual Result<std::vector<Record>> recover(std::uint64_t from) = 0;

  // On return all records of the batch are on stable storage. Indexes follow on one another and on
  // the last batch.
  virtual Result<void> commit(std::span<const Record> batch) = 0;

  // On return all objects are on stable storage. A path that holds the same bytes already is fine;
  // other bytes where the object is not replaceable are kFatal.
  virtual Result<void> put(std::span<const Object> objects) = 0;

  // What lies at `path`, a group of preimages that cannot be read, lies where nobody reads it from
  // then on, for a person to mend; it takes the place of one that was set aside before. Durable on
  // return; harmless where there is nothing. From the thread of put(), whose errors it has.
  virtual Result<void> set_aside(std::string_view path) = 0;

  // Replaces "checkpoint" atomically; on return it is on stable storage. Committed records below
  // `size` may be forgotten from then on: put() has been given all of them.
  virtual Result<void> publish(std::string_view checkpoint, std::uint64_t size) = 0;
};

// A place apart from the store that remembers the newest signed checkpoint, so that a store that
// went back in time, or a second writer, is noticed before anything is signed.
class Anchor {
 public:
  virtual ~Anchor() = default;

  virtual std::string name() const = 0;  // for messages

  // The note last put here, or nothing if there never was one.
  virtual Result<std::optional<std::string>> read() = 0;

  // Compare-and-set, durable on return. Succeeds too if the present value is `next` already.
  // kFatal if the present value is neither: somebody else writes. kRetryable for a passing fault.
  virtual Result<void> replace(const std::optional<std::string>& expected,
                               std::string_view next) = 0;
};

}  // namespace avouch::tlog
