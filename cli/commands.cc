#include "cli/commands.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "cli/files.h"
#include "cli/offline.h"
#include "cli/session.h"
#include "inspect/absent.h"
#include "inspect/boot_log.h"
#include "inspect/entry_text.h"
#include "inspect/nodes.h"
#include "inspect/own_pods.h"
#include "inspect/pod_today.h"
#include "inspect/presence.h"
#include "inspect/rights.h"
#include "inspect/shards.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/retention.h"

namespace avouch::cli {
namespace {

using codec::Json;
using inspect::printable;

inspect::Verifier verifier_of(const Context& context, Session& session) {
  inspect::Verifier verifier(session.api, session.log, session.trust, context.clock,
                             context.progress);
  verifier.look_in(session.shards);
  return verifier;
}

struct Found {
  std::vector<inspect::UnverifiedListed> entries;  // newest first
  std::uint64_t from = 0;  // nothing older was looked at; 0: there is nothing older
};

Result<Found> newest(const Context& context, Session& session, std::uint64_t size, int limit) {
  if (!session.log.reads_content()) {
    return inspect::needs_reader("entries are listed", context.common.release);
  }
  Found out{.entries = {}, .from = size};
  while (out.from > 0 && std::cmp_less(out.entries.size(), limit)) {
    context.progress("reading entry " + std::to_string(--out.from));
    AVOUCH_TRY(inspect::UnverifiedListed listed, session.log.entry(out.from));
    out.entries.push_back(std::move(listed));
  }
  return out;
}

Result<Found> entries_of(const Context& context, Session& session, const LogQuery& query,
                         std::uint64_t size) {
  std::string about;
  if (!query.node.empty()) about = "node=" + kube::url_encode(query.node);
  if (!query.pod.empty()) {
    about = "namespace=" + kube::url_encode(query.ns) + "&pod=" + kube::url_encode(query.pod);
  }
  if (about.empty()) {
    return newest(context, session, std::min(size, query.before.value_or(size)), query.limit);
  }
  if (query.before) about += "&before=" + std::to_string(*query.before);
  AVOUCH_TRY(inspect::UnverifiedList found, session.log.list(about, query.limit));
  const bool is_full = std::cmp_greater_equal(found.entries.size(), query.limit);
  const std::uint64_t from = is_full ? found.entries.back().index : found.from;
  return Found{.entries = std::move(found.entries), .from = from};
}

std::string content_text(const inspect::UnverifiedListed& listed, const Content& content) {
  if (!content.broken.empty()) return "DOES NOT HOLD: " + printable(content.broken);
  if (listed.erased_by) {
    return (listed.is_pruned ? "PRUNED by entry " : "ERASED by entry ") +
           std::to_string(*listed.erased_by);
  }
  if (!content.withheld.empty()) return "(withheld: " + printable(content.withheld) + ")";
  return printable(inspect::summary_of(listed.kind, content.payload));
}

void print_verdict(const inspect::UnverifiedListed& listed, const Content& content) {
  std::cout << (content.payload.is_null() ? "-" : inspect::time_of(content.payload)) << "  entry "
            << listed.index << "  ";
  if (content.payload.is_null()) {
    std::cout << content_text(listed, content) << '\n';
    return;
  }
  const std::string node = inspect::text_of(content.payload, "node");
  std::cout << printable(inspect::text_of(content.payload, "decision"))
            << (node.empty() ? "" : " on node " + printable(node)) << " ("
            << printable(inspect::text_of(content.payload, "operation")) << ")\n";
  const codec::Cbor* reasons = content.payload.find("reasons");
  if (reasons == nullptr || reasons->as_array() == nullptr) return;
  for (const codec::Cbor& reason : *reasons->as_array()) {
    const std::string policy = inspect::text_of(reason, "policy");
    std::cout << "    " << printable(inspect::text_of(reason, "code"))
              << (policy.empty() ? "" : " (policy " + printable(policy) + ")") << ": "
              << printable(inspect::text_of(reason, "message")) << '\n';
  }
}

// The controller's answer could not be had (an error), or cannot be read (as a proof that fails).
Result<Exit> unread(const Context& context, const Session& session, const Error& error) {
  if (error.kind != ErrorKind::kRejected || !session.log.reads_content() ||
      session.log.was_refused()) {
    return error;
  }
  return show_proof(inspect::fails("the controller's list of entries can be read", error.message),
                    context.common.format);
}

// The log has nothing of it: that is an answer only where the cluster has such an object.
Result<void> expect_sought(const Session& session, const inspect::Sought& sought) {
  return inspect::expect_in_cluster(session.api, sought,
                                    "the log has no entry about " + sought.what + ", and ");
}

Result<appraisal::LogDump> boot_log_of(const Context& context, const inspect::NodeReport& node) {
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the boot log of node " + node.name);
  return inspect::read_boot_log(session.api, session.log, node);
}

// Without the right to read them, nodes are shown all the same.
struct Policies {
  std::vector<inspect::PolicyReport> list;
  std::string note;  // why there is none, or ""; said once the nodes could be read
};

Policies policies_of(const kube::Client& api) {
  auto policies = inspect::report_policies(api);
  if (policies.has_value()) return {*std::move(policies), ""};
  return {{},
          "note: no policy's mode is shown, nor whether pods are guarded: " +
              printable(policies.error().message) + "\n"};
}

// What cannot be read of it is said on standard error: what was decided is shown all the same.
inspect::PodToday today_of(const Context& context, const kube::Client& api, const std::string& ns,
                           const std::string& name) {
  context.progress("reading the pod and its node");
  const Policies policies = policies_of(api);
  auto today = inspect::pod_today(api, ns, name, policies.list, context.common.release);
  if (!today.has_value()) {
    std::cerr << "note: whether the pod's node fails now is not said: "
              << printable(today.error().message) << '\n';
    return {};
  }
  if (today->fails(context.clock.now())) std::cerr << policies.note;
  return *std::move(today);
}

using PartState = inspect::PartReport::State;

// The first that is so: a part is absent, a part is down, a heading says that pods are not guarded
// (or may not be), that something is not written or recorded, that the Lease is wrong, that a
// policy stops all that it gates, or where the release's keys are.
Exit exit_of(const inspect::PresenceReport& presence, bool all_well) {
  const auto any = [&](PartState state) {
    return presence.configuration.state == state || presence.webhook.state == state ||
           presence.controller.state == state;
  };
  if (any(PartState::kAbsent)) return Exit::kRefused;
  if (any(PartState::kDown)) return Exit::kUnreachable;
  return all_well && !presence.wrong_lease ? Exit::kGood : Exit::kDoesNotHold;
}

}  // namespace

Result<Exit> status(const Context& context) {
  const inspect::ReleaseName& release = context.common.release;
  const kube::Client api = api_of(context);
  context.progress("reading nodes, evidence and policies");
  const Policies read = policies_of(api);
  const auto& policies = read.list;
  AVOUCH_TRY(const auto nodes, inspect::report_nodes(api, policies, release));
  std::cerr << read.note;
  const SystemTime now = context.clock.now();
  context.progress("reading whether webhook and controller are there");
  const inspect::PresenceReport presence = inspect::report_presence(api, release, now);
  const std::vector<std::string> unwritten = inspect::unwritten_nodes(presence, nodes, now);
  const auto log = inspect::log_report(policies, presence.recorded);
  const inspect::OwnPods pods = inspect::own_pods_on_failing(api, release, nodes);
  if (context.common.format == Format::kJson) {
    Json out = inspect::status_json(nodes, now);
    out["policies"] = inspect::policies_json(policies);
    out["release"] = inspect::presence_json(presence, release);
    out["release"]["notWritten"] = Json::Array(unwritten.begin(), unwritten.end());
    if (log) out["release"]["log"] = inspect::log_json(*log);
    out["release"]["podsOnFailingNodes"] = inspect::own_pods_json(pods);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    const std::string warnings =
        inspect::presence_lines(presence, release) + inspect::unwritten_line(unwritten, release) +
        inspect::guard_lines(policies, presence.configuration.state == PartState::kAbsent) +
        inspect::log_line(log) + inspect::nowhere_text(policies) +
        inspect::own_pods_text(pods, release);
    std::cout << warnings << (warnings.empty() ? "" : "\n") << inspect::status_table(nodes, now)
              << inspect::status_summary(nodes, now) << inspect::policy_lines(policies, nodes);
  }
  return exit_of(presence, inspect::is_guarded(policies) && unwritten.empty() &&
                               (!log || log->status == "True") &&
                               !inspect::any_stops_all(policies) && pods.on_failing.empty());
}

Result<Exit> version(const Context& context, const std::string& client_version) {
  const kube::Client api = api_of(context);
  const inspect::ReleaseName& release = context.common.release;
  context.progress("reading the release's version");
  const kube::ResourcePath sets{
      .group = "apps", .version = "v1", .plural = "statefulsets", .ns = release.ns};
  const auto object = api.get(sets, release.name + "-controller");
  std::string controller;
  if (object.has_value()) {
    controller = object->text({"metadata", "labels", "app.kubernetes.io/version"});
  } else {
    std::cerr << "note: the controller's version cannot be read: "
              << printable(inspect::with_grant(object.error(), inspect::Role::kLogReader, release)
                               .message)
              << '\n';
  }
  if (context.common.format == Format::kJson) {
    Json out;
    out["client"] = client_version;
    if (!controller.empty()) out["controller"] = controller;
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << "client: " << client_version
              << "\ncontroller: " << (controller.empty() ? "unknown" : printable(controller))
              << '\n';
  }
  return object.has_value() ? Exit::kGood : exit_of(object.error());
}

Result<Exit> explain_node(const Context& context, const std::string& name, BootLogShown shown) {
  const kube::Client api = api_of(context);
  context.progress("reading node " + name);
  const Policies policies = policies_of(api);
  AVOUCH_TRY(const inspect::NodeReport node,
             inspect::report_node(api, name, policies.list, context.common.release));
  std::cerr << policies.note;
  const SystemTime now = context.clock.now();
  const bool as_json = context.common.format == Format::kJson;
  const auto log = boot_log_of(context, node);
  if (shown == BootLogShown::kDecoded) {
    if (!log.has_value()) return with_context(log.error(), "boot log of node \"" + name + "\"");
    const Json decoded = appraisal::to_json(*log);
    std::cout << (as_json ? codec::to_json_pretty(decoded) + "\n" : appraisal::to_yaml(decoded));
    return Exit::kGood;
  }
  if (as_json) {
    Json out = inspect::status_json({node}, now);
    if (log.has_value()) out["bootLog"] = appraisal::to_json(*log);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << inspect::explain_text(node, now);
    if (log.has_value()) std::cout << "\nBoot log:\n" << appraisal::to_table(*log, shown_text());
  }
  if (!log.has_value()) {
    std::cerr << "note: no boot log is shown: " << printable(log.error().message) << '\n';
  }
  return Exit::kGood;
}

Result<Exit> explain_pod(const Context& context, const std::string& ns, const std::string& name) {
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("looking for admission verdicts of pod " + ns + "/" + name);
  const auto found = entries_of(context, session,
                                {.node = "", .ns = ns, .pod = name, .limit = 20, .before = {}}, 0);
  if (!found.has_value()) return unread(context, session, found.error());
  const auto& entries = found->entries;
  if (entries.empty()) AVOUCH_CHECK(expect_sought(session, inspect::sought_pod(ns, name)));
  inspect::PodToday today = today_of(context, session.api, ns, name);
  const SystemTime now = context.clock.now();
  Exit exit = Exit::kGood;
  std::vector<Content> contents;
  contents.reserve(entries.size());
  for (const auto& listed : entries) {
    contents.push_back(content_of(listed, session.trust));
    const Content& content = contents.back();
    if (!content.broken.empty()) exit = Exit::kDoesNotHold;
    if (!today.let_in_entry) {
      today.let_in_entry = inspect::let_in_by(listed.index, content.payload, today.pod);
    }
  }
  if (context.common.format == Format::kJson) {
    Json::Array items;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      items.push_back(entry_json(entries[i], contents[i]));
    }
    Json out;
    out["namespace"] = ns;
    out["pod"] = name;
    out["verdicts"] = std::move(items);
    out["node"] = inspect::pod_today_json(today, now);
    std::cout << codec::to_json_pretty(out) << '\n';
    return exit;
  }
  std::cout << inspect::pod_today_text(today, now);
  for (std::size_t i = 0; i < entries.size(); ++i) print_verdict(entries[i], contents[i]);
  if (entries.empty()) {
    std::cout
        << "No admission verdict of pod " << printable(ns + "/" + name)
        << ": no policy gates it, it was never given to a node, it was let in while nothing was "
           "guarded (the webhook configuration was changed or away), or what was decided still "
           "waits in a webhook's spool (docs/operations.md, \"The log's volume\"). A pod that "
           "stays Pending although nodes are Trusted has another reason: kubectl describe pod.\n";
  }
  return exit;
}

