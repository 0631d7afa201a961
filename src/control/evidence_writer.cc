#include "control/evidence_writer.h"

#include <utility>

#include "control/api_writer.h"
#include "control/informers.h"

namespace avouch::control {

EvidenceWriter::EvidenceWriter(const kube::Client& client, NodeBoard& board, Find find,
                               AskAgain ask_again)
    : client_(client), board_(board), find_(std::move(find)), ask_again_(std::move(ask_again)) {}

Result<void> EvidenceWriter::sync(const std::string& name, SystemTime now) {
  const auto wanted = board_.find_status(name);
  if (!wanted || wanted->evidence_uid.empty()) return {};
  const kube::ObjectPtr kept = find_(name);
  if (kept == nullptr || kept->text({"metadata", "uid"}) != wanted->evidence_uid) return {};
  if (kept_status_digest(*kept) == wanted->digest) {
    board_.settle(name, wanted->digest);
    return {};
  }
  if (!wanted->status) {
    ask_again_(name);
    return {};
  }
  const auto live = client_.get(kube::attestation_evidences(), name);
  if (!live.has_value()) {
    if (live.error().is_not_found()) return {};  // its informer will say so
    return Error(live.error());
  }
  return sync_status(client_, kube::attestation_evidences(), "AttestationEvidence", name,
                     wanted->evidence_uid, *wanted->status, &*live, now);
}

}  // namespace avouch::control
