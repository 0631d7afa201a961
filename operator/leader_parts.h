#pragma once

// What the leader is made of, in the order of construction. Internal to it.

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/blob_files.h"
#include "adapters/cold_file.h"
#include "adapters/digest_list_folder.h"
#include "adapters/http_server.h"
#include "adapters/log_policy_file.h"
#include "adapters/log_shards.h"
#include "adapters/node_files.h"
#include "adapters/record_files.h"
#include "adapters/renewal_files.h"
#include "attest/token.h"
#include "control/admission_guard.h"
#include "control/api_writer.h"
#include "control/appraiser.h"
#include "control/appraiser_loop.h"
#include "control/beacon_object.h"
#include "control/cluster_material.h"
#include "control/epoch_publisher.h"
#include "control/event_sink.h"
#include "control/evidence_writer.h"
#include "control/fenced_anchor.h"
#include "control/informers.h"
#include "control/intake_handler.h"
#include "control/latest_pool.h"
#include "control/list_handler.h"
#include "control/log_check.h"
#include "control/log_handler.h"
#include "control/log_judge.h"
#include "control/log_volume.h"
#include "control/node_board.h"
#include "control/receipt_handler.h"
#include "control/record_handler.h"
#include "control/recorded_watch.h"
#include "control/recorder.h"
#include "control/reference_watcher.h"
#include "control/registration_handler.h"
#include "control/rekor_handler.h"
#include "control/remark_handler.h"
#include "control/retention_keeper.h"
#include "control/router.h"
#include "control/senders.h"
#include "control/sequenced_log.h"
#include "control/shards_handler.h"
#include "control/trust_material.h"
#include "control/webhook_pods.h"
#include "kube/informer.h"
#include "operator/leader.h"
#include "operator/written_log.h"
#include "tlog/log.h"
#include "tlog/shard_name.h"
#include "tlog/witnessing.h"

namespace avouch::controller {

tlog::ShardPeriod period_of(const config::ControllerConfig& config);

inline constexpr std::string_view kUse = "use of lists";  // of the queue of policies
std::uint64_t bytes_for_lists(const config::ControllerConfig::Limits& limits);
inline constexpr const char* kLogIntake = "log";  // of the queue of the webhook configuration
inline constexpr const char* kAll = "all";        // the only item of a queue that has one
inline constexpr const char* kPods = "pods";      // of the queue of trust objects: the webhook's

// What comes later uses what comes before.
struct Leader::Parts final : control::AppraiserOutput {
  Parts(const config::ControllerConfig& the_config, const kube::Client& the_client,
        Clock& the_clock, Signals& the_signals, WrittenLog& the_written, std::string identity,
        control::FencedAnchor::LeadingUntil until, SayOnLease say);

  // What the appraiser decides.
  void record(control::RecordJob job) override;
  void publish(control::NodeOutlook outlook) override;
  void withdraw(const std::string& name) override;
  void forget(const std::string& node_uid) override;
  void judge_logs(std::shared_ptr<const control::LogQuestion> question) override;
  void publish_policy(control::PolicyOutlook outlook) override;
  void withdraw_policy(const std::string& name) override;
  void event(control::NodeEvent event) override;
  void lost(const std::string& node_name, const std::string& why) override;
  void crowded(const Error& why) override;

  // What the workers do.
  void tell_crowded(const std::string& what);
  Result<void> hand_over_again(const std::string& name);
  Result<void> forget_logs(const std::string& node_uid);  // of a Node that is gone
  Result<void> sync_evidence(const std::string& name);
  Result<void> sync_node(const std::string& name);
  Result<void> sync_policy(const std::string& name);
  Result<void> keep_trust();
  Result<void> keep_shares();
  Result<void> keep_webhook_pods();
  Result<void> remove_webhook_pod(const control::WebhookPod& pod, std::chrono::seconds grace);
  Result<void> remind_kubelet(const control::WebhookPod& pod);
  control::WebhookNode webhook_node(const std::string& name) const;
  void tell_moved_pod(const control::WebhookPod& pod);
  void tell_foreign_pod(const control::WebhookPod& pod);
  void tell_webhook_key(const std::string& why);
  void warn_of_node(const std::string& node, const std::string& reason, const std::string& what);
  // Whether nodes that fail may be closed to the webhook: one is attested, or a replica is ready on
  // a good one. Else it must find a place where it can, or nothing would mend a wrong policy.
  bool webhook_has_a_place() const;
  // What concerns all nodes has changed: webhook_has_a_place().
  void show_nodes_again();
  // Compares the webhook configuration with what it should be, and says where it is not.
  Result<void> watch_guard();
  void see_configuration(kube::ObjectPtr configuration);  // null: there is none
  void tell_guard(const control::AdmissionGuard::News& news);
  void event_of_configuration(kube::EventType type, const std::string& reason,
                              const std::string& message);
  // Looks whether the log takes what is decided, and has the Lease and every policy say it where
  // that changed.
  Result<void> watch_log();
  void show_policies_again();
  Result<void> refresh_policies();
  // What a manifest names is in use, whether or not a policy names the manifest.
  Result<void> use_lists();

