#pragma once

// What a decision is made from: an immutable snapshot of the cluster, as far as it matters.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attest/policy.h"
#include "attest/token.h"
#include "base/clock.h"
#include "codec/json.h"

namespace avouch::admission {

// A policy as stored. An unusable one (it does not parse) is never satisfied, and gates whatever it
// might gate: selectors that can be read are respected, others select everything; a mode or logging
// that cannot be read counts as the strictest.
struct PolicyFacts {
  std::string name;
  std::string unusable;                 // why; "" for a usable policy
  attest::LabelSelector node_selector;  // of a usable policy
  attest::LabelSelector namespace_selector;
  attest::LabelSelector pod_selector;
  attest::Mode mode = attest::Mode::kEnforce;
  attest::Logging logging = attest::Logging::kStrict;
  std::optional<crypto::Sha256> spec_digest;  // there for every usable policy
};
PolicyFacts read_policy(std::string name, const codec::Json& spec);

struct NodeFacts {
  std::string name;
  std::string uid;
  attest::Labels labels;
  // When the kubelet was seen to report another boot than before, by both clocks.
  std::optional<SystemTime> rebooted_at;
  std::optional<SteadyTime> rebooted_seen;
};

// The newest verdict on a node. Only the token is believed; the rest is for messages.
struct VerdictFacts {
  attest::VerifiedToken token;
  std::vector<std::string> reasons;        // the controller's words, "CODE: MESSAGE"
  std::optional<std::uint64_t> log_index;  // of the verdict's own entry
  SteadyTime came{};                       // when the quote that it judges first came here
  bool outlived = false;        // its whole life has passed here, whatever the wall clock says
  std::string log_origin = {};  // of the log that `log_index` is of; "": the token's issuer
};

// From the configuration.
struct Rules {
  std::string release_namespace;
  std::string agent_service_account;
  std::vector<std::string> exempt_namespaces;
  std::vector<std::string> exemption_users, exemption_groups;
};

template <typename T>
using NamedFacts = std::map<std::string, std::shared_ptr<const T>, std::less<>>;

struct Snapshot {
  NamedFacts<PolicyFacts> policies;       // by name
  NamedFacts<attest::Labels> namespaces;  // labels by name
  // Those that are there too, but whose labels are too large to be known: every policy gates what
  // is in them.
  std::set<std::string, std::less<>> unread_namespaces;
  NamedFacts<NodeFacts> nodes;        // by name
  NamedFacts<VerdictFacts> verdicts;  // by node UID
  // Why the token in a node's AttestationEvidence is not believed, by node name.
  std::map<std::string, std::string, std::less<>> refused_tokens;
};

// What the API server itself said after the review had come.
struct LiveFacts {
  std::optional<attest::Labels> namespace_labels;  // nothing: they are too large to be read
};

// What was looked up for one request.
struct Gathered {
  std::string not_ready = "the webhook has no data yet";  // why; "" when the snapshot may be used
  bool policies_known = false;  // the snapshot has the cluster's policies, old ones perhaps
  bool late = false;            // there is no time left for a decision
  std::optional<attest::Labels> pod_labels;  // for bindings; nothing: the pod is not known here
  std::string pod_uid;                       // of the pod that has these labels
  // The node that the caller's token or pod is bound to; nothing: it could not be found.
  std::optional<std::string> caller_node;
  // Where namespace_to_read() asks for it; the snapshot's policies were the cluster's then. Where
  // the server could not be asked, or has other policies, `not_ready` says so, and no labels are
  // known.
  std::optional<LiveFacts> live;
};

}  // namespace avouch::admission
