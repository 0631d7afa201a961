#pragma once

// The controller's decisions about nodes: enrolment, evidence, verdicts. Everything that happens in
// the cluster comes in as a method call, everything that should happen comes out through
// AppraiserOutput. No threads, no clock, no disk, no network: one owner calls it, one call at a
// time, and the same calls give the same outcome.
//
// Order of effects for one verdict: job (log entry, then record on disk) -> recorded() ->
// published.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/token.h"
#include "codec/cbor.h"
#include "control/beacon_ring.h"
#include "control/change_budget.h"
#include "control/log_judge.h"
#include "control/log_payloads.h"
#include "control/moment.h"
#include "control/node_state.h"
#include "control/node_table.h"
#include "control/outlook.h"
#include "control/policy_record.h"
#include "control/policy_set.h"
#include "control/record_store.h"
#include "control/verdict_archive.h"
#include "crypto/random.h"

namespace avouch::control {

struct LogJob {
  std::string kind;     // tlog::kNodeVerdict ...
  std::string subject;  // pseudonym
  codec::Cbor payload;
};

// Work for the recorder, to be done in order: keep, append, save, count as renewed, then
// recorded().
struct RecordJob {
  std::string node_name;  // empty: nobody waits for recorded()
  std::uint64_t number = 0;
  std::optional<NodeRecord> record;
  std::vector<RecordChange> changes;  // besides `record`
  std::optional<LogJob> entry;
  std::shared_ptr<const RecordToKeep> keep;  // before the entry, which names it
  std::string unkept;                        // why there is no record although there should be one
  struct Renewal {
    std::string subject;
    crypto::Sha256 token{};
  };
  std::optional<Renewal> renewal;
};

struct NodeEvent {
  std::string node_name, node_uid, evidence_uid;  // uids may be empty: no such object
  enum class Severity { kNormal, kWarning } severity = Severity::kNormal;
  std::string reason, message;
};

class AppraiserOutput {
 public:
  virtual ~AppraiserOutput() = default;
  virtual void record(RecordJob job) = 0;
  virtual void publish(NodeOutlook outlook) = 0;
  virtual void withdraw(const std::string& node_name) = 0;  // neither Node nor evidence is there
  virtual void forget(const std::string& node_uid) = 0;     // that Node will never come back
  // Answered by logs_judged(), whatever becomes of it.
  virtual void judge_logs(std::shared_ptr<const LogQuestion> question) = 0;
  virtual void publish_policy(PolicyOutlook outlook) = 0;
  virtual void withdraw_policy(const std::string& name) = 0;
  virtual void event(NodeEvent event) = 0;
  // What was kept of the node outside the heap did not come back: it enrols and quotes anew. Its
  // AttestationEvidence, which may not have changed, is to be handed over again.
  virtual void lost(const std::string& node_name, const std::string& why) = 0;
  // Something can be kept nowhere but on the heap; nothing else comes of it.
  virtual void crowded(const Error& why) = 0;
};

struct HeartbeatAnswer {
  enum class Outcome {
    kAccepted,
    kRefused,      // `refusal` says why
    kNotEnrolled,  // `refusal` says what is missing
    kUnknownNode,  // no Node object of that name, or another one: retry later
    kNotReady,     // before begin()
  };
  Outcome outcome = Outcome::kNotReady;
  attest::Reason refusal;
  Phase phase = Phase::kPending;
  std::vector<attest::Reason> reasons;
  std::string node_uid;
  BootIdentity boot;
};

struct AppraiserOptions {
  std::string origin;  // of the log: issuer of tokens
  std::string chain;   // where the log is one of several (tlog/shard_name.h), who issues them
  std::string build;   // for ear_verifier_id
  Bytes pseudonym_key;
  std::chrono::milliseconds cadence{10'000};  // of the beacon
  std::size_t warm_nodes = 64;  // kept in memory as a whole although nothing is under way for them
};

struct AppraiserSummary {
  std::map<Phase, std::int64_t> nodes;  // Nodes that some policy selects, by phase
  std::int64_t enrolled = 0;
  std::int64_t policies = 0;
};

class Appraiser {
 public:
  // The references outlive the appraiser.
  Appraiser(AppraiserOptions options, attest::TokenSigner& signer, const BeaconRing& beacons,
            crypto::Random& random, AppraiserOutput& output, ColdStore& cold);

