#include "inspect/verify.h"

#include <algorithm>
#include <mutex>

#include "attest/token.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "inspect/entry_text.h"
#include "kube/views.h"
#include "tlog/client.h"
#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;
using codec::Json;

// A renewed verdict is in the next epoch entry, one period (10 s by default) later at the most.
constexpr std::chrono::seconds kEpochWait{25};
constexpr std::chrono::seconds kEpochPoll{1};

std::string text_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  const std::string* text = value == nullptr ? nullptr : value->as_text();
  return text == nullptr ? "" : *text;
}

std::optional<std::int64_t> integer_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  const std::int64_t* number = value == nullptr ? nullptr : value->as_integer();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

const Bytes* bytes_of(const Cbor& payload, std::string_view key) {
  const Cbor* value = payload.find(key);
  return value == nullptr ? nullptr : value->as_bytes();
}

std::string time_of(const Cbor& payload) {
  const auto millis = integer_of(payload, "time");
  return millis ? to_rfc3339(SystemTime(std::chrono::milliseconds(*millis))) : "?";
}

std::string reasons_of(const Cbor& payload) {
  const Cbor* list = payload.find("reasons");
  const Cbor::Array* reasons = list == nullptr ? nullptr : list->as_array();
  std::string out;
  if (reasons == nullptr) return out;
  for (const Cbor& reason : *reasons) {
    if (!out.empty()) out += "; ";
    out += text_of(reason, "code");
    if (const std::string message = text_of(reason, "message"); !message.empty()) {
      out += ": " + message;
    }
  }
  return out;
}

std::string summary(std::string_view kind, const Cbor& payload) {
  std::string out = time_of(payload) + ", ";
  if (kind == tlog::kAdmissionVerdict) {
    out += text_of(payload, "decision") + " of pod " + text_of(payload, "namespace") + "/" +
           text_of(payload, "pod") + " on node " + text_of(payload, "node") + " (" +
           text_of(payload, "operation") + ")";
  } else if (kind == tlog::kNodeVerdict) {
    out += "node " + text_of(payload, "node") + " became " + text_of(payload, "phase");
  } else {
    out += std::string(kind);
  }
  const std::string reasons = reasons_of(payload);
  return reasons.empty() ? out : out + ": " + reasons;
}

}  // namespace

Verifier::Verifier(const kube::Client& api, LogAccess& log, const TrustAnchors& anchors,
                   Clock& clock, std::function<void(const std::string&)> progress)
    : api_(api), log_(log), anchors_(anchors), clock_(clock), progress_(std::move(progress)) {}

Result<const tlog::VerifiedCheckpoint*> Verifier::checkpoint() {
  if (!checkpoint_) {
    progress_("reading the log's checkpoint");
    AVOUCH_TRY(checkpoint_,
               tlog::fetch_checkpoint(log_, std::span(&anchors_.log_key, 1), anchors_.origin));
  }
  return &*checkpoint_;
}

Result<Verifier::Proven> Verifier::prove(std::uint64_t index) {
  AVOUCH_TRY(const tlog::VerifiedCheckpoint* latest, checkpoint());
  if (index >= latest->size()) {
    // The entry may be newer than the checkpoint that was read: it is published within a second.
    checkpoint_.reset();
    AVOUCH_TRY(latest, checkpoint());
  }
  progress_("proving entry " + std::to_string(index));
  Proven out;
  out.step = note("log entry " + std::to_string(index));

  AVOUCH_TRY(const tlog::IncludedEntry included, tlog::fetch_entry(log_, *latest, index));
  out.step.parts.push_back(
      holds("checkpoint of " + std::to_string(latest->size()) + " entries is signed by the log",
            latest->origin()));
  out.step.parts.push_back(holds("leaf hash leads to the checkpoint's root over " +
                                     std::to_string(included.proof.size()) + " hashes",
                                 to_hex(included.leaf)));

  AVOUCH_TRY(const tlog::Statement statement,
             tlog::verify_statement(included.entry, anchors_.verifier_keys, anchors_.origin));
  out.kind = statement.kind();
  out.subject = statement.subject();
  out.step.parts.push_back(holds("statement is signed by the verifier", statement.kind()));

  AVOUCH_TRY(const UnverifiedListed listed, log_.entry(index));
  if (listed.preimage.empty()) {
    out.step.parts.push_back(note("content is withheld", listed.withheld));
    return out;
  }
  AVOUCH_TRY(out.payload, tlog::open_preimage(statement.preimage_digest(), listed.preimage));
  out.step.parts.push_back(holds("content is what the statement commits to"));
  out.step.claim += ": " + summary(out.kind, out.payload);
  return out;
}

