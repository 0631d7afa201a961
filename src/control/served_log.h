#pragma once

// A log as it is read by everybody, below its prefix: the resources of tlog-tiles and our own,
// docs/interfaces.md, 'Log, read side'.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"
#include "tlog/retention.h"
#include "tlog/store.h"

namespace avouch::control {

struct ServedLog {
  tlog::TileReader& tiles;
  const tlog::Retention* retention = nullptr;  // says what is denied; null: nothing
  // Where the size is set, the resource `shard` is answered.
  std::string origin = {};
  std::optional<std::uint64_t> size = {};
  // A stored checkpoint with the cosignatures that have come for it; may be empty: as it is.
  std::function<std::string(const std::string& note)> with_cosignatures = {};
  // The newest one with a quorum; may be empty: witnesses are not asked.
  std::function<std::optional<std::string>()> witnessed = {};
};

// What GET of `path`, without the prefix, is answered with: 404 for what is not there, 410 for what
// retention denies, 503 where the store cannot be read now.
HttpResponse serve_log(const ServedLog& log, std::string_view path);

}  // namespace avouch::control
