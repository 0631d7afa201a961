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

Result<ClosedShards::List> ClosedShards::list() {
  std::map<std::string, Line> known;
  {
    const std::lock_guard lock(mutex_);
    known = lines_;
  }
  List out;
  for (const std::string& label : labels_) {
    auto line = known.find(label);
    if (line == known.end()) {
      const auto shard = find(label);
      if (!shard.has_value() && shard.error().kind == ErrorKind::kRetryable) return shard.error();
      if (!shard.has_value() || *shard == nullptr) {
        out.not_served.push_back(label);
        continue;
      }
      const tlog::ClosedLog& log = (*shard)->log;
      const tlog::VerifiedCheckpoint& last = log.checkpoint();
      line = known
                 .emplace(label,
                          Line{label, log.end().next, last.size(), last.root(), log.signed_by()})
                 .first;
    }
    out.lines.push_back(line->second);
  }
  const std::lock_guard lock(mutex_);
  lines_.merge(known);
  return out;
}

}  // namespace avouch::control
