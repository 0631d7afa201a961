#pragma once

// ConfigMap R-beacon: what agents quote for, and what the cluster itself remembers of the log,
// apart from its volume. Written by compare-and-set on its resourceVersion.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/client.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

namespace avouch::control {

// One thread at a time.
class BeaconObject {
 public:
  struct Options {
    std::string ns, name;
    std::string origin;
    std::vector<tlog::NoteVerifier> log_keys;
  };
  // `client` outlives it. It should write only as long as this process leads.
  BeaconObject(const kube::Client& client, Options options)
      : client_(client), options_(std::move(options)) {}

  // The checkpoint of this log, by its key, that is there; nothing where there is none, or
  // something else: of another log, or by another key. kRetryable where the API server cannot be
  // asked.
  Result<std::optional<tlog::VerifiedCheckpoint>> read();

  // Shows `next`, this log's newest checkpoint, to the agents. kFatal, and nothing is written,
  // where somebody has put there a checkpoint by this log's key that is larger, or another one of
  // the same size: the log is written twice, or went back in time. kRetryable otherwise.
  Result<void> show(const std::string& next);

 private:
  Result<void> apply(const std::string& note);

  const kube::Client& client_;
  const Options options_;
  bool known_ = false;   // whether `version_` is what was last there
  std::string version_;  // "": there is none
};

// The label of the log of `chain` (tlog/shard_name.h) whose checkpoint is in ConfigMap `ns`/`name`,
// by one of `keys`, which are those of any of its logs; nothing where something else is there, or
// nothing. kRetryable where the API server cannot be asked.
Result<std::optional<std::string>> beacon_shard(const kube::Client& client, const std::string& ns,
                                                const std::string& name, std::string_view chain,
                                                std::span<const tlog::NoteVerifier> keys);

}  // namespace avouch::control
