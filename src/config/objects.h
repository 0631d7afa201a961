#pragma once

// Kubernetes objects in files, as kubectl reads them: YAML documents or JSON.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace avouch::config {

inline constexpr std::size_t kMaxObjectsBytes = 16 * 1024 * 1024;

// Every object of the text, those within a List each on its own. Empty documents are skipped.
// kRejected, with `name` and line: neither YAML nor JSON (which begins with a brace), a document
// that is no object or has no apiVersion and kind, more than kMaxObjectsBytes.
//
// Plain scalars are what YAML 1.2's core schema says: null, true, false, integers that fit int64;
// all else is text (a digest of decimal digits alone stays one).
Result<std::vector<codec::Json>> parse_objects(std::string_view text, std::string_view name);

}  // namespace avouch::config
