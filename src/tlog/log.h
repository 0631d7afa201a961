#pragma once

// The log's writer: gives entries their index, makes them durable in groups, and publishes
// checkpoints.
//
//   sequenced  the entry's index is on stable storage: it will be in the tree, at that index
//   published  a checkpoint that covers it can be read, at most `publish_within` later
//
// An entry that is an erasure (FORMAT.md, 'Remark') takes the preimage of the entry that it refers
// to out of the store when it is published, before its checkpoint is: a crash between is made good
// by the next start, which publishes it. Whether it may is for the caller to know.
//
// An entry that is a pruning (retention.h) is in force once a checkpoint that covers it is
// published. Then content that may be lost is taken out of the store, below the boundary that it
// names, between publications; what an end leaves undone, the next start does. Whether entries are
// as old as their policy asks is for the caller to know.
//
// An entry of kind `shard` (shard.h) of the log's own closes it: nothing is sequenced behind it,
// not after a restart either. It must be the last of its call.
//
// One thread sequences, one publishes; callers only queue. All methods are thread-safe. Callbacks
// run on the log's threads: they must be quick, must not throw, and must not call the waiting
// methods (append_and_wait, publish_now) nor destroy the log.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/retention.h"
#include "tlog/store.h"
#include "tlog/stored_entry.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// What somebody remembers of a log.
struct Remembered {
  std::string whose;  // for messages
  VerifiedCheckpoint checkpoint;
};

struct LogOptions {
  std::string origin;
  // An entry is published at most this long after it was sequenced; writing begins at three
  // quarters of it, or when `publish_bytes` have been sequenced since it last began.
  std::chrono::milliseconds publish_within{1000};
  std::size_t publish_bytes = 8 * 1024 * 1024;
  // With so much unpublished the next batch waits for the publication under way, for
  // `publish_within` at most: one that hangs makes nobody wait for longer.
  std::size_t ahead_bytes = 12 * 1024 * 1024;
  std::chrono::milliseconds batch_age{0};  // a batch waits at most this long to grow
  std::size_t batch_entries = 4096;
  std::size_t batch_bytes = 4 * 1024 * 1024;
  std::size_t queue_entries = 16'384;          // waiting; more are refused as kRetryable
  std::size_t queue_bytes = 32 * 1024 * 1024;  // the same
  std::size_t unpublished_entries = 262'144;   // sequenced, not published: the same
  std::size_t unpublished_bytes = 64 * 1024 * 1024;
  std::size_t recent_ids = 65'536;     // how many entries back a repeated id is recognised
  bool adopt_missing_anchors = false;  // start although an anchor has forgotten a log with entries

  // Keys that sign every checkpoint beside the log's own, while one takes the other's place: a
  // reader, an anchor or a witness may know either. What is stored may be signed by any of them.
  std::vector<NoteSigner> also_signing;

  // Checkpoints of this log that others remember: witnesses, objects of a cluster. They are held
  // against the store like anchors, and never written.
  std::vector<Remembered> remembered;

  // Where the store or what remembers it forbids to sign: open to be read, and sign nothing
  // (LogStatus::read_only). Otherwise open() fails.
  bool read_only_on_conflict = false;

  // Called on each published checkpoint, in order.
  std::function<void(const VerifiedCheckpoint&)> on_published;
  // Called where content that was to be pruned could not be read, and is gone with all beside it.
  std::function<void(const std::string& what)> on_lost_content;
  // Called once, when the log has failed for good: the process should end.
  std::function<void(const Error&)> on_fatal;
};

struct Submission {
  Bytes entry;     // 1 to 65,535 bytes
  Bytes preimage;  // at most 65,535 bytes; may be empty
  std::string id;  // at most 128 bytes. The same id, or without an id the same entry, gets the
                   // same index.
};

struct Sequenced {
  std::uint64_t index = 0;
  Hash leaf{};
};

struct LogStatus {
  std::uint64_t sequenced = 0;  // entries with an index
  std::uint64_t published = 0;  // entries under the published checkpoint
  std::uint64_t queued = 0;     // entries waiting for one
  std::uint64_t duplicates = 0, refused = 0, commits = 0, publications = 0, publish_retries = 0;
  std::chrono::microseconds commit_time{0};    // sum over commits
  std::optional<std::string> commit_trouble;   // why the last entries got no index (disk full)
  std::optional<std::string> publish_trouble;  // why the publication under way is repeated
  std::optional<std::string> read_only;        // why nothing is signed or taken any more
  std::optional<std::uint64_t> closed_by;      // the last entry, where it closes the log
  std::optional<Error> failure;                // the log has stopped for good
};

class Log {
 public:
  using AppendDone = std::function<void(Result<std::vector<Sequenced>>)>;
  using PublishDone = std::function<void(Result<VerifiedCheckpoint>)>;

  // Opens the log in `store`, or creates an empty one (checkpoint of size 0) where neither store
  // nor anchors know one. Verifies right edge, last bundle and anchors against the signed
  // checkpoint and takes up what was committed. kFatal, with what to do, if an anchor is ahead of
  // or contradicts the store, or anything is damaged: then nothing is signed. With
  // `read_only_on_conflict` the log is then open at its stored checkpoint, or, where there is none,
  // at the newest that an anchor remembers; kFatal only where there is neither.
  // Store, anchors and clock outlive the log.
  static Result<std::unique_ptr<Log>> open(LogOptions options, Store& store,
                                           std::vector<Anchor*> anchors, NoteSigner signer,
                                           Clock& clock);
  // Sequences what is queued, publishes it, stops. A publication that meets a passing fault is left
  // to the next start.
  ~Log();

  // Queues all submissions, or none; `done` gets their places in order once all are sequenced.
  // kRejected (sizes), kRetryable (a queue is full, the log is closed: try later) or kFatal reach
  // `done` too, at once.
  void append(std::vector<Submission> submissions, AppendDone done);
  Result<Sequenced> append_and_wait(Submission submission);

  // Publishes at once all that is sequenced when it is called. Where that is published already, the
  // present checkpoint is the answer.
  void publish(PublishDone done);
  Result<VerifiedCheckpoint> publish_now();

  // From now on nothing is sequenced or signed, and everything is served as before: somebody has
  // seen another log of this name. What waits, and every later append, is refused as kRetryable
  // with `why`. Ends with the process.
  void stop_signing(const std::string& why);

  VerifiedCheckpoint checkpoint() const;               // the newest published
  std::shared_ptr<const Retention> retention() const;  // as entries under it say; never null
  LogStatus status() const;

  // A sequenced entry. kRejected if there is none of that index.
  Result<StoredEntry> get(std::uint64_t index) const;

  // The entry's inclusion in `at`, a checkpoint of this log, from stored tiles. Entry and proof are
  // checked against its root, as in get(): damage is kFatal and never leaves as a proof.
  Result<std::vector<Hash>> inclusion_proof(std::uint64_t index,
                                            const VerifiedCheckpoint& at) const;

  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace avouch::tlog
