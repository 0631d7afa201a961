#include "control/closed_shards.h"

#include <algorithm>
#include <utility>

#include "tlog/shard_name.h"

namespace avouch::control {

bool ClosedShards::has(std::string_view label) const {
  return std::find(labels_.begin(), labels_.end(), label) != labels_.end();
}

std::optional<std::string> ClosedShards::label_of(std::string_view origin) const {
  auto label = tlog::label_of(chain_, origin);
  return label && has(*label) ? label : std::nullopt;
}

Result<std::shared_ptr<const ClosedShard>> ClosedShards::find(const std::string& label) {
  if (!has(label)) return std::shared_ptr<const ClosedShard>();
  {
    const std::lock_guard lock(mutex_);
    for (auto each = recent_.begin(); each != recent_.end(); ++each) {
      if ((*each)->label != label) continue;
      recent_.splice(recent_.begin(), recent_, each);
      return recent_.front();
    }
  }
  auto opened = open_(label);  // which may take long: without the lock
  if (!opened.has_value() && opened.error().kind == ErrorKind::kRejected) {
    return std::shared_ptr<const ClosedShard>();
  }
  AVOUCH_TRY(std::shared_ptr<const ClosedShard> shard, std::move(opened));
  const std::lock_guard lock(mutex_);
  recent_.push_front(shard);
  if (recent_.size() > kMostOpen) recent_.pop_back();
  return shard;
}

Result<std::vector<ClosedShards::Line>> ClosedShards::list() {
  {
    const std::lock_guard lock(mutex_);
    if (lines_) return *lines_;
  }
  std::vector<Line> lines;
  for (const std::string& label : labels_) {
    AVOUCH_TRY(const std::shared_ptr<const ClosedShard> shard, find(label));
    if (shard == nullptr) continue;
    const tlog::VerifiedCheckpoint& last = shard->log.checkpoint();
    lines.push_back({label, shard->log.end().next, last.size(), last.root()});
  }
  const std::lock_guard lock(mutex_);
  lines_ = lines;
  return lines;
}

}  // namespace avouch::control
