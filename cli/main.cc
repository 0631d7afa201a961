// kubectl avouch: shows, explains and proves what Avouch decided. A kubectl plugin.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <new>

#include "adapters/kubectl_proxy.h"
#include "adapters/system_clock.h"
#include "cli/commands.h"
#include "cli/examples.h"
#include "cli/export.h"
#include "cli/export_options.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/log_copy.h"
#include "cli/log_fsck.h"
#include "cli/log_register.h"
#include "cli/log_remark.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "cli/reference.h"
#include "cli/remark_options.h"
#include "cli/usage.h"
#include "cli/verify_pods.h"

namespace {

using avouch::Result;
using avouch::cli::Appraised;
using avouch::cli::Context;
using avouch::cli::Exit;
using avouch::cli::fail;
using avouch::cli::fail_usage;
using avouch::cli::IfThere;
using avouch::cli::kForceHelp;

using Command = std::function<Result<Exit>(const Context&)>;

constexpr const char* kVersion = AVOUCH_VERSION;
constexpr const char* kAbout =
    "Shows, explains and proves what Avouch decided about nodes and pods.";
constexpr const char* kFooter =
    R"(Examples:
  kubectl avouch status                       nodes, phases, ages, reasons
  kubectl avouch explain node worker-2        why, and what to do
  kubectl avouch explain node worker-2 --log  its boot log, decoded
  kubectl avouch explain pod web-0 -n shop    what was decided about a pod
  kubectl avouch verify node worker-2         proves the node's verdict from the log
  kubectl avouch verify node worker-2 --trusted && echo trusted
  kubectl avouch verify node worker-2 --re-appraise
                                              judges it again, from its evidence and policies
  kubectl avouch verify pod web-0 -n shop     proves why the pod was let in or denied
  kubectl avouch verify pods -A               that the log has every gated pod that runs
  kubectl avouch verify log --since last.txt --save last.txt
                                              proves that the log only grew since last time
  kubectl avouch log --node worker-2          entries about a node, newest first
  kubectl avouch log show 4182 -o json        one entry, with its proof
  kubectl avouch log show 4182 --refs         what was said about it, and what it refers to
  kubectl avouch export 4182 -f 4182.tlog-proof
  kubectl avouch verify proof 4182.tlog-proof --vkey log.vkey
                                              a proof in a file, and its check without a cluster
  kubectl avouch log fsck --directory backup --vkey log.vkey
                                              reads a whole log, and names what is damaged
  kubectl avouch appraise --policy policy.yaml --references refs --trust-bundle ca.pem case
                                              judges stored evidence, without a cluster
  kubectl avouch reference from-debs *.deb --name debian-12-files --split
                                              reference values, out of packages

An auditor who does not trust the cluster keeps the keys and gives them by --verifier-keys, --vkey
and --origin; without them they are those that the cluster itself names.

)";

// `also`: what else 1 means.
std::string exit_status(const std::string& also = "") {
  return R"(Exit status:
  0  done, and everything that was checked holds
  1  something that was checked does not hold)" +
         also + R"(
  2  the command line is wrong
  3  the API server, the controller or its log gave no answer: try again
  4  there is no such object, entry or file, a file cannot be read or written, no permission, no
     usable kubeconfig, login or key, or what was to be proven has been erased)";
}
constexpr const char* kAlsoOfAll = R"( (for verify --trusted also: it is not trusted; for
     status: pods are not guarded or may not be, verdicts are not written, the log does not take all
     that is decided, or keys of the release are on a node that fails))";

constexpr const char* kStatusFooter =
    R"(Columns:
  AGE       since the phase began
  REASON    the first of those that explain node has
  EXPIRES   when the verdict ends unless it is renewed
  BOOT      the TPM's counters of boots and of resumes since, as in 7.0
  TAINT     that the controller has set
  POLICIES  that judge the node: the first three, and how many more (-o json: all)
  LOG       index of the verdict's entry

