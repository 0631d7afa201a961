#include "control/log_handler.h"

#include <charconv>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "attest/policy.h"
#include "base/hex.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "control/admission_entries.h"
#include "control/intake_handler.h"
#include "control/remark_rights.h"
#include "control/served_log.h"
#include "crypto/short_digest.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/signed_statement.h"

namespace avouch::control {
namespace {

using codec::Json;

constexpr std::string_view kLogEntries = "/v1/log/entries";
constexpr std::string_view kRenewals = "/v1/log/renewals";
constexpr std::size_t kMaxListed = 100;
constexpr std::size_t kListedByDefault = 20;
constexpr std::size_t kUnknownBody = 64 * 1024;
constexpr std::size_t kMostLookThrough = 3;       // at once, one for each who shares a turn
constexpr std::size_t kGroupsLookedThrough = 64;  // of 256 entries, for one request

HttpResponse uncached_json(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.headers.add("Cache-Control", "no-store");
  response.body = codec::to_json(body);
  return response;
}

// A problem with all that is left of an entry whose content was erased or pruned.
HttpResponse erased_entry(Json shown) {
  const Json why = shown["withheld"];
  const std::string_view code = shown.find("prunedBy") != nullptr ? "Pruned" : "Erased";
  shown["type"] = "about:blank";
  shown["title"] = code;
  shown["status"] = std::int64_t{410};
  shown["code"] = code;
  shown["detail"] = why;
  HttpResponse response = uncached_json(410, shown);
  response.content_type = "application/problem+json";
  return response;
}

HttpResponse overloaded(std::string_view detail) {
  HttpResponse response = problem(503, "Overloaded", detail);
  response.headers.add("Retry-After", "1");
  return response;
}

HttpResponse read_only(const std::string& why) {
  HttpResponse response =
      problem(503, "LogReadOnly", "the log takes no entries and signs nothing: " + why);
  response.headers.add("Retry-After", "60");
  return response;
}

HttpResponse no_room(const LogVolume& volume) {
  const auto space = volume.space();
  return overloaded("the log's volume is short of space" +
                    (space.has_value() ? ": " + describe(*space) : std::string()) +
                    "; they are kept for verdicts on nodes");
}

// The pod that the caller's token is bound to: each replica has a budget of its own, whatever token
// of its it shows. Tokens that are bound to none have one together.
RateLimits::Key budget_of(const kube::UserInfo& user) {
  const std::string pod = user.first_extra("authentication.kubernetes.io/pod-uid");
  return crypto::short_digest(pod.empty() ? "user " + user.username : "pod " + pod);
}

HttpResponse beyond_budget(const AppendLimits& limits, std::chrono::milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  HttpResponse response = problem(429, "OverBudget",
                                  "this webhook has added as much to the log as it may (" +
                                      std::to_string(limits.burst) + " bytes at once, " +
                                      std::to_string(limits.per_second) +
                                      " a second after that); the request has room "
                                      "in " +
                                      std::to_string(seconds) + " s");
  response.headers.add("Retry-After", std::to_string(seconds));
  return response;
}

HttpResponse not_the_webhook(const Caller& caller) {
  return problem(
      403, "NotTheWebhook",
      "\"" + caller.user.username + "\" is not the webhook's service account; nobody else appends");
}

HttpResponse failed(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kRejected:
      return problem(400, "Malformed", error.message);
    case ErrorKind::kRetryable:
      return overloaded(error.message);
    case ErrorKind::kFatal:
      break;
  }
  return problem(500, "LogFailed", error.message);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string text_of(const codec::Cbor& payload, std::string_view name) {
  const codec::Cbor* member = payload.find(name);
  const std::string* text = member == nullptr ? nullptr : member->as_text();
  return text == nullptr ? std::string() : *text;
}

kube::AccessQuestion may_read_node(std::string node) {
  return {.verb = "get",
          .group = "avouch.dev",
          .resource = "attestationevidences",
          .subresource = "",
          .ns = "",
          .name = std::move(node)};
}

// No such resource is served: it is there only for roles to name, so that a reader of the log needs
// no right on the pods themselves.
kube::AccessQuestion may_read_admissions(std::string ns) {
  return {.verb = "get",
          .group = "avouch.dev",
          .resource = "admissionverdicts",
          .subresource = "",
          .ns = std::move(ns),
          .name = ""};
}

kube::AccessQuestion may_read_remarks(tlog::RemarkKind kind) {
  return {.verb = "get",
          .group = "avouch.dev",
          .resource = remark_resource(kind),
          .subresource = "",
          .ns = "",
          .name = ""};
}

std::string needs(const kube::AccessQuestion& question) {
  std::string out = "needs \"get\" on " + question.resource;
  if (!question.name.empty()) out += " \"" + question.name + "\"";
  if (!question.ns.empty()) out += " in namespace \"" + question.ns + "\"";
  return out;
}

// Kinds whose content every authenticated caller may see: nothing in them is about a node or a pod.
bool is_open(std::string_view kind) {
  return kind == tlog::kGenesis || kind == tlog::kEpoch || kind == tlog::kPolicyChange ||
         kind == tlog::kRetentionKind || kind == tlog::kPruningKind || kind == tlog::kShardKind;
}

// What the caller must be allowed to read to be shown an entry; nothing for a kind that this
// version knows no rule for: nobody is shown it.
std::optional<kube::AccessQuestion> question_for(std::string_view kind,
                                                 const codec::Cbor& payload) {
  if (kind == tlog::kNodeVerdict) return may_read_node(text_of(payload, "node"));
  if (kind == tlog::kAdmissionVerdict) return may_read_admissions(text_of(payload, "namespace"));
  if (const auto remark = tlog::remark_kind(kind)) return may_read_remarks(*remark);
  return std::nullopt;
}

// What entries are to be about, and what is needed to ask that: it is what their pseudonyms hide.
struct ListedSubject {
  std::string key;
  std::vector<kube::AccessQuestion> rights;
  std::uint64_t since = 0;  // no entry before is about it
};

std::string query_text(std::string_view query, std::string_view name) {
  const auto found = query_value(query, name);
  return found.has_value() ? found->value_or("") : std::string();
}

// Nothing where the query names none, or two.
std::optional<ListedSubject> listed_subject(std::string_view query, std::string_view own_origin) {
  const std::string node = query_text(query, "node");
  const std::string ns = query_text(query, "namespace");
  const std::string pod = query_text(query, "pod");
  const std::string uid = query_text(query, "uid");
  const std::string entry = query_text(query, "refersTo");
  const std::string origin = query_text(query, "origin");
  const bool is_pod = !ns.empty() && !pod.empty();
  if ((node.empty() ? 0 : 1) + (is_pod ? 1 : 0) + (entry.empty() ? 0 : 1) != 1) return std::nullopt;
  if ((!uid.empty() && !is_pod) || (!origin.empty() && entry.empty())) return std::nullopt;
  if (!node.empty()) return ListedSubject{node_key(node), {may_read_node(node)}};
  if (is_pod) return ListedSubject{pod_key(ns, pod, uid), {may_read_admissions(ns)}};
  const auto index = parse_number(entry);
  if (!index) return std::nullopt;
  const bool is_own = origin.empty() || origin == own_origin;
  ListedSubject out{.key = entry_key(is_own ? own_origin : origin, *index), .rights = {}};
  if (is_own) out.since = *index + 1;
  for (const auto& [kind, resource] : kRemarkResources)
    out.rights.push_back(may_read_remarks(kind));
  return out;
}

// `places` of those that are kept.
HttpResponse append_answer(const std::string& origin, const std::vector<bool>& kept,
                           const std::vector<LogPlace>& places) {
  Json::Array results;
  auto place = places.begin();
  for (const bool is_kept : kept) {
    if (!is_kept) {
      results.push_back(Json::Object{{"leftOut", true}});
      continue;
    }
    results.push_back(Json::Object{{"index", static_cast<std::int64_t>(place->index)},
                                   {"leafHash", to_hex(place->leaf_hash)}});
    ++place;
  }
  Json answer = Json::Object{{"results", std::move(results)}};
  if (!places.empty()) answer["origin"] = origin;
  return uncached_json(200, answer);
}

}  // namespace

Result<BodyPlan> TileHandler::plan(const HttpRequest&) { return BodyPlan{}; }

void TileHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (request.method != "GET" && request.method != "HEAD") {
    return reply(problem(405, "MethodNotAllowed", "the log is read with GET"));
  }
  const std::string path = request.path.substr(prefix_.size());
  if (pool_ == nullptr) return serve(path, reply);
  if (pool_->post([this, path, reply] { serve(path, reply); }) == WorkPool::Taken::kFull) {
    reply(overloaded("too many requests wait for the log; try again later"));
  }
}

