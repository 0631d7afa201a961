#include "control/shards_handler.h"

#include <algorithm>
#include <utility>

#include "codec/base64.h"
#include "codec/json.h"
#include "control/served_log.h"
#include "tlog/shard_name.h"

namespace avouch::control {
namespace {

using codec::Json;

HttpResponse not_now() {
  HttpResponse response =
      problem(503, "Overloaded", "the logs cannot be read now; try again later");
  response.headers.add("Retry-After", "1");
  return response;
}

}  // namespace

std::string shard_prefix(std::string_view label) {
  return std::string(kLogPrefix) + std::string(label) + (label.empty() ? "" : "/");
}

Result<BodyPlan> ShardsHandler::plan(const HttpRequest&) { return BodyPlan{}; }

void ShardsHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (request.method != "GET" && request.method != "HEAD") {
    return reply(problem(405, "MethodNotAllowed", "the log is read with GET"));
  }
  if (pool_ == nullptr) return reply(answer(request.path));
  const auto taken = pool_->post([this, path = request.path, reply] { reply(answer(path)); });
  if (taken == WorkPool::Taken::kFull) reply(not_now());
}

HttpResponse ShardsHandler::answer(const std::string& path) {
  if (path == kShardsPath) return list();
  std::string_view rest = std::string_view(path).substr(kLogPrefix.size());
  // What is of the log without a label begins with no label either.
  std::string label(rest.substr(0, rest.find('/')));
  if (rest.find('/') == std::string_view::npos || !tlog::begin_of(label)) label.clear();
  if (!label.empty()) rest.remove_prefix(label.size() + 1);
  const auto shard = parts_.closed.find(label);
  if (!shard.has_value()) {
    return shard.error().kind == ErrorKind::kRetryable
               ? not_now()
               : problem(500, "LogFailed", shard.error().message);
  }
  if (*shard == nullptr) {
    return problem(404, "NotFound",
                   "no log is there; " + std::string(kShardsPath) + " says where each of them is");
  }
  const tlog::ClosedLog& log = (*shard)->log;
  const std::string& note = (*shard)->note;
  return serve_log(ServedLog{.tiles = log.store(),
                             .retention = &log.retention(),
                             .origin = log.checkpoint().origin(),
                             .size = log.checkpoint().size(),
                             .with_cosignatures = [&note](const std::string&) { return note; },
                             .witnessed = [&]() -> std::optional<std::string> {
                               if (note == log.checkpoint().note()) return std::nullopt;
                               return note;
                             }},
                   rest);
}

HttpResponse ShardsHandler::list() {
  const auto closed = parts_.closed.list();
  if (!closed.has_value()) return not_now();
  Json::Array shards;
  const auto add = [&](const std::string& label,
                       const std::vector<tlog::NoteVerifier>& keys) -> Json& {
    std::string vkeys;
    for (const tlog::NoteVerifier& key : keys) {
      vkeys += (vkeys.empty() ? "" : "\n") + tlog::format_vkey(key);
    }
    shards.push_back(Json::Object{{"origin", tlog::shard_origin(parts_.closed.chain(), label)},
                                  {"vkey", vkeys},
                                  {"prefix", shard_prefix(label)}});
    return shards.back();
  };
  for (const ClosedShards::Line& line : closed->lines) {
    Json& out = add(line.label, line.keys);
    out["closed"] = true;
    out["size"] = static_cast<std::int64_t>(line.size);
    out["root"] = codec::to_base64(line.root);
    out["next"] = line.next;
  }
  const auto present =
      tlog::keys_for(tlog::shard_origin(parts_.closed.chain(), parts_.open_label), parts_.keys);
  if (!present.has_value()) return problem(500, "LogFailed", present.error().message);
  add(parts_.open_label, *present)["closed"] = false;
  Json body = Json::Object{{"version", std::int64_t{1}},
                           {"chain", parts_.closed.chain()},
                           {"shards", std::move(shards)}};
  if (!closed->not_served.empty()) {
    Json::Array not_served;
    for (const std::string& label : closed->not_served) {
      not_served.push_back(tlog::shard_origin(parts_.closed.chain(), label));
    }
    body["notServed"] = std::move(not_served);
  }
  HttpResponse response;
  response.status = 200;
  response.content_type = "application/json";
  response.headers.add("Cache-Control", "no-cache");
  response.headers.add("Access-Control-Allow-Origin", "*");
  response.body = codec::to_json(body);
  return response;
}

}  // namespace avouch::control
