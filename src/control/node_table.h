#pragma once

// The appraiser's nodes. A node for which nothing is under way is put out of memory when it has
// not been looked at for a while: of it stay its name, its labels, and what is counted and waited
// for. Owned by the appraiser's thread.

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/quote_seal.h"
#include "control/cold_item.h"
#include "control/node_state.h"

namespace avouch::control {

// What is looked at of many nodes at once.
struct NodeSummary {
  bool present = false;           // there is such a Node
  bool enrolled = false;          // as saved
  Phase phase = Phase::kPending;  // as saved
  // When its time may be over: nothing happens to it by itself before.
  SteadyTime due = SteadyTime::max();
  SystemTime due_wall = SystemTime::max();
};

class NodeTable {
 public:
  // Endorsements are checked anew after so long.
  static constexpr std::chrono::hours kEndorsementLife{12};

  // The store outlives it. `warm` nodes that were looked at last stay in memory, besides those for
  // which something is under way. `refused` hears of nodes that the store does not take: they stay
  // in memory, packed.
  NodeTable(ColdStore& store, std::size_t warm, std::function<void(const Error&)> refused);

  // Null: not known. The state stays where it is until cool() or erase(). One that does not come
  // back is as if it were new, but for name, facts, numbers of jobs and questions, when its newest
  // token was issued, the policies that hold it, and the binding of its name to its TPM by
  // `former`; `lost` says why. It then stays in memory, so that no bad disk takes its trust twice.
  NodeState* find(const std::string& name);
  NodeState& find_or_add(const std::string& name);
  void erase(const std::string& name);

  // Puts out of memory what may be. No reference to a state is good after that.
  void cool() noexcept;

  std::vector<std::string> names() const;
  // In the order of names. The labels are null where there is no such Node; a policy's part of the
  // saved verdict is judged(policy).
  class Seen {
   public:
    const NodeSummary summary;
    const attest::PackedLabels* const labels;
    std::optional<attest::Status> judged(std::string_view policy) const;

   private:
    friend class NodeTable;
    Seen(NodeSummary of, const attest::PackedLabels* its_labels, std::string_view its_judged)
        : summary(of), labels(its_labels), judged_(its_judged) {}
    std::string_view judged_;
  };
  void each(const std::function<void(const std::string& name, const Seen& seen)>& see) const;

 private:
  struct Entry;
  using Entries = std::map<std::string, Entry>;
  using Warm = std::list<Entries::iterator>;
  struct Kept {  // of a node that is out of memory
    NodeSummary summary;
    Phase phase = Phase::kPending;  // as decided
    attest::PackedLabels labels;    // of its facts
    // UID of the Node, where there is one, or of its record; a zero; UID of the
    // AttestationEvidence; a zero; what each policy says.
    std::string texts;
    SystemTime issued_at{};
    std::uint64_t job = 0, question = 0;
    Boxed<decltype(NodeRecord::held_by)> held_by;
    crypto::Sha256 tpm{};  // enrolled or former; zeros: none
  };
  static std::string_view judged_of(const Kept& kept);
  struct Entry {
    std::unique_ptr<NodeState> state;  // null: out of memory
    std::unique_ptr<Kept> kept;        // null: in memory
    attest::QuoteSeal seal;
    ColdItem cold;
    std::optional<Warm::iterator> place;  // in warm_
    bool stays = false;                   // was lost once: a disk that is bad is not tried again
  };

  void take_in(const std::string& name, Entry& entry);
  void put_out(Entry& entry);

  ColdStore& store_;
  const std::size_t most_warm_;
  const std::function<void(const Error&)> refused_;
  Entries entries_;
  Warm warm_;  // that may be put out, longest not looked at first
};

}  // namespace avouch::control