Exit status, of several the greatest:
  0  also where nodes are not Trusted
  1  pods are not guarded, or may not be (NOT GUARDED, GUARDED?), verdicts are not written (NOT
     WRITTEN), the controller's Lease has a time that no controller writes (LEASE WRONG), the log
     does not take all that is decided (LOG ..., NOT RECORDED), no node satisfies a policy in Enforce
     (SATISFIED NOWHERE), or a pod with keys of the release runs on a node that fails (KEYS ON A
     FAILING NODE)
  3  webhook or controller is there and does not work
  4  one of them, or the webhook configuration, is not there)";

// What the command line says.
struct Options {
  avouch::cli::Common common;
  avouch::adapters::KubectlOptions kubectl;
  std::string ns, name, output = "text";
  avouch::inspect::Demands demands;
  avouch::cli::BootLogShown boot_log = avouch::cli::BootLogShown::kTable;
  avouch::cli::LogQuery query;
  avouch::cli::LogCheck check;
  avouch::cli::VerifyPodsOptions pods;
  avouch::cli::ShowOptions show;
  bool client_only = false;
  avouch::cli::ExportOptions exported;
  avouch::cli::ProofFileOptions proof_file;
  std::string first_shard;                  // of log shards; "": the oldest
  std::string log_directory, log_database;  // of log fsck; "" both: the release's log
  avouch::cli::LogCopyOptions log_copy;
  avouch::cli::LogRegisterOptions log_register;
  avouch::cli::LogRemarkOptions log_remark;
  bool needs_keys = false;      // of the log or of the verifier: verify proof
  std::string_view needs_vkey;  // why the command that was given needs --vkey; "" where it does not
  avouch::cli::AppraiseOptions appraise;
  avouch::cli::EventlogOptions eventlog;
  avouch::cli::UploadOptions upload;
  std::function<Result<Appraised>()> offline;                   // of a command that asks no server
  std::function<Result<Exit>()> reference;                      // such a one too
  std::function<Result<Exit>(const Context::Progress&)> local;  // another, with the usual status
  std::vector<const CLI::App*> about_pods;                      // commands that need a namespace

  bool needs_namespace() const {
    if (pods.all_namespaces) return false;
    return !query.pod.empty() || std::any_of(about_pods.begin(), about_pods.end(),
                                             [](const CLI::App* sub) { return sub->parsed(); });
  }
  Command command;
};

int run(Options& options) {
  // What is wrong with files, read at the start or written in the end: said before any work is
  // done.
  auto since = avouch::cli::read_kept_checkpoint(options.check.since_file);
  if (!since.has_value()) return fail(since.error());
  options.check.since = *std::move(since);
  const avouch::cli::ExportOptions& exported = options.exported;
  const avouch::cli::LogRegisterOptions& registered = options.log_register;
  for (const auto& [file, if_there] : {std::pair(options.check.save_file, IfThere::kReplace),
                                       std::pair(exported.file, exported.if_there),
                                       std::pair(exported.preimage, exported.if_there),
                                       std::pair(registered.file, registered.if_there)}) {
    if (const auto fine = avouch::cli::check_output(file, if_there); !fine.has_value()) {
      return fail(fine.error());
    }
  }
  avouch::cli::Progress progress;
  progress.step("starting kubectl proxy");
  if (options.needs_namespace() && options.ns.empty()) {
    const auto context = avouch::adapters::current_context(options.kubectl);
    if (!context.has_value()) return fail(context.error());
    options.ns = context->ns;
  }
  const auto transport = avouch::adapters::KubectlProxy::start(options.kubectl);
  if (!transport.has_value()) return fail(transport.error());
  avouch::adapters::SystemClock clock;
  const auto done =
      options.command(Context{.transport = **transport,
                              .clock = clock,
                              .common = options.common,
                              .progress = [&](const std::string& what) { progress.step(what); }});
  const bool unanswered = !done.has_value() || *done == Exit::kUnreachable;
  if (const auto trouble = (*transport)->trouble(); unanswered && trouble) {
    return fail(*trouble, options.kubectl);
  }
  return done.has_value() ? static_cast<int>(*done) : fail(done.error());
}

