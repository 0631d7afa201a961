#include "control/status_digest.h"

#include <algorithm>
#include <string>
#include <utility>

#include "control/names.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr std::string_view kTime = "lastTransitionTime";

Json without_nulls(const Json& value) {
  if (value.as_object() == nullptr) return value;
  Json::Object out;
  for (const auto& [name, member] : *value.as_object()) {
    if (!member.is_null()) out[name] = without_nulls(member);
  }
  return Json(std::move(out));
}

// Ours, by type.
Json conditions_of(const Json& conditions, bool timed) {
  Json::Array out;
  for (const Json& condition : *conditions.as_array()) {
    const bool ours = std::find(kEvidenceConditions.begin(), kEvidenceConditions.end(),
                                condition.text({"type"})) != kEvidenceConditions.end();
    if (!ours) continue;
    out.push_back(condition);
    out.back()[kTime] = timed || !condition.text({kTime}).empty();
  }
  std::stable_sort(out.begin(), out.end(), [](const Json& a, const Json& b) {
    return a.text({"type"}) < b.text({"type"});
  });
  return Json(std::move(out));
}

crypto::Sha256 digest(const Json& status, bool timed) {
  Json ours = without_nulls(status);
  if (const Json* conditions = ours.find("conditions");
      conditions != nullptr && conditions->as_array() != nullptr) {
    ours["conditions"] = conditions_of(Json(*conditions), timed);
  }
  return crypto::sha256(codec::to_json(ours));
}

}  // namespace

crypto::Sha256 digest_of_wanted(const Json& status) { return digest(status, true); }
crypto::Sha256 digest_of_live(const Json& status) { return digest(status, false); }

}  // namespace avouch::control
