// A verdict judged again: its record, its inputs, and the same verifier over them.

#include "appraisal/reappraise.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "inspect/verify.h"

namespace avouch::inspect {
namespace {

// The controller's store of one verdict's inputs.
class KeptInputs final : public appraisal::RecordObjects {
 public:
  KeptInputs(LogAccess& log, std::string node, const tlog::Hash& token,
             const std::function<void(const std::string&)>& progress)
      : log_(log), node_(std::move(node)), token_(token), progress_(progress) {}

  Result<std::optional<Bytes>> read(const crypto::Sha256& digest, std::size_t max_bytes) override {
    progress_("reading sha256:" + to_hex(digest));
    return log_.record_object(node_, token_, digest, max_bytes);
  }

 private:
  LogAccess& log_;
  const std::string node_;
  const tlog::Hash token_;
  const std::function<void(const std::string&)>& progress_;
};

void add_outcome(const appraisal::Reappraisal& again, ProofStep& out) {
  ProofStep inputs = again.missing.empty() && again.foreign.empty()
                         ? holds("what the verdict was made of is kept, and is what the token says",
                                 std::to_string(again.inputs.size()) + " inputs")
                         : note("what the verdict was made of");
  for (const std::string& each : again.inputs) inputs.parts.push_back(holds(each));
  for (const std::string& each : again.missing) {
    inputs.parts.push_back(fails("an input is kept as it was", each));
  }
  for (const std::string& each : again.foreign) {
    inputs.parts.push_back(fails("the record is of this verdict", each));
  }
  out.parts.push_back(std::move(inputs));
  for (const std::string& each : again.as_recorded) {
    out.parts.push_back(note("not judged again, and taken as recorded", each));
  }
  if (!again.verdict) return;
  for (const std::string& each : again.different) {
    out.parts.push_back(fails("judged again, the outcome is the same", each));
  }
  if (!again.different.empty()) return;
  std::string reasons;
  for (const attest::Reason& reason : again.verdict->reasons) {
    reasons += (reasons.empty() ? "" : ", ") + reason.code;
  }
  out.parts.push_back(holds("judged again, the verdict is the same",
                            std::string(attest::status_name(again.verdict->status)) +
                                (reasons.empty() ? "" : ": " + reasons)));
}

}  // namespace

Result<ProofStep> Verifier::prove_again(const std::string& node, const tlog::Hash& token_digest,
                                        const std::optional<Bytes>& named) {
  ProofStep out = note("the verdict of node " + node + ", judged again");
  const std::string kept = "its record is kept";
  if (!log_.reads_content()) {
    out.parts.push_back(fails(kept, "cannot be asked without a token to read it with"));
    return out;
  }
  progress_("reading the record of the verdict");
  AVOUCH_TRY(const auto bytes, log_.record(node, token_digest));
  if (!bytes) {
    out.parts.push_back(
        fails(kept, "there is none of token sha256:" + to_hex(token_digest) +
                        ": the verdict is older than the controller's records.retention, was given "
                        "up for newer ones (records.bytes), or comes from a version that kept "
                        "none"));
    return out;
  }
  if (named && !equal(crypto::sha256(*bytes), *named)) {
    out.parts.push_back(fails("the verdict's log entry names this record",
                              "it names sha256:" + to_hex(*named) +
                                  ", and the record is sha256:" + to_hex(crypto::sha256(*bytes))));
    return out;
  }
  const auto stored = appraisal::parse_record(*bytes);
  if (!stored.has_value()) {
    out.parts.push_back(fails("its record is whole", stored.error().message));
    return out;
  }
  out.parts.push_back(holds(kept, "of " + to_rfc3339(stored->record.time) +
                                      ", sha256:" + to_hex(crypto::sha256(*bytes))));
  if (named) out.parts.push_back(holds("the verdict's log entry names this record"));

  const std::string signed_by = "its token is signed by the verifier";
  const auto token =
      attest::verify_token(stored->record.token, anchors_.verifier_keys, anchors_.issuer());
  if (!token.has_value()) {
    out.parts.push_back(fails(signed_by, token.error().message));
    return out;
  }
  if (token->digest() != token_digest) {
    out.parts.push_back(fails("the record is of this verdict", "it holds another token"));
    return out;
  }
  out.parts.push_back(holds(signed_by));
  KeptInputs objects(log_, node, token_digest, progress_);
  const auto again = appraisal::reappraise(*stored, token->claims(), objects);
  if (!again.has_value()) {
    if (!disproves(again.error())) return again.error();
    out.parts.push_back(fails("what the verdict was made of can be read", again.error().message));
    return out;
  }
  add_outcome(*again, out);
  return out;
}

}  // namespace avouch::inspect
