#pragma once

// All that the leader runs: log, stores, informers, appraiser, intake. Built when this process has
// become the leader, taken apart when it ends; built anew where another log follows the one that it
// writes (control/shard_chain.h).

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/controller_config.h"
#include "control/fenced_anchor.h"
#include "kube/client.h"
#include "operator/signals.h"
#include "operator/written_log.h"

namespace avouch::controller {

class Leader {
 public:
  // Puts a text on the Lease, for whoever may read that.
  using SayOnLease = std::function<void(std::string)>;

  // The references outlive the leader, and `written` those that follow it. `client` writes as long
  // as this process leads, and the log publishes as long.
  Leader(const config::ControllerConfig& config, const kube::Client& client, Clock& clock,
         Signals& signals, WrittenLog& written, std::string identity,
         control::FencedAnchor::LeadingUntil leading_until, SayOnLease say_on_lease);
  ~Leader();  // stop()
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  // Opens what is on disk, reads the cluster, serves. Faults that pass are waited for, until `stop`
  // is requested.
  Result<void> start(const std::stop_token& stop);

  // Whether the log's period is over: the next leader closes it and begins the one that follows.
  // Not while content is being pruned: that would wait for it. After start().
  bool log_is_over() const;

  // Serves no more, finishes what is decided, closes the log.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace avouch::controller