Result<ProofStep> Verifier::entry(std::uint64_t index) {
  AVOUCH_TRY(Proven proven, prove(index));
  return std::move(proven.step);
}

Result<ProofStep> Verifier::prove_renewal(const tlog::Hash& token_digest,
                                          const std::string& subject) {
  progress_("looking for the epoch entry that has the renewed verdict");
  std::mutex mutex;
  std::condition_variable never;
  const SteadyTime deadline = clock_.steady_now() + kEpochWait;
  std::optional<UnverifiedRenewal> renewal;
  for (;;) {
    AVOUCH_TRY(renewal, log_.renewal(token_digest));
    if (renewal || clock_.steady_now() >= deadline) break;
    std::unique_lock lock(mutex);
    clock_.wait_until(lock, never, clock_.steady_now() + kEpochPoll, [] { return false; });
  }
  if (!renewal) {
    return fails("this token is in no entry of the log",
                 "sha256:" + to_hex(token_digest) + "; expected an epoch entry within " +
                     std::to_string(kEpochWait.count()) + " s of a renewal");
  }
  checkpoint_.reset();  // the epoch entry is newer than what was read
  AVOUCH_TRY(Proven epoch, prove(renewal->epoch_index));
  if (epoch.kind != tlog::kEpoch || epoch.payload.is_null()) {
    return fails("the renewal's entry is an epoch", epoch.kind);
  }
  const Cbor* renewals = epoch.payload.find("renewals");
  const Bytes* root = renewals == nullptr ? nullptr : bytes_of(*renewals, "root");
  tlog::Hash expected;
  if (root == nullptr || root->size() != expected.size()) {
    return fails("the epoch entry names a root of renewals", "it has none");
  }
  std::copy(root->begin(), root->end(), expected.begin());
  Bytes leaf = to_bytes(subject);
  append_u8(leaf, 0);
  append(leaf, token_digest);
  const auto included = tlog::verify_inclusion(renewal->leaf_index, renewal->size,
                                               tlog::leaf_hash(leaf), renewal->path, expected);
  if (!included.has_value()) {
    return fails("the renewed token is in the epoch's renewals", included.error().message);
  }
  epoch.step.parts.push_back(holds("the renewed token is one of this epoch's " +
                                   std::to_string(renewal->size) + " renewals"));
  return std::move(epoch.step);
}

Result<ProofStep> Verifier::prove_token(const tlog::Hash& token_digest,
                                        std::uint64_t verdict_index) {
  AVOUCH_TRY(Proven verdict, prove(verdict_index));
  if (verdict.kind != tlog::kNodeVerdict) {
    return fails("entry " + std::to_string(verdict_index) + " is a node verdict", verdict.kind);
  }
  const Bytes* token = bytes_of(verdict.payload, "token");
  if (token != nullptr && crypto::sha256(*token) == token_digest) {
    verdict.step.parts.push_back(holds("it holds this very token"));
    return std::move(verdict.step);
  }
  AVOUCH_TRY(ProofStep renewal, prove_renewal(token_digest, verdict.subject));
  verdict.step.parts.push_back(note("the token was renewed since, with nothing changed"));
  verdict.step.parts.push_back(std::move(renewal));
  return std::move(verdict.step);
}

