#include "webhook/webhook_metrics.h"

#include <algorithm>

namespace avouch::webhook {
namespace {

using admission::Endpoint;

constexpr const char* kDecisions = "avouch_webhook_decisions_total";
constexpr const char* kDecisionsHelp =
    "Reviews decided, by webhook, result (allow, deny), reason code of a denial or of what was let "
    "in without a decision, and whether it was a dry run";
constexpr const char* kFindings = "avouch_webhook_findings_total";
constexpr const char* kFindingsHelp =
    "Policies that a pod's node did not satisfy, by policy, its mode and the reason code";

constexpr const char* kReviews = "avouch_webhook_reviews_total";
constexpr const char* kReviewsHelp =
    "Reviews answered, by webhook and whether their sender showed a client certificate";

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

observe::Labels decision_labels(Endpoint endpoint, std::string_view result, std::string_view reason,
                                bool dry_run) {
  return {{"webhook", std::string(admission::endpoint_name(endpoint))},
          {"result", std::string(result)},
          {"reason", std::string(reason)},
          {"dry_run", dry_run ? "true" : "false"}};
}

}  // namespace

WebhookMetrics::WebhookMetrics(observe::Metrics& metrics) : metrics_(metrics) {
  for (const Endpoint endpoint : admission::kEndpoints) {
    const std::string name(admission::endpoint_name(endpoint));
    series_.emplace(
        endpoint,
        Series{metrics.histogram("avouch_webhook_review_duration_seconds",
                                 "From a review's last byte to its answer, the log included",
                                 observe::duration_buckets(), {{"webhook", name}}),
               metrics.counter(kDecisions, kDecisionsHelp,
                               decision_labels(endpoint, "allow", "", false)),
               metrics.counter("avouch_webhook_malformed_total",
                               "Bodies that are no AdmissionReview", {{"webhook", name}}),
               metrics.counter(kReviews, kReviewsHelp,
                               {{"webhook", name}, {"caller", "authenticated"}}),
               metrics.counter(kReviews, kReviewsHelp,
                               {{"webhook", name}, {"caller", "unauthenticated"}})});
  }
}

WebhookMetrics::Series& WebhookMetrics::series(Endpoint endpoint) { return series_.at(endpoint); }

void WebhookMetrics::malformed(Endpoint endpoint) { series(endpoint).malformed.add(); }

void WebhookMetrics::decided(Endpoint endpoint, const admission::Decision& decision, bool dry_run,
                             bool authenticated, std::chrono::nanoseconds took) {
  Series& counts = series(endpoint);
  (authenticated ? counts.authenticated : counts.unauthenticated).add();
  counts.latency.observe(in_seconds(took));
  if (decision.allowed && decision.code.empty() && !dry_run) {
    counts.allowed.add();
  } else {
    metrics_
        .counter(
            kDecisions, kDecisionsHelp,
            decision_labels(endpoint, decision.allowed ? "allow" : "deny", decision.code, dry_run))
        .add();
  }
  if (!decision.verdict) return;
  for (const auto& finding : decision.verdict->findings) {
    metrics_
        .counter(kFindings, kFindingsHelp,
                 {{"policy", finding.policy},
                  {"mode", std::string(attest::mode_name(finding.mode))},
                  {"reason", finding.code}})
        .add();
  }
}

void WebhookMetrics::raise(const char* name, const char* help, std::uint64_t sum) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& counted = sums_[name];
  observe::Counter counter = metrics_.counter(name, help);
  if (sum > counted) counter.add(static_cast<double>(sum - counted));
  counted = std::max(counted, sum);
}

