#include "inspect/nodes.h"

#include <algorithm>
#include <map>

#include "base/time_text.h"
#include "inspect/absent.h"
#include "inspect/node_remedy.h"
#include "inspect/proof.h"
#include "inspect/rights.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::string_view kTaint = "avouch.dev/unattested";
constexpr std::string_view kEnrolled = "Activated";  // reason of Enrolled where all is well

std::string number_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = object.find_path(path);
  const std::int64_t* number = value == nullptr ? nullptr : value->as_int();
  return number == nullptr ? "" : std::to_string(*number);
}

std::string mode_of(const std::vector<PolicyReport>& policies, std::string_view name) {
  const auto found = std::find_if(policies.begin(), policies.end(),
                                  [&](const PolicyReport& one) { return one.name == name; });
  return found == policies.end() ? "" : found->mode;
}

NodeReport report(const kube::NodeView& node, const Json* evidence,
                  const std::vector<PolicyReport>& known) {
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
  out.agent_version = evidence->text({"spec", "agent", "version"});
  for (const kube::Condition& condition : kube::conditions_of(*evidence)) {
    if (condition.type == "EvidenceFresh" && condition.status == "False") out.not_fresh = condition;
    if (condition.type == "Enrolled" &&
        (condition.status == "False" || condition.reason != kEnrolled)) {
      out.enrolment = condition;
    }
    if (condition.type != "Attested") continue;
    const auto since = from_rfc3339(condition.last_transition_time);
    if (since.has_value()) out.since = *since;
  }
  if (out.phase.empty()) out.phase = "Pending";
  out.bound_by = evidence->text({"status", "identity", "boundBy"});
  out.enrolled_at = evidence->text({"status", "identity", "enrolledAt"});
  out.tpm = evidence->text({"status", "identity", "tpm"});
  if (const Json* rules = evidence->find_path({"status", "identity", "certificateRules"});
      rules != nullptr && rules->as_array() != nullptr) {
    for (const Json& rule : *rules->as_array()) {
      if (rule.as_string() != nullptr) out.certificate_rules.push_back(*rule.as_string());
    }
  }
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
        const std::string name(policy.text({"name"}));
        out.policies.push_back({name, std::string(policy.text({"result"})), mode_of(known, name)});
      }
    }
  }
  if (const Json* reasons = verdict->find("reasons"); reasons != nullptr) {
    if (const Json::Array* list = reasons->as_array(); list != nullptr) {
      for (const Json& reason : *list) {
        out.reasons.push_back({std::string(reason.text({"code"})),
                               std::string(reason.text({"severity"})),
                               std::string(reason.text({"message"})), reason});
      }
    }
  }
  return out;
}

std::string rounded(std::chrono::milliseconds span) {
  using namespace std::chrono_literals;
  if (span >= 48h) return std::to_string(span / 24h) + "d";
  if (span >= 2h) return std::to_string(span / 1h) + "h";
  if (span >= 2min) return std::to_string(span / 1min) + "m";
  return std::to_string(span / 1s) + "s";
}

std::string age_text(std::optional<SystemTime> since, SystemTime now) {
  return since ? rounded(std::max(std::chrono::milliseconds(0), now - *since)) : "-";
}

std::string end_text(std::optional<SystemTime> expires, SystemTime now) {
  if (!expires) return "-";
  return *expires > now ? "in " + rounded(*expires - now) : rounded(now - *expires) + " ago";
}

std::string phase_text(const NodeReport& node, SystemTime now) {
  return node.phase + (node.expired(now) ? " (expired)" : "");
}

bool stops_nothing(std::string_view mode) { return mode == "Audit" || mode == "Warn"; }

std::string mode_text(const std::string& mode) {
  if (mode.empty()) return "";
  return " (mode " + printable(mode) +
         (stops_nothing(mode) ? ": it denies and taints nothing)" : ")");
}

std::string policies_text(const std::vector<NodePolicy>& policies) {
  constexpr std::size_t kMostShown = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(policies.size(), kMostShown); ++i) {
    out += (i == 0 ? "" : ",") + printable(policies[i].name);
  }
  if (policies.size() > kMostShown) out += ",+" + std::to_string(policies.size() - kMostShown);
  return out.empty() ? "-" : out;
}

Json condition_json(const kube::Condition& condition) {
  return Json::Object{{"status", condition.status},
                      {"reason", condition.reason},
                      {"message", condition.message},
                      {"since", condition.last_transition_time}};
}

// Since when an enrolment that stands is in question no condition says.
std::string enrolment_line(const NodeReport& node, SystemTime now) {
  const kube::Condition* condition = untold_enrolment(node);
  if (condition == nullptr) return "";
  const auto since = from_rfc3339(condition->last_transition_time);
  const std::string what = condition->status == "True"
                               ? "enrolled (Enrolled=True), but not as what claims its name now"
                               : "not enrolled (Enrolled=" + printable(condition->status) + ")" +
                                     (since.has_value() ? ", for " + age_text(*since, now) : "");
  return "  " + what + ": " + printable(condition->reason) + ": " + printable(condition->message) +
         "\n";
}

