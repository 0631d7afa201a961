#pragma once

// Brings the status of one AttestationEvidence to what its outlook says. Of what is right nothing
// is kept but a digest (NodeBoard, evidence_informer_options()): the live object is read when
// something has to be written, and the outlook is asked for again when somebody else has written.

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/node_board.h"
#include "kube/client.h"
#include "kube/informer.h"

namespace avouch::control {

class EvidenceWriter {
 public:
  // What the informer keeps of an object; null where there is none. Thread-safe.
  using Find = std::function<kube::ObjectPtr(const std::string& name)>;
  // Has the appraiser publish the node's outlook again, soon. Thread-safe.
  using AskAgain = std::function<void(const std::string& name)>;

  // The references outlive it.
  EvidenceWriter(const kube::Client& client, NodeBoard& board, Find find, AskAgain ask_again);

  // Thread-safe, one call a name at a time. An error: to be called again.
  Result<void> sync(const std::string& name, SystemTime now);

 private:
  const kube::Client& client_;
  NodeBoard& board_;
  const Find find_;
  const AskAgain ask_again_;
};

}  // namespace avouch::control
