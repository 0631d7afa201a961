#include "cli/session.h"

#include <iostream>
#include <utility>

#include "base/hex.h"
#include "cli/account_token.h"
#include "cli/files.h"
#include "crypto/hash.h"
#include "inspect/entry_text.h"
#include "inspect/rights.h"
#include "inspect/shards.h"
#include "kube/auth.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/shard_name.h"
#include "tlog/signed_statement.h"

namespace avouch::cli {
namespace {

using codec::Json;

Result<std::string> reader_token(const kube::Client& api, const inspect::ReleaseName& release) {
  kube::TokenRequest request;
  request.account = {.ns = release.ns, .name = release.name + "-reader"};
  request.audiences = {std::string(kControllerAudience)};
  request.expiration = std::chrono::minutes(10);
  const auto token = kube::request_token(api, request);
  if (!token.has_value()) {
    return inspect::with_grant(token.error(), inspect::Role::kLogReader, release);
  }
  return token->token;
}

Result<inspect::TrustAnchors> anchors(const kube::Client& api, const Common& common) {
  if (common.anchors_given() == 0) {
    return inspect::read_trust_anchors(api, common.release);
  }
  AVOUCH_TRY(const std::string keys, read_user_file(common.verifier_keys_file));
  AVOUCH_TRY(const std::string vkey, read_user_file(common.log_vkey_file));
  return inspect::parse_trust_anchors(keys, vkey, common.origin, "the files given");
}

// Which of the release's logs is read: the newest, or the one that the user names.
Result<void> choose_shard(const std::string& wanted, Session& session) {
  const std::string chain = session.trust.issuer();
  AVOUCH_TRY(std::vector<inspect::UnverifiedShard> shards,
             inspect::list_shards(session.log, chain));
  for (const std::string& origin : session.log.not_served()) {
    std::cerr << "note: log " << inspect::printable(origin)
              << " cannot be read here: it is damaged, or not there any more; what is only in that "
                 "one is not found (docs/auditing.md)\n";
  }
  std::size_t at = shards.size() - 1;
  if (!wanted.empty()) {
    AVOUCH_TRY(at, inspect::find_shard(shards, chain, "--shard", wanted));
  }
  constexpr std::string_view kAsBefore = "/log/";
  if (shards[at].origin != session.trust.origin || shards[at].prefix != kAsBefore) {
    AVOUCH_TRY(session.trust, inspect::anchors_for(session.trust, shards[at].origin));
    session.log.select(shards[at]);
  }
  if (wanted.empty()) session.shards = std::move(shards);
  return {};
}

}  // namespace

Exit exit_of(const Error& error) {
  return error.kind == ErrorKind::kRejected ? Exit::kRefused : Exit::kUnreachable;
}

Result<tlog::VerifiedCheckpoint> newest_checkpoint(Session& session) {
  return tlog::fetch_checkpoint(session.log, session.trust.log_keys, session.trust.origin);
}

Result<Exit> disproved(const Context& context, const Session& session, const std::string& claim,
                       const Error& error) {
  if (error.kind != ErrorKind::kRejected || session.log.was_refused()) return error;
  return show_proof(inspect::fails(claim, error.message), context.common.format);
}

Result<std::vector<tlog::NoteVerifier>> read_vkey_file(const std::string& file) {
  AVOUCH_TRY(const std::string vkeys, read_user_file(file));
  auto keys = inspect::parse_vkeys(vkeys);
  if (!keys.has_value()) return with_context(keys.error(), file);
  return keys;
}

Result<NamedLog> named_log(const Common& common) {
  NamedLog out;
  AVOUCH_TRY(out.keys, read_vkey_file(common.log_vkey_file));
  const std::string name = out.keys.front().name;
  out.origin = common.origin.empty() ? name : common.origin;
  if (!common.shard.empty()) {
    out.origin =
        tlog::begin_of(common.shard) ? tlog::shard_origin(out.origin, common.shard) : common.shard;
  }
  if (out.origin != name && tlog::label_of(name, out.origin)) {
    AVOUCH_TRY(out.keys, tlog::keys_for(out.origin, out.keys));
  }
  return out;
}

Result<std::optional<tlog::LogPolicy>> read_log_policy_file(const std::string& file) {
  if (file.empty()) return std::optional<tlog::LogPolicy>();
  AVOUCH_TRY(const std::string text, read_user_file(file));
  auto policy = tlog::LogPolicy::parse(text);
  if (!policy.has_value()) return with_context(policy.error(), file);
  return std::optional(*std::move(policy));
}

kube::Client api_of(const Context& context) {
  kube::Client::Options options;
  options.max_object_bytes = kube::kMaxStoredObjectBytes;
  return {context.transport, std::move(options)};
}

Result<Session> Session::open(const Context& context) {
  const kube::Client api = api_of(context);
  context.progress("reading the release's keys");
  AVOUCH_TRY(inspect::TrustAnchors trust, anchors(api, context.common));
  context.progress("asking for a token to read the log with");
  std::string token;
  if (auto issued = reader_token(api, context.common.release); issued.has_value()) {
    token = *std::move(issued);
  } else {
    std::cerr << "note: contents of entries stay closed: "
              << inspect::printable(issued.error().message) << '\n';
  }
  Session session{
      .api = api,
      .trust = std::move(trust),
      .log = inspect::LogAccess(context.transport, context.common.release, std::move(token))};
  AVOUCH_CHECK(choose_shard(context.common.shard, session));
  return session;
}

Content content_of(const inspect::UnverifiedListed& listed, const inspect::TrustAnchors& trust) {
  Content out;
  if (tlog::begins_as_hashed_rekord(listed.statement)) {
    const auto rekord = tlog::parse_hashed_rekord_unverified(listed.statement);
    if (rekord.has_value()) {
      out.withheld =
          "a signature of another party, by key sha256:" + to_hex(crypto::sha256(rekord->key)) +
          ": what it is over is theirs";
    } else {
      out.broken = rekord.error().message;
    }
    return out;
  }
  if (const auto other = tlog::statement_of_another(listed.statement, trust.origin)) {
    out.withheld = "a statement of another party, " + other->issuer + ": its content is theirs";
    return out;
  }
  const auto statement =
      tlog::verify_statement(listed.statement, trust.verifier_keys, trust.origin);
  if (!statement.has_value()) {
    out.broken = statement.error().message;
    return out;
  }
  if (listed.preimage.empty()) {
    out.withheld = listed.withheld.empty() ? "no reason given" : listed.withheld;
    return out;
  }
  auto payload = tlog::open_preimage(statement->preimage_digest(), listed.preimage);
  if (payload.has_value()) {
    out.payload = *std::move(payload);
  } else {
    out.broken = payload.error().message;
  }
  return out;
}

Json entry_json(const inspect::UnverifiedListed& listed, const Content& content) {
  Json item;
  item["index"] = static_cast<std::int64_t>(listed.index);
  item["kind"] = listed.kind;
  if (listed.erased_by)
    item[listed.is_pruned ? "prunedBy" : "erasedBy"] = static_cast<std::int64_t>(*listed.erased_by);
  if (!content.broken.empty()) {
    item["doesNotHold"] = content.broken;
  } else if (!content.withheld.empty()) {
    item["withheld"] = content.withheld;
  } else {
    item["time"] = inspect::time_of(content.payload);
    item["payload"] = inspect::payload_json(content.payload);
  }
  return item;
}

Exit show_proof(const inspect::ProofStep& proof, Format format,
                const std::optional<Json>& payload) {
  const bool good = inspect::all_hold(proof);
  const bool untold = inspect::is_untold(proof);
  if (format == Format::kJson) {
    Json out;
    out["verified"] = good;
    out["proof"] = inspect::render_json(proof);
    if (payload) out["payload"] = *payload;
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    if (payload) std::cout << codec::to_json_pretty(*payload) << '\n';
    std::cout << inspect::render_text(proof)
              << (good     ? "verified: everything above that can be proven holds\n"
                  : untold ? "NOT verified: what the lines with ? claim cannot be told\n"
                           : "NOT verified: see the lines that say FAILS\n");
  }
  if (good) return Exit::kGood;
  return untold ? Exit::kRefused : Exit::kDoesNotHold;
}

}  // namespace avouch::cli