  // Before begin(): what was saved, the records by record_beside() this log. `policies` are the
  // last logged policy changes by policy UID, also of another log: those are entered into this one
  // anew. So are verdicts that stand since an earlier log of the chain.
  void restore(std::vector<NodeRecord> records, std::vector<RecordedPolicy> policies, Moment now);
  // Everything that exists has been handed over: decide. An enrolment whose AttestationEvidence is
  // not there (any more) ends here.
  void begin(Moment now);

  void set_policies(std::shared_ptr<const PolicySet> policies, Moment now);
  void set_node(NodeFacts node, Moment now);
  void remove_node(const std::string& name, Moment now);
  void set_evidence(EvidenceFacts evidence, Moment now);
  void remove_evidence(const std::string& name, Moment now);

  // Evidence that the node's agent has sent to the intake.
  HeartbeatAnswer heartbeat(const std::string& node_name,
                            const attest::UnverifiedEvidence& evidence, Moment now);

  // The answer to judge_logs(); nothing: it could not be answered, and is asked again later.
  void logs_judged(const LogQuestion& question, std::optional<LogFindings> findings, Moment now);
  // Something of a node's logs has come into the evidence store.
  void logs_arrived(const std::string& node_name, Moment now);

  // The job is done; `place` is where its entry, if it had one, is in the log.
  void recorded(const std::string& node_name, std::uint64_t job, std::optional<LogPlace> place,
                Moment now);

  // Expires verdicts and challenges, renews endorsement checks, refreshes policies' counts. To be
  // called a few times a second.
  void tick(Moment now);

  // Publishes what is known of the node again.
  void show_again(const std::string& node_name);

  AppraiserSummary summary() const;
  // Null: not known. Until the next call.
  const NodeState* find(const std::string& node_name);

 private:
  using Policies = std::vector<const ResolvedPolicy*>;