  // Begins or takes up the log that is written now, closes one that is over.
  Result<void> open_log();
  Result<void> open_newest_log();
  Result<void> open_shard();  // the log of `shard`, with all that belongs to it
  Result<void> open_log_of_shard();
  void close_log();
  bool log_is_over() const;
  class Shards;  // the logs of the chain
  // By the log of `shard`; of any log of the chain.
  Result<std::vector<tlog::NoteSigner>> signers() const;
  Result<std::vector<tlog::NoteVerifier>> log_keys(const std::string& origin) const;
  Result<std::vector<tlog::NoteVerifier>> keys_of_closed(const std::string& origin) const;
  // The last checkpoint of a closed log with the cosignatures that are kept of it.
  std::string last_note(const std::string& label, const tlog::VerifiedCheckpoint& last) const;
  // Publishes all that is sequenced, and waits for it, but not once the leader ends.
  Result<tlog::VerifiedCheckpoint> publish_log();
  Result<void> record_registration_policy();
  Result<void> open_witnesses();
  // Which other logs' entries may be referred to.
  Result<void> open_references();
  // Checkpoints of the log that others hold: witnesses, the cluster itself, and this process where
  // it has written the log before.
  Result<std::vector<tlog::Remembered>> what_others_remember();
  Result<void> do_without_witnesses(bool is_in_cluster, const std::string& missing);
  void tell_read_only(const std::string& why);
  void check_log();       // begins to
  void keep_retention();  // the same
  void show_witnesses();
  Result<void> open_stores();
  void watch_cluster();
  Result<void> serve();
  Result<void> serve_shards();
  Result<std::shared_ptr<const control::ClosedShard>> open_closed(const std::string& label);
  void show_metrics();
  void collect_metrics(observe::Counter& departures, observe::Counter& replacements,
                       observe::Counter& strangers_removed);
  // A health check that asks `ask(parts)`; nothing is wrong with a leader that ends.
  template <typename Ask>
  observe::HealthCheck watch(Ask ask) const {
    return [of = asked_parts, ask]() -> std::optional<std::string> {
      const std::lock_guard lock(of->mutex);
      return of->parts == nullptr ? std::nullopt : std::optional<std::string>(ask(*of->parts));
    };
  }
  // Why nothing can be added to the log, where that is so.
  std::optional<std::string> log_problem();
  void begin();
  void stop();

  const config::ControllerConfig& config;
  const kube::Client& client;
  Clock& clock;
  Signals& signals;
  WrittenLog& written;
  const control::FencedAnchor::LeadingUntil leading_until;
  const SayOnLease say_on_lease;

  control::TrustMaterial trust;
  std::optional<control::ReleaseKeys> keys;
  std::optional<attest::KeySigner> signer;

  control::BeaconRing beacons;
  control::RenewalBatch renewals;
  control::LogIndex index;
  const control::LogVolume volume;
  const adapters::LogShards shards;
  std::string shard;       // label of the log that is written
  std::string log_origin;  // its name; keys->log_origin is its chain's
  std::unique_ptr<tlog::Store> log_store;
  std::unique_ptr<tlog::Anchor> head_file, witnessed_file;
  std::unique_ptr<tlog::Witnessing> witnessing;  // null: no witness is asked
  bool witnesses_asked = false;                  // they have been started
  std::unique_ptr<control::BeaconObject> beacon_object;
  std::unique_ptr<tlog::Log> log;
  std::unique_ptr<control::LogCheck> log_check;
  std::unique_ptr<control::SequencedLog> entries;
  std::optional<adapters::LogPolicyFile> other_logs;  // nothing: only this one's are referred to
  std::optional<std::uint64_t> registration_policy;   // its entry, where it takes anything
  std::unique_ptr<adapters::NodeFiles> records;
  std::unique_ptr<adapters::BlobFiles> blobs, lists;
  std::unique_ptr<adapters::DigestListFolder> list_folder;
  std::unique_ptr<reference::SharedDigestLists> stored_lists;
  std::unique_ptr<adapters::RecordFiles> archive;
  std::unique_ptr<adapters::RenewalFiles> renewal_files;
  std::optional<control::RenewalIndex> renewal_index;