Error no_evidence_kind(const kube::ApiError& error, const ReleaseName& release) {
  if (!error.is_not_found()) return with_grant(error, Role::kNodeViewer, release);
  return rejected("this cluster has no AttestationEvidence: is Avouch installed in it? (" +
                  error.message + ")");
}

}  // namespace

bool fails_unenforced_only(const NodeReport& node) {
  bool fails = false;
  for (const NodePolicy& policy : node.policies) {
    if (policy.satisfied()) continue;
    if (!stops_nothing(policy.mode)) return false;
    fails = true;
  }
  return fails;
}

Result<std::vector<NodeReport>> report_nodes(const kube::Client& api,
                                             const std::vector<PolicyReport>& policies,
                                             const ReleaseName& release) {
  const auto all = api.list(kube::nodes());
  if (!all.has_value()) return with_grant(all.error(), Role::kNodeViewer, release);
  const kube::ObjectList& nodes = *all;
  const auto listed = api.list(kube::attestation_evidences());
  if (!listed.has_value()) return no_evidence_kind(listed.error(), release);
  const kube::ObjectList& evidences = *listed;
  std::map<std::string, const Json*> by_name;
  for (const Json& item : evidences.items)
    by_name[std::string(item.text({"metadata", "name"}))] = &item;
  std::vector<NodeReport> out;
  for (const Json& item : nodes.items) {
    auto view = kube::node_view(item);
    if (!view.has_value()) continue;
    const auto evidence = by_name.find(view->meta.name);
    out.push_back(report(*view, evidence == by_name.end() ? nullptr : evidence->second, policies));
  }
  std::sort(out.begin(), out.end(),
            [](const NodeReport& a, const NodeReport& b) { return a.name < b.name; });
  return out;
}

Result<NodeReport> report_node(const kube::Client& api, const std::string& name,
                               const std::vector<PolicyReport>& policies,
                               const ReleaseName& release) {
  const auto object = api.get(kube::nodes(), name);
  if (!object.has_value()) return no_node(api, name, object.error(), release);
  AVOUCH_TRY(const kube::NodeView view, kube::node_view(*object));
  auto evidence = api.get(kube::attestation_evidences(), name);
  if (evidence.has_value()) return report(view, &*evidence, policies);
  if (evidence.error().is_not_found()) return report(view, nullptr, policies);
  return with_grant(evidence.error(), Role::kNodeViewer, release);
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
      {"NODE", "PHASE", "AGE", "REASON", "EXPIRES", "BOOT", "TAINT", "POLICIES", "LOG"}};
  for (const NodeReport& node : nodes) {
    const std::string boot =
        node.reset_count.empty() ? "-" : node.reset_count + "." + node.restart_count;
    rows.push_back(
        {printable(node.name), printable(phase_text(node, now)), age_text(node.since, now),
         node.reasons.empty() ? "-" : printable(node.reasons.front().code),
         end_text(node.expires, now), printable(boot),
         node.taints.empty() ? "-" : printable(node.taints.front()), policies_text(node.policies),
         node.log_index ? std::to_string(*node.log_index) : "-"});
  }
  return text_table(rows);
}

std::string status_summary(const std::vector<NodeReport>& nodes, SystemTime now) {
  std::map<std::string, std::size_t> counts;
  for (const NodeReport& node : nodes) ++counts[phase_text(node, now)];
  std::string out = std::to_string(nodes.size()) + (nodes.size() == 1 ? " node" : " nodes");
  std::string_view separator = ": ";
  for (const auto& [phase, count] : counts) {
    out += std::string(separator) + std::to_string(count) + " " + printable(phase);
    separator = ", ";
  }
  return out + "\n";
}

