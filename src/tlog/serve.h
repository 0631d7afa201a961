#pragma once

// The read side over HTTP: a path below the log's prefix to bytes and headers.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct ServedObject {
  Bytes body;
  std::string_view content_type;
  std::string_view cache_control;
};

// `path` without the prefix and a leading slash. Nothing for a path that names no resource, or one
// that is not there (404). A partial tile or bundle whose full one is stored is cut from that.
// kFatal if a stored object has not the size that its path says: it is not served.
Result<std::optional<ServedObject>> serve(TileReader& store, std::string_view path);

}  // namespace avouch::tlog
