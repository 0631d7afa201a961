#include "control/node_table.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "control/node_packing.h"

namespace avouch::control {
namespace {

NodeSummary summary_of(const NodeState& node) {
  NodeSummary out;
  out.present = node.facts.has_value();
  out.enrolled = node.saved.enrolment != nullptr;
  out.phase = node.saved.verdict->phase;
  const NodeVerdict& decided = *node.record.verdict;
  if (is_judged(decided.phase)) {
    out.due = std::min(out.due, node.verdict_ends);
    out.due_wall = decided.expires_at;
  }
  for (const SteadyTime at : {node.next_challenge, node.ask_again_at, node.patience_ends}) {
    if (at != SteadyTime{}) out.due = std::min(out.due, at);
  }
  if (node.challenge) out.due = std::min(out.due, node.challenge_ends);
  for (const auto& [policy, endorsement] : node.endorsements) {
    out.due = std::min(out.due, endorsement.checked + NodeTable::kEndorsementLife);
  }
  if (node.lost) out.due = SteadyTime::min();
  return out;
}

// Of each policy: its status, its name and a zero, which no name contains.
std::string judged_text(const NodeState& node) {
  std::string out;
  for (const attest::TokenPolicy& policy : node.saved.verdict->policies) {
    out += static_cast<char>(policy.status);
    out += policy.name;
    out += '\0';
  }
  return out;
}

crypto::Sha256 tpm_of(const NodeRecord& record) {
  if (record.enrolment) return record.enrolment->enrolled.ek_digest;
  return record.former ? record.former->ek_digest : crypto::Sha256{};
}

}  // namespace

NodeTable::NodeTable(ColdStore& store, std::size_t warm, std::function<void(const Error&)> refused)
    : store_(store), most_warm_(warm), refused_(std::move(refused)) {}

std::optional<attest::Status> NodeTable::Seen::judged(std::string_view policy) const {
  for (std::string_view rest = judged_; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\0', 1), rest.size() - 1);
    if (rest.substr(1, end - 1) == policy) {
      return static_cast<attest::Status>(static_cast<std::uint8_t>(rest.front()));
    }
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::string_view NodeTable::judged_of(const Kept& kept) {
  const std::string_view texts = kept.texts;
  return texts.substr(texts.find('\0', texts.find('\0') + 1) + 1);
}

NodeState* NodeTable::find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  Entry& entry = found->second;
  if (entry.state == nullptr) take_in(name, entry);
  if (entry.place) {
    warm_.splice(warm_.end(), warm_, *entry.place);
  } else {
    entry.place = warm_.insert(warm_.end(), found);
  }
  return entry.state.get();
}

NodeState& NodeTable::find_or_add(const std::string& name) {
  if (NodeState* known = find(name)) return *known;
  const auto added = entries_.try_emplace(name).first;
  Entry& entry = added->second;
  entry.state = std::make_unique<NodeState>();
  entry.state->name = name;
  entry.state->record.node_name = name;
  entry.place = warm_.insert(warm_.end(), added);
  return *entry.state;
}

void NodeTable::erase(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (found->second.place) warm_.erase(*found->second.place);
  entries_.erase(found);
}

void NodeTable::cool() noexcept {
  while (warm_.size() > most_warm_) {
    Entry& entry = warm_.front()->second;
    warm_.pop_front();
    entry.place.reset();  // until it is looked at again, which ends whatever is under way
    try {
      if (!entry.stays && activity_of(*entry.state) == Activity::kQuiet) put_out(entry);
    } catch (const std::exception& error) {
      // It stays in memory, whole.
      try {
        refused_(retryable(error.what()));
      } catch (const std::exception&) {
        continue;
      }
    }
  }
}

void NodeTable::put_out(Entry& entry) {
  NodeState& node = *entry.state;
  auto kept = std::make_unique<Kept>();
  kept->summary = summary_of(node);
  kept->texts = node.facts ? node.facts->uid : node.record.node_uid;
  kept->texts += '\0';
  if (node.evidence) kept->texts += node.evidence->uid;
  kept->texts += '\0';
  kept->texts += judged_text(node);
  kept->texts.shrink_to_fit();
  kept->issued_at = node.record.verdict->issued_at;
  kept->job = node.job;
  kept->question = node.question;
  kept->phase = node.record.verdict->phase;
  if (!node.record.held_by.empty()) kept->held_by = node.record.held_by;
  kept->tpm = tpm_of(node.record);
  attest::QuoteSeal seal;
  entry.cold.put(store_, pack_node(node, seal), refused_);
  entry.seal = seal;
  if (node.facts) kept->labels = std::move(node.facts->labels);
  entry.kept = std::move(kept);
  entry.state.reset();
}

void NodeTable::take_in(const std::string& name, Entry& entry) {
  Kept& kept = *entry.kept;
  const std::string uid = kept.texts.substr(0, kept.texts.find('\0'));
  const auto blank = [&] {
    auto node = std::make_unique<NodeState>();
    node->name = name;
    node->record.node_name = name;
    if (kept.summary.present) node->facts = NodeFacts{name, uid, kept.labels};
    return node;
  };
  auto node = blank();
  std::string why;
  try {
    const auto packed = entry.cold.get();
    if (packed.has_value()) {
      unpack_node(*packed, entry.seal, *node);
    } else {
      why = packed.error().message;
    }
  } catch (const std::bad_alloc&) {
    throw;  // nothing is wrong with what was kept
  } catch (const std::exception& error) {
    why = error.what();
  }
  if (!why.empty()) {
    node = blank();
    entry.stays = true;
    node->lost = std::move(why);
    NodeRecord& record = node->record;
    record.node_uid = uid;
    if (kept.held_by) record.held_by = *kept.held_by;
    const std::size_t at = uid.size() + 1;
    const std::string evidence_uid = kept.texts.substr(at, kept.texts.find('\0', at) - at);
    if (kept.tpm != crypto::Sha256{}) record.former = FormerTpm{evidence_uid, kept.tpm};
    NodeVerdict verdict;
    verdict.phase = kept.phase;
    verdict.issued_at = kept.issued_at;
    record.verdict = std::move(verdict);
    node->job = kept.job;
    node->job_done = kept.job;
    node->question = kept.question + 1;
  }
  entry.state = std::move(node);
  entry.kept.reset();
}

std::vector<std::string> NodeTable::names() const {
  std::vector<std::string> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(name);
  return out;
}

void NodeTable::each(
    const std::function<void(const std::string& name, const Seen& seen)>& see) const {
  for (const auto& [name, entry] : entries_) {
    if (entry.state == nullptr) {
      const Kept& kept = *entry.kept;
      see(name, Seen(kept.summary, kept.summary.present ? &kept.labels : nullptr, judged_of(kept)));
      continue;
    }
    const NodeState& node = *entry.state;
    const std::string judged = judged_text(node);
    see(name, Seen(summary_of(node), node.facts ? &node.facts->labels : nullptr, judged));
  }
}

}  // namespace avouch::control