Result<ProofStep> Verifier::node(const std::string& name) {
  progress_("reading node " + name);
  AVOUCH_TRY(const Json node_object, api_.get(kube::nodes(), name));
  AVOUCH_TRY(const kube::NodeView node, kube::node_view(node_object));
  AVOUCH_TRY(const Json evidence, api_.get(kube::attestation_evidences(), name));

  const std::string phase(evidence.text({"status", "phase"}));
  ProofStep out = note("node " + name, phase.empty() ? "no verdict yet" : phase);
  const Json* index = evidence.find_path({"status", "verdict", "log", "index"});
  const std::int64_t* number = index == nullptr ? nullptr : index->as_int();
  const std::string_view token_text = evidence.text({"status", "verdict", "token"});
  if (token_text.empty()) {
    if (number == nullptr || *number < 0) {
      out.parts.push_back(
          fails("the node has a verdict", "its status has neither token nor entry"));
      return out;
    }
    AVOUCH_TRY(Proven verdict, prove(static_cast<std::uint64_t>(*number)));
    out.parts.push_back(std::move(verdict.step));
    return out;
  }

  AVOUCH_TRY(const Bytes token_bytes, codec::from_base64(token_text));
  const auto token = attest::verify_token(token_bytes, anchors_.verifier_keys, anchors_.origin);
  if (!token.has_value()) {
    out.parts.push_back(fails("verdict token is signed by the verifier", token.error().message));
    return out;
  }
  const attest::TokenClaims& claims = token->claims();
  ProofStep signature =
      holds("verdict token is signed by the verifier",
            std::string(attest::status_name(claims.status)) + ", issued " +
                to_rfc3339(claims.issued_at) + ", expires " + to_rfc3339(claims.expires_at));
  const bool same_node = claims.node_uid == node.meta.uid;
  signature.parts.push_back(same_node ? holds("it names this node's UID", claims.node_uid)
                                      : fails("it names this node's UID",
                                              claims.node_uid + ", expected " + node.meta.uid));
  const auto at = token->at(clock_.now());
  signature.parts.push_back(at == attest::TokenTime::kValid
                                ? holds("it is valid now")
                                : note("it is not valid now: admission denies"));
  for (const attest::TokenPolicy& policy : claims.policies) {
    signature.parts.push_back(
        note("policy " + policy.name, std::string(attest::status_name(policy.status)) +
                                          ", spec sha256:" + to_hex(policy.spec_digest)));
  }
  out.parts.push_back(std::move(signature));
  if (number == nullptr || *number < 0) {
    out.parts.push_back(fails("the status names the verdict's log entry", "it names none"));
    return out;
  }
  AVOUCH_TRY(ProofStep entry, prove_token(token->digest(), static_cast<std::uint64_t>(*number)));
  out.parts.push_back(std::move(entry));
  return out;
}

Result<ProofStep> Verifier::pod(const std::string& ns, const std::string& name) {
  progress_("looking for admission verdicts of pod " + ns + "/" + name);
  AVOUCH_TRY(const auto found,
             log_.list("namespace=" + kube::url_encode(ns) + "&pod=" + kube::url_encode(name), 20));
  if (found.empty()) {
    return rejected(
        "the log has no admission verdict of pod " + ns + "/" + name +
        ": expected one if a policy gates the namespace and the pod was given to a node");
  }
  AVOUCH_TRY(Proven admission, prove(found.front().index));
  ProofStep out = note("pod " + ns + "/" + name);
  if (admission.kind != tlog::kAdmissionVerdict || admission.payload.is_null()) {
    out.parts.push_back(std::move(admission.step));
    out.parts.push_back(
        fails("the entry is an admission verdict that you may read", admission.kind));
    return out;
  }
  const bool same =
      text_of(admission.payload, "namespace") == ns && text_of(admission.payload, "pod") == name;
  out.detail = text_of(admission.payload, "decision");
  admission.step.parts.push_back(same ? holds("it is about this pod")
                                      : fails("it is about this pod", "it names another one"));
  if (const Cbor* verdict = admission.payload.find("nodeVerdict"); verdict != nullptr) {
    if (const auto index = integer_of(*verdict, "index"); index && *index >= 0) {
      AVOUCH_TRY(Proven node, prove(static_cast<std::uint64_t>(*index)));
      const bool same_node = node.kind == tlog::kNodeVerdict &&
                             (node.payload.is_null() || text_of(node.payload, "nodeUID") ==
                                                            text_of(admission.payload, "nodeUID"));
      node.step.parts.push_back(same_node ? holds("it is the verdict of that node")
                                          : fails("it is the verdict of that node", node.kind));
      admission.step.parts.push_back(std::move(node.step));
    }
  }
  out.parts.push_back(std::move(admission.step));
  return out;
}

}  // namespace avouch::inspect
