#include "inspect/proof_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/hex.h"
#include "base/time_text.h"
#include "inspect/entry_text.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/misbehaviour.h"
#include "tlog/receipt.h"
#include "tlog/signed_statement.h"

namespace avouch::inspect {
namespace {

// A witness may say any 63-bit number.
std::string when(std::uint64_t seconds) {
  constexpr std::uint64_t kYear9999 = 253'402'300'799;
  if (seconds > kYear9999) return std::to_string(seconds) + " s after 1970";
  return to_rfc3339(SystemTime{std::chrono::seconds{seconds}});
}

std::string signers_of(const std::vector<tlog::Cosignature>& cosignatures) {
  std::string out;
  for (const tlog::Cosignature& one : cosignatures) {
    out += (out.empty() ? "" : ", ") + one.name + " at " + when(one.seconds);
  }
  return out;
}

// Of a statement of another party, which the log has registered and not made.
void check_statement_of_another(const tlog::UnverifiedSignedStatement& statement,
                                const std::optional<Bytes>& content,
                                std::span<const crypto::PublicKey> issuer_keys, ProofStep& out) {
  const std::string whose = statement.issuer + " about " + statement.content_type;
  out.claim += ": statement of another party";
  if (issuer_keys.empty()) {
    out.parts.push_back(note("who signed the statement was not checked",
                             whose + "; give its keys with --issuer-keys to check it"));
  } else {
    const std::string claim = "statement is signed by a key given for its issuer";
    out.parts.push_back(tlog::signer_of(statement, issuer_keys) != nullptr
                            ? holds(claim, whose)
                            : fails(claim, whose + ": by none of the " +
                                               std::to_string(issuer_keys.size()) +
                                               " keys that were given"));
  }
  if (!content) {
    out.parts.push_back(note("content is not at hand", "sha256:" + to_hex(statement.digest)));
    return;
  }
  const std::string claim = "content is what the statement commits to";
  out.parts.push_back(crypto::sha256(*content) == statement.digest
                          ? holds(claim)
                          : fails(claim, "its SHA-256 is not " + to_hex(statement.digest)));
}

// Of a signature of another party: all of it but what was signed is in the entry.
void check_hashed_rekord_in(ByteView entry, const std::optional<Bytes>& content,
                            std::span<const crypto::PublicKey> issuer_keys, ProofStep& out) {
  out.claim += ": signature of another party";
  const auto rekord = tlog::parse_hashed_rekord_unverified(entry);
  if (!rekord.has_value()) {
    out.parts.push_back(fails("the entry is a hashedrekord", rekord.error().message));
    return;
  }
  const auto key = tlog::verify_hashed_rekord(*rekord);
  if (!key.has_value()) {
    out.parts.push_back(fails("the key in it has signed the digest in it", key.error().message));
    return;
  }
  const std::string whose = "sha256:" + to_hex(crypto::sha256(rekord->key));
  out.parts.push_back(holds("the key in it has signed the digest in it", whose));
  if (issuer_keys.empty()) {
    out.parts.push_back(
        note("whose key it is was not checked", "give keys with --issuer-keys to check it"));
  } else {
    const std::string claim = "it is one of the keys given";
    const bool given = std::find(issuer_keys.begin(), issuer_keys.end(), *key) != issuer_keys.end();
    out.parts.push_back(given ? holds(claim, whose) : fails(claim, whose));
  }
  if (!content) {
    out.parts.push_back(note("what was signed is not at hand", "digest " + to_hex(rekord->digest)));
    return;
  }
  const auto hash = rekord->key_type == crypto::KeyType::kEcP384 ? crypto::HashAlgorithm::kSha384
                                                                 : crypto::HashAlgorithm::kSha256;
  const std::string claim = "the digest is that of what was signed";
  out.parts.push_back(crypto::hash(hash, *content) == rekord->digest
                          ? holds(claim)
                          : fails(claim, "it is " + to_hex(rekord->digest)));
}

// The statement that the entry is, and what it commits to.
void check_statement(ByteView entry, const std::optional<Bytes>& preimage,
                     std::span<const crypto::PublicKey> verifier_keys, std::string_view origin,
                     std::span<const crypto::PublicKey> issuer_keys, ProofStep& out) {
  if (tlog::begins_as_hashed_rekord(entry)) {
    return check_hashed_rekord_in(entry, preimage, issuer_keys, out);
  }
  if (const auto other = tlog::statement_of_another(entry, origin)) {
    return check_statement_of_another(*other, preimage, issuer_keys, out);
  }
  const auto parsed = tlog::parse_statement_unverified(entry);
  if (!parsed.has_value()) {
    out.parts.push_back(fails("the entry is a statement", parsed.error().message));
    return;
  }
  if (verifier_keys.empty()) {
    out.parts.push_back(note("who signed the statement was not checked",
                             parsed->kind + "; give the verifier's keys to check it"));
  } else {
    const auto verified = tlog::verify_statement(entry, verifier_keys, origin);
    out.parts.push_back(
        verified.has_value()
            ? holds("statement is signed by the verifier", verified->kind())
            : fails("statement is signed by the verifier", verified.error().message));
  }
  if (!preimage) {
    out.parts.push_back(
        note("content is not at hand", "commitment " + to_hex(parsed->preimage_digest)));
    return;
  }
  const auto payload = tlog::open_preimage(parsed->preimage_digest, *preimage);
  if (!payload.has_value()) {
    out.parts.push_back(fails("content is what the statement commits to", payload.error().message));
    return;
  }
  out.parts.push_back(holds("content is what the statement commits to"));
  out.claim += ": " + time_of(*payload) + ", " + summary_of(parsed->kind, *payload);
}

}  // namespace

ProofStep check_proof_file(std::string_view file, const std::optional<Bytes>& preimage,
                           const ProofFileAnchors& anchors) {
  ProofStep out = note("tlog-proof of log " + anchors.origin);
  const auto proof = tlog::parse_log_proof(file);
  if (!proof.has_value()) {
    out.parts.push_back(fails("the file is a proof", proof.error().message));
    return out;
  }
  return check_log_proof(*proof, preimage, anchors);
}

ProofStep check_log_proof(const tlog::LogProof& proof, const std::optional<Bytes>& preimage,
                          const ProofFileAnchors& anchors) {
  ProofStep out = note("log entry " + std::to_string(proof.index));
  if (!proof.extra) {
    out.parts.push_back(fails("the file holds the entry",
                              "it has no extra line; kubectl avouch export puts the entry there"));
    return out;
  }
  const tlog::Hash leaf = tlog::leaf_hash(*proof.extra);
  const tlog::LogPolicy* policy = anchors.policy ? &*anchors.policy : nullptr;
  const auto verified =
      tlog::verify_log_proof(proof, leaf, anchors.log_keys, anchors.origin, policy);
  if (!verified.has_value()) {
    out.parts.push_back(
        fails("the entry is in the log, under a checkpoint that counts", verified.error().message));
    return out;
  }
  out.parts.push_back(holds("checkpoint of " + std::to_string(verified->checkpoint.size()) +
                                " entries is signed by the log",
                            anchors.origin));
  if (policy == nullptr || !policy->needs_witnesses()) {
    out.parts.push_back(note("no witness was asked for",
                             "another log of the same name may have been shown to others"));
  } else {
    out.parts.push_back(holds("a quorum of witnesses has cosigned the checkpoint",
                              signers_of(verified->cosignatures)));
  }
  out.parts.push_back(holds("leaf hash leads to the checkpoint's root over " +
                                std::to_string(proof.path.size()) + " hashes",
                            to_hex(leaf)));
  check_statement(*proof.extra, preimage, anchors.verifier_keys, anchors.origin,
                  anchors.issuer_keys, out);
  return out;
}

ProofForm form_of(ByteView file) {
  constexpr std::uint8_t kTag18 = 0xd2;
  if (!file.empty() && file.front() == kTag18) return ProofForm::kTransparentStatement;
  if (!file.empty() && file.front() == std::uint8_t{'{'}) return ProofForm::kInToto;
  return ProofForm::kLogProof;
}

std::string_view form_name(ProofForm form) {
  switch (form) {
    case ProofForm::kLogProof:
      break;
    case ProofForm::kTransparentStatement:
      return "a transparent statement";
    case ProofForm::kInToto:
      return "an in-toto statement";
  }
  return "a tlog-proof";
}

ProofStep check_transparent_statement(ByteView file, const std::optional<Bytes>& preimage,
                                      std::span<const crypto::PublicKey> verifier_keys,
                                      std::string_view origin,
                                      std::span<const crypto::PublicKey> issuer_keys) {
  ProofStep out = note("transparent statement of log " + std::string(origin));
  const auto statement = tlog::parse_transparent_statement_unverified(file);
  if (!statement.has_value()) {
    out.parts.push_back(fails("the file is a transparent statement", statement.error().message));
    return out;
  }
  const tlog::Hash leaf = tlog::leaf_hash(statement->entry);
  bool is_ours = false;
  for (const Bytes& receipt : statement->receipts) {
    const auto parts = tlog::parse_receipt_unverified(receipt);
    if (parts.has_value() && parts->issuer != origin) {
      out.parts.push_back(note("a receipt of another log was not checked", parts->issuer));
      continue;
    }
    is_ours = true;
    const auto verified = tlog::verify_receipt(receipt, leaf, verifier_keys, origin);
    if (!verified.has_value()) {
      out.parts.push_back(fails("the log's receipt for the entry", verified.error().message));
      continue;
    }
    const tlog::Inclusion& where = verified->inclusion();
    out.claim = "entry of log " + std::string(origin);
    out.parts.push_back(holds("the log signed the root to which the receipt's path leads",
                              to_hex(verified->root())));
    out.parts.push_back(note("the receipt says: entry " + std::to_string(where.index) + " of " +
                                 std::to_string(where.size),
                             "a receipt's signature does not cover that"));
  }
  if (!is_ours) out.parts.push_back(fails("a receipt of the log", "there is none of this log"));
  out.parts.push_back(note("no witness was asked for",
                           "a receipt says what the log signed, not that others saw the same"));
  check_statement(statement->entry, preimage, verifier_keys, origin, issuer_keys, out);
  return out;
}

ProofStep check_misbehaviour_file(std::string_view file,
                                  std::span<const tlog::NoteVerifier> log_keys,
                                  std::string_view origin) {
  ProofStep out = note("misbehaviour of log " + std::string(origin));
  const auto read = tlog::parse_misbehaviour(file);
  if (!read.has_value()) {
    out.parts.push_back(fails("the file is a proof of misbehaviour", read.error().message));
    return out;
  }
  const auto proven = tlog::verify_misbehaviour(*read, log_keys, origin);
  if (!proven.has_value()) {
    out.parts.push_back(fails("the log contradicted itself", proven.error().message));
    return out;
  }
  out.claim = "log " + std::string(origin) + " contradicted itself";
  for (const tlog::VerifiedCheckpoint& each : {proven->older, proven->newer}) {
    out.parts.push_back(
        holds("the log signed a checkpoint of " + std::to_string(each.size()) + " entries",
              to_hex(each.root())));
  }
  out.parts.push_back(
      proven->older.size() == proven->newer.size()
          ? holds("their roots differ")
          : holds("the larger tree begins otherwise than the smaller one, shown over " +
                      std::to_string(read->proof.size()) + " hashes",
                  to_hex(*read->prefix)));
  return out;
}

}  // namespace avouch::inspect
