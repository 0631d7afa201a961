#pragma once

// Which log of a chain (tlog/shard_name.h) is written, and how one gives way to the next. All of it
// is done while a log is opened, by whoever alone writes it, so that a start after a crash goes
// through the same steps, and makes good whichever was the last that was done:
//
//   1. the newest log that anybody remembers is opened
//   2. where it is new, it gets its genesis entries, which have the last checkpoint of the log
//   before
//   3. where it is over, it is closed by an entry that names the next; its checkpoint is published
//   4. where it is closed, and what it says was pruned is out of it, the log that its last entry
//      names is opened, and so on from 2
//
// So a closed log has exactly one successor: the entry that names it is in the log, and its place
// follows from its name.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "tlog/log.h"
#include "tlog/shard.h"
#include "tlog/shard_name.h"

namespace avouch::control {

// Seam to the logs of a chain.
class ShardLogs {
 public:
  virtual ~ShardLogs() = default;
  // Labels of the logs that are there, or that something remembers (an anchor), oldest first.
  virtual Result<std::vector<std::string>> labels() = 0;
  // Opens that log to be written, and makes it where it is missing. The one that was open before is
  // closed first. The log is this seam's, and lives until the next call.
  virtual Result<tlog::Log*> open(const std::string& label) = 0;
  // Enters the genesis entries where the log that is open has none, `predecessor` in the first one
  // where it follows another.
  virtual Result<void> begin(const std::optional<tlog::Predecessor>& predecessor) = 0;
  // Publishes all that is in the log that is open; then waits, not for long, for the cosignatures
  // that are to be had of it. Errors as of tlog::Log::publish().
  virtual Result<void> settle() = 0;
  // How a closed log ended: its origin, and its last checkpoint with the cosignatures that are
  // kept. kRejected where it is not closed.
  struct Ended {
    tlog::Predecessor as_predecessor;
    tlog::ShardEnd end;
  };
  virtual Result<Ended> ended(const std::string& label) = 0;
};

struct ShardRules {
  std::string chain;  // its name
  tlog::ShardPeriod period = tlog::ShardPeriod::kNone;
  Bytes pseudonym_key;
};

struct ShardOpened {
  std::string label;
  tlog::Log* log = nullptr;
};

// The log that is written now, open and begun. Where one may not be written (LogStatus::read_only)
// it is that one, and nothing was done to it. kFatal where the logs contradict one another: which,
// and what was expected. Otherwise the errors of the seam; then call again.
Result<ShardOpened> open_newest_shard(ShardLogs& logs, const ShardRules& rules,
                                      const crypto::PrivateKey& verifier_key,
                                      crypto::Random& random, SystemTime now);

// Whether content that it says was pruned is being taken out of it. Of one that may not be written
// nothing is taken.
bool is_being_pruned(const tlog::Log& log);

// Whether the log with that label is over: then open_newest_shard() closes it.
bool is_over(const std::string& label, tlog::ShardPeriod period, SystemTime now);

}  // namespace avouch::control