Result<Exit> verify_node(const Context& context, const std::string& name,
                         const inspect::Demands& demands) {
  AVOUCH_TRY(Session session, Session::open(context));
  AVOUCH_TRY(const inspect::ProofStep proof, verifier_of(context, session).node(name, demands));
  return show_proof(proof, context.common.format);
}

Result<Exit> verify_pod(const Context& context, const std::string& ns, const std::string& name,
                        const inspect::Demands& demands) {
  AVOUCH_TRY(Session session, Session::open(context));
  AVOUCH_TRY(const inspect::ProofStep proof, verifier_of(context, session).pod(ns, name, demands));
  return show_proof(proof, context.common.format);
}

Result<std::string> read_kept_checkpoint(const std::string& file) {
  if (file.empty()) return std::string();
  const auto useless = [&](const std::string& why) {
    return rejected("--since " + why +
                    "; expected a checkpoint as --save has kept it (the first time give --save "
                    "alone)");
  };
  auto kept = read_user_file(file);
  if (!kept.has_value()) return useless(kept.error().message);
  if (kept->empty()) return useless(file + ": is empty");
  const auto note = tlog::parse_note_unverified(*kept);
  if (!note.has_value()) return useless(file + ": is no checkpoint: " + note.error().message);
  const auto claimed = tlog::parse_checkpoint_unverified(note->text);
  if (!claimed.has_value()) return useless(file + ": " + claimed.error().message);
  return kept;
}