  // Puts out of memory what this call has looked at, when it ends.
  class Turn {
   public:
    explicit Turn(Appraiser& appraiser) : nodes_(appraiser.nodes_) {}
    ~Turn() { nodes_.cool(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    NodeTable& nodes_;
  };
  // Null: not known. Stays until the turn ends.
  NodeState* take(const std::string& name, Moment now);
  NodeState& state(const std::string& name, Moment now);
  void begin_anew(NodeState& node, Moment now);
  // What was decided is on disk.
  static void show_saved(NodeState& node);
  Policies selecting(const NodeState& node) const;
  // Brings the node's decisions up to date. What goes wrong in there in a way that nobody foresaw
  // costs this node its trust, and no other.
  void consider(NodeState& node, Moment now);
  void distrust(NodeState& node, const std::string& why, Moment now);
  enum class Tell { kYes, kNo };
  static Tell worth_telling(NodeState& node, std::string_view code, Moment now);
  void drop_if_gone(const std::string& name, Moment now);

  // Enrolment (appraiser_enrolment.cc).
  void step_enrolment(NodeState& node, const Policies& policies, Moment now);
  bool claims_what_is_enrolled(const NodeState& node);
  void claim_identity(NodeState& node, const Policies& policies, Moment now);
  void answer_or_challenge(NodeState& node, const attest::NodeKeys& keys,
                           const attest::EndorsementResult& endorsement, Moment now);
  void enrol(NodeState& node, attest::Enrolled enrolled,
             const attest::EndorsementResult& endorsement, Moment now);
  void disown_tpms(const NodeState& node);
  void release(NodeState& node, Moment now);
  // The keys that are enrolled, read anew: they are large, and there are many nodes.
  static attest::Checked<attest::NodeKeys> keys_of(const NodeState& node);
  std::optional<attest::Enrolled> enrolled_of(const NodeState& node) const;
  std::optional<attest::Enrolled> enrolled_with(const crypto::Sha256& ek_digest,
                                                const NodeState& asking);

  // Evidence (appraiser_evidence.cc).
  attest::Checked<attest::VerifiedQuote> verify(const NodeState& node, const Policies& policies,
                                                const attest::UnverifiedEvidence& evidence,
                                                const std::optional<attest::TpmState>& previous,
                                                Moment now) const;
  void accept(NodeState& node, const attest::VerifiedQuote& quote,
              const attest::UnverifiedEvidence& evidence, Moment now);
  void refuse(NodeState& node, const attest::Reason& reason, Moment now);
  enum class Report { kSilent, kRefusals };
  void take_resource_quote(NodeState& node, const Policies& policies, Report report, Moment now);
  void look_at_resource_quote(NodeState& node, const Policies& policies, Report report, Moment now);
  void restore_quote(NodeState& node, const Policies& policies, Moment now) const;
  static void drop_quote(NodeState& node);

  // Logs (appraiser_logs.cc).
  static bool is_judged_for(const NodeState& node, const Policies& policies);
  static void install(NodeState& node, HeldQuote held, LogFindings findings);
  static void drop_newer(NodeState& node);
  // Logs that `findings` lacks keep the quote from being judged, and the last verdict in force.
  static bool holds_back(NodeState& node, const Policies& policies, const LogFindings& findings,
                         Moment now);
  void step_logs(NodeState& node, const Policies& policies, Moment now);
  bool fails_anyway(NodeState& node, const Policies& policies, const LogQuestion& question,
                    const LogFindings& findings, Moment now) const;

  // Verdicts (appraiser_verdict.cc).
  void step_verdict(NodeState& node, const Policies& policies, Moment now);
  static attest::Checked<attest::EndorsementResult> endorsement_of(const NodeState& node,
                                                                   const ResolvedPolicy& policy,
                                                                   Moment now);
  enum class Awaited { kMissing, kNotCounted };  // logs that are not there
  attest::Verdict judge(NodeState& node, const Policies& policies,
                        const attest::VerifiedQuote& quote, const LogFindings& findings,
                        Awaited awaited, Moment now) const;
  static void record_verdict(const NodeState& node, const Policies& policies,
                             const NodeVerdict& verdict, Step step, Moment now, RecordJob& job);
  void issue(NodeState& node, const Policies& policies, Candidate candidate, Step step, Moment now);
  static bool waits_for_room(const NodeState& node, Moment now);
  static void stay_unsteady(NodeState& node, Moment now);
  void change(NodeState& node, NodeVerdict verdict, Moment now, RecordJob job = {});
  void clock_went_back(NodeState& node, Moment now);
  void show_unjudged(NodeState& node, const Policies& policies, Moment now);
  void enter_standing(NodeState& node, Moment now);
  void submit(NodeState& node, RecordJob job);
  std::string told(const NodeState& node) const;
  void announce(const NodeState& node);
  void publish(NodeState& node);

  // Taint (appraiser_hold.cc).
  void step_hold(NodeState& node, const Policies& policies, Moment now);

  // Policies (appraiser_policies.cc).
  void log_policy_changes(Moment now);
  void publish_policies();
  NodeCounts count(const ResolvedPolicy& policy) const;

  AppraiserOptions options_;
  attest::TokenSigner& signer_;
  const BeaconRing& beacons_;
  crypto::Random& random_;
  AppraiserOutput& output_;

  bool begun_ = false;
  SteadyTime begun_at_{};
  std::shared_ptr<const PolicySet> policies_;
  NodeTable nodes_;
  std::map<crypto::Sha256, std::string> tpm_owners_;         // EK digest -> node name
  std::map<std::string, RecordedPolicy> recorded_policies_;  // by UID
  FormerBudgets former_budgets_;
  std::uint64_t policy_changes_ = 0;  // of any policy, or of what it refers to
  bool policies_dirty_ = true;
  std::map<std::string, codec::Json> shown_policies_;  // by name: last published status
};

}  // namespace avouch::control
