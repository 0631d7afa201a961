#pragma once

// Turns what informers report into the immutable snapshot that decisions are made from. Tokens are
// verified here, on the informer's thread, never on a request's.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admission/facts.h"
#include "admission/verdict_book.h"
#include "base/clock.h"
#include "kube/informer.h"
#include "webhook/trust_anchors.h"

namespace avouch::webhook {

// Thread-safe. Each on_...() is called by one informer's thread.
class ClusterView {
 public:
  // A problem worth a log line: what is wrong with which object.
  using OnProblem = std::function<void(const std::string& message)>;

  ClusterView(Clock& clock, OnProblem on_problem);

  void on_policy(const kube::Change& change);
  void on_namespace(const kube::Change& change);
  void on_node(const kube::Change& change);
  void on_evidence(const kube::Change& change);
  // Replaces the anchors and verifies every known token anew where keys or origin have changed.
  // Anchors that cannot be read leave the old ones in force; so does their deletion.
  void on_trust(const kube::Change& change);

  std::shared_ptr<const admission::Snapshot> snapshot();
  // Whether the snapshot has this version of a policy.
  bool has_policy(const std::string& name, const std::string& resource_version) const;
  std::shared_ptr<const TrustAnchors> anchors() const;  // null before the first
  void prune();                                         // now and then: forgets what is past

  // Of an object, what is read here: nothing else takes memory, whoever wrote it. Labels of more
  // than these bytes, keys and values, are left out, and then are not known.
  static constexpr std::size_t kMaxPodLabels = 4 * 1024, kMaxNamespaceLabels = 64 * 1024;
  static codec::Json read_identity(const codec::JsonView& object);  // name, UID, version
  static codec::Json read_node(const codec::JsonView& node);
  static codec::Json read_unbound_pod(const codec::JsonView& pod);
  static codec::Json read_namespace(const codec::JsonView& ns);
  static bool knows_labels(const codec::Json& object);
  // Removes from an object, before it is kept, what is not read here.
  static void trim_evidence(codec::Json& evidence);
  static void trim_pod(codec::Json& pod);

 private:
  struct Evidence {
    std::string token;                 // base64, as in the status; "" where there is none
    std::vector<std::string> reasons;  // for messages
    std::optional<std::uint64_t> log_index;
    std::string log_origin;
    std::string node_uid;  // of the last token that was verified
  };
  struct Boot {
    std::string id;
    std::optional<SystemTime> changed_at;
    std::optional<SteadyTime> changed_seen;
  };

  void verify(const std::string& name, const Evidence& evidence);
  void changed();  // with the lock held

  Clock& clock_;
  const OnProblem on_problem_;
  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<const TrustAnchors> anchors_;
  std::map<std::string, Evidence> evidences_;  // by node name
  std::map<std::string, Boot> boots_;          // by node UID
  std::map<std::string, std::string> policy_versions_;
  admission::VerdictBook book_;
  admission::Snapshot now_;                            // but for verdicts, which are the book's
  std::shared_ptr<const admission::Snapshot> shared_;  // null after a change
};

}  // namespace avouch::webhook
