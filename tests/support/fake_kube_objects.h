#pragma once

// What an API server does to objects, as pure functions: patches and selectors.

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace avouch::testing {

using codec::Json;

// RFC 7386.
void merge_patch(Json& target, const Json& patch);

// Like a merge patch, but lists called "conditions" are merged by their members' "type" and a
// member with "$patch": "delete" is removed. (Other lists with merge keys are replaced here.)
void strategic_merge_patch(Json& target, const Json& patch);

// RFC 6902: add, replace, remove, test. kRejected where an operation does not fit.
Result<void> json_patch(Json& target, const Json& operations);

// The paths of all leaves: "/spec/nodeName", "/status/conditions/type=Ready/status". Lists other
// than conditions are leaves.
std::set<std::string> leaf_paths(const Json& value);

// Server-side apply: `applied` goes into `target`; leaves that this manager owned before and no
// longer applies are removed, unless another manager owns them too. `owners`: leaves by manager.
// kRejected names the conflicting manager when another one owns a leaf that would change.
Result<void> server_side_apply(Json& target, const Json& applied, const std::string& manager,
                               bool force, std::map<std::string, std::set<std::string>>& owners);

// "a=b,c!=d,e in (f,g),h notin (i),j,!k"
bool matches_labels(const Json& object, std::string_view selector);
// "metadata.name=x,spec.nodeName!=y"
bool matches_fields(const Json& object, std::string_view selector);

}  // namespace avouch::testing
