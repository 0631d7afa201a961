#include "inspect/presence.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/time_text.h"
#include "codec/utf8.h"
#include "inspect/finding.h"
#include "inspect/proof.h"
#include "inspect/rights.h"
#include "kube/lease.h"

namespace avouch::inspect {
namespace {

using codec::Json;
using State = PartReport::State;

constexpr std::chrono::seconds kPatience{30};  // beyond a Lease's end: two clocks are compared

// An object that was asked for. Neither there nor absent: it could not be read.
struct Asked {
  std::string name;  // "Deployment avouch-system/avouch-webhook"
  std::optional<Json> object;
  bool absent = false;
  std::string problem;

  bool there() const { return object.has_value(); }
  std::int64_t number(std::initializer_list<std::string_view> path, std::int64_t otherwise) const {
    const Json* value = object ? object->find_path(path) : nullptr;
    const std::int64_t* found = value == nullptr ? nullptr : value->as_int();
    return found == nullptr ? otherwise : *found;
  }
};

Asked ask(const kube::Client& api, std::string kind, const kube::ResourcePath& where,
          const std::string& name, const ReleaseName& release) {
  Asked out;
  out.name = std::move(kind) + " " + (where.ns.empty() ? "" : where.ns + "/") + name;
  auto got = api.get(where, name);
  if (got.has_value()) {
    out.object = *std::move(got);
  } else if (got.error().is_not_found()) {
    out.absent = true;
  } else {
    out.problem = with_grant(got.error(), Role::kNodeViewer, release).message;
  }
  return out;
}

kube::ResourcePath apps(std::string_view plural, const std::string& ns) {
  return {.group = "apps", .version = "v1", .plural = std::string(plural), .ns = ns};
}

std::size_t ready_addresses(const Json& endpoints) {
  std::size_t out = 0;
  const Json* subsets = endpoints.find("subsets");
  if (subsets == nullptr || subsets->as_array() == nullptr) return 0;
  for (const Json& subset : *subsets->as_array()) {
    const Json* ready = subset.find("addresses");
    if (ready != nullptr && ready->as_array() != nullptr) out += ready->as_array()->size();
  }
  return out;
}

// "has 1 of 2 pods ready".
std::string ready_text(const Asked& workload) {
  return workload.name + " has " + std::to_string(workload.number({"status", "readyReplicas"}, 0)) +
         " of " + std::to_string(workload.number({"spec", "replicas"}, 1)) + " pods ready";
}

std::string put_back(const ReleaseName& release) {
  return "helm upgrade of release " + release.name + " puts it back";
}

std::string look_at(const ReleaseName& release, const std::string& component) {
  return "kubectl -n " + release.ns + " describe pods -l app.kubernetes.io/component=" + component +
         " says why, or the log of such a pod";
}

// Whether there is no pod because there is no workload, or it is scaled to 0; and what to do then.
bool has_no_pods(const Asked& workload, const ReleaseName& release, const std::string& scale,
                 PartReport& out) {
  if (workload.absent) {
    out.state = State::kAbsent;
    out.found = workload.name + " is not there";
    out.remedy = put_back(release);
    return true;
  }
  if (!workload.there() || workload.number({"spec", "replicas"}, 1) != 0) return false;
  out.found = workload.name + " is scaled to 0";
  out.remedy = "kubectl -n " + release.ns + " scale " + scale;
  return true;
}

PartReport configuration_of(const kube::Client& api, const ReleaseName& release) {
  const Asked asked = ask(api, "ValidatingWebhookConfiguration",
                          kube::validating_webhook_configurations(), release.name, release);
  if (asked.there()) return {State::kWorking, asked.name + " is there", "", ""};
  if (!asked.absent) {
    return {State::kUnknown, "whether there is a " + asked.name + ": " + asked.problem, "", ""};
  }
  return {State::kAbsent, asked.name + " is not there",
          "NO pod is gated and no admission is recorded, whatever the policies say",
          put_back(release)};
}

std::string effect_without_webhook(State configuration) {
  if (configuration == State::kAbsent) {
    return "nothing while there is no webhook configuration; once it is back, gated pods are "
           "denied";
  }
  return std::string(configuration == State::kUnknown ? "if there is a webhook configuration, "
                                                      : "") +
         "pods are denied wherever a policy in Enforce may gate them, and let in unrecorded "
         "elsewhere; policies, manifests and evidence cannot be written";
}

PartReport webhook_of(const kube::Client& api, const ReleaseName& release, State configuration) {
  const std::string name = release.name + "-webhook";
  const kube::ResourcePath endpoints{
      .group = "", .version = "v1", .plural = "endpoints", .ns = release.ns};
  const Asked served = ask(api, "Endpoints", endpoints, name, release);
  const Asked pods = ask(api, "Deployment", apps("deployments", release.ns), name, release);
  PartReport out{State::kDown, "", effect_without_webhook(configuration), ""};
  if (served.there()) {
    const std::size_t ready = ready_addresses(*served.object);
    if (ready > 0) {
      return {State::kWorking, served.name + " has " + std::to_string(ready) + " that are ready",
              "", ""};
    }
  }
  if (has_no_pods(pods, release, "deployment " + name + " --replicas=2", out)) return out;
  if (served.absent) {
    out.found = "there is no Service " + release.ns + "/" + name + " by which it is reached";
    out.remedy = put_back(release);
  } else if (served.there()) {
    out.found =
        served.name + " has none that is ready" + (pods.there() ? ", " + ready_text(pods) : "");
    out.remedy = look_at(release, "webhook");
  } else if (pods.there() && pods.number({"status", "readyReplicas"}, 0) == 0) {
    out.found = ready_text(pods);
    out.remedy = look_at(release, "webhook");
  } else {
    return {State::kUnknown, "whether a webhook answers: " + served.problem, "", ""};
  }
  return out;
}

// Why nobody leads, by the Lease; "" where somebody does.
std::string unled(const Asked& lease, SystemTime now) {
  if (lease.absent) return "there is no " + lease.name + ": no controller has ever led";
  const std::string_view renewed = lease.object->text({"spec", "renewTime"});
  const auto at = from_rfc3339(renewed);
  if (!at.has_value()) return lease.name + " says not when it was renewed";
  const std::string when = to_rfc3339(*at) + ", " +
                           std::to_string((now - *at) / std::chrono::seconds(1)) +
                           " s ago by the clock of this machine";
  if (lease.object->text({"spec", "holderIdentity"}).empty()) {
    return lease.name + " was given up at " + when;
  }
  const std::chrono::seconds held(std::clamp<std::int64_t>(
      lease.number({"spec", "leaseDurationSeconds"}, 15), 1, kube::kLongestLease.count()));
  if (now <= *at + held + kPatience) return "";
  return lease.name + " was last renewed at " + when;
}

std::optional<PartReport> wrong_lease_of(const Asked& lease, const ReleaseName& release,
                                         SystemTime now) {
  constexpr std::size_t kShownHolder = 320;  // bytes: a pod's name and UID are less
  if (!lease.there()) return std::nullopt;
  const std::string_view holder = lease.object->text({"spec", "holderIdentity"});
  const std::string who = holder.empty() ? "nobody" : codec::in_quotes(holder, kShownHolder);
  for (const auto& [member, what] : {std::pair("renewTime", " holds it, renewed at "),
                                     std::pair("acquireTime", " holds it, since ")}) {
    const auto at = from_rfc3339(lease.object->text({"spec", member}));
    if (!at.has_value() || *at <= now + kube::kClocksApart) continue;
    return PartReport{
        State::kDown,
        lease.name + " says that " + who + what + to_rfc3339(*at) +
            ", and by the clock of this machine it is " + to_rfc3339(now),
        "a clock is wrong, or somebody wrote it who is no controller, and keeps the controller "
        "from leading for up to two minutes by each write; who leads its pods alone tell",
        "compare date -u on this machine and on the controller's node; where they agree, kubectl "
        "-n " +
            release.ns + " get lease " + release.name +
            "-controller -o yaml --show-managed-fields says who wrote it: take the right to write "
            "Leases of namespace " +
            release.ns +
            " from them. The controller takes over by itself, two minutes after the last such "
            "write at most"};
  }
  return std::nullopt;
}

// Written by the controller, read as anybody's.
std::optional<kube::Condition> recorded_of(const Asked& lease) {
  constexpr codec::JsonLimits kLimits{.bytes = 16 * 1024, .depth = 4};
  if (!lease.there()) return std::nullopt;
  const std::string_view text =
      lease.object->text({"metadata", "annotations", kube::kRecordedAnnotation});
  if (text.empty()) return std::nullopt;
  const auto said = codec::parse_json(text, kLimits);
  if (!said.has_value() || said->text({"type"}) != "Recorded") return std::nullopt;
  kube::Condition out;
  out.type = said->text({"type"});
  out.status = said->text({"status"});
  out.reason = said->text({"reason"});
  out.message = said->text({"message"});
  return out;
}

PartReport controller_of(const kube::Client& api, const ReleaseName& release, SystemTime now,
                         State configuration, const Asked& lease, bool lease_is_wrong) {
  const std::string name = release.name + "-controller";
  const Asked pods = ask(api, "StatefulSet", apps("statefulsets", release.ns), name, release);
  PartReport out{
      State::kDown, "",
      std::string("no verdict is made or renewed: each stands until it EXPIRES") +
          (configuration == State::kAbsent ? "" : ", from when on gated pods are denied there") +
          "; no taint is set or lifted; phases, reasons and conditions are the last that it wrote",
      look_at(release, "controller")};
  const bool lease_known = (lease.there() || lease.absent) && !lease_is_wrong;
  const std::string why = lease_known ? unled(lease, now) : "";
  if (has_no_pods(pods, release, "statefulset " + name + " --replicas=1", out)) return out;
  if (!why.empty()) {
    out.found = why + (pods.there() ? "; " + ready_text(pods) : "");
  } else if (pods.there() && pods.number({"status", "readyReplicas"}, 0) == 0) {
    out.found = ready_text(pods);
  } else if (lease_known) {
    return {State::kWorking, lease.name + " is renewed", "", ""};
  } else if (pods.there()) {  // a pod is ready only while it leads
    return {State::kWorking, ready_text(pods), "", ""};
  } else {
    const std::string why_not =
        lease_is_wrong ? "its Lease is wrong, and " + pods.name + " cannot be read: " + pods.problem
                       : lease.problem;
    return {State::kUnknown, "whether a controller leads: " + why_not, "", ""};
  }
  return out;
}

std::string line_of(std::string_view what, const PartReport& part) {
  if (part.state == State::kWorking) return "";
  if (part.state == State::kUnknown) return "CANNOT TELL " + printable(part.found) + "\n";
  return finding_text(std::string(what) + (part.state == State::kAbsent ? " ABSENT" : " DOWN"),
                      part.found, part.effect, part.remedy);
}

Json part_json(const PartReport& part) {
  constexpr std::string_view kStates[] = {"Unknown", "Working", "Down", "Absent"};
  Json out;
  out["state"] = kStates[static_cast<std::size_t>(part.state)];
  out["found"] = part.found;
  if (!part.effect.empty()) out["effect"] = part.effect;
  if (!part.remedy.empty()) out["remedy"] = part.remedy;
  return out;
}

}  // namespace

bool PresenceReport::gone() const {
  return configuration.state == State::kAbsent && webhook.state == State::kAbsent &&
         controller.state == State::kAbsent;
}

PresenceReport report_presence(const kube::Client& api, const ReleaseName& release,
                               SystemTime now) {
  PresenceReport out;
  out.configuration = configuration_of(api, release);
  out.webhook = webhook_of(api, release, out.configuration.state);
  const Asked lease =
      ask(api, "Lease", kube::leases(release.ns), release.name + "-controller", release);
  out.wrong_lease = wrong_lease_of(lease, release, now);
  out.controller =
      controller_of(api, release, now, out.configuration.state, lease, out.wrong_lease.has_value());
  out.recorded = recorded_of(lease);
  return out;
}

std::vector<std::string> unwritten_nodes(const PresenceReport& report,
                                         const std::vector<NodeReport>& nodes, SystemTime now) {
  std::vector<std::string> out;
  if (report.controller.state != State::kWorking) return out;
  for (const NodeReport& node : nodes) {
    if (node.expired(now - kPatience)) out.push_back(node.name);
  }
  return out;
}

std::string unwritten_line(const std::vector<std::string>& nodes, const ReleaseName& release) {
  if (nodes.empty()) return "";
  return finding_text("NOT WRITTEN",
                      "a controller leads, but the verdicts of " + std::to_string(nodes.size()) +
                          (nodes.size() == 1 ? " node" : " nodes") +
                          " ended and nothing was written since: " + name_list(nodes),
                      "gated pods are denied there, and what is shown of them is old",
                      "kubectl -n " + release.ns + " logs " + release.name +
                          "-controller-0 | grep problem says what it cannot write, or do");
}

std::string presence_lines(const PresenceReport& report, const ReleaseName& release) {
  if (report.gone()) {
    return finding_text(
        "NOT INSTALLED",
        "there is no release " + release.name + " in namespace " + release.ns +
            ": neither webhook configuration nor webhook nor controller",
        "NO pod is gated and no admission is recorded; what follows is the last that a controller "
        "wrote",
        "install it (helm install), or name another by --release and --release-namespace");
  }
  return line_of("WEBHOOK CONFIGURATION", report.configuration) +
         line_of("WEBHOOK", report.webhook) + line_of("CONTROLLER", report.controller) +
         (report.wrong_lease ? finding_text("LEASE WRONG", report.wrong_lease->found,
                                            report.wrong_lease->effect, report.wrong_lease->remedy)
                             : "");
}

Json presence_json(const PresenceReport& report, const ReleaseName& release) {
  Json out;
  out["name"] = release.name;
  out["namespace"] = release.ns;
  out["webhookConfiguration"] = part_json(report.configuration);
  out["webhook"] = part_json(report.webhook);
  out["controller"] = part_json(report.controller);
  if (report.wrong_lease) {
    out["wrongLease"] = Json::Object{{"found", report.wrong_lease->found},
                                     {"effect", report.wrong_lease->effect},
                                     {"remedy", report.wrong_lease->remedy}};
  }
  return out;
}

}  // namespace avouch::inspect