void TileHandler::serve(std::string_view path, const Reply& reply) {
  std::shared_ptr<const tlog::Retention> retention;
  ServedLog served{.tiles = tiles_};
  if (log_ != nullptr) {
    retention = log_->retention();
    served.retention = retention.get();
    const tlog::VerifiedCheckpoint at = log_->checkpoint();
    served.origin = at.origin();
    served.size = at.size();
  }
  if (notes_ != nullptr) {
    served.with_cosignatures = [this](const std::string& note) {
      return notes_->with_cosignatures(note);
    };
    served.witnessed = [this]() -> std::optional<std::string> {
      const auto witnessed = notes_->witnessed();
      return witnessed ? std::optional(witnessed->note) : std::nullopt;
    };
  }
  reply(serve_log(served, path));
}

LogHandler::LogHandler(LogParts parts, Reception& appends, Reception& readers,
                       kube::AccessReviewer& access)
    : parts_(std::move(parts)),
      appends_(appends),
      readers_(readers),
      access_(access),
      budgets_(std::make_shared<RateLimits>(static_cast<double>(parts_.appends.burst),
                                            static_cast<double>(parts_.appends.per_second))) {}

Result<BodyPlan> LogHandler::plan(const HttpRequest& head) {
  if (head.method != "POST" || head.path != kLogEntries) return BodyPlan{};
  // A caller that is not known gets little memory: more than a few verdicts need.
  const auto length = head.headers.find("Content-Length");
  const auto announced = length ? parse_number(*length) : std::nullopt;
  if (announced && *announced <= kUnknownBody) {
    return BodyPlan{.limit = kUnknownBody, .sink = nullptr};
  }
  if (auto refusal = without_token(head.headers)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  AVOUCH_TRY(const Caller caller, appends_.known(head));
  if (caller.role != Caller::Role::kWebhook)
    return BodyPlan{.limit = kUnknownBody, .sink = nullptr};
  return BodyPlan{.limit = kMaxAdmissionBytes, .sink = nullptr};
}

void LogHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = without_token(request.headers)) return reply(*std::move(refusal));
  const bool appends = request.method == "POST" && request.path == kLogEntries;
  if (appends) {  // others take no place there
    const auto caller = appends_.recognise(request);
    if (caller && caller->role != Caller::Role::kWebhook) return reply(not_the_webhook(*caller));
  }
  auto shared = std::make_shared<HttpRequest>(std::move(request));
  const auto taken = (appends ? appends_ : readers_)
                         .receive(*shared, [this, shared, reply](const Result<Caller>& caller) {
                           serve(*shared, caller, reply);
                         });
  if (taken == WorkPool::Taken::kFull) {
    reply(overloaded("too many requests wait; try again later"));
  }
}