// What is wrong with the options together; "" if nothing is.
std::string usage_problem(const Options& options) {
  const auto& common = options.common;
  const std::string where = avouch::cli::where_keys_are(common.release);
  if (!options.needs_vkey.empty()) {
    return common.log_vkey_file.empty() ? std::string(options.needs_vkey) + where : "";
  }
  if (options.needs_keys && common.log_vkey_file.empty() &&
      (common.verifier_keys_file.empty() || common.origin.empty())) {
    const std::string missing =
        avouch::cli::missing_for_proof_file(options.proof_file, options.common);
    if (!missing.empty()) return missing;
    return "verify proof needs --vkey, or --verifier-keys and --origin for a transparent "
           "statement: a file is not asked for the key it is held by" +
           where;
  }
  if (std::string problem = avouch::cli::export_problem(options.exported); !problem.empty()) {
    return problem;
  }
  const int anchors = common.anchors_given();
  if (options.command && anchors != 0 && anchors != 3) {
    return "--verifier-keys, --vkey and --origin belong together: give all three or none" + where;
  }
  return "";
}

std::string name_problem(const std::string& text) {
  const bool fine =
      !text.empty() && text.size() <= 253 && text.front() != '-' &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
  return fine ? "" : "expected the name of a Kubernetes object: 1 to 253 of a-z, 0-9, - and .";
}

// Before it is converted: CLI11 takes -1 for 2^64 - 1, and 010 for 8.
std::string index_problem(const std::string& text) {
  const bool fine = !text.empty() && text.size() <= 18 && (text == "0" || text.front() != '0') &&
                    text.find_first_not_of("0123456789") == std::string::npos;
  return fine ? "" : "\"" + text + "\" is no index of an entry: expected a number, 0 or greater";
}

std::string account_problem(const std::string& text) {
  const std::size_t slash = text.find('/');
  const bool fine = slash != std::string::npos && name_problem(text.substr(0, slash)).empty() &&
                    name_problem(text.substr(slash + 1)).empty();
  return fine ? "" : "expected NAMESPACE/NAME of a service account";
}

