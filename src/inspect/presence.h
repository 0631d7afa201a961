#pragma once

// Whether the release is there at all: what stands between pods and nodes, and what judges nodes.
// What the table of nodes cannot say, because what it shows stays when nobody writes it any more.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "inspect/nodes.h"
#include "inspect/release.h"
#include "kube/client.h"
#include "kube/views.h"

namespace avouch::inspect {

struct PartReport {
  enum class State {
    kUnknown,  // cannot be told: `found` says why
    kWorking,
    kDown,    // it is there, and does not do its work
    kAbsent,  // no such object
  };
  State state = State::kUnknown;
  std::string found;   // what is there; what is missing; why it cannot be told
  std::string effect;  // what follows for admission; "" while it works or cannot be told
  std::string remedy;  // as `effect`
};

struct PresenceReport {
  PartReport configuration;  // the ValidatingWebhookConfiguration; how it is, `Guarded` says
  PartReport webhook;        // who answers it
  PartReport controller;     // who judges nodes
  // The controller's Lease, where it has a time to come, which no controller writes: who leads is
  // then told by pods alone.
  std::optional<PartReport> wrong_lease{};
  // What the Lease says of the log: the condition `Recorded`. Nothing where it says nothing (a
  // controller that has just begun, or of another version), or cannot be read.
  std::optional<kube::Condition> recorded{};

  // Nothing of the release is there.
  bool gone() const;
};

// Reads the configuration, Endpoints and Deployment of the webhook, Lease and StatefulSet of the
// controller: what ClusterRole NAME-node-viewer may. What cannot be read is kUnknown, never an
// error. A Lease is old by the caller's clock, half a minute after its end.
PresenceReport report_presence(const kube::Client& api, const ReleaseName& release, SystemTime now);

// Nodes whose verdict ended half a minute ago or earlier although a controller works, which would
// have renewed it or written that they are Stale: it cannot write what it decides.
std::vector<std::string> unwritten_nodes(const PresenceReport& report,
                                         const std::vector<NodeReport>& nodes, SystemTime now);
std::string unwritten_line(const std::vector<std::string>& nodes, const ReleaseName& release);

// What is found of each part that does not work (finding.h), and a line for each that cannot be
// told; "" where all of them work.
std::string presence_lines(const PresenceReport& report, const ReleaseName& release);
codec::Json presence_json(const PresenceReport& report, const ReleaseName& release);

}  // namespace avouch::inspect
