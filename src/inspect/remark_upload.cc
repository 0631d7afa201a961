#include "inspect/remark_upload.h"

#include <utility>

#include "codec/cbor.h"
#include "inspect/log_post.h"
#include "tlog/entry.h"
#include "tlog/log_proof.h"
#include "tlog/receipt.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;

constexpr codec::CborLimits kAnswerLimits{256 * 1024, 4, 64};

Bytes bytes_member(const Cbor& answer, std::string_view name) {
  const Cbor* member = answer.find(name);
  const Bytes* bytes = member == nullptr ? nullptr : member->as_bytes();
  return bytes == nullptr ? Bytes() : *bytes;
}

// The same entry by the same path; of a note the log keeps fewer lines than were sent.
bool is_kept_of(const tlog::EntryReference& kept, const tlog::EntryReference& sent) {
  if (kept.origin != sent.origin || kept.index != sent.index || kept.leaf != sent.leaf)
    return false;
  if (kept.proof.empty() || sent.proof.empty()) return kept.proof == sent.proof;
  const auto short_proof = tlog::parse_log_proof(kept.proof);
  const auto whole_proof = tlog::parse_log_proof(sent.proof);
  return short_proof.has_value() && whole_proof.has_value() &&
         short_proof->path == whole_proof->path;
}

bool is_kept_of(tlog::Remark kept, const tlog::Remark& sent) {
  if (kept.refs.size() != sent.refs.size()) return false;
  for (std::size_t i = 0; i < kept.refs.size(); ++i) {
    if (!is_kept_of(kept.refs[i], sent.refs[i])) return false;
  }
  kept.refs = sent.refs;
  return kept == sent;
}

// Why the content is not what was sent, or "".
std::string difference(const UnverifiedRecorded& recorded, const tlog::Statement& statement,
                       const tlog::Remark& sent, const std::string& by, const std::string& origin) {
  if (statement.kind() != tlog::remark_name(sent.kind)) return "it is a " + statement.kind();
  const auto payload = tlog::open_preimage(statement.preimage_digest(), recorded.preimage);
  if (!payload.has_value()) return payload.error().message;
  const auto remark = tlog::parse_remark(sent.kind, *payload, origin, recorded.index);
  if (!remark.has_value()) return remark.error().message;
  if (remark->by != by) return "it is in the name of " + remark->by;
  return is_kept_of(remark->remark, sent) ? "" : "it says something else";
}

}  // namespace

std::string remark_path(tlog::RemarkKind kind) {
  const std::string name(tlog::remark_name(kind));
  return "/v1/log/" + (kind == tlog::RemarkKind::kSupersede ? "supersessions" : name + "s");
}

Result<UnverifiedRecorded> parse_recorded(ByteView body) {
  AVOUCH_TRY(const Cbor answer, codec::parse_cbor(body, kAnswerLimits));
  const Cbor* index = answer.find("index");
  const std::int64_t* number = index == nullptr ? nullptr : index->as_integer();
  UnverifiedRecorded out{.index = 0,
                         .statement = bytes_member(answer, "statement"),
                         .preimage = bytes_member(answer, "preimage"),
                         .receipt = bytes_member(answer, "receipt")};
  if (number == nullptr || *number < 0 || out.statement.empty() || out.receipt.empty()) {
    return rejected("the answer is not {index, statement, preimage, receipt}");
  }
  out.index = static_cast<std::uint64_t>(*number);
  return out;
}

Result<UnverifiedRecorded> send_remark(kube::Transport& transport, const ReleaseName& release,
                                       const std::string& token, const tlog::RemarkRequest& request,
                                       const std::function<void()>& pause) {
  const std::string path = remark_path(request.remark.kind);
  const Bytes body = tlog::format_remark_request(request);
  AVOUCH_TRY(
      const HttpResponse response,
      post_to_log(transport, release, token,
                  {.path = path, .content_type = "application/cbor", .body = body, .remedy = {}},
                  pause));
  auto recorded = parse_recorded(as_bytes(response.body));
  if (!recorded.has_value()) return with_context(recorded.error(), "POST " + path);
  return recorded;
}

ProofStep check_recorded(const UnverifiedRecorded& recorded, const tlog::Remark& sent,
                         const std::string& by, const TrustAnchors& anchors) {
  ProofStep out = note("log entry " + std::to_string(recorded.index));
  const auto receipt = tlog::verify_receipt(recorded.receipt, tlog::leaf_hash(recorded.statement),
                                            anchors.verifier_keys, anchors.origin);
  const std::string rooted = "the log signed the root to which the entry's receipt leads";
  out.parts.push_back(receipt.has_value() ? holds(rooted) : fails(rooted, receipt.error().message));
  if (receipt.has_value() && receipt->inclusion().index != recorded.index) {
    out.parts.push_back(fails("the receipt is of that entry",
                              "it is of " + std::to_string(receipt->inclusion().index)));
  }
  const auto statement =
      tlog::verify_statement(recorded.statement, anchors.verifier_keys, anchors.origin);
  const std::string verified = "statement is signed by the verifier";
  if (!statement.has_value()) {
    out.parts.push_back(fails(verified, statement.error().message));
    return out;
  }
  out.parts.push_back(holds(verified, statement->kind()));
  if (recorded.preimage.empty()) {
    out.parts.push_back(note("content is not at hand", "it has been erased since"));
    return out;
  }
  const std::string different = difference(recorded, *statement, sent, by, anchors.origin);
  const std::string content = "content is what was sent, in the name of " + by;
  out.parts.push_back(different.empty() ? holds(content) : fails(content, different));
  return out;
}

}  // namespace avouch::inspect
