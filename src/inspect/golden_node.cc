#include "inspect/golden_node.h"

#include <optional>
#include <utility>

#include "attest/quote.h"
#include "attest/token.h"
#include "base/time_text.h"
#include "inspect/record_objects.h"
#include "inspect/rights.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

// The node's own verdict, not one of a node of that name that was there before.
Result<attest::VerifiedToken> token_of(const kube::Client& api, const TrustAnchors& trust,
                                       const std::string& node) {
  AVOUCH_TRY(const Bytes bytes, read_token(api, node));
  AVOUCH_TRY(attest::VerifiedToken token,
             attest::verify_token(bytes, trust.verifier_keys, trust.issuer()));
  const auto live = api.get(kube::nodes(), node);
  if (!live.has_value()) return static_cast<Error>(live.error());
  const attest::TokenClaims& claims = token.claims();
  if (claims.node_name != node || claims.node_uid != live->text({"metadata", "uid"})) {
    return rejected("the verdict in its status is of node \"" + claims.node_name + "\" with UID " +
                    claims.node_uid + ", and this node has UID " +
                    std::string(live->text({"metadata", "uid"})));
  }
  return token;
}

// What the token binds must be what the record has.
Result<void> is_of_token(const appraisal::VerdictRecord& record,
                         const attest::TokenClaims& claims) {
  const auto other = [](const char* what) {
    return rejected(std::string("the record of the verdict has another ") + what +
                    " than the verdict's token");
  };
  const auto keys = attest::check_keys(record.identity);
  if (!keys.has_value()) return rejected(keys.reason().code + ": " + keys.reason().message);
  if (keys->ak.name != claims.ak_name) return other("attestation key");
  if (!record.evidence.quote || attest::quote_digest(*record.evidence.quote) != claims.quote) {
    return other("quote");
  }
  if (record.evidence.node_uid != claims.node_uid) return other("node UID");
  return {};
}

}  // namespace

Result<GoldenNode> read_golden_node(const kube::Client& api, LogAccess& log,
                                    const TrustAnchors& trust, const std::string& node) {
  if (!log.reads_content()) return needs_reader("its record is shown", log.release());
  AVOUCH_TRY(const attest::VerifiedToken token, token_of(api, trust, node));
  const tlog::Hash digest = token.digest();
  AVOUCH_TRY(const appraisal::VerdictRecord record, read_whole_record(log, node, digest));
  AVOUCH_CHECK(is_of_token(record, token.claims()));

  GoldenNode out;
  out.verdict = std::string(attest::status_name(token.claims().status)) + " at " +
                to_rfc3339(token.claims().issued_at);
  appraisal::StoredCase& evidence = out.evidence;
  evidence.id = node;
  evidence.node_name = node;
  evidence.identity = record.identity;
  evidence.quote = *record.evidence.quote;
  evidence.pcrs = record.evidence.pcrs;
  const crypto::Sha256 answer =
      attest::qualifying(attest::challenge(record.beacon_text, record.evidence.node_uid));
  evidence.nonce.assign(answer.begin(), answer.end());
  if (record.boot_log && record.boot_log->digest == token.claims().boot_log) {
    AVOUCH_TRY(evidence.boot_log,
               read_kept(log, node, digest, record.boot_log->digest, appraisal::kMaxBootLogBytes));
  }
  if (record.runtime_log && record.runtime_log->digest == token.claims().runtime_log) {
    AVOUCH_TRY(evidence.runtime_log, read_kept(log, node, digest, record.runtime_log->digest,
                                               appraisal::kMaxRuntimeLogBytes));
  }
  if (!evidence.boot_log && !evidence.runtime_log) {
    return rejected(
        "the verdict was judged without a log: have a policy in mode Audit select the node and ask "
        "for bootLog or runtime, or copy the kernel's files and give their folder");
  }
  return out;
}

}  // namespace avouch::inspect
