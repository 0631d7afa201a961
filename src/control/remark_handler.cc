#include "control/remark_handler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "codec/cbor.h"
#include "codec/utf8.h"
#include "control/concise_problem.h"
#include "control/entering.h"
#include "control/remark_rights.h"
#include "tlog/entry.h"
#include "tlog/retention.h"
#include "tlog/signed_statement.h"

namespace avouch::control {
namespace {

constexpr std::string_view kLog = "/v1/log/";
constexpr std::string_view kObserved = "remark";

std::optional<tlog::RemarkKind> kind_of_path(std::string_view path) {
  if (!path.starts_with(kLog)) return std::nullopt;
  path.remove_prefix(kLog.size());
  for (const auto& [kind, resource] : kRemarkResources) {
    if (resource == path) return kind;
  }
  return std::nullopt;
}

std::optional<HttpResponse> refuse_remark(const HttpRequest& head) {
  if (!kind_of_path(head.path)) {
    return concise_problem(404, "NotFound",
                           "expected /v1/log/ and endorsements, disputes, measurements, "
                           "supersessions or erasures");
  }
  if (head.method != "POST") {
    HttpResponse response = concise_problem(
        405, "MethodNotAllowed", "expected POST; remarks are read by GET /v1/log/entries/N");
    response.headers.add("Allow", "POST");
    return response;
  }
  return refuse_head(head, {.types = {"application/cbor"},
                            .expected = "expected Content-Type: application/cbor, and a map",
                            .max_bytes = tlog::RemarkRequest::kMaxBytes,
                            .limit = "a remark is sent in at most"});
}

// The same bytes of the same sender are the same remark.
std::string id_of(tlog::RemarkKind kind, std::string_view by, std::string_view body) {
  Bytes all;
  append_be64(all, by.size());
  append(all, by);
  append(all, tlog::remark_name(kind));
  append(all, "\n");
  append(all, body);
  return "remark/" + to_hex(crypto::sha256(all));
}

// That it is an entry of which the content may be erased: without the others the log cannot be
// audited, and of what another party signed it has none.
Result<void> check_erasable(ByteView entry, std::uint64_t index, std::string_view origin) {
  const std::string which = "entry " + std::to_string(index);
  const auto statement = tlog::parse_statement_unverified(entry);
  if (!statement.has_value() || statement->issuer != origin) {
    return rejected(which + " was signed by another party: the log has no content of it");
  }
  if (tlog::may_lose_content(statement->kind)) return {};
  return rejected(which + " is of kind \"" + statement->kind +
                  "\": only verdicts on nodes, admission verdicts, endorsements, disputes, "
                  "measurements and supersedes can be erased");
}

}  // namespace

RemarkHandler::RemarkHandler(RemarkParts parts, Reception& reception, kube::AccessReviewer& access,
                             WorkPool& lane, ControlObserver& observer)
    : parts_(std::move(parts)),
      reception_(reception),
      access_(access),
      lane_(lane),
      observer_(observer) {}

Result<BodyPlan> RemarkHandler::plan(const HttpRequest& head) {
  if (auto refusal = refuse_remark(head)) {
    return BodyPlan{.limit = 0, .sink = nullptr, .refusal = std::move(refusal)};
  }
  return BodyPlan{.limit = tlog::RemarkRequest::kMaxBytes, .sink = nullptr};
}

void RemarkHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = refuse_remark(request)) return reply(*std::move(refusal));
  const tlog::RemarkKind kind = *kind_of_path(request.path);
  const auto body = std::make_shared<const std::string>(std::move(request.body));
  auto task = [this, kind, body, reply](const Result<Caller>& caller) {
    check(kind, *body, caller, reply);
  };
  if (reception_.receive(request, std::move(task)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many requests wait; try again later"));
  }
}

HttpResponse RemarkHandler::refuse(const Error& error, std::string_view title) {
  if (error.kind != ErrorKind::kRejected) return log_failed(error, observer_, kObserved);
  ++refused_;
  return concise_problem(400, title, error.message);
}

void RemarkHandler::check(tlog::RemarkKind kind, const std::string& body,
                          const Result<Caller>& caller, const Reply& reply) {
  if (auto refusal = refuse_caller(caller, access_, may_create(remark_resource(kind)))) {
    return reply(*std::move(refusal));
  }
  const std::string& by = caller->user.username;
  if (const auto sender = tlog::check_sender(by); !sender.has_value()) {
    return reply(refuse(sender.error(), "Rejected"));
  }
  auto request = tlog::parse_remark_request(kind, as_bytes(body), parts_.origin);
  if (!request.has_value()) return reply(refuse(request.error(), "Malformed request"));
  auto enter_it = [this, sent = Sent{*std::move(request), by, id_of(kind, by, body)}, reply] {
    reply(enter(sent));
  };
  if (lane_.post(std::move(enter_it)) == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many remarks wait for the log; try again later"));
  }
}