Result<Exit> verify_log(const Context& context, const LogCheck& check) {
  AVOUCH_TRY(Session session, Session::open(context));
  inspect::Verifier verifier = verifier_of(context, session);
  AVOUCH_TRY(const inspect::ProofStep proof, verifier.log(check.since));
  const Exit exit = show_proof(proof, context.common.format);
  if (exit == Exit::kGood && !check.save_file.empty()) {
    AVOUCH_CHECK(
        write_output(check.save_file, to_bytes(verifier.checkpoint_note()), IfThere::kReplace));
  }
  return exit;
}

Result<Exit> log_list(const Context& context, const LogQuery& query) {
  AVOUCH_TRY(Session session, Session::open(context));
  context.progress("reading the log's checkpoint");
  const auto checkpoint = newest_checkpoint(session);
  if (!checkpoint.has_value()) return disproved(context, session, kSigned, checkpoint.error());
  const auto found = entries_of(context, session, query, checkpoint->size());
  if (!found.has_value()) return unread(context, session, found.error());
  const auto& entries = found->entries;
  const bool has_none = entries.empty() && found->from == 0 && !query.before;
  if (has_none && !query.node.empty()) {
    AVOUCH_CHECK(expect_sought(session, inspect::sought_node(query.node)));
  }
  if (has_none && !query.pod.empty()) {
    AVOUCH_CHECK(expect_sought(session, inspect::sought_pod(query.ns, query.pod)));
  }
  Exit exit = Exit::kGood;
  std::vector<Content> contents;
  contents.reserve(entries.size());
  for (const auto& listed : entries) contents.push_back(content_of(listed, session.trust));
  std::vector<const codec::Cbor*> payloads;
  payloads.reserve(contents.size());
  for (const Content& content : contents) payloads.push_back(&content.payload);
  const std::vector<bool> late = inspect::late_entries(payloads);
  std::vector<std::vector<std::string>> rows = {{"INDEX", "TIME", "KIND", "CONTENT"}};
  Json::Array items;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Content& content = contents[i];
    if (!content.broken.empty()) exit = Exit::kDoesNotHold;
    rows.push_back({std::to_string(entries[i].index),
                    inspect::time_of(content.payload) + (late[i] ? " late" : ""),
                    printable(entries[i].kind), content_text(entries[i], content)});
    items.push_back(entry_json(entries[i], content));
  }
  // Of what cannot be read of it, nothing is said: each entry that is shown is proven by itself.
  const auto retention = tlog::load_retention(session.log, *checkpoint);
  const std::uint64_t minimum = retention.has_value() ? retention->pruning.minimum_index : 0;
  if (context.common.format == Format::kJson) {
    Json out;
    out["origin"] = checkpoint->origin();
    out["size"] = static_cast<std::int64_t>(checkpoint->size());
    if (minimum > 0) out["minimumIndex"] = static_cast<std::int64_t>(minimum);
    out["entries"] = std::move(items);
    if (found->from > 0) out["before"] = static_cast<std::int64_t>(found->from);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << "log " << printable(checkpoint->origin()) << ", " << checkpoint->size()
              << " entries\n"
              << inspect::text_table(rows);
    if (std::find(late.begin(), late.end(), true) != late.end()) {
      std::cout << "late: decided at that time, and entered after others that were decided later: "
                   "it waited in a webhook's spool while the log took none, or the clock of who "
                   "decided it was wrong\n";
    }
    if (minimum > 0) {
      std::cout << "entries below " << minimum << " are not served any more, as entry "
                << *retention->pruning_index << " says\n";
    }
    if (found->from > 0) {
      std::cout << "older entries: the same command with --before " << found->from << '\n';
    }
  }
  return exit;
}

