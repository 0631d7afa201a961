#pragma once

// An object of the API server, from its text.

#include <cstddef>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "codec/fast_json.h"
#include "codec/json.h"

namespace avouch::kube {

// As much as the text of an object can take where etcd has its default limit of 1.5 MiB for a
// request: as JSON a stored byte has up to six characters (an escape), and whoever may write one
// field of an object can see to that. For objects that others write and that must not be missed;
// read a part of them, as a tree of small members takes up to sixty times its text.
inline constexpr std::size_t kMaxStoredObjectBytes = 10 * 1024 * 1024;

// What is made of an object. It must leave apiVersion, kind and, of metadata, name, namespace, uid
// and resourceVersion alone.
using ReadObject = std::function<codec::Json(const codec::JsonView& object)>;

// kRejected: it is no JSON, or more than `max_bytes`. Without `read` all of it; else memory for
// about twelve times the text, for as long as it is read, and for what `read` makes of it.
Result<codec::Json> parse_object(std::string_view text, std::size_t max_bytes,
                                 const ReadObject& read);

}  // namespace avouch::kube
