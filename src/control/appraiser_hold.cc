// Which policies a node fails, and with them its taint.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "control/appraiser.h"

namespace avouch::control {
namespace {

using attest::TaintEffect;
using Holds = decltype(NodeRecord::held_by);

// What the verdict says of the policy; nothing where it has not been judged by it.
std::optional<attest::Status> judged(const NodeVerdict& verdict, std::string_view policy) {
  if (!is_judged(verdict.phase)) return std::nullopt;
  const auto found = std::find_if(verdict.policies.begin(), verdict.policies.end(),
                                  [&](const auto& one) { return one.name == policy; });
  if (found == verdict.policies.end()) return std::nullopt;
  return found->status;
}

bool affirms(const NodeVerdict& verdict, std::string_view policy) {
  const auto status = judged(verdict, policy);
  return status.has_value() && attest::satisfies(*status);
}

bool fails(const NodeVerdict& verdict, std::string_view policy) {
  const auto status = judged(verdict, policy);
  return status.has_value() && !attest::satisfies(*status);
}

bool taints(const attest::PolicySpec& spec) {
  return spec.mode == attest::Mode::kEnforce && spec.taint != TaintEffect::kNone;
}

bool evicts(const Holds& holds, std::string_view policy) {
  const auto hold = holds.find(policy);
  return hold != holds.end() && hold->second == TaintEffect::kNoExecute;
}

}  // namespace

// A node without an answer keeps new pods away at once, but running ones are evicted only when it
// has had maxAge to answer: since this controller is there where its verdict has expired, since it
// was first asked where there is none under the policy. Else a controller that was away, or a
// policy that is new, would empty nodes that nothing is wrong with.
void Appraiser::step_hold(NodeState& node, const Policies& policies, Moment now) {
  if (!node.facts) return;
  const bool expired = node.record.verdict->phase == Phase::kStale;
  const SteadyTime waited_for = std::exchange(node.patience_ends, {});
  const auto without_answer = [&](const attest::PolicySpec& spec) {
    // There is no answer in time where the beacon leaves none: nothing is wrong with the node.
    if (spec.max_age < 2 * options_.cadence) return TaintEffect::kNoSchedule;
    SteadyTime ends = (expired ? begun_at_ : now.steady) + spec.max_age;
    if (!expired && waited_for != SteadyTime{}) ends = std::min(ends, waited_for);
    if (now.steady >= ends) return TaintEffect::kNoExecute;
    const SteadyTime first = node.patience_ends;
    node.patience_ends = first == SteadyTime{} ? ends : std::min(first, ends);
    return TaintEffect::kNoSchedule;
  };

  Holds held;
  for (const ResolvedPolicy* policy : policies) {
    const attest::PolicySpec& spec = policy->spec();
    // Trust is shown once it is logged, distrust at once.
    const bool satisfied =
        affirms(*node.saved.verdict, policy->name) && affirms(*node.record.verdict, policy->name);
    if (satisfied || !taints(spec)) continue;
    const bool evicted = evicts(node.record.held_by, policy->name);
    // What a policy refers to being gone says nothing of any node: it evicts nobody anew.
    if (!policy->usable() && !evicted) {
      held[policy->name] = TaintEffect::kNoSchedule;
      continue;
    }
    const bool waits = spec.taint == TaintEffect::kNoExecute && !evicted &&
                       !fails(*node.record.verdict, policy->name);
    held[policy->name] = waits ? without_answer(spec) : spec.taint;
  }
  // Out of selection, or unreadable for now: no way to lose the taint.
  for (const auto& [name, effect] : node.record.held_by) {
    const ResolvedPolicy* policy = policies_->find(name);
    if (policy == nullptr) continue;                    // removed by an administrator
    if (policy->selects(node.facts->labels)) continue;  // decided above
    const bool in_force = policy->in_force != nullptr;
    if (in_force && !taints(policy->spec())) continue;  // made harmless by one
    const bool waits = in_force && waited_for != SteadyTime{} &&
                       effect == TaintEffect::kNoSchedule &&
                       policy->spec().taint == TaintEffect::kNoExecute;
    held[name] = waits ? without_answer(policy->spec()) : effect;
  }
  if (held == node.record.held_by) return;
  node.record.held_by = std::move(held);
  node.dirty = true;
  submit(node, {});
}

}  // namespace avouch::control
