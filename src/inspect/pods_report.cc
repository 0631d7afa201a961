#include "inspect/pods_report.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "base/time_text.h"
#include "inspect/nodes.h"
#include "inspect/proof.h"

namespace avouch::inspect {
namespace {

using codec::Json;
using Found = PodRecord::State;

constexpr std::chrono::seconds kInASpool{120};

std::string entry_count(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " entry" : " entries");
}

std::string newest_of(const PodRecord& record) {
  return record.index ? ", the newest is entry " + std::to_string(*record.index) : "";
}

// What there is in the place of an entry that let the pod in.
std::string found_text(const PodRecord& record) {
  switch (record.state) {
    case Found::kNone:
      return "no entry";
    case Found::kDenials:
      return "only denials: " + entry_count(record.entries) + newest_of(record);
    case Found::kOthers:
      return entry_count(record.entries) + ", none let it in on this node by then" +
             newest_of(record);
    case Found::kUnproven:
      return (record.index ? "entry " + std::to_string(*record.index) + " does not prove it: "
                           : std::string()) +
             record.why;
    case Found::kProven:
      return "entry " + std::to_string(record.index.value_or(0));
    case Found::kNotLookedFor:
      break;
  }
  return "not looked for";
}

std::string_view found_code(Found state) {
  switch (state) {
    case Found::kNone:
      return "NoEntry";
    case Found::kDenials:
      return "OnlyDenials";
    case Found::kOthers:
      return "OtherEntries";
    case Found::kUnproven:
      return "NotProven";
    case Found::kProven:
      return "Proven";
    case Found::kNotLookedFor:
      break;
  }
  return "NotLookedFor";
}

std::string full_name(const GatedPod& pod) { return pod.pod.ns + "/" + pod.pod.name; }

std::vector<std::string> full_names(const std::vector<CheckedPod>& pods) {
  std::vector<std::string> out;
  out.reserve(pods.size());
  for (const CheckedPod& one : pods) out.push_back(full_name(one.pod));
  return out;
}

std::vector<std::string> full_names(const std::vector<GatedPod>& pods) {
  std::vector<std::string> out;
  out.reserve(pods.size());
  for (const GatedPod& pod : pods) out.push_back(full_name(pod));
  return out;
}

std::string missing_table(const std::vector<CheckedPod>& missing) {
  std::vector<std::vector<std::string>> rows = {{"NAMESPACE", "POD", "NODE", "SINCE", "FOUND"}};
  for (const CheckedPod& one : missing) {
    rows.push_back({printable(one.pod.pod.ns),
                    printable(one.pod.pod.name) + (one.pod.is_mirror ? " (mirror pod)" : ""),
                    printable(one.pod.pod.node), to_rfc3339(one.pod.since),
                    printable(found_text(one.record))});
  }
  return text_table(rows);
}

// Of policies that gate pods without an entry, those that were edited.
std::vector<std::string> edited(const PodsReport& report) {
  std::set<std::string, std::less<>> names;
  for (const CheckedPod& one : report.missing) {
    names.insert(one.pod.gates.begin(), one.pod.gates.end());
  }
  std::vector<std::string> out;
  for (const EnforcedPolicy& policy : report.gated.policies) {
    if (policy.generation > 1 && names.contains(policy.name)) out.push_back(policy.name);
  }
  return out;
}

std::string meaning(const PodsReport& report) {
  std::string out =
      "NOT RECORDED: the log does not have that a pod with this UID was let in on its node. It "
      "means: nothing was guarded then (kubectl avouch status), or somebody has the webhook's "
      "serving key; or it was not gated when it was placed, by the labels and policies of then. To "
      "do: if you do not know that it was not gated, take it for one that was let in by an "
      "attacker (docs/auditing.md, \"Pods that nobody recorded\").\n";
  if (const auto names = edited(report); !names.empty()) {
    out += "Edited since they were made, so that they may not have gated a pod then: " +
           name_list(names) +
           ". If you know since when they are enforced as now: --enforced-since TIME.\n";
  }
  return out;
}

std::string nothing_gated(const PodsReport& report, const PodScope& scope) {
  if (report.gated.namespaces > 0) return "";
  if (report.gated.policies.empty()) return "No policy is in Enforce: no pod is gated.\n";
  if (!report.gated.exempt.empty()) return "";
  return "No policy in Enforce gates " +
         (scope.ns.empty() ? "any namespace" : "namespace " + printable(scope.ns)) + ".\n";
}

std::string remarks(const PodsReport& report, const PodScope& scope) {
  std::string out;
  if (!report.gated.is_configured) {
    out +=
        "WEBHOOK CONFIGURATION ABSENT: no pod is gated now, and nothing is recorded: kubectl "
        "avouch status\n";
  }
  out += nothing_gated(report, scope);
  if (!report.gated.exempt.empty()) {
    out += "Exempt, and not looked at: namespaces " + name_list(report.gated.exempt) + "\n";
  }
  if (!report.late.empty()) {
    out += "Recorded late, from a webhook's spool, as the entry says: " +
           name_list(full_names(report.late)) + "\n";
  }
  if (!report.gated.before.empty()) {
    out += "Before the policy: " + name_list(full_names(report.gated.before)) +
           ", on their nodes since before any policy that gates them was made" +
           (scope.enforced_since ? ", or before " + to_rfc3339(*scope.enforced_since) : "") + "\n";
  }
  if (!report.spooled.empty()) {
    out +=
        "Without an entry, made less than two minutes ago, so that it may be in a webhook's "
        "spool: " +
        name_list(full_names(report.spooled)) + "; try again\n";
  }
  if (!report.unlooked.empty()) {
    out += "NOT LOOKED FOR, as the time was over: " + name_list(full_names(report.unlooked)) +
           "; name one namespace after the other with -n\n";
  }
  return out;
}

std::string summary(const PodsReport& report) {
  std::string out = std::to_string(report.count()) +
                    (report.count() == 1 ? " pod gated, " : " pods gated, ") +
                    std::to_string(report.recorded) + " recorded and proved, " +
                    std::to_string(report.missing.size()) + " NOT RECORDED";
  for (const auto& [count, what] : {std::pair(report.gated.before.size(), "before the policy"),
                                    std::pair(report.spooled.size(), "may be in a spool"),
                                    std::pair(report.unlooked.size(), "NOT LOOKED FOR")}) {
    if (count > 0) out += ", " + std::to_string(count) + " " + what;
  }
  return out + "\n";
}

Json pod_json(const GatedPod& pod) {
  Json out = Json::Object{{"namespace", pod.pod.ns},
                          {"pod", pod.pod.name},
                          {"uid", pod.pod.uid},
                          {"node", pod.pod.node},
                          {"since", to_rfc3339(pod.since)},
                          {"policies", Json::Array(pod.gates.begin(), pod.gates.end())}};
  if (pod.is_mirror) out["mirror"] = true;
  return out;
}

Json checked_json(const std::vector<CheckedPod>& pods) {
  Json::Array out;
  for (const CheckedPod& one : pods) {
    Json item = pod_json(one.pod);
    item["found"] = found_code(one.record.state);
    item["detail"] = found_text(one.record);
    if (one.record.index) item["entry"] = static_cast<std::int64_t>(*one.record.index);
    out.push_back(std::move(item));
  }
  return out;
}

Json number(std::size_t count) { return static_cast<std::int64_t>(count); }

}  // namespace

