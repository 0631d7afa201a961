#include "cli/export.h"

#include <iostream>
#include <utility>

#include "cli/files.h"
#include "cli/session.h"
#include "inspect/proof_file.h"
#include "inspect/release.h"
#include "inspect/rights.h"
#include "tlog/client.h"
#include "tlog/entry.h"

namespace avouch::cli {
namespace {

constexpr std::size_t kMaxProofFile = 1024 * 1024;

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
  if (listed.preimage.empty()) {
    return rejected("the content of entry " + std::to_string(index) +
                    " is withheld: " + listed.withheld);
  }
  return std::string(as_text(listed.preimage));
}

}  // namespace

Result<Exit> export_entry(const Context& context, const ExportOptions& options) {
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the log's checkpoint");
  const auto checkpoint = newest_checkpoint(session);
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
  const std::string proof = tlog::format_log_proof(
      {std::move(included->entry), options.index, std::move(included->proof), checkpoint->note()});
  std::optional<Bytes> preimage;
  if (!options.preimage.empty()) {
    AVOUCH_TRY(const std::string content, content_of_entry(session, options.index));
    preimage = to_bytes(content);
  }

  const inspect::ProofStep checked =
      inspect::check_proof_file(proof, preimage,
                                {.log_key = session.trust.log_key,
                                 .origin = session.trust.origin,
                                 .verifier_keys = session.trust.verifier_keys,
                                 .policy = std::nullopt});
  if (!inspect::all_hold(checked)) return show_proof(checked, context.common.format);
  if (preimage) AVOUCH_CHECK(write_output(options.preimage, *preimage));
  if (options.file.empty()) {
    std::cout << proof;
  } else {
    AVOUCH_CHECK(write_output(options.file, to_bytes(proof)));
  }
  return Exit::kGood;
}

Result<Exit> verify_proof_file(const ProofFileOptions& options, const Common& common) {
  AVOUCH_TRY(tlog::NoteVerifier key, read_vkey_file(common.log_vkey_file));
  inspect::ProofFileAnchors anchors{.log_key = std::move(key),
                                    .origin = common.origin,
                                    .verifier_keys = {},
                                    .policy = std::nullopt};
  if (anchors.origin.empty()) anchors.origin = anchors.log_key.name;
  if (!common.verifier_keys_file.empty()) {
    AVOUCH_TRY(const std::string pem, read_user_file(common.verifier_keys_file));
    AVOUCH_TRY(inspect::TrustAnchors trust,
               inspect::parse_trust_anchors(pem, tlog::format_vkey(anchors.log_key), anchors.origin,
                                            common.verifier_keys_file));
    anchors.verifier_keys = std::move(trust.verifier_keys);
  }
  if (!options.log_policy.empty()) {
    AVOUCH_TRY(const std::string text, read_user_file(options.log_policy));
    auto policy = tlog::LogPolicy::parse(text);
    if (!policy.has_value()) return with_context(policy.error(), options.log_policy);
    anchors.policy = *std::move(policy);
  }
  AVOUCH_TRY(const Bytes proof, read_input(options.proof, kMaxProofFile));
  AVOUCH_TRY(const std::optional<Bytes> preimage, read_preimage(options.preimage));
  return show_proof(inspect::check_proof_file(as_text(proof), preimage, anchors), common.format);
}

}  // namespace avouch::cli