CLI::App* leaf(CLI::App* parent, Options& options, const std::string& name, const std::string& what,
               Command command) {
  CLI::App* sub = parent->add_subcommand(name, what);
  sub->add_option("-o,--output", options.output, "text (a table or a tree) or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  sub->final_callback([&options, command = std::move(command)] { options.command = command; });
  return sub;
}

void add_name(CLI::App* sub, Options& options, const char* what) {
  sub->add_option("name", options.name, what)->required()->check(name_problem);
}

CLI::Option* add_namespace(CLI::App* sub, Options& options) {
  return sub
      ->add_option("-n,--namespace", options.ns,
                   "Namespace of the pod or pods; default: that of the kubeconfig's context")
      ->check(name_problem);
}

void add_trusted(CLI::App* sub, Options& options, const char* what) {
  sub->add_flag("--trusted", options.demands.trusted, what);
  sub->footer(exit_status(" (with --trusted also: it is not trusted)"));
}

void add_reappraise(CLI::App* sub, Options& options) {
  sub->add_flag(
      "--re-appraise", options.demands.reappraise,
      "Judge the node's verdict again, from what the controller keeps of it, and compare");
}

void add_global(CLI::App& app, Options& options) {
  app.add_option("--kubeconfig", options.kubectl.kubeconfig, "Kubeconfig file, as for kubectl");
  app.add_option("--context", options.kubectl.context, "Context of the kubeconfig, as for kubectl");
  app.add_option("--release", options.common.release.name,
                 "Full name of the Avouch release: what its objects' names begin with")
      ->check(name_problem)
      ->capture_default_str();
  app.add_option("--release-namespace", options.common.release.ns, "Its namespace")
      ->check(name_problem)
      ->capture_default_str();
  app.add_option("--verifier-keys", options.common.verifier_keys_file,
                 "File with the verifier's public keys in PEM; default: the release's own");
  app.add_option("--vkey", options.common.log_vkey_file,
                 "File with the log's verifier key (C2SP note vkey); default: the release's own");
  app.add_option("--origin", options.common.origin,
                 "The log's origin, with --verifier-keys and --vkey");
  app.add_option("--shard", options.common.shard,
                 "Which of the release's logs is read, where it is kept in shards: the period, as "
                 "2027-q1, or the log's origin; default: the newest");
}

void add_explain(CLI::App& app, Options& options) {
  CLI::App* explain = app.add_subcommand("explain", "Why a node or a pod was judged as it was");
  explain->require_subcommand(1);
  CLI::App* node = leaf(explain, options, "node",
                        "A node's verdict, what to do about it, and its boot log as a table",
                        [&](const Context& context) {
                          return avouch::cli::explain_node(context, options.name, options.boot_log);
                        });
  add_name(node, options, "Name of the node");
  node->add_flag_callback(
      "--log", [&options] { options.boot_log = avouch::cli::BootLogShown::kDecoded; },
      "Only the boot log, decoded, as YAML, or with -o json as JSON");
  CLI::App* pod = leaf(explain, options, "pod", "The admission verdicts of a pod, newest first",
                       [&](const Context& context) {
                         return avouch::cli::explain_pod(context, options.ns, options.name);
                       });
  add_name(pod, options, "Name of the pod");
  add_namespace(pod, options);
  options.about_pods.push_back(pod);
}

void add_verify_pods(CLI::App* verify, Options& options) {
  CLI::App* pods = leaf(verify, options, "pods",
                        "That the log has what let in each gated pod that runs, and which it has "
                        "not",
                        [&options](const Context& context) {
                          options.pods.ns = options.ns;
                          return avouch::cli::verify_pods(context, options.pods);
                        });
  add_namespace(pods, options);
  options.about_pods.push_back(pods);
  avouch::cli::add_verify_pods_options(*pods, options.pods);
}

void add_verify(CLI::App& app, Options& options) {
  CLI::App* verify = app.add_subcommand(
      "verify", "Proves a verdict, or that the log only grew: a tree of what holds and what fails");
  verify->require_subcommand(1);
  CLI::App* node = leaf(verify, options, "node",
                        "A node's verdict: token, node, time, log entry, inclusion, checkpoint",
                        [&](const Context& context) {
                          return avouch::cli::verify_node(context, options.name, options.demands);
                        });
  add_name(node, options, "Name of the node");
  add_trusted(node, options, "Fail also where the node is not Trusted");
  add_reappraise(node, options);
  CLI::App* pod =
      leaf(verify, options, "pod",
           "A pod's admission verdict, and the node verdict that it was based on",
           [&](const Context& context) {
             return avouch::cli::verify_pod(context, options.ns, options.name, options.demands);
           });
  add_name(pod, options, "Name of the pod");
  add_namespace(pod, options);
  options.about_pods.push_back(pod);
  add_trusted(pod, options, "Fail also where the pod was denied");
  add_reappraise(pod, options);
  add_verify_pods(verify, options);
  CLI::App* log =
      leaf(verify, options, "log", "The newest checkpoint, and that it continues one that you kept",
           [&](const Context& context) { return avouch::cli::verify_log(context, options.check); });
  CLI::App* proof = leaf(
      verify, options, "proof",
      "A file that export made, without a cluster: needs --vkey, or --verifier-keys and --origin",
      Command());
  avouch::cli::add_proof_options(*proof, options.proof_file);
  proof->final_callback([&options] {
    options.needs_keys = true;
    options.local = [&options](const Context::Progress&) {
      return avouch::cli::verify_proof_file(options.proof_file, options.common);
    };
  });
  CLI::App* misbehaviour = leaf(verify, options, "misbehaviour",
                                "A file that proves that a log signed what contradicts itself, "
                                "without a cluster: needs --vkey",
                                Command());
  misbehaviour->add_option("file", options.proof_file.proof, "The proof's file")->required();
  misbehaviour->final_callback([&options] {
    options.needs_vkey = "verify misbehaviour needs --vkey: the key of the log that it is about";
    options.local = [&options](const Context::Progress&) {
      return avouch::cli::verify_misbehaviour_file(options.proof_file.proof, options.common);
    };
  });
  log->add_option("--since", options.check.since_file, "File with a checkpoint kept earlier");
  log->add_option("--save", options.check.save_file,
                  "File to keep the newest checkpoint in, if everything holds; one that is there "
                  "is replaced");
}

void add_log_copy(CLI::App* log, Options& options) {
  CLI::App* copy = leaf(log, options, "copy",
                        "Moves a log to another engine, and verifies all of it", Command());
  copy->add_option("--from", options.log_copy.from,
                   "files:DIRECTORY, or postgres:FILE with a file that holds the connection string")
      ->required()
      ->check(avouch::cli::log_place_problem);
  copy->add_option("--to", options.log_copy.to, "The same: empty, or an older copy of this log")
      ->required()
      ->check(avouch::cli::log_place_problem);
  copy->add_flag("--take-over", options.log_copy.take_over,
                 "Although a database's last writer did not close it; one that still runs is "
                 "locked out");
  copy->add_flag("--published-only", options.log_copy.published_only,
                 "Leave behind what was committed and never published: of a log that is READ-ONLY, "
                 "whose writer cannot publish it");
  copy->parse_complete_callback([&options] {
    options.needs_vkey = "log copy needs --vkey: a store is not asked for the key it is held by";
    options.local = [&options](const Context::Progress& progress) {
      return avouch::cli::log_copy(options.log_copy, options.common, progress);
    };
  });
}

void add_log_register(CLI::App* log, Options& options) {
  avouch::cli::LogRegisterOptions& to = options.log_register;
  CLI::App* sub = leaf(log, options, "register",
                       "Puts a signed statement of another party (SCITT) into the log",
                       [&](const Context& context) {
                         return avouch::cli::log_register(context, options.log_register);
                       });
  sub->add_option(
         "--service-account", to.account,
         "NAMESPACE/NAME of an account that may create statements.avouch.dev, and that you "
         "may create tokens of")
      ->required()
      ->check(account_problem);
  sub->add_option("-f,--file", to.file, "File to write: the statement with the log's receipt")
      ->required();
  sub->add_flag_callback(
      "--force", [&to] { to.if_there = IfThere::kReplace; }, kForceHelp);
  sub->add_option("statement", to.statement, "COSE_Sign1 of its issuer: a hash envelope, RFC 9995")
      ->required();
}

void add_log_show(CLI::App* log, Options& options) {
  avouch::cli::ShowOptions& to = options.show;
  CLI::App* show =
      leaf(log, options, "show", "One entry: its content, and the proof that it is in the log",
           [&](const Context& context) { return avouch::cli::log_show(context, options.show); });
  show->add_option("index", to.index, "Index of the entry")->required()->check(index_problem);
  CLI::Option* refs = show->add_flag("--refs", to.with_references,
                                     "Also what it refers to, and which entries refer to it");
  show->add_option("--depth", to.bounds.depth, "How many steps references are followed")
      ->check(CLI::Range(1, avouch::inspect::ChainBounds::kMaxDepth))
      ->capture_default_str()
      ->needs(refs);
  show->add_option("--limit", to.bounds.entries, "How many entries are shown at most")
      ->check(CLI::Range(1, avouch::inspect::ChainBounds::kMaxEntries))
      ->capture_default_str()
      ->needs(refs);
  show->add_option("--log-policy", to.log_policy,
                   "C2SP tlog-policy file with the keys of other logs that are referred to")
      ->needs(refs);
}

void add_log(CLI::App& app, Options& options) {
  CLI::App* log = leaf(&app, options, "log", "Entries of the verdict log, newest first", Command());
  log->add_option("--limit", options.query.limit, "How many")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  log->add_option("--before", options.query.before, "Only entries with an index smaller than this")
      ->check(index_problem);
  CLI::Option* node = log->add_option("--node", options.query.node, "Only verdicts of this node")
                          ->check(name_problem);
  CLI::Option* pod =
      log->add_option("--pod", options.query.pod, "Only admission verdicts of this pod")
          ->check(name_problem)
          ->excludes(node);
  // The log is listed whole, of a node, or of a pod, never of a namespace.
  add_namespace(log, options)->needs(pod);
  log->require_subcommand(0, 1);
  add_log_show(log, options);
  CLI::App* shards = leaf(log, options, "shards",
                          "The logs of the release, and that each follows the one before it",
                          [&options](const Context& context) {
                            return avouch::cli::log_shards(context, options.first_shard);
                          });
  shards
      ->add_option("--from", options.first_shard,
                   "Only from this one on (its period, as 2027, or its origin), where older ones "
                   "were archived")
      ->excludes(app.get_option("--shard"));
  CLI::App* fsck =
      leaf(log, options, "fsck", "Reads the whole log and names all that is damaged or missing",
           avouch::cli::log_fsck);
  fsck->add_option("--directory", options.log_directory,
                   "The log's directory on this machine (a volume, a backup) instead, with --vkey");
  fsck->add_option("--database", options.log_database,
                   "The log in the database that this file's connection string names instead, "
                   "with --vkey")
      ->excludes("--directory");
  fsck->parse_complete_callback([&options] {
    if (options.log_directory.empty() && options.log_database.empty()) return;
    options.needs_vkey =
        "--directory and --database need --vkey: what is checked is not asked for its key";
    options.local = [&options](const Context::Progress& progress) {
      return options.log_database.empty()
                 ? avouch::cli::log_fsck_directory(options.log_directory, options.common, progress)
                 : avouch::cli::log_fsck_database(options.log_database, options.common, progress);
    };
  });
  add_log_copy(log, options);
  add_log_register(log, options);
  avouch::cli::add_remarks(
      {.leaf = [log, &options](
                   const std::string& name, const std::string& what,
                   Command command) { return leaf(log, options, name, what, std::move(command)); },
       .is_index = index_problem,
       .is_account = account_problem},
      options.log_remark);
  log->final_callback([&options, log] {
    if (!log->get_subcommands().empty()) return;
    options.command = [&options](const Context& context) {
      options.query.ns = options.ns;
      return avouch::cli::log_list(context, options.query);
    };
  });
}

void add_appraise(CLI::App& app, Options& options) {
  CLI::App* sub =
      leaf(&app, options, "appraise",
           "Judges stored evidence by the controller's own verifier, without a cluster", Command());
  avouch::cli::AppraiseOptions& to = options.appraise;
  sub->add_option("--policy", to.policy_file, "File with one AttestationPolicy")->required();
  sub->add_option("--references", to.references_folder,
                  "Folder of ReferenceManifests, ConfigMaps (YAML or JSON) and digest lists");
  sub->add_option("--trust-bundle", to.trust_bundle_file,
                  "PEM certificates in place of the policy's trustBundles");
  sub->add_option("--at", to.at,
                  "Time at which certificates and manifests are judged (RFC 3339); default: now");
  sub->add_option("--node", to.node_name, "Name of the node, for the policy's inventory")
      ->check(name_problem);
  sub->add_option("case", to.case_folder, "Folder of a case (docs/offline-appraisal.md)")
      ->required();
  sub->footer("Exit status: 0 affirming, 2 unusable input, 3 warning, 4 contraindicated");
  sub->final_callback([&options] {
    options.offline = [&options] {
      avouch::adapters::SystemClock clock;
      return avouch::cli::appraise(options.appraise, options.common.format, clock);
    };
  });
}

void add_eventlog(CLI::App& app, Options& options) {
  CLI::App* sub = app.add_subcommand(
      "eventlog", "Decodes a boot log or a runtime log (IMA) of any Linux machine");
  avouch::cli::EventlogOptions& to = options.eventlog;
  sub->add_option("-o,--output", to.output, "text (a table), json or yaml")
      ->check(CLI::IsMember({"text", "json", "yaml"}))
      ->default_val("text");
  sub->add_option("--pcrs", to.pcrs_file,
                  "PCR values to compare with: what tpm2_pcrread prints, JSON, or lines "
                  "\"BANK INDEX HEX\"");
  sub->add_option(
         "file", to.file,
         "Copy of .../tpm0/binary_bios_measurements or .../ima/binary_runtime_measurements")
      ->required();
  sub->footer(
      ">>> marks the first event that the PCRs do not have. Read the PCRs first and a runtime log "
      "after them: what it has grown by since is told apart. On a terminal long texts are cut.\n"
      "Exit status: 0 decoded, and as the PCRs say where they are given; 2 unusable input; 4 the "
      "log does not give the PCRs, or none of them is its");
  sub->final_callback([&options] {
    options.offline = [&options] { return avouch::cli::eventlog(options.eventlog); };
  });
}

void add_upload(CLI::App& app, Options& options) {
  CLI::App* sub = leaf(
      app.get_subcommand("reference"), options, "upload",
      "Puts a digest list into the controller's store, for spec.ima.source.blob",
      [&](const Context& context) { return avouch::cli::upload_list(context, options.upload); });
  sub->add_option("--service-account", options.upload.account,
                  "NAMESPACE/NAME of an account that may update ReferenceManifests, and that you "
                  "may create tokens of")
      ->required()
      ->check(account_problem);
  sub->add_option("file", options.upload.file, "Digest list, text or binary")->required();
  sub->footer(
      "Exit status: 0 sent, or there already; 2 the command line is wrong; 3 no answer, try again; "
      "4 the list cannot be used, no permission, or no usable kubeconfig or login");
}

// An error of these commands is unusable input, whatever its kind: so is one of our own, for 3 is a
// verdict here.
int run_offline(const Options& options) {
  try {
    const auto done = options.offline();
    if (done.has_value()) return static_cast<int>(*done);
    fail(done.error());
  } catch (const std::bad_alloc&) {
    std::cerr << "kubectl avouch: not enough memory to judge this\n";
  } catch (const std::exception& error) {
    std::cerr << "kubectl avouch: " << error.what() << '\n';
  }
  return static_cast<int>(Appraised::kUnusable);
}

int run_local(const Options& options) {
  avouch::cli::Progress progress;
  const auto done = options.local([&](const std::string& what) { progress.step(what); });
  return done.has_value() ? static_cast<int>(*done) : fail(done.error());
}

int run_reference(const Options& options) {
  const auto done = options.reference();
  if (done.has_value()) return static_cast<int>(*done);
  fail(done.error());
  return static_cast<int>(Exit::kUsage);
}

int run_parsed(Options& options) {
  if (options.client_only) {
    std::cout << (options.output == "json" ? "{\"client\": \"" + std::string(kVersion) + "\"}\n"
                                           : "client: " + std::string(kVersion) + "\n");
    return static_cast<int>(Exit::kGood);
  }
  if (const std::string problem = usage_problem(options); !problem.empty()) {
    return fail_usage(problem);
  }
  if (options.reference) return run_reference(options);
  if (options.local) return run_local(options);
  return options.offline ? run_offline(options) : run(options);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app{kAbout};
  app.name("kubectl avouch");
  app.footer(kFooter + exit_status(kAlsoOfAll) +
             "\nappraise, eventlog and reference have their own: see their --help");
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand behind the command, as with kubectl
  app.set_version_flag("--version", std::string("kubectl-avouch ") + kVersion);

  Options options;
  add_global(app, options);
  leaf(&app, options, "status",
       "Nodes, their phases, ages and reasons, as the API server has them, and whether webhook and "
       "controller are there",
       [](const Context& context) { return avouch::cli::status(context); })
      ->footer(kStatusFooter);
  add_explain(app, options);
  add_verify(app, options);
  add_log(app, options);
  avouch::cli::add_export(
      app, index_problem, [&options](Command command) { options.command = std::move(command); },
      options.exported);
  add_appraise(app, options);
  add_eventlog(app, options);
  avouch::cli::add_reference(app, options.reference, options.command);
  add_upload(app, options);
  CLI::App* version =
      leaf(&app, options, "version", "Versions of this program and of the release",
           [](const Context& context) { return avouch::cli::version(context, kVersion); });
  version->add_flag("--client", options.client_only, "This program's only; asks no server");
  avouch::cli::add_examples(app, exit_status());

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return avouch::cli::finish_parse(app, error, argc > 1 ? argv[1] : "");
  }
  options.common.format =
      options.output == "json" ? avouch::cli::Format::kJson : avouch::cli::Format::kText;
  const int status = run_parsed(options);
  std::cout.flush();
  if (!std::cout.good()) {
    const int failed = fail(avouch::rejected("standard output cannot be written to"));
    return options.offline || options.reference ? static_cast<int>(Exit::kUsage) : failed;
  }
  return status;
} catch (const std::exception& error) {
  std::cerr << "kubectl avouch: " << error.what() << '\n';
  return static_cast<int>(Exit::kUnreachable);
}
