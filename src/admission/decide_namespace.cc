#include <algorithm>

#include "admission/decide.h"
#include "admission/decide_parts.h"
#include "admission/text.h"

namespace avouch::admission {
namespace {

std::optional<std::string> exempt_label(const codec::JsonView& object) {
  const codec::JsonView value = object.find_path({"metadata", "labels", kExemptLabel});
  if (!value.exists()) return std::nullopt;
  return std::string(value.as_string().value_or(std::string_view()));
}

bool may_exempt(const Caller& caller, const Rules& rules) {
  const auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  return has(rules.exemption_users, caller.username) ||
         std::any_of(caller.groups.begin(), caller.groups.end(),
                     [&](const std::string& group) { return has(rules.exemption_groups, group); });
}

}  // namespace

std::size_t exempt_by_label(const Snapshot& snapshot, const Rules& rules) {
  const auto& named = rules.exempt_namespaces;
  return static_cast<std::size_t>(
      std::count_if(snapshot.namespaces.begin(), snapshot.namespaces.end(), [&](const auto& entry) {
        return entry.second->find(kExemptLabel) != entry.second->end() &&
               std::find(named.begin(), named.end(), entry.first) == named.end();
      }));
}

// Subresources too: a namespace's labels can also be changed through its status and finalize.
Decision decide_namespace(const DecisionInput& input) {
  const Review& review = input.review;
  const bool update = review.operation == "UPDATE";
  if (!review.group.empty() || review.version != "v1" || review.resource != "namespaces" ||
      (!update && review.operation != "CREATE") || !review.object.exists()) {
    return deny(code::kInvalid,
                "exemptions.avouch.dev decides CREATE and UPDATE of namespaces only; correct the "
                "rules of the ValidatingWebhookConfiguration");
  }
  if (exempt_label(review.object) == exempt_label(review.old_object)) return allow();
  if (may_exempt(review.caller, input.rules)) return allow();
  return deny(code::kNotAllowed,
              "the label " + std::string(kExemptLabel) +
                  " takes a namespace out of attestation, so " +
                  "only the users and groups of exemptionAdmins in the webhook's configuration may "
                  "set, change or remove it; the caller is " +
                  quote(review.caller.username));
}

}  // namespace avouch::admission