void WebhookMetrics::set_recorder(const admission::RecorderStats& stats,
                                  const admission::Spool& spool, SystemTime now) {
  const auto gauge = [this](const char* name, const char* help, auto value) {
    metrics_.gauge(name, help).set(static_cast<double>(value));
  };
  gauge("avouch_webhook_log_waiting", "Verdicts that wait for the log or the spool", stats.waiting);
  gauge("avouch_webhook_log_up", "Whether the last attempt to reach the log succeeded",
        stats.log_error.empty() ? 1 : 0);
  raise("avouch_webhook_log_records_total", "Verdicts that went straight into the log",
        stats.logged);
  raise("avouch_webhook_log_batches_total", "Successful requests to the log", stats.batches);
  raise("avouch_webhook_log_failures_total", "Failed requests to the log", stats.failures);
  raise("avouch_webhook_spooled_records_total", "Verdicts that went into the spool", stats.spooled);
  raise("avouch_webhook_drained_records_total", "Verdicts that went from the spool into the log",
        stats.drained);
  raise("avouch_webhook_lost_records_total", "Verdicts that found no durable place", stats.lost);
  raise("avouch_webhook_over_share_records_total",
        "Verdicts that found no place because their sender's address had its share",
        stats.over_share);
  gauge("avouch_webhook_spool_records", "Verdicts in the spool", spool.records());
  gauge("avouch_webhook_spool_bytes", "Size of the spool on disk", spool.bytes());
  const auto oldest = spool.oldest();
  gauge("avouch_webhook_spool_age_seconds", "Age of the oldest verdict in the spool",
        oldest ? in_seconds(now - *oldest) : 0.0);
}

void WebhookMetrics::set_denials(const admission::DenialBudget& denials) {
  raise("avouch_webhook_unrecorded_denials_total",
        "Denials that have no entry of their own: beyond their namespace's budget, or there was no "
        "place for them",
        denials.left_out());
  metrics_
      .gauge("avouch_webhook_untold_denials",
             "Of these, how many no entry of the log has told of yet")
      .set(static_cast<double>(denials.untold()));
}

void WebhookMetrics::set_verdicts(const admission::Snapshot& snapshot, SystemTime now) {
  double valid = 0;
  double expired = 0;
  std::chrono::milliseconds oldest{0};
  for (const auto& [uid, verdict] : snapshot.verdicts) {
    if (verdict->token.at(now) != attest::TokenTime::kValid) {
      ++expired;
      continue;
    }
    ++valid;
    oldest = std::max(oldest, now - verdict->token.claims().issued_at);
  }
  constexpr const char* kHelp = "Nodes with a verified verdict token, by whether it is in time";
  metrics_.gauge("avouch_webhook_verdicts", kHelp, {{"state", "valid"}}).set(valid);
  metrics_.gauge("avouch_webhook_verdicts", kHelp, {{"state", "expired"}}).set(expired);
  metrics_
      .gauge("avouch_webhook_oldest_verdict_age_seconds",
             "Age of the oldest verdict token that is in time")
      .set(in_seconds(oldest));
}

void WebhookMetrics::set_exempt_by_label(std::size_t namespaces) {
  metrics_
      .gauge("avouch_webhook_exempt_by_label_namespaces",
             "Namespaces that the label avouch.dev/exempt takes out, beside those of the release's "
             "values: nothing in them is gated")
      .set(static_cast<double>(namespaces));
}

void WebhookMetrics::set_cache_age(const std::string& informer, std::chrono::milliseconds age) {
  metrics_
      .gauge("avouch_webhook_cache_age_seconds",
             "Since the API server last said anything about these objects", {{"objects", informer}})
      .set(in_seconds(age));
}

void WebhookMetrics::set_server(const adapters::HttpServerStats& stats) {
  metrics_.gauge("avouch_webhook_connections", "Connections that are open")
      .set(static_cast<double>(stats.connections));
  raise("avouch_webhook_shed_connections_total", "Connections closed to make room for others",
        stats.shed);
}

void WebhookMetrics::set_certificate(SystemTime not_after, SystemTime now) {
  metrics_
      .gauge("avouch_webhook_certificate_remaining_seconds",
             "Until the serving certificate expires; negative afterwards")
      .set(in_seconds(not_after - now));
}

}  // namespace avouch::webhook
