#include "control/node_board.h"

#include <utility>

#include "control/status_digest.h"

namespace avouch::control {
namespace {

std::string node_uid_of(const std::string& uids) { return uids.substr(0, uids.find('\0')); }
std::string evidence_uid_of(const std::string& uids) { return uids.substr(uids.find('\0') + 1); }

}  // namespace

void NodeBoard::put(const NodeOutlook& outlook) {
  Entry entry;
  entry.uids = outlook.node_uid + '\0' + outlook.evidence_uid;
  entry.uids.shrink_to_fit();
  entry.digest = digest_of_wanted(outlook.status);
  entry.status = codec::to_json(outlook.status);
  const std::lock_guard lock(mutex_);
  entry.signals = signals_.share(outlook.signals);
  if (entry.signals->label) ++attested_;
  forget(outlook.name);
  entries_.insert_or_assign(outlook.name, std::move(entry));
}

void NodeBoard::erase(const std::string& name) {
  const std::lock_guard lock(mutex_);
  forget(name);
}

void NodeBoard::forget(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (found->second.signals->label) --attested_;
  entries_.erase(found);
}

bool NodeBoard::any_attested() const {
  const std::lock_guard lock(mutex_);
  return attested_ > 0;
}

std::optional<NodeOutlook> NodeBoard::find_node(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  return NodeOutlook{
      name, node_uid_of(entry.uids), evidence_uid_of(entry.uids), *entry.signals, {}};
}

std::optional<NodeBoard::WantedStatus> NodeBoard::find_status(const std::string& name) const {
  WantedStatus out;
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    out.evidence_uid = evidence_uid_of(found->second.uids);
    out.digest = found->second.digest;
    if (!found->second.status) return out;
    text = *found->second.status;
  }
  auto status = codec::parse_json(text);
  if (status.has_value()) out.status = *std::move(status);  // else not of what put() wrote
  return out;
}

void NodeBoard::settle(const std::string& name, const crypto::Sha256& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.digest != digest) return;
  found->second.status.reset();
}

}  // namespace avouch::control
