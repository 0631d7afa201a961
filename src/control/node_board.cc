#include "control/node_board.h"

#include <utility>

namespace avouch::control {

void NodeBoard::put(NodeOutlook outlook) {
  Entry entry{std::move(outlook.node_uid), std::move(outlook.evidence_uid),
              std::move(outlook.signals), codec::to_json(outlook.status)};
  entry.status.shrink_to_fit();
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(std::move(outlook.name), std::move(entry));
}

void NodeBoard::erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  entries_.erase(name);
}

std::optional<NodeOutlook> NodeBoard::find(const std::string& name) const {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    entry = found->second;
  }
  NodeOutlook out{
      name, std::move(entry.node_uid), std::move(entry.evidence_uid), std::move(entry.signals), {}};
  auto status = codec::parse_json(entry.status);
  if (!status.has_value()) return std::nullopt;  // not of what put() wrote
  out.status = *std::move(status);
  return out;
}

}  // namespace avouch::control
