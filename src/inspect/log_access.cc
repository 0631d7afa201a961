#include "inspect/log_access.h"

#include <algorithm>

#include "base/hex.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "inspect/answer_detail.h"
#include "inspect/rights.h"
#include "kube/resource.h"
#include "tlog/signed_statement.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::chrono::seconds kTimeout{20};
constexpr std::size_t kMaxAnswer = 16 * 1024 * 1024;

// What is left of an entry whose content is gone, or the denial of what was pruned: the
// controller's own 410, and not the API server's.
bool is_gone(const HttpResponse& response) {
  if (response.status != 410) return false;
  const auto body = codec::parse_json(response.body, {.bytes = kMaxAnswer, .depth = 16});
  const std::string_view code = body.has_value() ? body->text({"code"}) : "";
  return code == "Erased" || code == "Pruned";
}

bool is_api_status(const HttpResponse& response) {
  const auto body = codec::parse_json(response.body);
  return body.has_value() && body->text({"kind"}) == "Status";
}

std::string status_remedy(const HttpResponse& response, const ReleaseName& release) {
  switch (response.status) {
    case 401:
      return "; the controller does not take the token of account " + release.name +
             "-reader: if that was made anew a moment ago, try again";
    case 403:
      if (is_api_status(response)) {
        return "; " + grant_text(Role::kLogReader, release, response.body);
      }
      return "; account " + release.name + "-reader has not the right: bind ClusterRole " +
             release.name + "-reader-nodes or " + release.name +
             "-reader-pods to it (docs/auditing.md)";
    case 404:
      return "; is the release there? Name it with --release and --release-namespace";
    default:
      return response.status >= 500 ? "; is the controller's pod ready?" : "";
  }
}

