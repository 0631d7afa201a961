#pragma once

// A small cluster as the webhook sees it, and requests to it, for tests of decisions.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "admission/decide.h"
#include "attest/token.h"
#include "codec/json.h"

namespace avouch::admission {

using codec::Json;

inline const SystemTime kNow{std::chrono::seconds(1'800'000'000)};
inline constexpr const char* kOrigin = "example.com/log";
inline constexpr const char* kSpec = R"({
  "nodeSelector": {"matchLabels": {"pool": "attested"}},
  "workloads": {"namespaceSelector": {"matchLabels": {"attested": "required"}}},
  "mode": "Enforce",
  "endorsement": {"trustBundles": [{"configMap": {"namespace": "avouch-system", "name": "makers"}}],
                  "enrollment": "TrustOnFirstUse"},
  "pcrs": {"banks": ["sha256"], "exact": [{"index": 7, "sha256": [
    "7777777777777777777777777777777777777777777777777777777777777777"]}]}})";

inline Json json(std::string_view text) {
  auto parsed = codec::parse_json(text);
  if (!parsed.has_value()) throw std::runtime_error(parsed.error().message);
  return *std::move(parsed);
}

inline const crypto::PrivateKey& verifier_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  return key;
}

inline Bytes issue(const attest::TokenClaims& claims) {
  auto signer = attest::KeySigner::make(verifier_key());
  return attest::issue_token(claims, signer.value()).value();
}

inline attest::VerifiedToken verified(const attest::TokenClaims& claims) {
  const crypto::PublicKey keys[] = {verifier_key().public_key()};
  return attest::verify_token(issue(claims), keys, kOrigin).value();
}

inline attest::TokenClaims claims_on(const std::string& node, const std::string& uid,
                                     std::vector<attest::TokenPolicy> policies,
                                     SystemTime at = kNow - std::chrono::seconds(30)) {
  attest::TokenClaims claims;
  claims.issuer = kOrigin;
  claims.issued_at = at;
  claims.expires_at = at + std::chrono::minutes(5);
  claims.verifier_build = "avouch-controller test";
  claims.status = attest::Status::kAffirming;
  for (const auto& policy : policies) claims.status = attest::worse(claims.status, policy.status);
  claims.vector[attest::Claim::kInstanceIdentity] = attest::kGenuine;
  claims.vector[attest::Claim::kExecutables] =
      claims.status == attest::Status::kAffirming ? attest::kApprovedBoot
      : claims.status == attest::Status::kWarning ? attest::kUnrecognizedCode
                                                  : attest::kUnacceptable;
  claims.node_uid = uid;
  claims.node_name = node;
  claims.ak_name = Bytes(34, 0x0b);
  claims.reset_count = 7;
  claims.restart_count = 1;
  claims.beacon = {kOrigin, 42};
  claims.quote = crypto::sha256("quote");
  claims.policies = std::move(policies);
  return claims;
}

// Everything is well: namespace "shop" is gated by policy "production" and node "good" satisfies
// it. A test changes one thing.
struct World {
  World() {
    rules.release_namespace = "avouch-system";
    rules.agent_service_account = "avouch-agent";
    rules.exempt_namespaces = {"avouch-system", "kube-system"};
    rules.exemption_users = {"root"};
    rules.exemption_groups = {"system:masters"};
    gathered.not_ready.clear();
    gathered.policies_known = true;
    gathered.pod_labels = attest::Labels{{"app", "web"}};
    add_namespace("avouch-system", {});
    add_namespace("shop", {{"attested", "required"}});
    add_namespace("free", {});
    add_policy("production");
    add_node("good", {{"pool", "attested"}});
    trust("good", {"production"});
  }

  void add_namespace(const std::string& name, attest::Labels labels) {
    snapshot.namespaces[name] = std::make_shared<const attest::Labels>(std::move(labels));
  }

  // kSpec with members replaced or added; a null removes.
  void add_policy(const std::string& name, const Json& changes = Json(Json::Object{})) {
    Json spec = json(kSpec);
    for (const auto& [key, value] : *changes.as_object()) {
      if (value.is_null()) {
        spec.as_object()->erase(key);
      } else {
        spec[key] = value;
      }
    }
    snapshot.policies[name] = std::make_shared<const PolicyFacts>(read_policy(name, spec));
  }

