#pragma once

// What people and programs do with the log of a controller: they read it, say something about
// entries, find what was said, and prove it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/system_clock.h"
#include "codec/json.h"
#include "control/remark_rights.h"
#include "inspect/remark_upload.h"
#include "inspect/verify.h"
#include "integration/operator/controller_process.h"
#include "kube/auth.h"
#include "kube/client.h"
#include "tlog/client.h"
#include "tlog/entry.h"
#include "tlog/log_policy.h"
#include "tlog/remark.h"

namespace avouch::testing {

// What an account may do in the whole cluster.
struct Right {
  kube::ServiceAccountName account;
  std::string verb, resources;  // "create", "endorsements, disputes"
};

// The account and its role, as YAML.
inline std::string account_with(const Right& right) {
  const std::string& ns = right.account.ns;
  const std::string& name = right.account.name;
  const std::string role = ns + "-" + name;
  const std::string rbac = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ";
  const std::string named = "\nmetadata: {name: " + role + "}\n";
  return "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " + name +
         ", namespace: " + ns + "}\n" + rbac + "ClusterRole" + named +
         "rules: [{apiGroups: [avouch.dev], verbs: [" + right.verb + "], resources: [" +
         right.resources + "]}]\n" + rbac + "ClusterRoleBinding" + named +
         "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: " + role +
         "}\nsubjects: [{kind: ServiceAccount, name: " + name + ", namespace: " + ns + "}]\n";
}

// Where inspect:: looks for a release's controller, behind the API server's proxy; without one.
class ControllerProxy final : public kube::Transport {
 public:
  explicit ControllerProxy(const ControllerProcess& controller) : controller_(controller) {}

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds,
                            std::stop_token) override {
    constexpr std::string_view kProxy = ":443/proxy";
    const std::size_t at = request.path.find(kProxy);
    if (at == std::string::npos) return rejected(request.path + " is not of the controller");
    std::string head = request.method + " " + request.path.substr(at + kProxy.size()) +
                       (request.query.empty() ? "" : "?" + request.query) + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers.list()) head += name + ": " + value + "\r\n";
    const std::string answer = controller_.send(head, request.body);
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    if (!answer.starts_with(kVersion)) return retryable("no answer");
    HttpResponse response;
    response.status = std::stoi(answer.substr(kVersion.size(), 3));
    response.content_type = header_of(answer, "Content-Type");
    response.body = body_of(answer);
    return response;
  }
  Result<HttpResponse> stream(const HttpRequest&, const kube::StreamLimits&, const OnLine&,
                              std::stop_token) override {
    return rejected("the controller has no streams");
  }

 private:
  const ControllerProcess& controller_;
};

// Of a controller that may be started again meanwhile.
class LogUser {
 public:
  // Both outlive it.
  LogUser(const ControllerProcess& controller, const kube::Client& api)
      : controller_(controller), api_(api) {}

  Result<inspect::TrustAnchors> read_anchors() const {
    return inspect::read_trust_anchors(api_, controller_.release());
  }
  inspect::TrustAnchors anchors() const { return read_anchors().value(); }
  ControllerTiles tiles() const { return ControllerTiles(controller_.address()); }
  // Nothing while none is published, or the keys are not.
  Result<tlog::VerifiedCheckpoint> read_checkpoint() const {
    AVOUCH_TRY(const inspect::TrustAnchors known, read_anchors());
    ControllerTiles reader = tiles();
    return tlog::fetch_checkpoint(reader, known.log_keys, known.origin);
  }
  tlog::VerifiedCheckpoint checkpoint() const { return read_checkpoint().value(); }
  bool has_published(std::uint64_t index) const {
    const auto at = read_checkpoint();
    return at.has_value() && at->size() > index;
  }
  tlog::IncludedEntry entry(std::uint64_t index) const {
    ControllerTiles reader = tiles();
    const tlog::VerifiedCheckpoint at = checkpoint();
    auto included = tlog::fetch_entry(reader, at, index);
    EXPECT_TRUE(included.has_value()) << included.error().message;
    return included.has_value() ? *std::move(included) : tlog::IncludedEntry{};
  }
  tlog::EntryReference reference(std::uint64_t index) const {
    return {anchors().origin, index, entry(index).leaf, ""};
  }