Result<UnverifiedListed> read_listed(codec::Fields fields, codec::FieldErrors& errors) {
  UnverifiedListed out;
  out.index = static_cast<std::uint64_t>(fields.required_integer("index", 0, INT64_MAX));
  out.kind = fields.required_string("kind", tlog::kMaxMediaType);
  out.statement = fields.base64("statement", 65'535).value_or(Bytes{});
  out.preimage = fields.base64("preimage", 65'535).value_or(Bytes{});
  out.withheld = fields.string("withheld").value_or("");
  for (const std::string_view name : {"erasedBy", "prunedBy"}) {
    if (!fields.has(name)) continue;
    out.erased_by = static_cast<std::uint64_t>(fields.required_integer(name, 0, INT64_MAX));
    out.is_pruned = name == "prunedBy";
  }
  if (!errors.empty()) return rejected("the controller's answer: " + errors.text());
  return out;
}

}  // namespace

Error LogAccess::unexpected(const HttpResponse& response, const std::string& path) {
  const std::string message = "the log cannot be read: GET " + path + ": " +
                              std::to_string(response.status) + ": " + detail_of(response) +
                              status_remedy(response, release_);
  if (response.status >= 500 || response.status == 429) return retryable(message);
  refused_ = true;
  return rejected(message);
}

LogAccess::LogAccess(kube::Transport& transport, const ReleaseName& release,
                     std::string reader_token)
    : transport_(transport),
      release_(release),
      prefix_("/api/v1/namespaces/" + release.ns + "/services/https:" + release.name +
              "-controller:443/proxy"),
      token_(std::move(reader_token)) {}

Result<HttpResponse> LogAccess::get(const std::string& path, const std::string& query,
                                    bool with_token) {
  HttpRequest request;
  request.method = "GET";
  request.path = prefix_ + path;
  request.query = query;
  if (with_token && !token_.empty()) request.headers.add("Avouch-Token", token_);
  return transport_.send(request, kTimeout, {});
}

Result<std::optional<Bytes>> LogAccess::fetch(std::string_view path) {
  AVOUCH_TRY(const HttpResponse response, get(tiles_ + std::string(path), "", false));
  // The controller's own 404 is an answer; the API server's says that there is no such release.
  if (response.status == 404 && !is_api_status(response)) return std::optional<Bytes>();
  if (is_gone(response)) return std::optional<Bytes>();
  if (response.status != 200) return unexpected(response, tiles_ + std::string(path));
  return std::optional(to_bytes(response.body));
}

Result<std::vector<UnverifiedShard>> LogAccess::shards() {
  constexpr std::size_t kMostShards = 1000;
  const std::string path = "/log/shards";
  AVOUCH_TRY(const HttpResponse response, get(path, "", false));
  // Of a controller that has one log and no list.
  if (response.status == 404) return std::vector<UnverifiedShard>();
  if (response.status != 200) return unexpected(response, path);
  AVOUCH_TRY(const Json body, codec::parse_json(response.body, {.bytes = kMaxAnswer, .depth = 8}));
  codec::FieldErrors errors;
  codec::Fields fields(body, "shards", errors);
  std::vector<UnverifiedShard> out;
  for (codec::Fields& each : fields.objects("shards", kMostShards)) {
    UnverifiedShard shard{each.required_string("origin", 512), each.required_string("prefix", 64),
                          each.boolean("closed").value_or(false)};
    const bool is_prefix = shard.prefix.starts_with("/log/") && shard.prefix.ends_with('/') &&
                           shard.prefix.find_first_of("?#% ") == std::string::npos &&
                           shard.prefix.find("..") == std::string::npos;
    if (!is_prefix) each.error("prefix", "expected /log/ or /log/LABEL/");
    out.push_back(std::move(shard));
  }
  not_served_ = fields.strings("notServed", kMostShards);
  if (!errors.empty()) return rejected("the controller's answer: " + errors.text());
  return out;
}

void LogAccess::select(const UnverifiedShard& shard) {
  tiles_ = shard.prefix;
  log_query_ = "log=" + kube::url_encode(shard.origin);
  is_closed_ = shard.is_closed;
}

std::string LogAccess::of_log(const std::string& query) const {
  if (query.empty() || log_query_.empty()) return query + log_query_;
  return query + "&" + log_query_;
}

Result<Bytes> LogAccess::receipt(std::uint64_t index) {
  if (is_closed_) {
    return rejected(
        "receipts are given by the newest of the release's logs alone, and this one is "
        "closed: export a tlog-proof of its entries");
  }
  const std::string path = "/entries/" + std::to_string(index);
  AVOUCH_TRY(const HttpResponse response, get(path, "", false));
  if (response.status != 200) return unexpected(response, path);
  return to_bytes(response.body);
}

Result<Json> LogAccess::get_json(const std::string& path, const std::string& query) {
  AVOUCH_TRY(const HttpResponse response, get(path, query, true));
  if (response.status != 200 && !is_gone(response)) return unexpected(response, path);
  return codec::parse_json(response.body, {.bytes = kMaxAnswer, .depth = 16});
}

Result<std::optional<Bytes>> LogAccess::get_kept(const std::string& path,
                                                 const std::string& query) {
  AVOUCH_TRY(const HttpResponse response, get(path, query, true));
  if (response.status == 200) return std::optional(to_bytes(response.body));
  const auto body = codec::parse_json(response.body);
  if (response.status == 404 && body.has_value() && body->text({"code"}) == "NotKept") {
    return std::optional<Bytes>();
  }
  return unexpected(response, path);
}

Result<std::optional<Bytes>> LogAccess::record(const std::string& node, const tlog::Hash& token) {
  return get_kept("/v1/records/sha256:" + to_hex(token), "node=" + kube::url_encode(node));
}

Result<std::optional<Bytes>> LogAccess::record_object(const std::string& node,
                                                      const tlog::Hash& token,
                                                      const tlog::Hash& object,
                                                      std::size_t max_bytes) {
  const std::string path = "/v1/records/sha256:" + to_hex(token) + "/sha256:" + to_hex(object);
  Bytes out;
  for (;;) {
    AVOUCH_TRY(const auto piece, get_kept(path, "node=" + kube::url_encode(node) +
                                                    "&offset=" + std::to_string(out.size())));
    if (!piece) return std::optional<Bytes>();
    if (piece->empty()) return std::optional(std::move(out));
    if (piece->size() > max_bytes - out.size()) {
      return rejected("object sha256:" + to_hex(object) + " has more than " +
                      std::to_string(max_bytes) + " bytes");
    }
    append(out, *piece);
  }
}

Result<UnverifiedListed> LogAccess::entry(std::uint64_t index) {
  AVOUCH_TRY(const Json body, get_json("/v1/log/entries/" + std::to_string(index), of_log("")));
  codec::FieldErrors errors;
  AVOUCH_TRY(UnverifiedListed listed, read_listed(codec::Fields(body, "entry", errors), errors));
  if (listed.index != index) return rejected("the controller answered with another entry");
  return listed;
}

Result<UnverifiedList> LogAccess::list(const std::string& query, int limit) {
  AVOUCH_TRY(const Json body,
             get_json("/v1/log/entries", of_log(query + "&limit=" + std::to_string(limit))));
  codec::FieldErrors errors;
  codec::Fields fields(body, "answer", errors);
  UnverifiedList out;
  for (codec::Fields& item : fields.objects("entries", 100)) {
    AVOUCH_TRY(UnverifiedListed listed, read_listed(std::move(item), errors));
    out.entries.push_back(std::move(listed));
  }
  if (fields.has("from")) {
    out.from = static_cast<std::uint64_t>(fields.required_integer("from", 0, INT64_MAX));
  }
  if (!errors.empty()) return rejected("the controller's answer: " + errors.text());
  return out;
}

Result<std::optional<UnverifiedRenewal>> LogAccess::renewal(const std::string& node,
                                                            const tlog::Hash& token_digest) {
  const std::string query =
      "node=" + kube::url_encode(node) + "&token=sha256:" + to_hex(token_digest);
  AVOUCH_TRY(const HttpResponse response, get("/v1/log/renewals", of_log(query), true));
  if (response.status == 404 && !is_api_status(response)) return std::optional<UnverifiedRenewal>();
  if (response.status != 200) return unexpected(response, "/v1/log/renewals");
  AVOUCH_TRY(const Json body, codec::parse_json(response.body, {.bytes = 64 * 1024, .depth = 8}));
  codec::FieldErrors errors;
  codec::Fields fields(body, "renewal", errors);
  UnverifiedRenewal out;
  out.epoch_index = static_cast<std::uint64_t>(fields.required_integer("epochIndex", 0, INT64_MAX));
  out.leaf_index = static_cast<std::uint64_t>(fields.required_integer("leafIndex", 0, INT64_MAX));
  out.size = static_cast<std::uint64_t>(fields.required_integer("size", 0, INT64_MAX));
  for (const std::string& text : fields.strings("path", 64)) {
    AVOUCH_TRY(const Bytes bytes, codec::from_base64(text));
    tlog::Hash hash;
    if (bytes.size() != hash.size()) return rejected("renewal.path: expected hashes of 32 bytes");
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    out.path.push_back(hash);
  }
  if (!errors.empty()) return rejected("the controller's answer: " + errors.text());
  return std::optional(std::move(out));
}

}  // namespace avouch::inspect
