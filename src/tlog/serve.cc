#include "tlog/serve.h"

#include "tlog/bundle.h"
#include "tlog/client.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8",
                           kBinary = "application/octet-stream";
constexpr std::string_view kFresh = "no-cache", kForever = "max-age=31536000, immutable";

// Whether `body` has the size that the resource's path says.
Result<void> check_shape(const Resource& resource, ByteView body) {
  if (resource.kind == Resource::Kind::kTile) {
    AVOUCH_CHECK(parse_tile(body, resource.tile.width));
  } else if (resource.kind == Resource::Kind::kBundle) {
    AVOUCH_TRY(const Bytes whole, bundle_prefix(body, resource.tile.width));
    if (whole.size() != body.size()) return rejected("bundle has bytes behind its last entry");
  }
  return {};
}

}  // namespace

Result<std::optional<ServedObject>> serve(TileReader& store, std::string_view path) {
  const auto resource = parse_resource(path);
  if (!resource.has_value()) return std::optional<ServedObject>();
  auto found = find_resource(store, *resource);
  if (!found.has_value()) {
    const ErrorKind kind = found.error().kind;
    return Error{kind == ErrorKind::kRejected ? ErrorKind::kFatal : kind,
                 "stored " + std::string(path) + ": " + found.error().message};
  }
  if (!*found) return std::optional<ServedObject>();
  Bytes body = std::move(**found);
  if (const auto shape = check_shape(*resource, body); !shape.has_value()) {
    return fatal("stored " + std::string(path) + ": " + shape.error().message);
  }
  const bool is_checkpoint = resource->kind == Resource::Kind::kCheckpoint;
  return std::optional(ServedObject{std::move(body), is_checkpoint ? kText : kBinary,
                                    is_checkpoint ? kFresh : kForever});
}

}  // namespace avouch::tlog