  void add_node(const std::string& name, attest::Labels labels,
                std::optional<SystemTime> rebooted_at = std::nullopt) {
    snapshot.nodes[name] = std::make_shared<const NodeFacts>(
        NodeFacts{name, "uid-" + name, std::move(labels), rebooted_at});
  }

  attest::TokenPolicy judged(const std::string& policy,
                             attest::Status status = attest::Status::kAffirming) const {
    const auto& facts = *snapshot.policies.at(policy);
    return {policy, facts.spec_digest.value(), crypto::sha256("digest"), status};
  }

  void trust(const std::string& node, const std::vector<std::string>& policies,
             attest::Status status = attest::Status::kAffirming,
             SystemTime at = kNow - std::chrono::seconds(30)) {
    std::vector<attest::TokenPolicy> results;
    for (const auto& policy : policies) results.push_back(judged(policy, status));
    set_verdict(node, claims_on(node, "uid-" + node, std::move(results), at));
  }

  void set_verdict(const std::string& node, const attest::TokenClaims& claims) {
    snapshot.verdicts["uid-" + node] = std::make_shared<const VerdictFacts>(
        VerdictFacts{verified(claims), {"PcrMismatch: PCR 7 differs"}, 12});
  }

  Decision decide_on(Endpoint endpoint, const Json& review) const {
    const auto parsed = parse_review(codec::to_json(review));
    EXPECT_TRUE(parsed.has_value()) << (parsed.has_value() ? "" : parsed.error().message);
    Gathered looked_up = gathered;
    // Where the webhook configuration is wider than the policies, the server says the same.
    if (const auto ns = namespace_to_read(endpoint, *parsed, gathered, snapshot, rules)) {
      const auto found = snapshot.namespaces.find(*ns);
      looked_up.live.emplace();
      if (found != snapshot.namespaces.end()) looked_up.live->namespace_labels = *found->second;
    }
    return decide(endpoint, *parsed, looked_up, snapshot, rules, now);
  }
  Decision pods(const Json& review) const { return decide_on(Endpoint::kPods, review); }

  Snapshot snapshot;
  Rules rules;
  Gathered gathered;
  SystemTime now = kNow;
};

inline Json review_of(const std::string& group, const std::string& version,
                      const std::string& resource, const std::string& subresource,
                      const std::string& operation, Json object,
                      const std::string& user = "system:kube-scheduler") {
  Json review = json(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
    "request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","userInfo":{}}})");
  Json& request = review["request"];
  request["resource"] = Json(Json::Object{
      {"group", Json(group)}, {"version", Json(version)}, {"resource", Json(resource)}});
  request["subResource"] = subresource;
  request["operation"] = operation;
  request["userInfo"]["username"] = user;
  if (const std::string_view ns = object.text({"metadata", "namespace"}); !ns.empty()) {
    request["namespace"] = ns;
  }
  if (const std::string_view name = object.text({"metadata", "name"}); !name.empty()) {
    request["name"] = name;
  }
  request["object"] = std::move(object);
  return review;
}

inline Json binding(const std::string& node, const std::string& ns = "shop") {
  Json object = json(R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"web-0","uid":"p1"},
    "target":{"kind":"Node"}})");
  object["metadata"]["namespace"] = ns;
  object["target"]["name"] = node;
  return review_of("", "v1", "pods", "binding", "CREATE", std::move(object));
}

inline Json legacy_binding(const std::string& node) {
  Json review = binding(node);
  review["request"]["resource"]["resource"] = "bindings";
  review["request"]["subResource"] = "";
  return review;
}

// A pod; `node` may be "".
inline Json pod_on(const std::string& node, const std::string& ns = "shop") {
  Json object = json(R"({"apiVersion":"v1","kind":"Pod",
    "metadata":{"name":"web-0","labels":{"app":"web"}},
    "spec":{"containers":[{"name":"c","image":"i"}]}})");
  object["metadata"]["namespace"] = ns;
  if (!node.empty()) object["spec"]["nodeName"] = node;
  return review_of("", "v1", "pods", "", "CREATE", std::move(object), "alice");
}

}  // namespace avouch::admission
