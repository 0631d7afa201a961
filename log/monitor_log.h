#pragma once

// One log that a monitor follows: where it was, what was found, and proofs that are kept.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "observe/logging.h"
#include "observe/metrics.h"
#include "tlog/follower.h"
#include "tlog/fork_dispute.h"
#include "tlog/shard.h"
#include "tlog/sightings.h"
#include "tlog/timed_reader.h"

namespace avouch::logprogram {

// A witness' monitoring endpoint.
struct WitnessView {
  std::string name;
  tlog::CosignerKey key;
  std::unique_ptr<tlog::TileReader> reader;
};

struct MonitorLogParts {
  tlog::FollowOptions follow;
  std::chrono::seconds shown_within{0};      // tlog::Sightings
  std::chrono::milliseconds look_within{0};  // from the end of one look to the end of the next
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
  //   followed              tlog::FollowedSizes
  //   HEX.misbehaviour      proofs, by the start of their SHA-256; never removed here
  //   HEX.disputed          which entry says so of that proof; there is one
  //   HEX.held-back         checkpoints that others were shown and that cannot be compared
  //                         (tlog::Sightings); never removed here
  std::filesystem::path folder;
};

// One thread at a time, but for problem(), set_ages(), follows() and after().
class MonitorLog {
 public:
  // kRejected, kFatal: state or options cannot be used. The metrics outlive it.
  static Result<std::unique_ptr<MonitorLog>> open(MonitorLogParts parts, Clock& clock,
                                                  observe::Metrics& metrics);

  // Looks at log and witnesses once; of the log is read what can be had in half a minute, and the
  // next look goes on there. kFatal: what is on disk is unknown, the process must end. Everything
  // else is told by problem(), log lines and metrics.
  Result<void> look();
  // Whether the last look has read entries and there was no time for all of them: the next one need
  // not be waited for.
  bool is_reading() const { return is_reading_; }

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
  // That this log follows another one, which ended so: looked at from the next look on. Each that
  // says so is told of once; which of them is right the log's first entry says. Thread-safe.
  void follows(const tlog::VerifiedCheckpoint& last);
  // The log that it follows, once that was seen to hold. Thread-safe.
  std::optional<std::string> after() const;
  // Why it cannot be said that all is well; nothing where it can.
  std::optional<std::string> problem() const;

  void set_ages(SystemTime now);

 private:
  MonitorLog(MonitorLogParts parts, Clock& clock, observe::Metrics& metrics);
  Result<void> read_folder();
  Result<void> read_proofs();
  void follow();
  void tell_of_reading();
  // What the log says of the one that follows it, and of the one before.
  void follow_links();
  void check_predecessor(const tlog::ShardLinks& links);
  bool is_begin_pruned();
  void ask(const WitnessView& view);
  void compare(const std::string& by, const std::optional<std::string>& shown,
               const std::optional<SystemTime>& cosigned = std::nullopt);
  void say_untold();
  void note(const std::string& by, const tlog::Finding& finding);
  void prove(const tlog::Misbehaviour& proof);
  // What is not on disk yet; tried again at each look.
  Result<void> keep_position();
  Result<void> keep_followed();
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
  tlog::TimedReader tiles_;
  std::optional<tlog::Follower> follower_;
  std::optional<Ended> ended_;
  bool end_is_due_ = true;  // whether it is closed has to be looked at
  tlog::Sightings sightings_;
  std::uint64_t kept_size_ = 0;  // of the position on disk
  bool kept_closed_ = false;
  bool is_followed_kept_ = true;               // the file of that name
  std::map<std::string, std::string> unkept_;  // proofs and what is held back, by file name
  std::size_t proofs_ = 0;                     // kept or to be kept
  std::set<std::string> held_back_;            // the same, by file name
  // What ended before this log began, by origin, until it is known which it follows.
  std::map<std::string, tlog::VerifiedCheckpoint> before_;
  bool is_reading_ = false;
  std::optional<std::string> wrong_;  // the first of this look
  std::optional<tlog::ForkDispute> dispute_;
  std::optional<std::string> entered_;  // where the dispute is, while that is not on disk

  mutable std::mutex mutex_;  // of what others ask for, or say
  std::vector<tlog::VerifiedCheckpoint> said_before_;
  std::optional<std::string> after_;
  std::optional<std::string> no_next_;  // why the next is not followed
  SystemTime good_at_;
  SteadyTime looked_at_;                           // the end of the last look
  std::map<std::string, SystemTime> compared_at_;  // by witness
  std::optional<std::string> problem_ = "not looked at yet";
  bool forked_ = false;
};

}  // namespace avouch::logprogram
