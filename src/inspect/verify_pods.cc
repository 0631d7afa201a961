// Of many pods, whether the log has what let each of them in.

#include <algorithm>

#include "inspect/rights.h"
#include "inspect/verify.h"

namespace avouch::inspect {
namespace {

constexpr int kTries = 3;                     // where nothing answers
constexpr std::chrono::seconds kLogPause{3};  // between two of them
constexpr std::chrono::seconds kJustPlaced{60};
constexpr std::chrono::seconds kOnItsWay{15};  // from a webhook, or its spool, to the log
constexpr std::size_t kMostLookedForAgain = 200;

bool is_missing(const PodRecord& record) {
  return record.state == PodRecord::State::kNone || record.state == PodRecord::State::kDenials ||
         record.state == PodRecord::State::kOthers;
}

}  // namespace

Result<PodRecord> Verifier::record_in_time(const PlacedPod& pod, SteadyTime until) {
  for (int tries = 1;; ++tries) {
    auto record = record_of(pod, {.first_page = 1, .until = until});
    if (record.has_value() || record.error().kind != ErrorKind::kRetryable || tries == kTries) {
      return record;
    }
    const SteadyTime next = std::min(until, clock_.steady_now() + kLogPause);
    while (pause(next, "the log to answer")) continue;
  }
}

// What a webhook has let in may be a moment on its way to the log, and longer if it was spooled.
void Verifier::look_again(const std::vector<PlacedPod>& placed, SteadyTime until,
                          std::vector<PodRecord>& records) {
  std::vector<std::size_t> again;
  for (std::size_t i = 0; i < placed.size() && again.size() < kMostLookedForAgain; ++i) {
    const bool is_new = placed[i].placed && clock_.now() - *placed[i].placed < kJustPlaced;
    if (is_new && is_missing(records[i])) again.push_back(i);
  }
  const SteadyTime end = std::min(until, clock_.steady_now() + kOnItsWay);
  while (!again.empty() && pause(end, "entries of pods that were placed just now")) {
    std::vector<std::size_t> left;
    for (const std::size_t i : again) {
      // It would be the newest with the pod's UID.
      const auto record = record_of(placed[i], {.first_page = 1, .pages = 1, .until = until});
      if (record.has_value() && record->state == PodRecord::State::kProven) {
        records[i] = *record;
      } else {
        left.push_back(i);
      }
    }
    again = std::move(left);
  }
}

Result<std::vector<PodRecord>> Verifier::pods(const std::vector<PlacedPod>& placed,
                                              SteadyTime until) {
  if (!log_.reads_content()) {
    return needs_reader("admission verdicts of pods are found", log_.release());
  }
  std::vector<PodRecord> out(placed.size());
  for (std::size_t i = 0; i < placed.size() && clock_.steady_now() < until; ++i) {
    progress_("looking for the entry of pod " + placed[i].ns + "/" + placed[i].name + ", " +
              std::to_string(i + 1) + " of " + std::to_string(placed.size()));
    AVOUCH_TRY(out[i], record_in_time(placed[i], until));
  }
  look_again(placed, until, out);
  return out;
}

}  // namespace avouch::inspect