  // `authorization`: a line of the head, or "".
  std::string post(const std::string& authorization, const tlog::Remark& said) const {
    const Bytes body = tlog::format_remark_request({"1", said});
    return controller_.send("POST /v1/log/" + control::remark_resource(said.kind) +
                                " HTTP/1.1\r\nContent-Type: application/cbor\r\n" + authorization,
                            std::string(as_text(body)));
  }
  // That it was taken: the entry is under a checkpoint, says that, and was sent by the account of
  // that name of the release's namespace. Its index.
  std::uint64_t expect_recorded(const std::string& answer, const tlog::Remark& said,
                                const std::string& by) const {
    EXPECT_THAT(answer, ::testing::StartsWith("HTTP/1.1 201")) << controller_.log();
    const std::string body = body_of(answer);
    const auto made = inspect::parse_recorded(as_bytes(body));
    if (!made.has_value()) {
      ADD_FAILURE() << made.error().message;
      return 0;
    }
    const inspect::ProofStep proof = inspect::check_recorded(
        *made, said, "system:serviceaccount:" + controller_.release().ns + ":" + by, anchors());
    EXPECT_TRUE(inspect::all_hold(proof)) << inspect::render_text(proof);
    EXPECT_EQ(header_of(answer, "Location"), "/v1/log/entries/" + std::to_string(made->index));
    EXPECT_EQ(entry(made->index).entry, made->statement);
    return made->index;
  }

  // `reader` in what follows: a token of an account that may read remarks.
  //
  // Remarks that refer to an entry, "5" or "5&origin=ORIGIN", newest first, as the index has them.
  std::vector<std::uint64_t> found(const std::string& entry_of, const std::string& reader) const {
    ControllerProxy proxy(controller_);
    inspect::LogAccess access(proxy, controller_.release(), reader);
    const auto listed = access.list("refersTo=" + entry_of, 100);
    EXPECT_TRUE(listed.has_value()) << listed.error().message;
    std::vector<std::uint64_t> out;
    if (!listed.has_value()) return out;
    for (const inspect::UnverifiedListed& each : listed->entries) {
      out.push_back(each.index);
      EXPECT_FALSE(each.preimage.empty()) << "the reader is entitled to the words";
    }
    return out;
  }
  // What an entry says, which is a remark, in the tree, and signed.
  Result<tlog::RecordedRemark> recorded(std::uint64_t index, const std::string& reader) const {
    ControllerProxy proxy(controller_);
    inspect::LogAccess access(proxy, controller_.release(), reader);
    const inspect::TrustAnchors known = anchors();
    AVOUCH_TRY(const inspect::UnverifiedListed listed, access.entry(index));
    AVOUCH_TRY(const tlog::Statement statement,
               tlog::verify_statement(entry(index).entry, known.verifier_keys, known.origin));
    const auto kind = tlog::remark_kind(statement.kind());
    if (!kind) return rejected("entry " + std::to_string(index) + " is a " + statement.kind());
    AVOUCH_TRY(const codec::Cbor payload,
               tlog::open_preimage(statement.preimage_digest(), listed.preimage));
    return tlog::parse_remark(*kind, payload, known.origin, index);
  }
  // As `kubectl avouch log show INDEX --refs --log-policy FILE` proves it.
  inspect::ProofStep chain(std::uint64_t index, const std::string& log_policy,
                           const std::string& reader) const {
    ControllerProxy proxy(controller_);
    inspect::LogAccess access(proxy, controller_.release(), reader);
    const inspect::TrustAnchors known = anchors();
    const tlog::LogPolicy others = tlog::LogPolicy::parse(log_policy).value();
    adapters::SystemClock clock;
    inspect::Verifier verifier(api_, access, known, clock, [](const std::string&) {});
    auto proven = verifier.references(index, {}, &others);
    if (!proven.has_value()) return inspect::fails("it can be read", proven.error().message);
    return *std::move(proven);
  }

 private:
  const ControllerProcess& controller_;
  const kube::Client& api_;
};

}  // namespace avouch::testing