Json status_json(const std::vector<NodeReport>& nodes, SystemTime now) {
  Json::Array list;
  for (const NodeReport& node : nodes) {
    Json item;
    item["name"] = node.name;
    item["phase"] = node.phase;
    Json::Array reasons;
    for (const NodeReason& reason : node.reasons) {
      reasons.push_back(reason.whole);
    }
    item["reasons"] = std::move(reasons);
    if (const auto& condition = node.enrolment) item["enrolled"] = condition_json(*condition);
    if (const auto& condition = node.not_fresh) item["evidenceFresh"] = condition_json(*condition);
    if (node.since) item["since"] = to_rfc3339(*node.since);
    if (node.expires) item["expires"] = to_rfc3339(*node.expires);
    item["expired"] = node.expired(now);
    if (!node.enrolled_at.empty()) item["enrolledAt"] = node.enrolled_at;
    if (!node.bound_by.empty()) item["boundBy"] = node.bound_by;
    if (!node.tpm.empty()) item["tpm"] = node.tpm;
    if (const auto& rules = node.certificate_rules; !rules.empty()) {
      item["certificateRules"] = Json::Array(rules.begin(), rules.end());
    }
    if (!node.reset_count.empty()) item["boot"] = node.reset_count + "." + node.restart_count;
    if (!node.agent_version.empty()) item["agentVersion"] = node.agent_version;
    Json::Array taints;
    for (const std::string& effect : node.taints) taints.push_back(effect);
    item["taints"] = std::move(taints);
    item["remedy"] = node_remedy(node, now);
    if (node.log_index) item["logIndex"] = *node.log_index;
    Json::Array policies;
    for (const NodePolicy& policy : node.policies) {
      Json one;
      one["name"] = policy.name;
      one["result"] = policy.result;
      if (!policy.mode.empty()) one["mode"] = policy.mode;
      policies.push_back(std::move(one));
    }
    item["policies"] = std::move(policies);
    list.push_back(std::move(item));
  }
  Json out;
  out["nodes"] = std::move(list);
  return out;
}

// Where it is, what stands there, and what would accept it.
std::string details_text(const Json& reason) {
  std::string out;
  const auto number = [](const Json* value) {
    const std::int64_t* given = value == nullptr ? nullptr : value->as_int();
    return given == nullptr ? std::string("?") : std::to_string(*given);
  };
  if (const Json* event = reason.find("event"); event != nullptr) {
    out += "      event " + number(event->find("number")) + " of the boot log, PCR " +
           number(event->find("pcr")) + "\n";
  }
  if (const Json* line = reason.find("line"); line != nullptr) {
    out += "      entry " + number(line->find("number")) + ": " + printable(line->text({"file"})) +
           "\n";
  }
  const Json* fields = reason.find("fields");
  if (fields != nullptr && fields->as_array() != nullptr) {
    for (const Json& field : *fields->as_array()) {
      out += "      " + printable(field.text({"name"})) + ": " + printable(field.text({"value"})) +
             "\n";
    }
  }
  if (const std::string_view more = reason.text({"suggestion"}); !more.empty()) {
    out += "      to accept it, add to a ReferenceManifest's spec: " + printable(more) + "\n";
  }
  return out;
}

// "" also where a reason of the verdict says the same, as in phase Stale.
std::string not_fresh_text(const NodeReport& node, SystemTime now) {
  if (!node.not_fresh) return "";
  const kube::Condition& condition = *node.not_fresh;
  for (const NodeReason& reason : node.reasons) {
    if (reason.code == condition.reason && reason.message == condition.message) return "";
  }
  const auto since = from_rfc3339(condition.last_transition_time);
  return "  evidence is not fresh (EvidenceFresh=False)" +
         (since.has_value() ? ", for " + age_text(*since, now) : "") + ": " +
         printable(condition.reason) + ": " + printable(condition.message) + "\n";
}

std::string explain_text(const NodeReport& node, SystemTime now) {
  std::string out = "Node " + printable(node.name) + " is " + printable(phase_text(node, now)) +
                    (node.since ? ", for " + age_text(node.since, now) : "") + ".\n";
  for (const NodeReason& reason : node.reasons) {
    out += "  " + printable(reason.code) + " (" + printable(reason.severity) +
           "): " + printable(reason.message) + "\n" + details_text(reason.whole);
  }
  out += enrolment_line(node, now) + not_fresh_text(node, now);
  for (const NodePolicy& policy : node.policies) {
    out += "  policy " + printable(policy.name) + mode_text(policy.mode) + ": " +
           printable(policy.result) + "\n";
  }
  if (!node.enrolled_at.empty()) {
    out += "  enrolled " + printable(node.enrolled_at) + ", bound by " + printable(node.bound_by) +
           "\n";
  }
  if (!node.tpm.empty()) out += "  TPM of " + printable(node.tpm) + "\n";
  if (!node.certificate_rules.empty()) {
    std::string rules;
    for (const std::string& rule : node.certificate_rules) {
      rules += (rules.empty() ? "" : ", ") + printable(rule);
    }
    out += "  its certificate is odd but genuine, accepted by: " + rules + "\n";
  }
  if (node.expires) {
    out += std::string("  verdict ") + (node.expired(now) ? "expired " : "expires ") +
           end_text(node.expires, now) + "\n";
  }
  if (node.log_index) out += "  log entry " + std::to_string(*node.log_index) + "\n";
  for (const std::string& effect : node.taints) {
    out += "  tainted " + std::string(kTaint) + ":" + printable(effect) + "\n";
  }
  return out + "What to do: " + printable(node_remedy(node, now)) + ".\n";
}

}  // namespace avouch::inspect
