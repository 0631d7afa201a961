#pragma once

// The state of nodes, for people: `status` and `explain`.

#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "kube/client.h"

namespace avouch::inspect {

struct NodeReason {
  std::string code, severity, message;
  codec::Json whole;  // as the status has it: also event, line, fields, suggestion
};

// What the API server's objects say; nothing is verified here (verify.h does that).
struct NodeReport {
  std::string name;
  std::string phase;  // "NoEvidence" where there is no AttestationEvidence
  std::vector<NodeReason> reasons;
  std::optional<SystemTime> expires;  // of the verdict token, where there is one
  std::optional<SystemTime> since;    // of the phase's transition, as the condition Attested tells
  std::optional<std::int64_t> log_index;
  std::vector<std::pair<std::string, std::string>> policies;  // name, result
  std::string bound_by, enrolled_at;
  std::string tpm;                             // its maker, by its certificate; "" where none says
  std::vector<std::string> certificate_rules;  // by which an odd certificate was accepted
  std::string reset_count, restart_count;
  std::string agent_version;
  std::vector<std::string> taints;  // of ours: "effect"

  // A token that was not renewed in time: the phase is what it was, and admission denies.
  bool expired(SystemTime now) const { return expires && *expires <= now; }
};

// Every node, by name. kRejected where the server knows no AttestationEvidence, or the caller may
// not list.
Result<std::vector<NodeReport>> report_nodes(const kube::Client& api);
Result<NodeReport> report_node(const kube::Client& api, const std::string& name);

std::string status_table(const std::vector<NodeReport>& nodes, SystemTime now);
// "3 nodes: 2 Trusted, 1 Stale".
std::string status_summary(const std::vector<NodeReport>& nodes, SystemTime now);
codec::Json status_json(const std::vector<NodeReport>& nodes, SystemTime now);
std::string explain_text(const NodeReport& node, SystemTime now);

// A table with columns as wide as their widest cell.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace avouch::inspect