void LogHandler::serve(const HttpRequest& request, const Result<Caller>& caller,
                       const Reply& reply) {
  if (!caller.has_value()) return reply(unauthenticated(caller.error()));
  const std::string_view path = request.path;
  if (request.method == "POST" && path == kLogEntries) return append(*caller, request, reply);
  if (request.method != "GET") {
    return reply(problem(405, "MethodNotAllowed", "expected GET, or POST /v1/log/entries"));
  }
  reply(read(*caller, path, request.query));
}

HttpResponse LogHandler::read(const Caller& caller, std::string_view path, std::string_view query) {
  const auto which = query_value(query, "log");
  if (!which.has_value()) return failed(which.error());
  const std::string origin = which->value_or(parts_.origin);
  Shard shard;
  if (origin != parts_.origin) {
    const auto label = parts_.closed == nullptr ? std::nullopt : parts_.closed->label_of(origin);
    auto found = label ? parts_.closed->find(*label) : Result<Shard>(Shard());
    if (!found.has_value()) return failed(found.error());
    if (*found == nullptr) {
      return problem(404, "NoSuchLog", "query: log: expected an origin that /log/shards lists");
    }
    shard = *std::move(found);
  }
  if (path == kLogEntries) return list(caller, query, shard);
  // Of a closed log they are not kept: what stood at its end is in the first epoch of the next.
  if (path == kRenewals && shard == nullptr) return renewal(caller, query);
  if (path.starts_with(kLogEntries) && path.size() > kLogEntries.size() &&
      path[kLogEntries.size()] == '/') {
    return entry(caller, path.substr(kLogEntries.size() + 1), shard);
  }
  return problem(404, "NotFound",
                 "expected /v1/log/entries, /v1/log/entries/N or "
                 "/v1/log/renewals?node=NAME&token=sha256:HEX");
}

