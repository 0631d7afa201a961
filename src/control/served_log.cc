#include "control/served_log.h"

#include "tlog/serve.h"
#include "tlog/shard.h"
#include "tlog/tile.h"

namespace avouch::control {
namespace {

constexpr std::string_view kWitnessedPart = "witnessed/";
constexpr std::string_view kCheckpointPath = "checkpoint";
constexpr std::string_view kJsonType = "application/json", kNotKept = "no-cache";

std::optional<HttpResponse> deny(const tlog::Retention& retention, std::string_view path) {
  const auto resource = tlog::parse_resource(path);
  if (!resource.has_value() || resource->kind == tlog::Resource::Kind::kCheckpoint) {
    return std::nullopt;
  }
  if (!retention.denies(resource->tile)) return std::nullopt;
  HttpResponse response =
      problem(410, "Pruned",
              "the log's minimum index is " + std::to_string(retention.pruning.minimum_index) +
                  ", as entry " + std::to_string(retention.pruning_index.value_or(0)) +
                  " says: full tiles and bundles that end there or before are not served any more");
  response.headers.add("Access-Control-Allow-Origin", "*");
  return response;
}

Result<std::optional<tlog::ServedObject>> find(const ServedLog& log, std::string_view path,
                                               bool is_witnessed) {
  using Served = std::optional<tlog::ServedObject>;
  if (is_witnessed && !log.witnessed) return Served();
  if (path == tlog::kRetentionPath && log.retention != nullptr) {
    return Served(tlog::ServedObject{tlog::format_retention(*log.retention), kJsonType, kNotKept});
  }
  if (path == tlog::kShardPath && log.size) {
    AVOUCH_TRY(Bytes body, tlog::make_shard_resource(log.tiles, log.origin, *log.size));
    return Served(tlog::ServedObject{std::move(body), kJsonType, kNotKept});
  }
  AVOUCH_TRY(Served served, tlog::serve(log.tiles, path));
  if (!served || path != kCheckpointPath) return served;
  if (is_witnessed) {
    const auto witnessed = log.witnessed();
    if (!witnessed) return Served();
    served->body = to_bytes(*witnessed);
  } else if (log.with_cosignatures) {
    served->body = to_bytes(log.with_cosignatures(std::string(as_text(served->body))));
  }
  return served;
}

}  // namespace

HttpResponse serve_log(const ServedLog& log, std::string_view path) {
  const bool is_witnessed = path.starts_with(kWitnessedPart);
  if (is_witnessed) path.remove_prefix(kWitnessedPart.size());
  if (log.retention != nullptr) {
    if (auto denied = deny(*log.retention, path)) return *std::move(denied);
  }
  const auto served = find(log, path, is_witnessed);
  if (!served.has_value() && served.error().kind == ErrorKind::kRetryable) {
    // Anybody may ask: what a database or a disk said is in the program's log.
    HttpResponse response =
        problem(503, "Overloaded", "the log cannot be read now; try again later");
    response.headers.add("Retry-After", "1");
    return response;
  }
  if (!served.has_value()) {
    return served.error().kind == ErrorKind::kRejected
               ? problem(400, "Malformed", served.error().message)
               : problem(500, "LogFailed", served.error().message);
  }
  if (!served->has_value()) return problem(404, "NotFound", "the log has no such resource");
  HttpResponse response;
  response.status = 200;
  response.content_type = (*served)->content_type;
  response.headers.add("Cache-Control", std::string((*served)->cache_control));
  response.headers.add("Access-Control-Allow-Origin", "*");
  response.body = as_text((*served)->body);
  return response;
}

}  // namespace avouch::control