  const kube::Client quick;  // for questions on the way of a request
  control::Callers callers;
  kube::AccessReviewer access;
  kube::EventRecorder event_recorder;
  control::EventSink events;

  kube::Informer nodes, evidences, policies, manifests, webhooks, trust_map, own_map, webhook_pods;
  control::ReferenceWatcher references;
  control::NodeBoard node_board;
  control::EvidenceWriter evidence_writer;
  control::Board<control::PolicyOutlook> policy_board;
  control::Worker status_worker, node_worker, policy_status_worker, policy_worker, trust_worker,
      guard_worker, again_worker, forget_worker;
  control::WorkPool pool, registration_lane, rekor_lane, remark_lane;
  control::LatestPool judge_pool;  // by node UID
  control::WorkPool append_lane;   // of what the webhook logs, and of nothing else
  control::FairPool strangers;     // where the API server is asked who calls
  control::FairPool readers;       // where log and records are read for those who may
  control::Reception reception, append_reception, reader_reception;
  control::ClusterSenders statement_senders;
  std::optional<control::WorkPool> read_pool;  // of requests that read a log in a database
  control::ManifestCatalog catalog;            // the policy worker's
  control::DigestLists digest_lists;

  std::unique_ptr<adapters::ColdFile> cold;
  std::atomic<SteadyTime> crowded_told{SteadyTime{}};  // when it was last said
  std::unique_ptr<control::LogJudge> judge;
  std::unique_ptr<control::Appraiser> appraiser;
  std::unique_ptr<control::AppraiserLoop> loop;
  std::unique_ptr<control::Recorder> recorder;
  std::unique_ptr<control::EpochPublisher> epochs;
  std::unique_ptr<control::RetentionKeeper> retention;

  std::unique_ptr<control::IntakeHandler> intake;
  std::unique_ptr<control::ClosedShards> closed_shards;
  std::unique_ptr<control::ShardsHandler> shards_side;
  std::unique_ptr<control::TileHandler> tiles;
  std::unique_ptr<control::LogHandler> log_side;
  std::unique_ptr<control::RecordHandler> record_side;
  std::unique_ptr<control::ListHandler> list_side;
  std::unique_ptr<control::ReceiptHandler> receipts;
  std::unique_ptr<control::RegistrationHandler> registrations;  // null: nobody's are taken
  std::unique_ptr<control::RekorHandler> hashed_rekords;        // null: nobody's are taken
  std::unique_ptr<control::RemarkHandler> remarks;
  std::unique_ptr<control::Router> router;
  std::unique_ptr<adapters::HttpServer> server;

  control::WebhookPods webhook_keeper;  // the trust worker's, as the next
  std::optional<control::KeyHolders> holders_told;
  std::string failing_told;                        // a node that has or had the key
  bool connect_anew_due = false;                   // API servers, to the webhook
  std::atomic<bool> webhook_is_elsewhere = false;  // a replica is ready on a good node
  std::atomic<std::size_t> webhook_holders = 0;    // pods that hold the key on failing nodes
  std::atomic<std::uint64_t> foreign_pods = 0;     // deleted, that were none of the webhook's
  std::atomic<std::uint64_t> webhook_keys = 0;     // that were replaced
  std::atomic<bool> cluster_known = false;         // every node has been judged once

  control::RecordedWatch recorded_watch;
  control::AdmissionGuard guard;
  std::mutex guard_mutex;
  std::deque<kube::ObjectPtr> configurations;  // states that were not compared yet, oldest first
  bool guard_failed = false;                   // and it was told

  // What health and metrics ask, which outlive a leader: null once it ends.
  struct AskedParts {
    std::mutex mutex;
    Parts* parts = nullptr;
  };
  const std::shared_ptr<AskedParts> asked_parts = std::make_shared<AskedParts>();

  std::mutex waiting_mutex;
  std::string waiting_for;  // of the start that is under way
  std::atomic<bool> log_is_open = false;
  std::mutex metrics_mutex;
  std::uint64_t departures_shown = 0, keys_shown = 0, foreign_shown = 0;
  std::atomic<bool> closed = false;
  std::atomic<bool> ending = false;  // told to stop
  std::stop_token stopping;          // the same, for who waits for others; set before the start
  std::mutex summary_mutex;
  control::AppraiserSummary summary;
};

}  // namespace avouch::controller