void LogHandler::append(const Caller& caller, const HttpRequest& request, const Reply& reply) {
  if (caller.role != Caller::Role::kWebhook) {
    return reply(not_the_webhook(caller));
  }
  if (const auto why = parts_.log.status().read_only) return reply(read_only(*why));
  auto entries = parse_admission_entries(request.body, parts_.clock.now());
  if (!entries.has_value()) return reply(failed(entries.error()));
  if (!parts_.volume.takes_allows()) return reply(no_room(parts_.volume));
  const auto accepted = query_value(request.query, "leftOut");
  const bool leaves_out = accepted.has_value() && accepted->value_or("") == "accepted" &&
                          !parts_.volume.takes_denials();
  std::vector<bool> kept;
  std::size_t cost = 0;
  for (const AdmissionEntry& entry : *entries) {
    kept.push_back(!leaves_out || entry.decision != "deny");
    if (kept.back()) cost += entry.bytes + kAppendOverhead;
  }
  const RateLimits::Key sender = budget_of(caller.user);
  const auto spent = static_cast<double>(cost);
  if (const auto wait = budgets_->spend(sender, spent, parts_.clock.steady_now())) {
    ++over_budget_;
    return reply(beyond_budget(parts_.appends, *wait));
  }
  std::vector<EntryToLog> made;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    AdmissionEntry& entry = (*entries)[i];
    if (!kept[i]) {
      ++left_out_;
      continue;
    }
    auto statement = tlog::make_entry(
        parts_.verifier_key,
        {.issuer = parts_.origin,
         .subject = tlog::pod_pseudonym(parts_.pseudonym_key, entry.pod_namespace, entry.pod),
         .kind = std::string(tlog::kAdmissionVerdict),
         .payload = std::move(entry.payload)},
        parts_.random);
    if (!statement.has_value()) return reply(failed(statement.error()));
    // A repeated review gets its entry again, but an allow never gets the place of a denial.
    made.push_back({std::move(statement->statement), std::move(statement->preimage),
                    entry.id + "/" + entry.decision});
  }
  if (made.empty()) return reply(append_answer(parts_.origin, kept, {}));
  // Where the log fails, what waits is sent again and again: that costs nothing.
  parts_.entries.append_then(
      std::move(made), [reply, origin = parts_.origin, kept = std::move(kept), budgets = budgets_,
                        sender, spent](Result<std::vector<LogPlace>> places) {
        if (!places.has_value()) {
          budgets->give_back(sender, spent);
          return reply(failed(places.error()));
        }
        reply(append_answer(origin, kept, *places));
      });
}

HttpResponse LogHandler::entry(const Caller& caller, std::string_view number, const Shard& shard) {
  const auto index = parse_number(number);
  if (!index) return problem(400, "Malformed", "expected /v1/log/entries/N, N a number");
  const std::uint64_t size =
      shard == nullptr ? parts_.log.status().sequenced : shard->log.checkpoint().size();
  if (*index >= size) {
    return problem(404, "NotFound", "the log has " + std::to_string(size) + " entries");
  }
  const auto shown = show(caller, *index, shard);
  if (!shown.has_value()) return failed(shown.error());
  if (shown->find("erasedBy") != nullptr || shown->find("prunedBy") != nullptr) {
    return erased_entry(*shown);
  }
  return uncached_json(200, *shown);
}

