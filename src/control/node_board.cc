#include "control/node_board.h"

#include <utility>

#include "control/status_digest.h"

namespace avouch::control {

void NodeBoard::put(const NodeOutlook& outlook) {
  Entry entry{.node_uid = outlook.node_uid,
              .evidence_uid = outlook.evidence_uid,
              .signals = outlook.signals,
              .digest = digest_of_wanted(outlook.status),
              .status = codec::to_json(outlook.status)};
  entry.status.shrink_to_fit();
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(outlook.name, std::move(entry));
}

void NodeBoard::erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  entries_.erase(name);
}

std::optional<NodeOutlook> NodeBoard::find_node(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  return NodeOutlook{name, entry.node_uid, entry.evidence_uid, entry.signals, {}};
}

std::optional<NodeBoard::WantedStatus> NodeBoard::find_status(const std::string& name) const {
  WantedStatus out;
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    out.evidence_uid = found->second.evidence_uid;
    out.digest = found->second.digest;
    text = found->second.status;
  }
  if (text.empty()) return out;
  auto status = codec::parse_json(text);
  if (status.has_value()) out.status = *std::move(status);  // else not of what put() wrote
  return out;
}

void NodeBoard::settle(const std::string& name, const crypto::Sha256& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.digest != digest) return;
  std::string().swap(found->second.status);  // an assignment would keep the memory
}

}  // namespace avouch::control
