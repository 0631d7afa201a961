#pragma once

// In which namespaces a webhook that does not answer stops pods. Pure.
//
// Two webhooks share the pods between them: kFailClosed (failurePolicy Fail) takes the namespaces
// of policies that are enforced, kFailOpen (Ignore) all others. Both ask the same question and get
// the same answer; they differ only where there is none (admission::waive). So a policy in Audit or
// Warn cannot stop a cluster's pods, and one that has just become Enforce is enforced at once all
// the same.
//
// The last of each one's namespaceSelector.matchExpressions is its share, the other's is the exact
// opposite: a pod is asked for once. What stands before it (exemptions) is the chart's.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "attest/selector.h"
#include "codec/json.h"

namespace avouch::control {

inline constexpr std::string_view kFailClosed = "pods.avouch.dev";
inline constexpr std::string_view kFailOpen = "pods-unenforced.avouch.dev";

// One requirement on a namespace's labels that every namespace meets in which an Enforce policy
// may gate a pod; as narrow as one requirement can be. No such policy: one that no namespace meets
// that is not exempt (Exists of the exempt label). Policies that have nothing in common: one that
// all of them meet. A mode that cannot be read counts as Enforce, a selector that cannot be read
// selects everything.
attest::LabelRequirement fail_closed_share(
    const std::vector<std::shared_ptr<const codec::Json>>& policies);

// Met by exactly the labels that do not meet `requirement`.
attest::LabelRequirement opposite(attest::LabelRequirement requirement);

// JSON Patch that gives both webhooks of `configuration` their shares, guarded by its
// resourceVersion; nothing where they have them, and where not both are there with a share to
// replace: one alone must not be narrowed.
std::optional<codec::Json> share_patch(const codec::Json& configuration,
                                       const attest::LabelRequirement& fail_closed);

}  // namespace avouch::control
