#include "cli/verify_pods.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

#include "base/time_text.h"
#include "cli/session.h"
#include "inspect/gated_pods.h"
#include "inspect/pods_report.h"
#include "inspect/rights.h"
#include "inspect/verify.h"

namespace avouch::cli {
namespace {

using codec::Json;

constexpr std::chrono::minutes kLongest{8};  // the token to read the log with has ten

constexpr const char* kPodsFooter =
    R"(Which pods: those that a policy in Enforce gates, by the labels and policies of now, that have
a node and have not ended. Of each the log must have an entry that let in the pod with this UID, on
its node and no later than its place there.

Not counted as missing:
  before the policy  on its node since before the first policy that gates it was made, by the API
                     server's time (or before --enforced-since)
  may be in a spool  without an entry, made less than two minutes ago, and every policy that gates
                     it lets pods in by the webhook's spool (logging: Spool)

Exit status:
  0  each pod that must be recorded is, and its entry is proved
  1  one is NOT RECORDED, or the log's checkpoint does not hold
  2  the command line is wrong
  3  no answer, pods that may be in a spool, or not all could be looked for: try again
  4  a right is missing, no such namespace, or too many pods for one run)";

std::string time_problem(const std::string& text) {
  const auto time = from_rfc3339(text);
  return time.has_value() ? "" : "expected a time such as 2026-11-21T09:14:03Z";
}

Exit exit_for(const inspect::PodsReport& report) {
  if (!report.missing.empty()) return Exit::kDoesNotHold;
  return report.is_whole() ? Exit::kGood : Exit::kUnreachable;
}

Result<inspect::PodScope> scope_of(const VerifyPodsOptions& options, SystemTime now) {
  inspect::PodScope out;
  if (!options.all_namespaces) out.ns = options.ns;
  if (options.enforced_since.empty()) return out;
  AVOUCH_TRY(out.enforced_since, from_rfc3339(options.enforced_since));
  if (*out.enforced_since > now) {
    return rejected("--enforced-since " + options.enforced_since +
                    " is to come, and would excuse every pod");
  }
  return out;
}

}  // namespace

void add_verify_pods_options(CLI::App& pods, VerifyPodsOptions& options) {
  pods.add_flag("-A,--all-namespaces", options.all_namespaces, "Pods of every namespace")
      ->excludes("--namespace");
  pods.add_option("--enforced-since", options.enforced_since,
                  "Since when policies are enforced as they are now, where that is later than "
                  "they were made (RFC 3339): pods that were placed before need no entry")
      ->check(time_problem);
  pods.footer(kPodsFooter);
}

Result<Exit> verify_pods(const Context& context, const VerifyPodsOptions& options) {
  const SteadyTime until = context.clock.steady_now() + kLongest;
  AVOUCH_TRY(const inspect::PodScope scope, scope_of(options, context.clock.now()));
  AVOUCH_TRY(Session session, Session::open(context));
  const inspect::ReleaseName& release = context.common.release;
  if (!session.log.reads_content()) {
    return inspect::needs_reader("admission verdicts of pods are found", release);
  }
  AVOUCH_TRY(inspect::GatedPods gated,
             inspect::gated_pods(session.api, release, scope, context.progress));
  // After the pods: what let them in is in the log by then.
  inspect::Verifier verifier(session.api, session.log, session.trust, context.clock,
                             context.progress);
  verifier.look_in(session.shards);
  AVOUCH_TRY(const inspect::ProofStep log, verifier.log(""));
  if (!inspect::all_hold(log)) return show_proof(log, context.common.format);
  std::vector<inspect::PlacedPod> placed;
  placed.reserve(gated.to_record.size());
  for (const inspect::GatedPod& pod : gated.to_record) placed.push_back(pod.pod);
  AVOUCH_TRY(const std::vector<inspect::PodRecord> records, verifier.pods(placed, until));
  const inspect::PodsReport report =
      inspect::report_pods(std::move(gated), records, context.clock.now());
  if (context.common.format == Format::kJson) {
    Json out = inspect::pods_json(report);
    out["verified"] = report.is_whole();
    out["log"] = inspect::render_json(log);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << inspect::pods_text(report, scope);
  }
  return exit_for(report);
}

}  // namespace avouch::cli
