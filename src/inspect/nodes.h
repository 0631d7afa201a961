#pragma once

// The state of nodes, for people: `status` and `explain`.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "inspect/release.h"
#include "kube/client.h"
#include "kube/views.h"

namespace avouch::inspect {

struct NodeReason {
  std::string code, severity, message;
  codec::Json whole;  // as the status has it: also event, line, fields, suggestion
};

// Of a policy's status.nodes: how many nodes it selects, and how many of these satisfy it.
struct PolicyNodes {
  std::int64_t matched = 0, trusted = 0;
};

// What an AttestationPolicy says of itself, and its status of the webhook configuration and of the
// log.
struct PolicyReport {
  std::string name;
  std::string mode;                              // "Enforce" where it says nothing
  std::string guarded, reason, message;          // the condition Guarded; "" where there is none
  std::optional<kube::Condition> recorded = {};  // whether the log takes what is decided
  std::string taint = "NoSchedule";              // onFailure.taint
  // Nothing where the controller has not said so of the spec as it is now.
  std::optional<PolicyNodes> nodes = {};
  bool enforced() const { return mode != "Audit" && mode != "Warn"; }
  // It is enforced, and no node satisfies it.
  bool stops_all() const { return enforced() && nodes && nodes->trusted == 0; }
};

struct NodePolicy {
  std::string name;
  std::string result;  // "affirming", "warning", "contraindicated"
  std::string mode;    // "" where the policy was not read
  bool satisfied() const { return result == "affirming" || result == "warning"; }
};

// What the API server's objects say; nothing is verified here (verify.h does that).
struct NodeReport {
  std::string name;
  std::string phase;  // "NoEvidence" where there is no AttestationEvidence
  std::vector<NodeReason> reasons;
  std::optional<kube::Condition> not_fresh;  // the condition EvidenceFresh, where it is False
  // The condition Enrolled, where it is False, or True and the node claims to be another now.
  std::optional<kube::Condition> enrolment;
  std::optional<SystemTime> expires;  // of the verdict token, where there is one
  std::optional<SystemTime> since;    // of the phase's transition, as the condition Attested tells
  std::optional<std::int64_t> log_index;
  std::vector<NodePolicy> policies;
  std::string bound_by, enrolled_at;
  std::string tpm;                             // its maker, by its certificate; "" where none says
  std::vector<std::string> certificate_rules;  // by which an odd certificate was accepted
  std::string reset_count, restart_count;
  std::string agent_version;
  std::vector<std::string> taints;  // of ours: "effect"

  // A token that was not renewed in time: the phase is what it was, and admission denies.
  bool expired(SystemTime now) const { return expires && *expires <= now; }
};

// Whether the node does not satisfy some policies, and all of these are in a mode that denies and
// taints nothing. False where the mode of one was not read.
bool fails_unenforced_only(const NodeReport& node);

// Every node, by name. kRejected where the server knows no AttestationEvidence, or the caller may
// not list: then with the role of `release` that grants it.
Result<std::vector<NodeReport>> report_nodes(const kube::Client& api,
                                             const std::vector<PolicyReport>& policies = {},
                                             const ReleaseName& release = {});
Result<NodeReport> report_node(const kube::Client& api, const std::string& name,
                               const std::vector<PolicyReport>& policies = {},
                               const ReleaseName& release = {});
// Every policy, by name.
Result<std::vector<PolicyReport>> report_policies(const kube::Client& api);

// Lines on what the table cannot say; "" where there is nothing to say. That pods are not guarded
// as they should be, which every policy says alike (`absent_told`: that there is no webhook
// configuration has been said already); which policies are not satisfied, in which mode and by
// which nodes.
std::string guard_lines(const std::vector<PolicyReport>& policies, bool absent_told = false);
// False where some policy says that pods are not guarded as they should be, or that nobody can
// tell.
bool is_guarded(const std::vector<PolicyReport>& policies);
// What is found of each policy in Enforce that no node satisfies: every pod that it gates is denied
// everywhere, which nobody sees who looks at one node.
std::string nowhere_text(const std::vector<PolicyReport>& policies);
bool any_stops_all(const std::vector<PolicyReport>& policies);
// Whether the log takes what is decided, which every policy says alike: the first of their
// conditions `Recorded` that is not True. Else what the Lease says (PresenceReport::recorded), as
// there may be no policy; or else the first. Nothing where nobody says.
std::optional<kube::Condition> log_report(const std::vector<PolicyReport>& policies,
                                          const std::optional<kube::Condition>& on_lease = {});
// "LOG READ-ONLY: ..."; "" where it takes what is decided, or nobody says.
std::string log_line(const std::optional<kube::Condition>& report);
std::string policy_lines(const std::vector<PolicyReport>& policies,
                         const std::vector<NodeReport>& nodes);

std::string status_table(const std::vector<NodeReport>& nodes, SystemTime now);
// "3 nodes: 2 Trusted, 1 Stale".
std::string status_summary(const std::vector<NodeReport>& nodes, SystemTime now);
codec::Json status_json(const std::vector<NodeReport>& nodes, SystemTime now);
codec::Json policies_json(const std::vector<PolicyReport>& policies);
codec::Json log_json(const kube::Condition& report);
std::string explain_text(const NodeReport& node, SystemTime now);

// "a, b": eight at most, then how many more; printable.
std::string name_list(const std::vector<std::string>& names);

// A table with columns as wide as their widest cell.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace avouch::inspect
