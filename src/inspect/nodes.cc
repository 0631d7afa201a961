#include "inspect/nodes.h"

#include <algorithm>
#include <map>

#include "base/time_text.h"
#include "inspect/proof.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::string_view kTaint = "avouch.dev/unattested";

std::string number_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = object.find_path(path);
  const std::int64_t* number = value == nullptr ? nullptr : value->as_int();
  return number == nullptr ? "" : std::to_string(*number);
}

NodeReport report(const kube::NodeView& node, const Json* evidence) {
  NodeReport out;
  out.name = node.meta.name;
  for (const kube::Taint& taint : node.taints) {
    if (taint.key == kTaint) out.taints.push_back(taint.effect);
  }
  if (evidence == nullptr) {
    out.phase = "NoEvidence";
    return out;
  }
  out.phase = evidence->text({"status", "phase"});
  if (out.phase.empty()) out.phase = "Pending";
  out.bound_by = evidence->text({"status", "identity", "boundBy"});
  out.enrolled_at = evidence->text({"status", "identity", "enrolledAt"});
  out.reset_count = number_at(*evidence, {"status", "boot", "resetCount"});
  out.restart_count = number_at(*evidence, {"status", "boot", "restartCount"});
  const Json* verdict = evidence->find_path({"status", "verdict"});
  if (verdict == nullptr) return out;
  if (const auto expires = from_rfc3339(verdict->text({"expires"})); expires.has_value()) {
    out.expires = *expires;
  }
  if (const Json* index = verdict->find_path({"log", "index"}); index != nullptr) {
    if (const std::int64_t* number = index->as_int(); number != nullptr) out.log_index = *number;
  }
  if (const Json* policies = verdict->find("policies"); policies != nullptr) {
    if (const Json::Array* list = policies->as_array(); list != nullptr) {
      for (const Json& policy : *list) {
        out.policies.emplace_back(policy.text({"name"}), policy.text({"result"}));
      }
    }
  }
  if (const Json* reasons = verdict->find("reasons"); reasons != nullptr) {
    if (const Json::Array* list = reasons->as_array(); list != nullptr) {
      for (const Json& reason : *list) {
        out.reasons.push_back({std::string(reason.text({"code"})),
                               std::string(reason.text({"severity"})),
                               std::string(reason.text({"message"}))});
      }
    }
  }
  return out;
}

std::string age_text(std::optional<SystemTime> expires, SystemTime now) {
  if (!expires) return "-";
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(*expires - now);
  if (left.count() >= 0) return "in " + to_duration(left);
  return to_duration(-left) + " ago";
}

std::string remedy(const NodeReport& node) {
  if (node.phase == "Trusted") return "nothing to do";
  if (node.phase == "NoEvidence") {
    return "the agent has written nothing: is its pod running on this node, and can it open the "
           "TPM?";
  }
  if (node.phase == "Pending" || node.phase == "Enrolling") {
    return "enrolment is under way; if it stays so, see the events: kubectl describe "
           "attestationevidence " +
           node.name;
  }
  if (node.phase == "Stale") {
    return "no fresh evidence came in time: look at the agent's pod on this node and its log";
  }
  return "find out what changed on the machine; re-provision it, or, if the change is wanted, add "
         "its "
         "value to the policy";
}

}  // namespace

Result<std::vector<NodeReport>> report_nodes(const kube::Client& api) {
  AVOUCH_TRY(const kube::ObjectList nodes, api.list(kube::nodes()));
  AVOUCH_TRY(const kube::ObjectList evidences, api.list(kube::attestation_evidences()));
  std::map<std::string, const Json*> by_name;
  for (const Json& item : evidences.items)
    by_name[std::string(item.text({"metadata", "name"}))] = &item;
  std::vector<NodeReport> out;
  for (const Json& item : nodes.items) {
    auto view = kube::node_view(item);
    if (!view.has_value()) continue;
    const auto evidence = by_name.find(view->meta.name);
    out.push_back(report(*view, evidence == by_name.end() ? nullptr : evidence->second));
  }
  std::sort(out.begin(), out.end(),
            [](const NodeReport& a, const NodeReport& b) { return a.name < b.name; });
  return out;
}

Result<NodeReport> report_node(const kube::Client& api, const std::string& name) {
  AVOUCH_TRY(const Json object, api.get(kube::nodes(), name));
  AVOUCH_TRY(const kube::NodeView view, kube::node_view(object));
  auto evidence = api.get(kube::attestation_evidences(), name);
  if (evidence.has_value()) return report(view, &*evidence);
  if (evidence.error().is_not_found()) return report(view, nullptr);
  Error error = std::move(evidence).error();
  return error;
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 3, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string status_table(const std::vector<NodeReport>& nodes, SystemTime now) {
  std::vector<std::vector<std::string>> rows = {
      {"NODE", "PHASE", "REASON", "EXPIRES", "BOOT", "POLICIES", "LOG"}};
  for (const NodeReport& node : nodes) {
    std::string policies;
    for (const auto& [name, result] : node.policies) {
      policies += (policies.empty() ? "" : ",") + name;
    }
    const std::string boot =
        node.reset_count.empty() ? "-" : node.reset_count + "." + node.restart_count;
    rows.push_back({printable(node.name), printable(node.phase),
                    node.reasons.empty() ? "-" : printable(node.reasons.front().code),
                    age_text(node.expires, now), boot, policies.empty() ? "-" : printable(policies),
                    node.log_index ? std::to_string(*node.log_index) : "-"});
  }
  return text_table(rows);
}

Json status_json(const std::vector<NodeReport>& nodes) {
  Json::Array list;
  for (const NodeReport& node : nodes) {
    Json item;
    item["name"] = node.name;
    item["phase"] = node.phase;
    Json::Array reasons;
    for (const NodeReason& reason : node.reasons) {
      Json one;
      one["code"] = reason.code;
      one["severity"] = reason.severity;
      one["message"] = reason.message;
      reasons.push_back(std::move(one));
    }
    item["reasons"] = std::move(reasons);
    if (node.expires) item["expires"] = to_rfc3339(*node.expires);
    if (node.log_index) item["logIndex"] = *node.log_index;
    Json::Array policies;
    for (const auto& [name, result] : node.policies) {
      Json one;
      one["name"] = name;
      one["result"] = result;
      policies.push_back(std::move(one));
    }
    item["policies"] = std::move(policies);
    list.push_back(std::move(item));
  }
  Json out;
  out["nodes"] = std::move(list);
  return out;
}

std::string explain_text(const NodeReport& node, SystemTime now) {
  std::string out = "Node " + printable(node.name) + " is " + printable(node.phase) + ".\n";
  for (const NodeReason& reason : node.reasons) {
    out += "  " + printable(reason.code) + " (" + printable(reason.severity) +
           "): " + printable(reason.message) + "\n";
  }
  for (const auto& [name, result] : node.policies) {
    out += "  policy " + printable(name) + ": " + printable(result) + "\n";
  }
  if (!node.enrolled_at.empty()) {
    out += "  enrolled " + printable(node.enrolled_at) + ", bound by " + printable(node.bound_by) +
           "\n";
  }
  if (node.expires) out += "  verdict expires " + age_text(node.expires, now) + "\n";
  if (node.log_index) out += "  log entry " + std::to_string(*node.log_index) + "\n";
  for (const std::string& effect : node.taints) {
    out += "  tainted " + std::string(kTaint) + ":" + printable(effect) + "\n";
  }
  return out + "What to do: " + printable(remedy(node)) + ".\n";
}

}  // namespace avouch::inspect
