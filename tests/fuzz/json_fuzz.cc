// Strict JSON: what is accepted comes back the same from every form in which we write it.

#include <cstdint>
#include <cstdlib>

#include "codec/json.h"
#include "codec/utf8.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::json_target {
namespace {

using avouch::codec::Json;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

AVOUCH_FUZZ_TARGET("json_fuzz") {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = avouch::codec::parse_json(text, {.bytes = 64 * 1024, .depth = 32});
  if (!value.has_value()) {
    require(value.error().kind == avouch::ErrorKind::kRejected);
    require(avouch::codec::is_utf8(value.error().message));
    return 0;
  }
  require(avouch::codec::is_utf8(text));
  const std::string compact = avouch::codec::to_json(*value);
  const auto again = avouch::codec::parse_json(compact);
  require(again.has_value() && *again == *value);
  require(avouch::codec::to_json(*again) == compact);
  const auto pretty = avouch::codec::parse_json(avouch::codec::to_json_pretty(*value));
  require(pretty.has_value() && *pretty == *value);
  const auto canonical = avouch::codec::canonical_json(*value);
  if (canonical.has_value()) {
    const auto reread = avouch::codec::parse_json(*canonical);
    require(reread.has_value() && *reread == *value);
    require(avouch::codec::canonical_json(*reread).value() == *canonical);
  }
  return 0;
}

}  // namespace avouch::fuzzing::json_target