Result<tlog::VerifiedReference> RemarkHandler::verify_reference(
    const tlog::EntryReference& reference) const {
  if (reference.origin != parts_.origin) {
    if (parts_.trusted) return tlog::verify_foreign_reference(reference, *parts_.trusted);
    return rejected("log " + codec::in_quotes(reference.origin) +
                    " is another, and this one trusts the key of none (controller.log.references)");
  }
  const tlog::VerifiedCheckpoint at = parts_.log.checkpoint();
  if (reference.index >= at.size()) {
    return rejected("there is no entry " + std::to_string(reference.index) + ": the log has " +
                    std::to_string(at.size()));
  }
  AVOUCH_TRY(const tlog::StoredEntry stored, parts_.log.get(reference.index));
  AVOUCH_TRY(const std::vector<tlog::Hash> path, parts_.log.inclusion_proof(reference.index, at));
  return tlog::verify_own_reference(reference, stored.entry, path, at);
}

std::optional<HttpResponse> RemarkHandler::refuse_unpublished(const tlog::Remark& remark) const {
  const std::uint64_t published = parts_.log.checkpoint().size();
  const std::uint64_t sequenced = parts_.log.status().sequenced;
  const auto is_between = [&](const tlog::EntryReference& reference) {
    return reference.origin == parts_.origin && reference.index >= published &&
           reference.index < sequenced;
  };
  if (std::none_of(remark.refs.begin(), remark.refs.end(), is_between) &&
      !(remark.replacement && is_between(*remark.replacement))) {
    return std::nullopt;
  }
  return concise_try_later("NotPublished",
                           "an entry that is referred to is about to be published; try again");
}

Result<std::optional<tlog::RecordedRemark>> RemarkHandler::remark_at(std::uint64_t index) const {
  AVOUCH_TRY(const tlog::StoredEntry stored, parts_.log.get(index));
  const auto statement = tlog::parse_statement_unverified(stored.entry);
  const auto kind = statement.has_value() ? tlog::remark_kind(statement->kind) : std::nullopt;
  if (!kind || statement->issuer != parts_.origin) return std::optional<tlog::RecordedRemark>();
  if (stored.preimage.empty()) {
    return rejected("the content of entry " + std::to_string(index) +
                    " has been erased: who made it is not known any more");
  }
  AVOUCH_TRY(const codec::Cbor payload,
             tlog::open_preimage(statement->preimage_digest, stored.preimage));
  AVOUCH_TRY(tlog::RecordedRemark remark, tlog::parse_remark(*kind, payload, parts_.origin, index));
  return std::optional(std::move(remark));
}

Result<void> RemarkHandler::check_superseded(const tlog::EntryReference& reference,
                                             const std::string& by) const {
  using enum tlog::RemarkKind;
  AVOUCH_TRY(const auto found, remark_at(reference.index));
  if (!found || found->remark.kind == kSupersede || found->remark.kind == kErasure) {
    return rejected("entry " + std::to_string(reference.index) +
                    " is no endorsement, dispute or measurement of this log");
  }
  if (found->by == by) return {};
  return rejected("entry " + std::to_string(reference.index) +
                  " was made by somebody else; dispute it instead");
}

Result<tlog::Remark> RemarkHandler::verify(const tlog::Remark& remark,
                                           const std::string& by) const {
  const bool supersedes = remark.kind == tlog::RemarkKind::kSupersede;
  const bool erases = remark.kind == tlog::RemarkKind::kErasure;
  const auto kept = [&](const tlog::EntryReference& reference) -> Result<tlog::EntryReference> {
    AVOUCH_TRY(const tlog::VerifiedReference verified, verify_reference(reference));
    if (supersedes) AVOUCH_CHECK(check_superseded(reference, by));
    if (erases) {
      AVOUCH_TRY(const tlog::StoredEntry stored, parts_.log.get(reference.index));
      AVOUCH_CHECK(check_erasable(stored.entry, reference.index, parts_.origin));
    }
    return verified.reference();
  };
  tlog::Remark out = remark;
  for (std::size_t i = 0; i < out.refs.size(); ++i) {
    auto reference = kept(out.refs[i]);
    if (!reference.has_value()) {
      return with_context(reference.error(), "refs[" + std::to_string(i) + "]");
    }
    out.refs[i] = *std::move(reference);
  }
  if (!out.replacement) return out;
  auto replacement = kept(*out.replacement);
  if (!replacement.has_value()) return with_context(replacement.error(), "replacement");
  out.replacement = *std::move(replacement);
  return out;
}

