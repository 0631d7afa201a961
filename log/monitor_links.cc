// What a log that is followed says of the one before it, and of the one that follows it.

#include <utility>

#include "log/monitor_log.h"
#include "tlog/retention.h"
#include "tlog/shard_name.h"

namespace avouch::logprogram {

void MonitorLog::follow_links() {
  const auto& position = follower_->position();
  const bool looks_back = !before_.empty() && position && position->size() > 0;
  if (!position || position->size() == 0 || (!end_is_due_ && !looks_back)) return;
  const auto links = tlog::load_shard_links(tiles_, *position);
  if (!links.has_value()) {
    if (links.error().kind == ErrorKind::kRetryable) return failed("links", links.error());
    return note("log", {tlog::FindingKind::kBrokenChain, links.error().message, std::nullopt});
  }
  if (looks_back) check_predecessor(*links);
  if (!end_is_due_) return;
  if (!links->end && follower_->is_closed()) {
    return note("log", {tlog::FindingKind::kBrokenChain,
                        "entry " + std::to_string(position->size() - 1) +
                            " closes the log, and its resource \"" + std::string(tlog::kShardPath) +
                            "\" does not say so, nor which log follows",
                        std::nullopt});
  }
  end_is_due_ = false;
  if (!links->end) return;
  follower_->close();
  ended_ = Ended{*position, links->end->next};
  log_.info("the log is closed",
            {{"log", origin_}, {"entries", position->size()}, {"next", links->end->next}});
}

void MonitorLog::cannot_go_on(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (no_next_ == why) return;
  no_next_ = why;
  log_.error("the chain of logs is not followed", {{"log", origin_}, {"error", why}});
}

void MonitorLog::follows(const tlog::VerifiedCheckpoint& last) {
  const std::lock_guard lock(mutex_);
  said_before_.push_back(last);
}

std::optional<std::string> MonitorLog::after() const {
  const std::lock_guard lock(mutex_);
  return after_;
}

bool MonitorLog::is_begin_pruned() {
  const auto retention = tlog::load_retention(tiles_, *follower_->position());
  return retention.has_value() && retention->pruning.minimum_index > 0;
}

// At each look until it holds.
void MonitorLog::check_predecessor(const tlog::ShardLinks& links) {
  const auto broken = [this](std::string what) {
    note("log", {tlog::FindingKind::kBrokenChain, std::move(what), std::nullopt});
  };
  std::string expected;
  for (const auto& [origin, last] : before_) expected += (expected.empty() ? "" : " or ") + origin;
  if (!links.predecessor && is_begin_pruned()) {
    note("log", {tlog::FindingKind::kDamaged,
                 "its first entry was pruned before it was read here: whether the log follows " +
                     expected + " cannot be told",
                 std::nullopt});
    before_.clear();  // it is said once
    return;
  }
  if (!links.predecessor) {
    return broken("it begins with no checkpoint of a log before it, expected " + expected);
  }
  // Others may say as well that this log follows them: its own word counts.
  const auto said = before_.find(links.predecessor->origin);
  if (said == before_.end()) {
    return broken("it begins with a checkpoint of " + links.predecessor->origin + ", expected " +
                  expected);
  }
  const tlog::VerifiedCheckpoint& last = said->second;
  const auto keys = tlog::keys_for(last.origin(), parts_.follow.keys);
  const auto named = keys.has_value()
                         ? tlog::verify_checkpoint(links.predecessor->note, *keys, last.origin())
                         : Result<tlog::VerifiedCheckpoint>(keys.error());
  if (!named.has_value()) return broken("its predecessor's checkpoint: " + named.error().message);
  if (named->size() == last.size() && named->root() == last.root()) {
    log_.info("the log follows another", {{"log", origin_}, {"after", last.origin()}});
    const std::lock_guard lock(mutex_);
    after_ = last.origin();
    before_.clear();  // `last` with it
    return;
  }
  broken("it begins with another checkpoint of " + last.origin() + " than that ended with: " +
         std::to_string(named->size()) + " entries, expected those " + std::to_string(last.size()) +
         " that were followed. Both are signed: " + named->note() + last.note());
}

}  // namespace avouch::logprogram