std::optional<HttpResponse> LogHandler::refuse(const Caller& caller,
                                               const kube::AccessQuestion& question,
                                               std::string_view purpose) {
  const auto access = access_.check(caller.user, question);
  if (!access.has_value()) return failed(retryable(access.error().message));
  if (*access == kube::Access::kAllowed) return std::nullopt;
  return problem(
      403, "NotEntitled",
      "\"" + caller.user.username + "\" " + needs(question) + " " + std::string(purpose));
}

// One look through old entries, where there is room for one more.
class LogHandler::LookThrough {
 public:
  LookThrough(Further& all, std::string turn) : all_(all), turn_(std::move(turn)) {
    const std::lock_guard lock(all_.mutex);
    is_there_ = all_.turns.size() < kMostLookThrough && all_.turns.insert(turn_).second;
  }
  ~LookThrough() {
    if (!is_there_) return;
    const std::lock_guard lock(all_.mutex);
    all_.turns.erase(turn_);
  }
  LookThrough(const LookThrough&) = delete;
  LookThrough& operator=(const LookThrough&) = delete;

  bool is_there() const { return is_there_; }

 private:
  Further& all_;
  const std::string turn_;
  bool is_there_ = false;
};

HttpResponse LogHandler::list(const Caller& caller, std::string_view query, const Shard& shard) {
  const auto subject =
      listed_subject(query, shard == nullptr ? parts_.origin : shard->log.checkpoint().origin());
  if (!subject) {
    return problem(400, "Malformed",
                   "query: expected node=NAME; or namespace=NS and pod=NAME, and uid=UID for the "
                   "pod's own alone; or refersTo=N, and origin=ORIGIN for an entry of another log");
  }
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t limit = kListedByDefault;
  for (const auto& [name, target] : {std::pair{"before", &before}, std::pair{"limit", &limit}}) {
    const std::string text = query_text(query, name);
    if (text.empty()) continue;
    const auto parsed = parse_number(text);
    if (!parsed) {
      return problem(400, "Malformed", std::string("query: ") + name + ": expected a number");
    }
    *target = *parsed;
  }
  if (limit == 0 || limit > kMaxListed) {
    return problem(400, "Malformed", "query: limit: expected 1 to 100");
  }
  for (const kube::AccessQuestion& right : subject->rights) {
    if (auto refusal = refuse(caller, right, "to list the entries about it")) {
      return *std::move(refusal);
    }
  }
  const std::string& key = subject->key;
  std::vector<std::uint64_t> found;
  std::uint64_t from = std::min(before, parts_.log.checkpoint().size());
  if (shard == nullptr) {
    found = parts_.index.find(key, before, limit);
  } else {
    from = std::min(before, shard->log.checkpoint().size());
  }
  if (shard == nullptr && found.size() < limit) from = std::min(from, parts_.index.known_from(key));
  tlog::TileReader& tiles = shard == nullptr ? parts_.tiles : shard->log.store();
  if (found.size() == limit) {
    from = found.back();
  } else if (from > subject->since) {
    const LookThrough turn(further_, turn_of(caller.user));
    if (!turn.is_there()) {
      return overloaded(
          "old entries are looked through already, for you or for others; try again "
          "later");
    }
    const auto more = find_further(tiles, key, from, limit - found.size(), kGroupsLookedThrough);
    if (!more.has_value()) return failed(more.error());
    found.insert(found.end(), more->indexes.begin(), more->indexes.end());
    from = more->from;
  }
  Json::Array out;
  for (const std::uint64_t index : found) {
    auto shown = show(caller, index, shard);
    if (!shown.has_value()) return failed(shown.error());
    out.push_back(*std::move(shown));
  }
  return uncached_json(
      200, Json::Object{{"entries", std::move(out)}, {"from", static_cast<std::int64_t>(from)}});
}

