#include "admission/decision.h"

#include <algorithm>

#include "admission/text.h"

namespace avouch::admission {
namespace {

using codec::Cbor;

constexpr std::size_t kMaxListed = 32;
constexpr std::size_t kMaxFindingText = 256;
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxOrigin = 255;

int status_of(std::string_view code) {
  if (code == code::kInvalid) return 422;
  if (code == code::kNotReady || code == code::kLogUnavailable || code == code::kOverloaded) {
    return 503;
  }
  return 403;
}

void add(Cbor::Map& map, std::string_view key, Cbor value) {
  map.emplace_back(Cbor::text(key), std::move(value));
}

void add_text(Cbor::Map& map, std::string_view key, std::string_view value) {
  if (!value.empty()) add(map, key, Cbor::text(clip(value, kMaxName)));
}

std::vector<Finding> enforced_first(std::vector<Finding> findings) {
  std::stable_partition(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.mode == attest::Mode::kEnforce;
  });
  return findings;
}

Cbor reasons(const AdmissionVerdict& verdict, std::string_view code) {
  Cbor::Array list;
  for (const Finding& finding : enforced_first(verdict.findings)) {
    if (list.size() >= kMaxListed) break;
    Cbor::Map map;
    add(map, "code", Cbor::text(finding.code));
    add(map, "policy", Cbor::text(clip(finding.policy, kMaxName)));
    add(map, "message", Cbor::text(clip(finding.message, kMaxFindingText)));
    list.push_back(Cbor::map(std::move(map)));
  }
  // A denial for a reason of our own (the log, the webhook's data) is not a finding on a policy.
  const auto same = [code](const Finding& finding) { return finding.code == code; };
  if (!code.empty() && std::none_of(verdict.findings.begin(), verdict.findings.end(), same)) {
    Cbor::Map map;
    add(map, "code", Cbor::text(code));
    add(map, "policy", Cbor::text(""));
    add(map, "message", Cbor::text(""));
    list.push_back(Cbor::map(std::move(map)));
  }
  return Cbor::array(std::move(list));
}

Cbor policies(const AdmissionVerdict& verdict) {
  Cbor::Array list;
  for (const JudgedPolicy& policy : verdict.policies) {
    if (list.size() >= kMaxListed) break;
    Cbor::Map map;
    add(map, "name", Cbor::text(clip(policy.name, kMaxName)));
    if (policy.spec_digest) add(map, "specDigest", Cbor::bytes(*policy.spec_digest));
    add(map, "mode", Cbor::text(attest::mode_name(policy.mode)));
    list.push_back(Cbor::map(std::move(map)));
  }
  return Cbor::array(std::move(list));
}

}  // namespace

Decision allow() {
  Decision decision;
  decision.allowed = true;
  decision.code.clear();
  return decision;
}

Decision deny(std::string_view code, std::string message) {
  Decision decision;
  decision.code = code;
  decision.status = status_of(code);
  decision.message = std::move(message);
  return decision;
}

Cbor verdict_payload(const AdmissionVerdict& verdict, bool allowed, std::string_view code,
                     SystemTime time, bool late) {
  Cbor::Map map;
  add(map, "id", Cbor::text(verdict.id));
  add(map, "time", Cbor::integer(time.time_since_epoch().count()));
  add(map, "decision", Cbor::text(allowed ? "allow" : "deny"));
  add(map, "operation", Cbor::text(verdict.operation));
  add(map, "namespace", Cbor::text(clip(verdict.ns, kMaxName)));
  add(map, "pod", Cbor::text(clip(verdict.pod, kMaxName)));
  add_text(map, "podUID", verdict.pod_uid);
  add_text(map, "node", verdict.node);
  add_text(map, "nodeUID", verdict.node_uid);
  add(map, "user", Cbor::text(clip(verdict.user, kMaxFindingText)));
  add(map, "caller", Cbor::text(verdict.authenticated ? "authenticated" : "unauthenticated"));
  add_text(map, "peer", verdict.peer);
  add(map, "reasons", reasons(verdict, allowed ? std::string_view() : code));
  add(map, "policies", policies(verdict));
  if (verdict.node_token) {
    Cbor::Map node_verdict;
    if (verdict.node_verdict_index) {
      const auto index = static_cast<std::int64_t>(*verdict.node_verdict_index);
      add(node_verdict, "index", Cbor::integer(index));
    }
    // One that is cut would name another log.
    if (!verdict.node_verdict_origin.empty() && verdict.node_verdict_origin.size() <= kMaxOrigin) {
      add(node_verdict, "origin", Cbor::text(verdict.node_verdict_origin));
    }
    add(node_verdict, "tokenDigest", Cbor::bytes(*verdict.node_token));
    add(map, "nodeVerdict", Cbor::map(std::move(node_verdict)));
  }
  if (verdict.pod_spec) add(map, "podSpecDigest", Cbor::bytes(*verdict.pod_spec));
  add(map, "late", Cbor::boolean(late));
  if (verdict.left_out) {
    Cbor::Map left_out;
    add(left_out, "count", Cbor::integer(static_cast<std::int64_t>(verdict.left_out->count)));
    add(left_out, "since", Cbor::integer(verdict.left_out->since.time_since_epoch().count()));
    add(left_out, "of", Cbor::text(verdict.left_out->several ? "namespaces" : "namespace"));
    add(map, "leftOut", Cbor::map(std::move(left_out)));
  }
  return Cbor::map(std::move(map));
}

}  // namespace avouch::admission
