#pragma once

// What the logs of a node are worth, off the appraiser's thread: logs are read from the evidence
// store, and the first replay of a long one takes a while.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "appraisal/appraise.h"
#include "base/boxed.h"
#include "base/clock.h"
#include "base/shared.h"
#include "control/blob_store.h"
#include "control/cold_item.h"
#include "control/held_quote.h"
#include "control/policy_set.h"
#include "runtimelog/findings.h"
#include "runtimelog/log_replay.h"

namespace avouch::control {

// What one policy's part of the logs says. Nothing where the policy does not ask for that log, or
// where it is awaited.
struct PolicyFindings {
  crypto::Sha256 rules_digest{};  // of the policy in force
  appraisal::BootJudged boot;
  appraisal::RuntimeJudged runtime;
};

struct LogFindings {
  std::map<std::string, PolicyFindings, std::less<>> policies;  // by name
  // Why they are not complete: the agent has named a log that is not (all) here yet.
  Boxed<attest::Reason> awaited;
};

// An accepted quote, and under which policies its logs are to be judged.
struct LogQuestion {
  std::uint64_t number = 0;  // the asker's: an answer to another one counts for nothing
  std::string node_name, node_uid;
  HeldQuote held;
  std::optional<attest::BootLogReference> boot_log;  // as its evidence names them
  std::optional<attest::RuntimeLogReference> runtime_log;
  std::vector<std::shared_ptr<const ResolvedPolicy>> policies;  // usable, and with such a member
};

// The store's name for a boot.
std::string boot_name(std::uint32_t reset_count);

// Keeps, for each node, how far its runtime log is proven and what it said under each policy.
// Thread-safe; questions about one node wait for one another, so they should not be asked at once
// (control/latest_pool.h).
class LogJudge {
 public:
  // Called where what is known of a node's logs stays on the heap, for the store does not take it,
  // and (kFatal) where it does not come back: then they are judged from their start. By any thread
  // that judges.
  using OnTrouble = std::function<void(const std::string& node_uid, const Error& error)>;

  // After so long a judgement makes way for those of other nodes, at the next piece of a log.
  static constexpr std::chrono::seconds kTurn{1};

  // The references outlive it. Between two turns what is kept of a node is in `cold`, but for a
  // replay that was begun.
  LogJudge(BlobStore& blobs, RuntimeLogStore& runtime_logs, std::size_t max_boot_log_bytes,
           ColdStore& cold, Clock& clock, OnTrouble on_trouble);

  // Nothing: its turn is over, and what it found is kept: asked again it goes on from there, and
  // each turn comes nearer to the end. Never throws: what goes wrong in here is a reason that costs
  // this node its trust.
  std::optional<LogFindings> judge(const LogQuestion& question);
  void forget(const std::string& node_uid);

 private:
  struct Node {
    Shared<runtimelog::ReplayState> proven;
    std::map<std::string, Shared<runtimelog::Findings>, std::less<>> findings;  // by policy name
    std::map<std::string, std::vector<attest::Reason>, std::less<>> detailed;
    crypto::Sha256 aggregated{};  // of the boot PCRs that the log's first entry was judged by
    // The last boot log that was judged, and what came out.
    std::optional<attest::BootLogReference> boot_log;
    crypto::Sha256 pcrs{};
    std::map<std::string, PolicyFindings, std::less<>> boot;  // by policy name
  };
  // A replay whose turn was over before it met its quote.
  struct BegunReplay {
    crypto::Sha256 quote{};
    std::uint64_t at = 0;  // what follows was not read yet
    runtimelog::LogReplay replay;
  };
  struct Slot {
    std::mutex busy;  // of one question at a time
    bool known = false;
    ColdItem node;  // where it is known
    std::unique_ptr<BegunReplay> begun;
    SteadyTime turn_ends{};
  };
  enum class Progress { kDone, kTurnOver };

  std::shared_ptr<Slot> slot(const std::string& uid);
  bool turn_is_over(const Slot& slot) { return clock_.steady_now() >= slot.turn_ends; }
  Node take_in(const std::string& uid, const Slot& slot);
  void put_out(const std::string& uid, const Node& node, Slot& slot);
  Progress judge_all(const LogQuestion& question, Slot& slot, Node& node, LogFindings& out);
  Progress judge_boot(const LogQuestion& question, const Slot& slot, Node& node, LogFindings& out);
  Progress judge_runtime(const LogQuestion& question, Slot& slot, Node& node, LogFindings& out);
  bool refuses_first_entry(const LogQuestion& question, const Node& node);
  // These two: nothing where the turn is over.
  std::optional<attest::Checked<runtimelog::Replayed>> replay(const LogQuestion& question,
                                                              Slot& slot, const Node& node);
  std::optional<attest::Checked<appraisal::RuntimeFindings>> judge_files(
      const LogQuestion& question, const Slot& slot, const std::string& policy,
      const runtimelog::Rules& rules, Node& node);

  BlobStore& blobs_;
  RuntimeLogStore& runtime_logs_;
  const std::size_t max_boot_log_bytes_;
  ColdStore& cold_;
  Clock& clock_;
  const OnTrouble on_trouble_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;  // by UID
};

}  // namespace avouch::control
