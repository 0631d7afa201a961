#include "cli/commands.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "adapters/files.h"
#include "base/time_text.h"
#include "inspect/entry_text.h"
#include "inspect/log_access.h"
#include "inspect/nodes.h"
#include "inspect/proof.h"
#include "inspect/verify.h"
#include "kube/auth.h"
#include "tlog/client.h"
#include "tlog/entry.h"

namespace avouch::cli {
namespace {

using codec::Json;

constexpr std::string_view kAudience = "avouch.dev/controller";
constexpr std::size_t kMaxKeyFile = 64 * 1024;

void progress(const std::string& what) {
  if (isatty(STDERR_FILENO) == 1) std::cerr << "... " << what << '\n';
}

// A short-lived token of the release's reader account: what opens the content of log entries.
Result<std::string> reader_token(const kube::Client& api, const inspect::ReleaseName& release) {
  kube::TokenRequest request;
  request.account = {.ns = release.ns, .name = release.name + "-reader"};
  request.audiences = {std::string(kAudience)};
  request.expiration = std::chrono::minutes(10);
  AVOUCH_TRY(const kube::IssuedToken token, kube::request_token(api, request));
  return token.token;
}

Result<std::string> read_text(const std::string& file) {
  AVOUCH_TRY(const auto content, adapters::read_file(file, kMaxKeyFile));
  if (!content) return rejected(file + ": there is no such file");
  return std::string(as_text(*content));
}

Result<inspect::TrustAnchors> anchors(const kube::Client& api, const Common& common) {
  if (common.verifier_keys_file.empty() && common.log_vkey_file.empty()) {
    return inspect::read_trust_anchors(api, common.release);
  }
  if (common.verifier_keys_file.empty() || common.log_vkey_file.empty() || common.origin.empty()) {
    return rejected("--verifier-keys, --vkey and --origin belong together: give all three or none");
  }
  AVOUCH_TRY(const std::string keys, read_text(common.verifier_keys_file));
  AVOUCH_TRY(const std::string vkey, read_text(common.log_vkey_file));
  return inspect::parse_trust_anchors(keys, vkey, common.origin, "the files given");
}

// What the commands that read the log work with.
struct Session {
  kube::Client api;
  inspect::TrustAnchors trust;
  inspect::LogAccess log;

  static Result<Session> open(kube::Transport& transport, const Common& common) {
    const kube::Client api(transport);
    progress("reading the release's keys");
    AVOUCH_TRY(inspect::TrustAnchors trust, anchors(api, common));
    std::string token;
    if (auto issued = reader_token(api, common.release); issued.has_value()) {
      token = *std::move(issued);
    } else {
      std::cerr << "note: contents of entries stay closed: " << issued.error().message << '\n';
    }
    return Session{api, std::move(trust),
                   inspect::LogAccess(transport, common.release, std::move(token))};
  }

