// What a node's status shows, and what the log says of it.

#include <algorithm>
#include <mutex>

#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "inspect/absent.h"
#include "inspect/entry_text.h"
#include "inspect/rights.h"
#include "inspect/verify.h"
#include "kube/views.h"
#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;
using codec::Json;

// A renewed verdict is in the next epoch entry, one period (10 s by default) later at the most.
constexpr std::chrono::seconds kEpochWait{25};

std::optional<std::uint64_t> index_in_status(const Json& evidence) {
  const Json* index = evidence.find_path({"status", "verdict", "log", "index"});
  const std::int64_t* number = index == nullptr ? nullptr : index->as_int();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::string phase_in_status(const Json& evidence) {
  const std::string_view phase = evidence.text({"status", "phase"});
  return phase.empty() ? "Pending" : std::string(phase);
}

ProofStep compare(std::string claim, std::string_view got, std::string_view expected) {
  if (got == expected) return holds(std::move(claim), std::string(got));
  return fails(std::move(claim),
               "\"" + std::string(got) + "\", expected \"" + std::string(expected) + "\"");
}

ProofStep time_step(const attest::VerifiedToken& token, SystemTime now) {
  const std::string claim = "it is in time";
  const std::string end = to_rfc3339(token.claims().expires_at);
  switch (token.at(now)) {
    case attest::TokenTime::kValid:
      return holds(claim, "until " + end);
    case attest::TokenTime::kNotYet:
      return fails(claim, "it was issued " + to_rfc3339(token.claims().issued_at) +
                              ", which is in the future by this machine's clock");
    case attest::TokenTime::kExpired:
      break;
  }
  return fails(claim, "it expired " + end +
                          " and was not renewed: admission denies; is the "
                          "controller running, and the agent of this node?");
}

std::string_view phase_of(attest::Status status) {
  switch (status) {
    case attest::Status::kAffirming:
      return "Trusted";
    case attest::Status::kWarning:
      return "Warning";
    case attest::Status::kNone:
    case attest::Status::kContraindicated:
      break;
  }
  return "Contraindicated";
}

}  // namespace

ProofStep Verifier::without_content(const Proven& proven, std::string claim) {
  if (!proven.erased_by) {
    return fails(std::move(claim), "that cannot be told while its content is withheld");
  }
  return untold(
      std::move(claim),
      (proven.is_pruned ? "its content was pruned by entry " : "its content was erased by entry ") +
          std::to_string(*proven.erased_by) +
          ": that the verifier signed it, and that it is in the log, is all that is "
          "proven of it");
}

Result<ProofStep> Verifier::prove_renewal(const std::string& node, const tlog::Hash& token_digest,
                                          const std::string& subject, Wait wait) {
  progress_("looking for the epoch entry that has the renewed verdict");
  const SteadyTime deadline =
      clock_.steady_now() + (wait == Wait::kNot ? kEpochWait * 0 : kEpochWait);
  std::optional<UnverifiedRenewal> renewal;
  for (;;) {
    auto found = log_.renewal(node, token_digest);
    if (!found.has_value()) {
      if (!disproves(found.error())) return found.error();
      return fails("the renewed token is in the epoch's renewals", found.error().message);
    }
    renewal = *std::move(found);
    if (renewal || !pause(deadline, "the epoch entry that has the renewed verdict")) break;
  }
  if (!renewal) {
    const std::string digest = "sha256:" + to_hex(token_digest);
    if (wait != Wait::kForTheNextEpoch) {
      return note("the token's renewal is not proven",
                  digest + ": no epoch whose renewals are still kept has it");
    }
    return fails("this token is in an entry of the log",
                 digest + ": expected an epoch entry within " + std::to_string(kEpochWait.count()) +
                     " s of a renewal");
  }
  checkpoint_.reset();  // the epoch entry is newer than what was read
  AVOUCH_TRY(Proven epoch, prove(renewal->epoch_index));
  if (!epoch.sound) return std::move(epoch.step);
  const auto add = [&epoch](ProofStep step) {
    epoch.step.parts.push_back(std::move(step));
    return std::move(epoch.step);
  };
  if (epoch.kind != tlog::kEpoch || epoch.payload.is_null()) {
    return add(fails("the renewal's entry is an epoch that can be read", epoch.kind));
  }
  const Cbor* renewals = epoch.payload.find("renewals");
  const Bytes* root = renewals == nullptr ? nullptr : bytes_of(*renewals, "root");
  tlog::Hash expected;
  if (root == nullptr || root->size() != expected.size()) {
    return add(fails("the epoch entry names a root of renewals", "it has none"));
  }
  std::copy(root->begin(), root->end(), expected.begin());
  Bytes leaf = to_bytes(subject);
  append_u8(leaf, 0);
  append(leaf, token_digest);
  const auto included = tlog::verify_inclusion(renewal->leaf_index, renewal->size,
                                               tlog::leaf_hash(leaf), renewal->path, expected);
  if (!included.has_value()) {
    return add(fails("the renewed token is in the epoch's renewals", included.error().message));
  }
  return add(holds("the renewed token is one of this epoch's " + std::to_string(renewal->size) +
                   " renewals"));
}

