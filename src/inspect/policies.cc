// Policies, as far as they say something about the state of nodes.

#include <algorithm>
#include <map>
#include <set>

#include "inspect/finding.h"
#include "inspect/nodes.h"
#include "inspect/proof.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::size_t kMostNames = 8;

std::optional<std::int64_t> count_at(const Json& object,
                                     std::initializer_list<std::string_view> path) {
  const Json* value = object.find_path(path);
  const std::int64_t* number = value == nullptr ? nullptr : value->as_int();
  return number == nullptr || *number < 0 ? std::nullopt : std::optional(*number);
}

std::optional<PolicyNodes> counts_of(const Json& policy) {
  const auto matched = count_at(policy, {"status", "nodes", "matched"});
  const auto trusted = count_at(policy, {"status", "nodes", "trusted"});
  const auto seen = count_at(policy, {"status", "observedGeneration"});
  if (!matched || !trusted || !seen || seen != count_at(policy, {"metadata", "generation"})) {
    return std::nullopt;
  }
  const auto warning = count_at(policy, {"status", "nodes", "warning"});
  return PolicyNodes{.matched = *matched, .trusted = *trusted + warning.value_or(0)};
}

std::string_view log_heading(std::string_view reason) {
  if (reason == "LogReadOnly") return "LOG READ-ONLY";
  if (reason == "LogTakesNothing") return "LOG TAKES NOTHING";
  if (reason == "AdmissionsNotRecorded") return "LOG TAKES NO ADMISSIONS";
  return reason == "DenialsNotRecorded" ? "LOG TAKES NO DENIALS" : "NOT RECORDED";
}

}  // namespace

std::string name_list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    out += (i == 0 ? "" : ", ") + printable(names[i]);
  }
  if (names.size() > kMostNames) {
    out += " and " + std::to_string(names.size() - kMostNames) + " more";
  }
  return out;
}

Result<std::vector<PolicyReport>> report_policies(const kube::Client& api) {
  AVOUCH_TRY(const kube::ObjectList listed, api.list(kube::attestation_policies()));
  std::vector<PolicyReport> out;
  for (const Json& item : listed.items) {
    PolicyReport policy;
    policy.name = item.text({"metadata", "name"});
    policy.mode = item.text({"spec", "mode"});
    if (policy.mode.empty()) policy.mode = "Enforce";
    if (const auto taint = item.text({"spec", "onFailure", "taint"}); !taint.empty()) {
      policy.taint = taint;
    }
    policy.nodes = counts_of(item);
    for (const kube::Condition& condition : kube::conditions_of(item)) {
      if (condition.type == "Recorded") policy.recorded = condition;
      if (condition.type != "Guarded") continue;
      policy.guarded = condition.status;
      policy.reason = condition.reason;
      policy.message = condition.message;
    }
    out.push_back(std::move(policy));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

std::string guard_lines(const std::vector<PolicyReport>& policies, bool absent_told) {
  std::string out;
  std::set<std::string> said;
  for (const PolicyReport& policy : policies) {
    if (policy.guarded.empty() || policy.guarded == "True") continue;
    if (absent_told && policy.reason == "ConfigurationAbsent") continue;
    if (!said.insert(policy.message).second) continue;
    out += (policy.guarded == "False" ? "NOT GUARDED: " : "GUARDED? ") + printable(policy.reason) +
           ": " + printable(policy.message) + "\n";
  }
  return out;
}

bool is_guarded(const std::vector<PolicyReport>& policies) {
  return std::none_of(policies.begin(), policies.end(), [](const PolicyReport& policy) {
    return !policy.guarded.empty() && policy.guarded != "True";
  });
}

std::string nowhere_text(const std::vector<PolicyReport>& policies) {
  std::string out;
  for (const PolicyReport& policy : policies) {
    if (!policy.stops_all()) continue;
    const std::int64_t matched = policy.nodes->matched;
    const bool none = matched == 0;
    out += finding_text(
        "SATISFIED NOWHERE",
        "policy " + policy.name + " (mode " + policy.mode + ") selects " +
            (none ? "no node"
                  : std::to_string(matched) + (matched == 1
                                                   ? " node, which does not satisfy it"
                                                   : " nodes, and none of them satisfies it")),
        "every pod that it gates is denied everywhere",
        std::string(none ? "correct its nodeSelector, or label the nodes"
                         : "kubectl avouch explain node NODE says of each what is wrong with it") +
            "; until that is done, kubectl patch attestationpolicy " + policy.name +
            " --type=merge -p '{\"spec\":{\"mode\":\"Audit\"}}' lets pods in, and records them");
  }
  return out;
}

bool any_stops_all(const std::vector<PolicyReport>& policies) {
  return std::any_of(policies.begin(), policies.end(),
                     [](const PolicyReport& policy) { return policy.stops_all(); });
}

std::optional<kube::Condition> log_report(const std::vector<PolicyReport>& policies,
                                          const std::optional<kube::Condition>& on_lease) {
  std::optional<kube::Condition> out;
  for (const PolicyReport& policy : policies) {
    if (!policy.recorded) continue;
    if (policy.recorded->status != "True") return policy.recorded;
    if (!out) out = policy.recorded;
  }
  return on_lease ? on_lease : out;
}

std::string log_line(const std::optional<kube::Condition>& report) {
  if (!report || report->status == "True") return "";
  return std::string(log_heading(report->reason)) + ": " + printable(report->message) + ".\n";
}

Json log_json(const kube::Condition& report) {
  return Json::Object{
      {"status", report.status}, {"reason", report.reason}, {"message", report.message}};
}

std::string policy_lines(const std::vector<PolicyReport>& policies,
                         const std::vector<NodeReport>& nodes) {
  std::string out;
  for (const PolicyReport& policy : policies) {
    std::vector<std::string> failing;
    for (const NodeReport& node : nodes) {
      for (const NodePolicy& judged : node.policies) {
        if (judged.name == policy.name && !judged.satisfied()) {
          failing.push_back(node.name);
        }
      }
    }
    if (failing.empty()) continue;
    out += "Policy " + printable(policy.name) + " (mode " + printable(policy.mode) +
           (policy.enforced() ? "" : ": it denies and taints nothing") +
           ") is not satisfied by: " + name_list(failing) + "\n";
  }
  return out;
}

Json policies_json(const std::vector<PolicyReport>& policies) {
  Json::Array out;
  for (const PolicyReport& policy : policies) {
    Json one;
    one["name"] = policy.name;
    one["mode"] = policy.mode;
    if (policy.nodes) {
      one["nodes"] =
          Json::Object{{"matched", policy.nodes->matched}, {"trusted", policy.nodes->trusted}};
    }
    if (!policy.guarded.empty()) {
      one["guarded"] = Json::Object{
          {"status", policy.guarded}, {"reason", policy.reason}, {"message", policy.message}};
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace avouch::inspect