HttpResponse RemarkHandler::enter(const Sent& sent) {
  if (auto refusal = refuse_now(parts_.log, parts_.volume)) return *std::move(refusal);
  if (auto refusal = refuse_unpublished(sent.request.remark)) return *std::move(refusal);
  auto remark = verify(sent.request.remark, sent.by);
  if (!remark.has_value()) return refuse(remark.error(), "Rejected");
  if (remark->kind == tlog::RemarkKind::kErasure) {
    if (auto answered = answer_erased(sent, *remark)) return *std::move(answered);
  }
  const tlog::EntryReference first = remark->refs.front();
  const std::string kind(tlog::remark_name(remark->kind));
  auto payload =
      tlog::remark_payload({*std::move(remark), sent.by, parts_.clock.now()}, parts_.origin);
  if (!payload.has_value()) return refuse(payload.error(), "Rejected");
  auto made = tlog::make_entry(
      parts_.verifier_key,
      {.issuer = parts_.origin,
       .subject = tlog::entry_pseudonym(parts_.pseudonym_key, first.origin, first.index),
       .kind = kind,
       .payload = *std::move(payload)},
      parts_.random);
  if (!made.has_value()) return refuse(made.error(), "TooLarge");
  const auto places = wait_for_log<std::vector<LogPlace>>([&](const SequencedLog::Done& done) {
    std::vector<EntryToLog> one;
    one.push_back({std::move(made->statement), std::move(made->preimage), sent.id});
    parts_.entries.append_then(std::move(one), done);
  });
  if (!places.has_value()) return log_failed(places.error(), observer_, kObserved);
  if (const auto published = wait_for_publication(parts_.log); !published.has_value()) {
    return log_failed(published.error(), observer_, kObserved);
  }
  if (sent.request.remark.kind == tlog::RemarkKind::kErasure) {
    const auto left = parts_.log.get(first.index);
    if (!left.has_value()) return log_failed(left.error(), observer_, kObserved);
    if (!left->preimage.empty()) {  // as where a backup was restored since
      return refuse(rejected("refs[0]: the content of entry " + std::to_string(first.index) +
                             " is there again since this erasure: send it with another id"),
                    "Rejected");
    }
  }
  return answer(sent, places->front().index);
}

std::optional<HttpResponse> RemarkHandler::answer_erased(const Sent& sent,
                                                         const tlog::Remark& erasure) {
  const std::uint64_t index = erasure.refs.front().index;
  const auto stored = parts_.log.get(index);
  if (!stored.has_value()) return log_failed(stored.error(), observer_, kObserved);
  if (!stored->preimage.empty()) return std::nullopt;
  const std::string which = "refs[0]: the content of entry " + std::to_string(index);
  if (!stored->erased_by) return refuse(rejected(which + " is not there"), "Rejected");
  if (stored->is_pruned) {
    return refuse(
        rejected(which + " was pruned: entry " + std::to_string(*stored->erased_by) + " says so"),
        "Rejected");
  }
  const auto before = remark_at(*stored->erased_by);
  if (!before.has_value()) return refuse(before.error(), "Rejected");
  const bool is_same = *before && (*before)->by == sent.by && (*before)->remark == erasure;
  if (is_same) return answer(sent, *stored->erased_by);
  return refuse(rejected(which + " was erased by entry " + std::to_string(*stored->erased_by)),
                "Rejected");
}

// The entry as it is in the log: where it was sent before, the one that was made then.
HttpResponse RemarkHandler::answer(const Sent& sent, std::uint64_t index) {
  using codec::Cbor;
  const auto stored = parts_.log.get(index);
  if (!stored.has_value()) return log_failed(stored.error(), observer_, kObserved);
  HttpResponse receipt = parts_.receipts.receipt(index);
  if (receipt.status != 200) return receipt;
  Cbor::Map map{{Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(index))},
                {Cbor::text("statement"), Cbor::bytes(stored->entry)},
                {Cbor::text("receipt"), Cbor::bytes(as_bytes(receipt.body))}};
  if (!stored->preimage.empty()) {
    map.emplace_back(Cbor::text("preimage"), Cbor::bytes(stored->preimage));
  }
  HttpResponse response;
  response.status = 201;
  response.content_type = "application/cbor";
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Location", "/v1/log/entries/" + std::to_string(index));
  response.body = as_text(codec::to_cbor(Cbor::map(std::move(map))));
  ++recorded_;
  observer_.note(kObserved, "entry " + std::to_string(index) + ": " +
                                std::string(tlog::remark_name(sent.request.remark.kind)) +
                                ", sent by " + codec::in_quotes(sent.by, 256));
  return response;
}

}  // namespace avouch::control