Result<ProofStep> Verifier::prove_token_entry(const attest::VerifiedToken& token,
                                              std::uint64_t index, std::string_view phase,
                                              std::optional<Bytes>& record) {
  AVOUCH_TRY(Proven verdict, prove(index));
  if (!verdict.sound) return std::move(verdict.step);
  auto& parts = verdict.step.parts;
  if (verdict.kind != tlog::kNodeVerdict) {
    parts.push_back(compare("it is a node's verdict", verdict.kind, tlog::kNodeVerdict));
    return std::move(verdict.step);
  }
  if (verdict.payload.is_null()) {
    parts.push_back(without_content(verdict, "it is about this node and this token"));
    return std::move(verdict.step);
  }
  parts.push_back(compare("it is about this node", text_of(verdict.payload, "nodeUID"),
                          token.claims().node_uid));
  parts.push_back(compare("its phase is the one that the status shows",
                          text_of(verdict.payload, "phase"), phase));
  const Bytes* bytes = bytes_of(verdict.payload, "token");
  if (bytes != nullptr && crypto::sha256(*bytes) == token.digest()) {
    parts.push_back(holds("it holds this very token"));
    if (const Bytes* named = bytes_of(verdict.payload, "record")) record = *named;
    return std::move(verdict.step);
  }
  parts.push_back(note("the token was renewed since, with nothing changed"));
  AVOUCH_TRY(ProofStep renewal, prove_renewal(text_of(verdict.payload, "node"), token.digest(),
                                              verdict.subject, Wait::kForTheNextEpoch));
  parts.push_back(std::move(renewal));
  return std::move(verdict.step);
}

Result<ProofStep> Verifier::prove_tokenless_entry(std::string_view node_uid, std::uint64_t index,
                                                  std::string_view phase) {
  AVOUCH_TRY(Proven verdict, prove(index));
  if (!verdict.sound) return std::move(verdict.step);
  auto& parts = verdict.step.parts;
  parts.push_back(compare("it is a node's verdict", verdict.kind, tlog::kNodeVerdict));
  if (verdict.payload.is_null()) {
    parts.push_back(without_content(verdict, "it is about this node"));
    return std::move(verdict.step);
  }
  parts.push_back(compare("it is about this node", text_of(verdict.payload, "nodeUID"), node_uid));
  // Enrolling and Pending may follow one another without an entry: nothing was judged.
  const std::string logged = text_of(verdict.payload, "phase");
  const auto unjudged = [](std::string_view word) {
    return word == "Pending" || word == "Enrolling";
  };
  parts.push_back(unjudged(phase) && unjudged(logged)
                      ? holds("its phase is the one that the status shows", logged)
                      : compare("its phase is the one that the status shows", logged, phase));
  return std::move(verdict.step);
}

Result<ProofStep> Verifier::prove_newest(const std::string& node, std::string_view node_uid,
                                         std::uint64_t index) {
  const std::string claim = "the log lists no newer verdict of this node";
  if (!log_.reads_content()) return note(claim, "cannot be asked without a token to read it with");
  progress_("looking for newer verdicts of node " + node);
  // What stands is entered into each log anew, when that begins.
  const std::string in_status = anchors_.origin;
  enter_newest();
  const bool is_same_log = anchors_.origin == in_status;
  const auto listed = log_.list("node=" + kube::url_encode(node), 1);
  if (!listed.has_value()) {
    if (!disproves(listed.error())) return listed.error();
    return fails(claim, listed.error().message);
  }
  const bool is_older =
      is_same_log && !listed->entries.empty() && listed->entries.front().index <= index;
  if (listed->entries.empty() || is_older) return holds(claim);
  const std::uint64_t found = listed->entries.front().index;
  AVOUCH_TRY(const Proven newer, prove(found));
  const bool same = newer.sound && newer.kind == tlog::kNodeVerdict &&
                    (newer.payload.is_null() || text_of(newer.payload, "nodeUID") == node_uid);
  if (!same) return note(claim, "the entry that it lists is of another node of that name");
  return fails(claim, "entry " + std::to_string(found) + " is newer than entry " +
                          std::to_string(index) + ", which the status shows");
}

