#pragma once

// One log that a monitor follows: where it was, what was found, and proofs that are kept.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "observe/logging.h"
#include "observe/metrics.h"
#include "tlog/follower.h"
#include "tlog/fork_dispute.h"
#include "tlog/shard.h"
#include "tlog/sightings.h"

namespace avouch::logprogram {

// A witness' monitoring endpoint.
struct WitnessView {
  std::string name;
  std::unique_ptr<tlog::TileReader> reader;
};

struct MonitorLogParts {
  tlog::FollowOptions follow;
  std::chrono::seconds shown_within{0};  // tlog::Sightings
  std::unique_ptr<tlog::TileReader> tiles;
  std::vector<WitnessView> views;
  // Where it is said that the log contradicted itself; null: nowhere. It outlives the MonitorLog.
  tlog::DisputeTaker* disputes = nullptr;
  std::chrono::milliseconds dispute_again{10'000};  // tlog::ForkDisputeOptions::first_wait
  // Where this log follows another (tlog/shard.h): what that one ended with, and its keys.
  std::optional<tlog::VerifiedCheckpoint> predecessor;
  // Its own folder, made if it is missing:
  //   position              the note of the newest checkpoint that was followed
  //   closed                its size, where its last entry closes the log
  //   HEX.misbehaviour      proofs, by the start of their SHA-256; never removed here
  //   HEX.disputed          which entry says so of that proof; there is one
  std::filesystem::path folder;
};

// One thread at a time, but for problem(), set_ages() and follows().
class MonitorLog {
 public:
  // kRejected, kFatal: state or options cannot be used. The metrics outlive it.
  static Result<std::unique_ptr<MonitorLog>> open(MonitorLogParts parts, Clock& clock,
                                                  observe::Metrics& metrics);

  // Looks at log and witnesses once. kFatal: what is on disk is unknown, the process must end.
  // Everything else is told by problem(), log lines and metrics.
  Result<void> look();

  const std::string& origin() const { return origin_; }

  // The checkpoint with which the log was closed, once all of it was followed, and the log that
  // follows it. On the thread that looks.
  struct Ended {
    tlog::VerifiedCheckpoint last;
    std::string next;
  };
  const std::optional<Ended>& ended() const { return ended_; }
  // Why the log that follows is not followed: then it cannot be said that all is well.
  void cannot_go_on(const std::string& why);
  // That this log follows another one, which ended so: looked at from the next look on.
  // Thread-safe.
  void follows(const tlog::VerifiedCheckpoint& last);
  // Why it cannot be said that all is well; nothing where it can.
  std::optional<std::string> problem() const;

  void set_ages(SystemTime now);

 private:
  MonitorLog(MonitorLogParts parts, Clock& clock, observe::Metrics& metrics);
  Result<void> read_folder();
  Result<void> read_proofs();
  void follow();
  // What the log says of the one that follows it, and of the one before.
  void follow_links();
  void check_predecessor(const tlog::ShardLinks& links);
  bool is_begin_pruned();
  void ask(const WitnessView& view);
  void compare(const std::string& by, const std::optional<std::string>& shown);
  void note(const std::string& by, const tlog::Finding& finding);
  void prove(const tlog::Misbehaviour& proof);
  // What is not on disk yet; tried again at each look.
  Result<void> keep_position();
  Result<void> keep_proofs();
  // Says once, where disputes are taken, that there is a proof.
  void begin_dispute(const std::string& proof_name, const std::string& text);
  Result<void> dispute();
  void show_dispute();
  void count_failure(const std::string& what, const Error& error);
  void failed(const std::string& what, const Error& error);
  void wrong(std::string what);

  const std::string origin_;
  MonitorLogParts parts_;
  Clock& clock_;
  observe::Metrics& metrics_;
  const observe::Logger log_;
  std::optional<tlog::Follower> follower_;
  std::optional<Ended> ended_;
  bool end_is_due_ = true;  // whether it is closed has to be looked at
  tlog::Sightings sightings_;
  std::uint64_t kept_size_ = 0;  // of the position on disk
  bool kept_closed_ = false;
  std::map<std::string, std::string> unkept_;  // proofs by file name
  std::size_t proofs_ = 0;                     // kept or to be kept
  std::optional<std::string> wrong_;           // the first of this look
  std::optional<tlog::ForkDispute> dispute_;
  std::optional<std::string> entered_;  // where the dispute is, while that is not on disk

  mutable std::mutex mutex_;  // of what others ask for, or say
  std::optional<tlog::VerifiedCheckpoint> said_predecessor_;
  std::optional<std::string> no_next_;  // why the next is not followed
  SystemTime good_at_;
  std::map<std::string, SystemTime> compared_at_;  // by witness
  std::optional<std::string> problem_ = "not looked at yet";
  bool forked_ = false;
};

}  // namespace avouch::logprogram
