#include "cli/export.h"

#include <iostream>
#include <span>
#include <utility>
#include <vector>

#include "cli/session.h"
#include "cli/usage.h"
#include "inspect/in_toto.h"
#include "inspect/proof_file.h"
#include "inspect/release.h"
#include "inspect/rights.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/misbehaviour.h"
#include "tlog/receipt.h"
#include "tlog/signed_statement.h"

namespace avouch::cli {
namespace {

Result<std::optional<Bytes>> read_preimage(const std::string& file) {
  if (file.empty()) return std::optional<Bytes>();
  AVOUCH_TRY(Bytes bytes, read_input(file, tlog::kMaxPreimageBytes));
  return std::optional(std::move(bytes));
}

Result<std::string> content_of_entry(Session& session, std::uint64_t index) {
  if (!session.log.reads_content()) {
    return inspect::needs_reader("the content of an entry is read", session.log.release());
  }
  AVOUCH_TRY(const inspect::UnverifiedListed listed, session.log.entry(index));
  if (listed.erased_by) {
    return rejected("the content of entry " + std::to_string(index) +
                    (listed.is_pruned ? " was pruned by entry " : " was erased by entry ") +
                    std::to_string(*listed.erased_by) +
                    ": export it without (kubectl avouch export " + std::to_string(index) + ")");
  }
  if (listed.preimage.empty()) {
    return rejected("the content of entry " + std::to_string(index) +
                    " is withheld: " + listed.withheld);
  }
  return std::string(as_text(listed.preimage));
}

Result<tlog::VerifiedCheckpoint> witnessed_checkpoint(Session& session, std::uint64_t index) {
  AVOUCH_TRY(const std::optional<Bytes> note, session.log.fetch("witnessed/checkpoint"));
  if (!note) {
    return retryable(
        "the log has no checkpoint that a quorum of witnesses has cosigned: are any asked "
        "(controller.log.witnesses), and do they answer?");
  }
  AVOUCH_TRY(tlog::VerifiedCheckpoint checkpoint,
             tlog::verify_checkpoint(as_text(*note), session.trust.log_keys, session.trust.origin));
  if (index < checkpoint.size()) return checkpoint;
  return retryable("entry " + std::to_string(index) +
                   " is not under the newest witnessed checkpoint, which has " +
                   std::to_string(checkpoint.size()) + " entries: try again in a few seconds");
}

// Nothing for ""; kRejected where it is no private key.
Result<std::optional<crypto::PrivateKey>> read_signing_key(const std::string& file) {
  if (file.empty()) return std::optional<crypto::PrivateKey>();
  AVOUCH_TRY(const std::string pem, read_user_file(file));
  auto key = crypto::PrivateKey::from_pem(pem);
  if (!key.has_value()) return with_context(std::move(key).error(), file);
  return std::optional(*std::move(key));
}

inspect::ProofFileAnchors anchors_of(const inspect::TrustAnchors& trust) {
  return {.log_keys = trust.log_keys,
          .origin = trust.origin,
          .verifier_keys = trust.verifier_keys,
          .policy = std::nullopt,
          .issuer_keys = {}};
}

// A proof in its form, and what holds of it when it is read as anybody would.
struct Exported {
  Bytes file;
  inspect::ProofStep checked;
};

Result<Exported> as_in_toto(const tlog::LogProof& proof, const Bytes& preimage,
                            const crypto::PrivateKey& key, const inspect::TrustAnchors& trust) {
  AVOUCH_TRY(const std::string file, inspect::sign_in_toto(key, proof, preimage));
  const crypto::PublicKey signer = key.public_key();
  return Exported{to_bytes(file),
                  inspect::check_in_toto(file, std::span(&signer, 1), anchors_of(trust))};
}

Exported as_transparent(const Bytes& statement, const std::optional<Bytes>& preimage,
                        const inspect::TrustAnchors& trust) {
  return {statement, inspect::check_transparent_statement(statement, preimage, trust.verifier_keys,
                                                          trust.origin)};
}

Exported as_log_proof(const tlog::LogProof& proof, const std::optional<Bytes>& preimage,
                      const inspect::TrustAnchors& trust) {
  const std::string file = tlog::format_log_proof(proof);
  return {to_bytes(file), inspect::check_proof_file(file, preimage, anchors_of(trust))};
}

}  // namespace

Result<Exit> export_entry(const Context& context, const ExportOptions& options) {
  AVOUCH_TRY(const std::optional<crypto::PrivateKey> key, read_signing_key(options.key));
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the log's checkpoint");
  const auto checkpoint =
      options.witnessed ? witnessed_checkpoint(session, options.index) : newest_checkpoint(session);
  if (!checkpoint.has_value()) return disproved(context, session, kSigned, checkpoint.error());
  if (options.index >= checkpoint->size()) {
    return inspect::no_entry(options.index, checkpoint->size());
  }
  context.progress("proving entry " + std::to_string(options.index));
  auto included = tlog::fetch_entry(session.log, *checkpoint, options.index);
  if (!included.has_value()) {
    return disproved(context, session, "leaf hash leads to the checkpoint's root",
                     included.error());
  }
  const tlog::LogProof proof{std::move(included->entry), options.index, std::move(included->proof),
                             checkpoint->note()};
  std::optional<Bytes> preimage;
  if (!options.preimage.empty() || key) {
    AVOUCH_TRY(const std::string content, content_of_entry(session, options.index));
    preimage = to_bytes(content);
  }

  if (options.format == "cose" && tlog::begins_as_hashed_rekord(*proof.extra)) {
    return rejected("entry " + std::to_string(options.index) +
                    " is a hashedrekord, and a receipt is of a signed statement: export it as a "
                    "tlog-proof (--format tlog-proof)");
  }
  Exported made;
  if (key) {
    AVOUCH_TRY(made, as_in_toto(proof, *preimage, *key, session.trust));
  } else if (options.format == "cose") {
    context.progress("reading the entry's receipt");
    AVOUCH_TRY(const Bytes receipt, session.log.receipt(options.index));
    const auto statement = tlog::format_transparent_statement({*proof.extra, {receipt}});
    if (!statement.has_value()) {
      return disproved(context, session, "the entry has a receipt", statement.error());
    }
    made = as_transparent(*statement, preimage, session.trust);
  } else {
    made = as_log_proof(proof, preimage, session.trust);
  }
  if (!inspect::all_hold(made.checked)) return show_proof(made.checked, context.common.format);
  if (!options.preimage.empty()) {
    AVOUCH_CHECK(write_output(options.preimage, *preimage, options.if_there));
  }
  if (options.file.empty()) {
    std::cout << as_text(made.file);
  } else {
    AVOUCH_CHECK(write_output(options.file, made.file, options.if_there));
  }
  return Exit::kGood;
}

namespace {

Result<std::vector<crypto::PublicKey>> read_public_keys(const std::string& file) {
  if (file.empty()) return std::vector<crypto::PublicKey>();
  AVOUCH_TRY(const std::string pem, read_user_file(file));
  auto keys = crypto::PublicKey::list_from_pem(pem);
  if (!keys.has_value()) return with_context(std::move(keys).error(), file);
  return keys;
}

// What is to be proven; a statement and the receipt beside it as the transparent statement that
// they make together.
Result<Bytes> read_proof(const ProofFileOptions& options) {
  AVOUCH_TRY(Bytes proof, read_input(options.proof, kMaxProofFile));
  if (options.receipt.empty()) return proof;
  AVOUCH_TRY(const Bytes receipt, read_input(options.receipt, tlog::kMaxReceiptBytes));
  const auto statement = tlog::parse_signed_statement_unverified(proof);
  if (!statement.has_value()) {
    return with_context(statement.error(), options.proof +
                                               ": expected a signed statement, which "
                                               "--receipt is of");
  }
  auto together = tlog::format_transparent_statement({statement->entry, {receipt}});
  if (!together.has_value()) return with_context(std::move(together).error(), options.receipt);
  return together;
}

// As missing_for_proof_file(), of a file of that form.
std::string missing_for(inspect::ProofForm form, const ProofFileOptions& options,
                        const Common& common) {
  std::vector<std::string> missing;
  if (form == inspect::ProofForm::kTransparentStatement) {
    if (common.verifier_keys_file.empty()) missing.emplace_back("--verifier-keys");
    if (common.origin.empty() && common.log_vkey_file.empty()) {
      missing.emplace_back("--origin (or --vkey)");
    }
  } else if (common.log_vkey_file.empty()) {
    missing.emplace_back("--vkey");
  }
  const std::string where = missing.empty() ? "" : where_keys_are(common.release);
  if (form == inspect::ProofForm::kInToto && options.signer_keys.empty()) {
    missing.emplace_back(
        "--signer-keys (a file with the public keys, in PEM, of those who may have signed it)");
  }
  if (missing.empty()) return "";
  std::string out = options.proof;
  // Which a file that is neither is taken for.
  out += form == inspect::ProofForm::kLogProof
             ? ": is no transparent or in-toto statement; a tlog-proof needs "
             : ": is " + std::string(inspect::form_name(form)) + ", which needs ";
  for (const std::string& option : missing) out += (&option == &missing[0] ? "" : " and ") + option;
  return out + where;
}

// The log's name comes from its key, where that is all that is given.
Result<Exit> verify_transparent(ByteView file, const std::optional<Bytes>& preimage,
                                const ProofFileOptions& options, const Common& common) {
  if (!options.log_policy.empty()) {
    return rejected(options.proof +
                    ": is a transparent statement, which has no cosignatures for --log-policy: "
                    "export a tlog-proof");
  }
  std::string origin = common.origin;
  if (origin.empty() || (!common.shard.empty() && !common.log_vkey_file.empty())) {
    AVOUCH_TRY(const NamedLog log, named_log(common));
    origin = log.origin;
  }
  AVOUCH_TRY(const std::string pem, read_user_file(common.verifier_keys_file));
  const auto keys = crypto::PublicKey::list_from_pem(pem);
  if (!keys.has_value()) return with_context(keys.error(), common.verifier_keys_file);
  AVOUCH_TRY(const std::vector<crypto::PublicKey> issuer_keys,
             read_public_keys(options.issuer_keys));
  return show_proof(
      inspect::check_transparent_statement(file, preimage, *keys, origin, issuer_keys),
      common.format);
}

// What a proof under a checkpoint is held by. The log's name comes from its key, where no other is
// given.
Result<inspect::ProofFileAnchors> read_anchors(const ProofFileOptions& options,
                                               const Common& common) {
  AVOUCH_TRY(NamedLog log, named_log(common));
  inspect::ProofFileAnchors anchors{.log_keys = std::move(log.keys),
                                    .origin = std::move(log.origin),
                                    .verifier_keys = {},
                                    .policy = std::nullopt,
                                    .issuer_keys = {}};
  AVOUCH_TRY(anchors.issuer_keys, read_public_keys(options.issuer_keys));
  if (!common.verifier_keys_file.empty()) {
    AVOUCH_TRY(const std::string pem, read_user_file(common.verifier_keys_file));
    AVOUCH_TRY(inspect::TrustAnchors trust,
               inspect::parse_trust_anchors(pem, tlog::format_vkey(anchors.log_keys.front()),
                                            anchors.origin, common.verifier_keys_file));
    anchors.verifier_keys = std::move(trust.verifier_keys);
  }
  AVOUCH_TRY(anchors.policy, read_log_policy_file(options.log_policy));
  return anchors;
}

}  // namespace

std::string missing_for_proof_file(const ProofFileOptions& options, const Common& common) {
  const auto proof = read_proof(options);
  return proof.has_value() ? missing_for(inspect::form_of(*proof), options, common) : "";
}

Result<Exit> verify_proof_file(const ProofFileOptions& options, const Common& common) {
  AVOUCH_TRY(const Bytes proof, read_proof(options));
  AVOUCH_TRY(const std::optional<Bytes> preimage, read_preimage(options.preimage));
  const inspect::ProofForm form = inspect::form_of(proof);
  const bool is_in_toto = form == inspect::ProofForm::kInToto;
  if (!is_in_toto && !options.signer_keys.empty()) {
    return rejected(options.proof +
                    ": is no in-toto statement, and --signer-keys are for one: "
                    "leave them away");
  }
  if (const std::string missing = missing_for(form, options, common); !missing.empty()) {
    return rejected(missing);
  }
  if (form == inspect::ProofForm::kTransparentStatement) {
    return verify_transparent(proof, preimage, options, common);
  }
  AVOUCH_TRY(const inspect::ProofFileAnchors anchors, read_anchors(options, common));
  if (is_in_toto) {
    if (preimage) {
      return rejected(options.proof +
                      ": is an in-toto statement, which holds the entry's content: leave "
                      "--preimage away");
    }
    AVOUCH_TRY(const std::vector<crypto::PublicKey> signers, read_public_keys(options.signer_keys));
    return show_proof(inspect::check_in_toto(as_text(proof), signers, anchors), common.format);
  }
  return show_proof(inspect::check_proof_file(as_text(proof), preimage, anchors), common.format);
}

Result<Exit> verify_misbehaviour_file(const std::string& file, const Common& common) {
  AVOUCH_TRY(const NamedLog log, named_log(common));
  AVOUCH_TRY(const Bytes proof, read_input(file, tlog::kMaxMisbehaviourBytes));
  return show_proof(inspect::check_misbehaviour_file(as_text(proof), log.keys, log.origin),
                    common.format);
}

}  // namespace avouch::cli