  Session(kube::Client client, inspect::TrustAnchors keys, inspect::LogAccess access)
      : api(std::move(client)), trust(std::move(keys)), log(std::move(access)) {}
};

Exit show(const inspect::ProofStep& proof, const Common& common) {
  const bool good = inspect::all_hold(proof);
  if (common.format == Format::kJson) {
    Json out;
    out["verified"] = good;
    out["proof"] = inspect::render_json(proof);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << inspect::render_text(proof)
              << (good ? "verified: everything above that can be proven holds\n"
                       : "NOT verified: see the lines that say FAILS\n");
  }
  return good ? Exit::kGood : Exit::kDoesNotHold;
}

std::string summary_of(const codec::Cbor& payload) {
  const Json json = inspect::payload_json(payload);
  std::string out;
  for (const std::string_view key :
       {"decision", "operation", "node", "namespace", "pod", "phase", "name"}) {
    const std::string_view value = json.text({key});
    if (!value.empty())
      out += (out.empty() ? "" : " ") + std::string(key) + "=" + std::string(value);
  }
  if (const Json* reasons = json.find("reasons");
      reasons != nullptr && reasons->as_array() != nullptr) {
    for (const Json& reason : *reasons->as_array()) out += " " + std::string(reason.text({"code"}));
  }
  return out;
}

std::string time_of(const codec::Cbor& payload) {
  for (const std::string_view key : {"time", "created"}) {
    const codec::Cbor* value = payload.find(key);
    const std::int64_t* millis = value == nullptr ? nullptr : value->as_integer();
    if (millis != nullptr) return to_rfc3339(SystemTime(std::chrono::milliseconds(*millis)));
  }
  return "-";
}

// The content of an entry as the controller gave it, checked against the entry's own commitment.
Result<codec::Cbor> content(const inspect::UnverifiedListed& listed, const Session& session) {
  AVOUCH_TRY(
      const tlog::Statement statement,
      tlog::verify_statement(listed.statement, session.trust.verifier_keys, session.trust.origin));
  if (listed.preimage.empty()) return codec::Cbor();
  return tlog::open_preimage(statement.preimage_digest(), listed.preimage);
}

Result<std::vector<inspect::UnverifiedListed>> newest(Session& session, std::uint64_t size,
                                                      int limit) {
  std::vector<inspect::UnverifiedListed> out;
  for (std::uint64_t index = size; index > 0 && std::cmp_less(out.size(), limit);) {
    progress("reading entry " + std::to_string(--index));
    AVOUCH_TRY(inspect::UnverifiedListed listed, session.log.entry(index));
    out.push_back(std::move(listed));
  }
  return out;
}

}  // namespace

Result<Exit> status(kube::Transport& transport, Clock& clock, const Common& common) {
  const kube::Client api(transport);
  progress("reading nodes and evidence");
  AVOUCH_TRY(const auto nodes, inspect::report_nodes(api));
  if (common.format == Format::kJson) {
    std::cout << codec::to_json_pretty(inspect::status_json(nodes)) << '\n';
  } else {
    std::cout << inspect::status_table(nodes, clock.now());
  }
  return Exit::kGood;
}

Result<Exit> explain_node(kube::Transport& transport, Clock& clock, const Common& common,
                          const std::string& name) {
  const kube::Client api(transport);
  AVOUCH_TRY(const inspect::NodeReport node, inspect::report_node(api, name));
  if (common.format == Format::kJson) {
    std::cout << codec::to_json_pretty(inspect::status_json({node})) << '\n';
  } else {
    std::cout << inspect::explain_text(node, clock.now());
  }
  return Exit::kGood;
}

Result<Exit> explain_pod(kube::Transport& transport, Clock&, const Common& common,
                         const std::string& ns, const std::string& name) {
  AVOUCH_TRY(Session session, Session::open(transport, common));
  AVOUCH_TRY(
      const auto entries,
      session.log.list("namespace=" + kube::url_encode(ns) + "&pod=" + kube::url_encode(name), 20));
  if (entries.empty()) {
    std::cout << "No admission verdict of pod " << inspect::printable(ns + "/" + name)
              << ": no policy gates it, or it was never given to a node.\n";
    return Exit::kGood;
  }
  for (const auto& listed : entries) {
    AVOUCH_TRY(const codec::Cbor payload, content(listed, session));
    const Json json = inspect::payload_json(payload);
    std::cout << time_of(payload) << "  " << inspect::printable(summary_of(payload)) << "  (entry "
              << listed.index << ")\n";
    if (const Json* reasons = json.find("reasons");
        reasons != nullptr && reasons->as_array() != nullptr) {
      for (const Json& reason : *reasons->as_array()) {
        std::cout << "    " << inspect::printable(reason.text({"code"})) << ": "
                  << inspect::printable(reason.text({"message"})) << '\n';
      }
    }
  }
  return Exit::kGood;
}

Result<Exit> verify_node(kube::Transport& transport, Clock& clock, const Common& common,
                         const std::string& name) {
  AVOUCH_TRY(Session session, Session::open(transport, common));
  inspect::Verifier verifier(session.api, session.log, session.trust, clock, progress);
  AVOUCH_TRY(const inspect::ProofStep proof, verifier.node(name));
  return show(proof, common);
}

Result<Exit> verify_pod(kube::Transport& transport, Clock& clock, const Common& common,
                        const std::string& ns, const std::string& name) {
  AVOUCH_TRY(Session session, Session::open(transport, common));
  inspect::Verifier verifier(session.api, session.log, session.trust, clock, progress);
  AVOUCH_TRY(const inspect::ProofStep proof, verifier.pod(ns, name));
  return show(proof, common);
}

Result<Exit> log_list(kube::Transport& transport, Clock&, const Common& common,
                      const std::string& query, int limit) {
  AVOUCH_TRY(Session session, Session::open(transport, common));
  AVOUCH_TRY(const tlog::VerifiedCheckpoint checkpoint,
             tlog::fetch_checkpoint(session.log, std::span(&session.trust.log_key, 1),
                                    session.trust.origin));
  AVOUCH_TRY(const auto entries, query.empty() ? newest(session, checkpoint.size(), limit)
                                               : session.log.list(query, limit));
  std::vector<std::vector<std::string>> rows = {{"INDEX", "TIME", "KIND", "CONTENT"}};
  Json::Array items;
  for (const auto& listed : entries) {
    AVOUCH_TRY(const codec::Cbor payload, content(listed, session));
    rows.push_back({std::to_string(listed.index), time_of(payload), inspect::printable(listed.kind),
                    listed.preimage.empty()
                        ? "(withheld: " + inspect::printable(listed.withheld) + ")"
                        : inspect::printable(summary_of(payload))});
    Json item;
    item["index"] = static_cast<std::int64_t>(listed.index);
    item["kind"] = listed.kind;
    item["payload"] = inspect::payload_json(payload);
    items.push_back(std::move(item));
  }
  if (common.format == Format::kJson) {
    Json out;
    out["origin"] = checkpoint.origin();
    out["size"] = static_cast<std::int64_t>(checkpoint.size());
    out["entries"] = std::move(items);
    std::cout << codec::to_json_pretty(out) << '\n';
  } else {
    std::cout << "log " << checkpoint.origin() << ", " << checkpoint.size() << " entries\n"
              << inspect::text_table(rows);
  }
  return Exit::kGood;
}

Result<Exit> log_show(kube::Transport& transport, Clock& clock, const Common& common,
                      std::uint64_t index) {
  AVOUCH_TRY(Session session, Session::open(transport, common));
  inspect::Verifier verifier(session.api, session.log, session.trust, clock, progress);
  AVOUCH_TRY(const inspect::ProofStep proof, verifier.entry(index));
  if (common.format == Format::kText) {
    AVOUCH_TRY(const inspect::UnverifiedListed listed, session.log.entry(index));
    AVOUCH_TRY(const codec::Cbor payload, content(listed, session));
    std::cout << codec::to_json_pretty(inspect::payload_json(payload)) << '\n';
  }
  return show(proof, common);
}

}  // namespace avouch::cli
