#pragma once

// Of several controllers, the one that leads, marked for the Service: the others are ready too, as
// upgrades wait for that, and must get no requests.

#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace avouch::control {

// Label avouch.dev/leads=RELEASE on a pod of the release's namespace.
class LeaderMark {
 public:
  struct Options {
    std::string ns;
    std::string release;  // its full name
    std::string pod;      // the own one
  };
  explicit LeaderMark(Options options) : options_(std::move(options)) {}

  // Off the own pod: what the process before this one has left there. kRetryable. No such pod is
  // as good as one without the mark.
  Result<void> drop(const kube::Client& client) const { return drop(client, options_.pod); }
  // Off every other pod, and onto the own one: who was stopped while leading gets no more requests.
  // kRetryable; `client` should write for a leader only.
  Result<void> take(const kube::Client& client) const;

 private:
  Result<void> drop(const kube::Client& client, const std::string& pod) const;

  const Options options_;
};

}  // namespace avouch::control
