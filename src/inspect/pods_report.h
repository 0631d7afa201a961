#pragma once

// What `verify pods` says: of the pods that are gated, which the log has and which it has not.

#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/json.h"
#include "inspect/gated_pods.h"
#include "inspect/pod_record.h"

namespace avouch::inspect {

struct CheckedPod {
  GatedPod pod;
  PodRecord record;
};

struct PodsReport {
  std::size_t recorded = 0;          // and proved
  std::vector<CheckedPod> late;      // of these, by an entry that came by a webhook's spool
  std::vector<CheckedPod> missing;   // NOT RECORDED
  std::vector<CheckedPod> spooled;   // no entry yet: made a moment ago, may be in a spool
  std::vector<CheckedPod> unlooked;  // there was no time to look for their entries
  GatedPods gated;                   // to_record has been taken from it

  std::size_t count() const {
    return recorded + missing.size() + spooled.size() + unlooked.size() + gated.before.size();
  }
  // Each pod that must be recorded is.
  bool is_whole() const { return missing.empty() && spooled.empty() && unlooked.empty(); }
};

// `records`: of gated.to_record, in its order; a pod without one was not looked for. A pod without
// an entry may be spooled only where every policy that gates it lets pods in by a spool, and the
// API server made it within the last two minutes: what its kubelet can write excuses nothing.
PodsReport report_pods(GatedPods gated, const std::vector<PodRecord>& records, SystemTime now);

// Lines for people; the last one counts.
std::string pods_text(const PodsReport& report, const PodScope& scope);
codec::Json pods_json(const PodsReport& report);

}  // namespace avouch::inspect
