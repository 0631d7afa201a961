#pragma once

// The webhook's HTTPS handler: gather, decide, record, answer.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "admission/decide.h"
#include "admission/denial_budget.h"
#include "admission/verdict_recorder.h"
#include "base/clock.h"
#include "base/http.h"
#include "observe/logging.h"
#include "webhook/live_reader.h"
#include "webhook/webhook_metrics.h"

namespace avouch::webhook {

struct KnownPod {
  std::string uid;
  attest::Labels labels;
};

// Seam: what the service asks the rest of the program. Thread-safe; never blocks for long.
class Facts {
 public:
  virtual ~Facts() = default;
  virtual std::shared_ptr<const admission::Snapshot> snapshot() = 0;
  // Why decisions cannot be made now; "" when they can.
  virtual std::string not_ready() = 0;
  // Whether the snapshot has the cluster's policies, as they are or were.
  virtual bool policies_known() = 0;
  // Metadata of a pod without a node; nothing where it is not known, or has another UID.
  virtual std::optional<KnownPod> unbound_pod(const admission::PodKey& pod) = 0;
  // The node of one of the agent's pods; nothing where there is no such pod.
  virtual std::optional<std::string> agent_node(const std::string& pod_name,
                                                const std::string& pod_uid) = 0;
  virtual std::string log_origin() = 0;  // "" while it is not known
};

struct ServiceOptions {
  admission::Rules rules;
  // From the request's first byte to its answer. Less where the request says that its sender waits
  // less (`?timeout=`, as the API server does); what has waited longer already is denied.
  std::chrono::milliseconds deadline{2'500};
};

class StartOfBody;

class AdmissionService final : public HttpHandler {
 public:
  // The references must outlive it, and `denials` the recorder's threads.
  AdmissionService(ServiceOptions options, Facts& facts, LiveReads& reads,
                   admission::VerdictRecorder& recorder, admission::DenialBudget& denials,
                   Clock& clock, WebhookMetrics& metrics);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  struct Task;
  using TaskPtr = std::shared_ptr<Task>;

  static admission::VerdictRecorder::MakePayload payload_of(const Task& task);
  static std::string sharer(const Task& task);
  using LiveAnswer = Result<admission::LiveFacts>;
  // The last catch. `live` is null before the API server was asked.
  void attempt(const TaskPtr& task, std::string body, const LiveAnswer* live);
  void review(const TaskPtr& task, std::string body, const LiveAnswer* live);
  void ask_live(const TaskPtr& task, std::string ns, std::string body);
  void deny_too_large(const StartOfBody& body, admission::Endpoint endpoint,
                      const Reply& reply) const;
  void deny_unasked(const TaskPtr& task, const char* error) const;
  void record(const TaskPtr& task);
  void record_denial(const TaskPtr& task);
  void placed(const TaskPtr& task, const admission::Placed& placed);
  void answer(const TaskPtr& task, std::map<std::string, std::string> annotations);

  const ServiceOptions options_;
  Facts& facts_;
  admission::VerdictRecorder& recorder_;
  admission::DenialBudget& denials_;
  Clock& clock_;
  WebhookMetrics& metrics_;
  std::mutex large_bodies_;  // held by the one that is being read and decided
  observe::Logger log_{"admission"};
  LiveReader live_;  // ends first: what it answers goes on here
};

}  // namespace avouch::webhook
