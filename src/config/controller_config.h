#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/common_config.h"
#include "config/log_config.h"

namespace avouch::config {

struct ControllerConfig {
  Release release;
  std::string listen = "0.0.0.0:8443";
  std::string health = "0.0.0.0:8081";
  std::string data_dir = "/var/lib/avouch";

  struct Log : LogEngine {
    std::string origin;  // empty: chosen at the log's first start
    std::chrono::milliseconds cadence{10'000};
    std::chrono::milliseconds publish_within{1'000};

    // How long the period is that one log is for, before the next follows it; kNone: one for ever
    // (tlog/shard_name.h).
    enum class Shards { kNone, kYear, kQuarter, kMonth } shards = Shards::kNone;

    LogWitnesses witnesses;
    // Of which other logs entries may be referred to: a C2SP tlog-policy; empty: of none.
    std::string references_policy_file;

    // How long what entries say is kept, and bundles and tiles are served; 0: for ever
    // (tlog/retention.h).
    struct Retention {
      std::chrono::milliseconds content{0}, entries{0};
    } retention;

    // What each webhook may add (control/log_handler.h, AppendLimits).
    struct Appends {
      std::size_t burst = std::size_t{128} * 1024 * 1024;
      std::size_t per_second = std::size_t{2} * 1024 * 1024;
    } appends;

    LogRegistration registration;
  } log;

  struct LeaderElection {
    std::chrono::milliseconds lease_duration{15'000};
    std::chrono::milliseconds renew_deadline{10'000};
    std::chrono::milliseconds retry_period{2'000};
    // The pod that leads is marked, and those that stand by are ready (control/leader_mark.h).
    bool mark_pod = false;
  } leader_election;

  struct Tls {
    std::vector<std::string> service_names;  // empty: derived from `release`
    std::chrono::milliseconds certificate_life = std::chrono::hours(2160);
    std::chrono::milliseconds ca_life = std::chrono::hours(43800);
  } tls;

  std::string agent_service_account = "avouch-agent";

  struct Webhook {
    std::string service_account = "avouch-webhook";
    std::string configuration = "avouch";    // of the ValidatingWebhookConfiguration
    std::vector<std::string> service_names;  // empty: derived from `release`
    // Label selector of its pods and the controller's, in the release's namespace; "": they may
    // stay where they are, and others pose as them.
    std::string pods;
    // False: certificate and caBundle are somebody else's (cert-manager).
    bool own_certificate = true;
  } webhook;

  struct Limits {
    std::size_t blob_bytes = 16U * 1024 * 1024;
    std::size_t store_bytes = 1024U * 1024 * 1024;
    std::size_t connections = 2048;
    // Of the data directory's volume, kept for the log's own; the lesser of the two counts.
    std::size_t reserve_bytes = 1024U * 1024 * 1024;
    std::size_t reserve_percent = 10;
  } limits;

  // Of every verdict, what it was made of; besides the evidence store.
  struct Records {
    std::chrono::milliseconds retention = std::chrono::hours(720);
    std::size_t bytes = std::size_t{2048} * 1024 * 1024;
  } records;

  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected. Service names that
// the file leaves out are filled in: NAME.NAMESPACE.svc first, NAME.NAMESPACE.svc.cluster.local,
// and NAME.NAMESPACE.
Result<ControllerConfig> parse_controller_config(std::string_view text, std::string_view file);

}  // namespace avouch::config
