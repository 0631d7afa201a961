#pragma once

// EntryLog over the real log, which keeps the index of subjects up to date.

#include <functional>
#include <optional>
#include <string>

#include "control/log_index.h"
#include "control/recorder.h"
#include "tlog/log.h"
#include "tlog/shard.h"

namespace avouch::control {

// Thread-safe. References outlive it.
class SequencedLog final : public EntryLog {
 public:
  SequencedLog(tlog::Log& log, LogIndex& index) : log_(log), index_(index) {}

  Result<std::vector<LogPlace>> append(std::vector<EntryToLog> entries) override;

  // The same without waiting; `done` runs on the log's thread and must be quick.
  using Done = std::function<void(Result<std::vector<LogPlace>>)>;
  void append_then(std::vector<EntryToLog> entries, Done done);

 private:
  tlog::Log& log_;
  LogIndex& index_;
};

// Makes the first two entries of a new log: registration policy and trust anchors; before them,
// where it follows another, that one's last checkpoint. Does nothing where the log has entries.
// kFatal where it has only one of the two.
Result<void> ensure_genesis(tlog::Log& log, EntryLog& entries, const std::string& origin,
                            ByteView pseudonym_key, const crypto::PrivateKey& verifier_key,
                            const std::string& log_vkey, crypto::Random& random, SystemTime now,
                            const std::optional<tlog::Predecessor>& predecessor = std::nullopt);

}  // namespace avouch::control