Result<ProofStep> Verifier::prove_status(const Json& evidence, const std::string& name,
                                         std::string_view node_uid, const Demands& demands) {
  const std::string phase = phase_in_status(evidence);
  ProofStep out = note("node " + name, phase);
  const std::optional<std::uint64_t> index = index_in_status(evidence);
  const std::string_view origin = evidence.text({"status", "verdict", "log", "origin"});
  if (shards_.size() > 1 && index && !enter(origin)) {
    out.parts.push_back(fails("the status names a log of the release",
                              "it names " + codec::in_quotes(origin, 512)));
    return out;
  }
  const std::string_view token_text = evidence.text({"status", "verdict", "token"});
  if (token_text.empty()) {
    if (!index) {
      out.parts.push_back(
          fails("the node has a verdict", "its status has neither a token nor a log entry"));
      return out;
    }
    AVOUCH_TRY(ProofStep entry, prove_tokenless_entry(node_uid, *index, phase));
    out.parts.push_back(std::move(entry));
    AVOUCH_TRY(ProofStep newest, prove_newest(name, node_uid, *index));
    out.parts.push_back(std::move(newest));
    if (demands.reappraise) {
      out.parts.push_back(fails("the verdict can be judged again",
                                "a node that is " + phase +
                                    " has no verdict on evidence: its records are those of its "
                                    "earlier verdicts"));
    }
    return out;
  }

  const std::string claim = "verdict token is signed by the verifier";
  const auto bytes = codec::from_base64(token_text);
  if (!bytes.has_value()) {
    out.parts.push_back(fails(claim, bytes.error().message));
    return out;
  }
  const auto token = attest::verify_token(*bytes, anchors_.verifier_keys, anchors_.issuer());
  if (!token.has_value()) {
    out.parts.push_back(fails(claim, token.error().message));
    return out;
  }
  const attest::TokenClaims& claims = token->claims();
  ProofStep signature =
      holds(claim, std::string(attest::status_name(claims.status)) + ", issued " +
                       to_rfc3339(claims.issued_at) + " by " + claims.verifier_build);
  signature.parts.push_back(compare("it names this node's UID", claims.node_uid, node_uid));
  signature.parts.push_back(time_step(*token, clock_.now()));
  signature.parts.push_back(
      compare("the status shows what it says", phase, phase_of(claims.status)));
  for (const attest::TokenPolicy& policy : claims.policies) {
    signature.parts.push_back(
        note("policy " + policy.name, std::string(attest::status_name(policy.status)) +
                                          ", spec sha256:" + to_hex(policy.spec_digest)));
  }
  out.parts.push_back(std::move(signature));
  if (!index) {
    out.parts.push_back(fails("the status names the verdict's log entry", "it names none"));
    return out;
  }
  std::optional<Bytes> record;
  AVOUCH_TRY(ProofStep entry, prove_token_entry(*token, *index, phase, record));
  out.parts.push_back(std::move(entry));
  AVOUCH_TRY(ProofStep newest, prove_newest(name, node_uid, *index));
  out.parts.push_back(std::move(newest));
  if (demands.reappraise) {
    AVOUCH_TRY(ProofStep again, prove_again(name, token->digest(), record));
    out.parts.push_back(std::move(again));
  }
  return out;
}

Result<ProofStep> Verifier::node(const std::string& name, const Demands& demands) {
  progress_("reading node " + name);
  auto node_object = api_.get(kube::nodes(), name);
  if (!node_object.has_value()) return no_node(api_, name, node_object.error(), log_.release());
  AVOUCH_TRY(const kube::NodeView node, kube::node_view(*node_object));
  std::string phase;
  ProofStep out;
  // Twice where it fails: the status may have been replaced while it was being proven.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto evidence = api_.get(kube::attestation_evidences(), name);
    if (!evidence.has_value()) {
      if (evidence.error().is_not_found()) {
        return rejected("node \"" + name +
                        "\" has no AttestationEvidence: its agent has written nothing yet; "
                        "kubectl avouch explain node says more");
      }
      return with_grant(evidence.error(), Role::kNodeViewer, log_.release());
    }
    AVOUCH_TRY(out, prove_status(*evidence, name, node.meta.uid, demands));
    phase = phase_in_status(*evidence);
    if (all_hold(out)) break;
    const auto again = api_.get(kube::attestation_evidences(), name);
    const bool changed = again.has_value() && again->text({"metadata", "resourceVersion"}) !=
                                                  evidence->text({"metadata", "resourceVersion"});
    if (!changed) break;
    checkpoint_.reset();
  }
  if (demands.trusted) {
    out.parts.push_back(compare("the node is trusted, as --trusted demands", phase, "Trusted"));
  }
  return out;
}

}  // namespace avouch::inspect
