#pragma once

// Proves what was decided about a node or a pod, from the log and the keys that the caller trusts.

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "inspect/log_access.h"
#include "inspect/proof.h"
#include "inspect/release.h"
#include "kube/client.h"
#include "tlog/checkpoint.h"

namespace avouch::inspect {

// One run. Reads the newest checkpoint once and proves everything against it.
class Verifier {
 public:
  // `progress` is told what is being done. The references must outlive the verifier.
  Verifier(const kube::Client& api, LogAccess& log, const TrustAnchors& anchors, Clock& clock,
           std::function<void(const std::string&)> progress);

  // The node's verdict token: signature, claims, and the entry that it is in.
  Result<ProofStep> node(const std::string& name);

  // The newest admission verdict of a pod name, and the node verdict that it was based on.
  Result<ProofStep> pod(const std::string& ns, const std::string& name);

  // Entry `index`: checkpoint, inclusion, statement, content.
  Result<ProofStep> entry(std::uint64_t index);

 private:
  struct Proven {
    ProofStep step;
    std::string kind, subject;
    codec::Cbor payload;  // null where it is withheld
  };
  Result<const tlog::VerifiedCheckpoint*> checkpoint();
  Result<Proven> prove(std::uint64_t index);
  Result<ProofStep> prove_token(const tlog::Hash& token_digest, std::uint64_t verdict_index);
  Result<ProofStep> prove_renewal(const tlog::Hash& token_digest, const std::string& subject);

  const kube::Client& api_;
  LogAccess& log_;
  const TrustAnchors& anchors_;
  Clock& clock_;
  std::function<void(const std::string&)> progress_;
  std::optional<tlog::VerifiedCheckpoint> checkpoint_;
};

}  // namespace avouch::inspect