HttpResponse LogHandler::renewal(const Caller& caller, std::string_view query) {
  const auto text = query_value(query, "token");
  if (!text.has_value()) return failed(text.error());
  const auto digest = attest::parse_digest_text(text->value_or(""));
  if (!digest.has_value()) {
    return problem(400, "Malformed", "query: token: expected sha256: and 64 hexadecimal digits");
  }
  const auto node = query_value(query, "node");
  if (!node.has_value() || node->value_or("").empty()) {
    return problem(400, "Malformed", "query: expected node=NAME, the node of the token");
  }
  if (auto refusal = refuse(caller, may_read_node(**node), "to ask for renewals of its tokens")) {
    return *std::move(refusal);
  }
  const auto proof = parts_.renewals.find(*digest);
  if (!proof.has_value()) return failed(proof.error());
  if (!proof->has_value()) {
    return problem(404, "NotFound",
                   "no epoch that is kept has this token; a token that came with a change has an "
                   "entry of its own, and the newest one is entered within a period");
  }
  Json::Array path;
  for (const tlog::Hash& hash : (*proof)->path) path.push_back(codec::to_base64(hash));
  return uncached_json(
      200, Json::Object{{"epochIndex", static_cast<std::int64_t>((*proof)->epoch_index)},
                        {"leafIndex", static_cast<std::int64_t>((*proof)->leaf_index)},
                        {"size", static_cast<std::int64_t>((*proof)->size)},
                        {"path", std::move(path)}});
}

Result<Json> LogHandler::show(const Caller& caller, std::uint64_t index, const Shard& shard) {
  AVOUCH_TRY(const tlog::StoredEntry stored,
             shard == nullptr ? parts_.log.get(index) : shard->log.get(index));
  const std::string& origin = shard == nullptr ? parts_.origin : shard->log.checkpoint().origin();
  if (tlog::begins_as_hashed_rekord(stored.entry)) {
    return Json(
        Json::Object{{"index", static_cast<std::int64_t>(index)},
                     {"kind", tlog::kHashedRekord},
                     {"statement", codec::to_base64(stored.entry)},
                     {"withheld", "a signature of another party: what it is over is theirs"}});
  }
  if (const auto other = tlog::statement_of_another(stored.entry, origin)) {
    return Json(Json::Object{{"index", static_cast<std::int64_t>(index)},
                             {"kind", other->content_type},
                             {"statement", codec::to_base64(stored.entry)},
                             {"withheld", "a statement of another party: its content is theirs"}});
  }
  AVOUCH_TRY(const tlog::UnverifiedStatement statement,
             tlog::parse_statement_unverified(stored.entry));
  Json out = Json::Object{{"index", static_cast<std::int64_t>(index)},
                          {"kind", statement.kind},
                          {"statement", codec::to_base64(stored.entry)}};
  if (stored.is_pruned) {
    out["prunedBy"] = static_cast<std::int64_t>(*stored.erased_by);
    out["withheld"] = "the content was pruned: entry " + std::to_string(*stored.erased_by) +
                      " says how far the log's retention policy has come";
    return out;
  }
  if (stored.erased_by) {
    out["erasedBy"] = static_cast<std::int64_t>(*stored.erased_by);
    out["withheld"] = "the content was erased by entry " + std::to_string(*stored.erased_by);
    return out;
  }
  if (stored.preimage.empty()) {
    out["withheld"] = "the content is missing, and no entry says that it was erased";
    return out;
  }
  AVOUCH_TRY(const codec::Cbor payload,
             tlog::open_preimage(statement.preimage_digest, stored.preimage));
  if (!is_open(statement.kind)) {
    const auto question = question_for(statement.kind, payload);
    if (!question) {
      out["withheld"] = "no rule says who may read entries of kind \"" + statement.kind + "\"";
      return out;
    }
    const auto access = access_.check(caller.user, *question);
    if (!access.has_value()) return retryable(access.error().message);
    if (*access != kube::Access::kAllowed) {
      out["withheld"] = needs(*question);
      return out;
    }
  }
  out["preimage"] = codec::to_base64(stored.preimage);
  return out;
}

}  // namespace avouch::control
