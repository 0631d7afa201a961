#include "inspect/in_toto.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/hex.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "inspect/entry_text.h"
#include "reference/dsse.h"
#include "reference/dsse_envelope.h"
#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;
using codec::Json;

constexpr std::string_view kInTotoStatement = "https://in-toto.io/Statement/v1";
constexpr std::uint64_t kMaxExactIndex = (std::uint64_t{1} << 53U) - 1;
constexpr codec::JsonLimits kInTotoLimits{reference::kMaxEnvelopeBytes, 32};
constexpr std::array<std::string_view, 3> kInTotoMembers = {"_type", "predicateType", "subject"};

Error no_statement(const std::string& why) {
  return rejected("no in-toto statement can be made of the entry: " + why);
}

Json subject_of(const std::string& name, ByteView sha256) {
  return Json::Object{{"name", name}, {"digest", Json::Object{{"sha256", to_hex(sha256)}}}};
}

// in-toto matches subjects by digest. A node is no file: its digest is of its kind and UID.
Result<Json> subjects_of(std::string_view kind, const Cbor& payload) {
  Json::Array out;
  if (kind == tlog::kNodeVerdict) {
    if (const std::string uid = text_of(payload, "nodeUID"); !uid.empty()) {
      out.push_back(subject_of("node/" + text_of(payload, "node"), crypto::sha256("node\n" + uid)));
    }
  } else if (kind == tlog::kAdmissionVerdict) {
    const std::string name = text_of(payload, "namespace") + "/" + text_of(payload, "pod");
    if (const std::string uid = text_of(payload, "podUID"); !uid.empty()) {
      out.push_back(subject_of("pod/" + name, crypto::sha256("pod\n" + uid)));
    }
    const Bytes* spec = bytes_of(payload, "podSpecDigest");
    if (spec != nullptr && spec->size() == crypto::Sha256().size()) {
      out.push_back(subject_of("podspec/" + name, *spec));
    }
  } else {
    return no_statement("it is of kind " + std::string(kind) + ", expected " +
                        std::string(tlog::kNodeVerdict) + " or " +
                        std::string(tlog::kAdmissionVerdict));
  }
  if (out.empty()) {
    return no_statement("it names neither the UID of its " +
                        std::string(kind == tlog::kNodeVerdict ? "node" : "pod") +
                        " nor a digest of it: export a tlog-proof");
  }
  return Json(std::move(out));
}

// Of an entry that whoever calls has verified, or will.
Result<Json> statement_of(const tlog::LogProof& proof, ByteView preimage) {
  if (!proof.extra) return no_statement("the proof does not hold it");
  const auto entry = tlog::parse_statement_unverified(*proof.extra);
  if (!entry.has_value()) {
    return no_statement("it is not one that the log's verifier made: " + entry.error().message);
  }
  AVOUCH_TRY(const Cbor payload, tlog::open_preimage(entry->preimage_digest, preimage));
  AVOUCH_TRY(Json subjects, subjects_of(entry->kind, payload));
  if (proof.index > kMaxExactIndex) return no_statement("JSON's numbers do not hold its index");
  const bool is_node = entry->kind == tlog::kNodeVerdict;
  return Json(Json::Object{
      {"_type", kInTotoStatement},
      {"subject", std::move(subjects)},
      {"predicateType", kVerdictPredicate},
      {"predicate", Json::Object{{"origin", entry->issuer},
                                 {"index", static_cast<std::int64_t>(proof.index)},
                                 {"kind", entry->kind},
                                 {"time", time_of(payload)},
                                 {"outcome", text_of(payload, is_node ? "phase" : "decision")},
                                 {"content", payload_json(payload)},
                                 {"preimage", codec::to_base64(preimage)},
                                 {"proof", tlog::format_log_proof(proof)}}}});
}

// What of `statement` is not as in `expected`; "" where all is. Further members do not matter.
std::string difference_of(const Json& statement, const Json& expected) {
  for (const std::string_view member : kInTotoMembers) {
    const Json* found = statement.find(member);
    if (found == nullptr || !(*found == *expected.find(member))) return std::string(member);
  }
  const Json* predicate = statement.find("predicate");
  for (const auto& [name, value] : *expected.find("predicate")->as_object()) {
    const Json* found = predicate == nullptr ? nullptr : predicate->find(name);
    if (found == nullptr || !(*found == value)) return "predicate." + name;
  }
  return "";
}

// What is in a statement that a known key signed.
void check_statement_in(const Json& statement, const ProofFileAnchors& anchors, ProofStep& out) {
  const std::string_view type = statement.text({"predicateType"});
  if (statement.text({"_type"}) != kInTotoStatement || type != kVerdictPredicate) {
    out.parts.push_back(fails("it is a statement about a verdict",
                              "_type and predicateType are not \"" + std::string(kInTotoStatement) +
                                  "\" and \"" + std::string(kVerdictPredicate) + "\""));
    return;
  }
  const auto proof = tlog::parse_log_proof(statement.text({"predicate", "proof"}));
  if (!proof.has_value()) {
    out.parts.push_back(fails("it holds a proof", "predicate.proof: " + proof.error().message));
    return;
  }
  const auto preimage = codec::from_base64(statement.text({"predicate", "preimage"}));
  if (!preimage.has_value()) {
    out.parts.push_back(
        fails("it holds the entry's content", "predicate.preimage: " + preimage.error().message));
    return;
  }
  ProofStep shown = check_log_proof(*proof, *preimage, anchors);
  out.claim += " about " + shown.claim;
  for (ProofStep& part : shown.parts) out.parts.push_back(std::move(part));

  const std::string claim = "subject and predicate are what the entry says";
  const auto expected = statement_of(*proof, *preimage);
  if (!expected.has_value()) {
    out.parts.push_back(fails(claim, expected.error().message));
    return;
  }
  const std::string differing = difference_of(statement, *expected);
  out.parts.push_back(
      differing.empty() ? holds(claim)
                        : fails(claim, differing + " is missing, or not what the entry makes it"));
}

}  // namespace

Result<std::string> sign_in_toto(const crypto::PrivateKey& key, const tlog::LogProof& proof,
                                 ByteView preimage) {
  AVOUCH_TRY(const Json statement, statement_of(proof, preimage));
  AVOUCH_TRY(const std::string payload, codec::canonical_json(statement));
  return reference::sign_envelope(key, kInTotoPayloadType, payload);
}

ProofStep check_in_toto(std::string_view file, std::span<const crypto::PublicKey> signer_keys,
                        const ProofFileAnchors& anchors) {
  ProofStep out = note("in-toto statement");
  const auto envelope = reference::parse_envelope_unverified(file);
  if (!envelope.has_value()) {
    out.parts.push_back(fails("the file is a DSSE envelope", envelope.error().message));
    return out;
  }
  const std::string claim = "the statement is signed by a key that was given";
  const auto verified = reference::verify_envelope(*envelope, signer_keys, kInTotoPayloadType);
  if (!verified.has_value()) {
    out.parts.push_back(fails(claim, verified.error().message));
    return out;
  }
  out.parts.push_back(holds(claim, reference::dsse_key_id(verified->signer())));
  const auto statement = codec::parse_json(verified->payload(), kInTotoLimits);
  if (!statement.has_value()) {
    out.parts.push_back(fails("the payload is JSON", statement.error().message));
    return out;
  }
  check_statement_in(*statement, anchors, out);
  return out;
}

}  // namespace avouch::inspect