Result<Exit> log_shards(const Context& context, const std::string& from) {
  AVOUCH_TRY(Session session, Session::open(context));
  inspect::Verifier verifier = verifier_of(context, session);
  std::string first;
  if (!from.empty()) {
    AVOUCH_TRY(const std::size_t at,
               inspect::find_shard(session.shards, session.trust.issuer(), "--from", from));
    first = session.shards[at].origin;
  }
  AVOUCH_TRY(const inspect::ProofStep proof,
             session.shards.empty() ? verifier.log("") : verifier.chain(first));
  return show_proof(proof, context.common.format);
}

Result<Exit> log_show(const Context& context, const ShowOptions& options) {
  AVOUCH_TRY(const std::optional<tlog::LogPolicy> other_logs,
             read_log_policy_file(options.log_policy));
  AVOUCH_TRY(Session session, Session::open(context));
  const std::uint64_t index = options.index;
  inspect::Verifier verifier = verifier_of(context, session);
  AVOUCH_TRY(const inspect::ProofStep proof,
             options.with_references
                 ? verifier.references(index, options.bounds, other_logs ? &*other_logs : nullptr)
                 : verifier.entry(index));
  std::optional<Json> payload;
  if (inspect::all_hold(proof) && session.log.reads_content()) {
    AVOUCH_TRY(const inspect::UnverifiedListed listed, session.log.entry(index));
    const Content content = content_of(listed, session.trust);
    if (!content.payload.is_null()) payload = inspect::payload_json(content.payload);
  }
  return show_proof(proof, context.common.format, payload);
}

}  // namespace avouch::cli