PodsReport report_pods(GatedPods gated, const std::vector<PodRecord>& records, SystemTime now) {
  PodsReport out;
  for (std::size_t i = 0; i < gated.to_record.size(); ++i) {
    CheckedPod one{std::move(gated.to_record[i]), i < records.size() ? records[i] : PodRecord{}};
    const Found state = one.record.state;
    if (state == Found::kProven) {
      ++out.recorded;
      if (one.record.is_late) out.late.push_back(std::move(one));
    } else if (state == Found::kNotLookedFor) {
      out.unlooked.push_back(std::move(one));
    } else if (state != Found::kUnproven && !one.pod.is_strict && now - one.pod.made < kInASpool) {
      out.spooled.push_back(std::move(one));
    } else {
      out.missing.push_back(std::move(one));
    }
  }
  gated.to_record.clear();
  out.gated = std::move(gated);
  return out;
}

std::string pods_text(const PodsReport& report, const PodScope& scope) {
  const bool any = !report.missing.empty();
  return (any ? missing_table(report.missing) + meaning(report) : std::string()) +
         remarks(report, scope) + summary(report);
}

Json pods_json(const PodsReport& report) {
  Json out;
  out["gated"] = number(report.count());
  out["recorded"] = number(report.recorded);
  out["notRecorded"] = checked_json(report.missing);
  out["mayBeSpooled"] = checked_json(report.spooled);
  out["notLookedFor"] = checked_json(report.unlooked);
  out["late"] = checked_json(report.late);
  Json::Array before;
  for (const GatedPod& pod : report.gated.before) before.push_back(pod_json(pod));
  out["beforePolicy"] = std::move(before);
  out["exemptNamespaces"] = Json::Array(report.gated.exempt.begin(), report.gated.exempt.end());
  Json::Array policies;
  for (const EnforcedPolicy& policy : report.gated.policies) {
    policies.push_back(Json::Object{{"name", policy.name},
                                    {"made", to_rfc3339(policy.made)},
                                    {"generation", policy.generation}});
  }
  out["policies"] = std::move(policies);
  return out;
}

}  // namespace avouch::inspect
