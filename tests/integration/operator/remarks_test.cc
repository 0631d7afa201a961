// A controller as a process on a real API server: two parties say of one entry that it is right and
// that it is wrong. Both are found by it and proven, before a restart and after it; who may not say
// it, or says it of what is not there, is told so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.h"
#include "control/remark_rights.h"
#include "inspect/remark_upload.h"
#include "integration/operator/controller_scene.h"
#include "support/other_log.h"
#include "tlog/client.h"

namespace avouch::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t kAbout = 1;  // an entry that every log has

// The log as anybody reads it.
class TilesOfController final : public tlog::TileReader {
 public:
  explicit TilesOfController(std::string address) : address_(std::move(address)) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    const std::string answer = ask(address_, "GET /log/" + std::string(path) + " HTTP/1.1\r\n");
    if (answer.starts_with("HTTP/1.1 404")) return std::optional<Bytes>();
    if (!answer.starts_with("HTTP/1.1 200")) return retryable(answer);
    return std::optional(to_bytes(body_of(answer)));
  }

 private:
  const std::string address_;
};

class Remarks : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    const std::string file = dir_ / "rights.yaml";
    write_text(file,
               account({.name = "auditor", .verb = "create", .resources = "endorsements"}) +
                   account({.name = "tenant", .verb = "create", .resources = "disputes"}) +
                   account({.name = "stranger", .verb = "create", .resources = "statements"}) +
                   account({.name = "reader",
                            .verb = "get",
                            .resources = "endorsements, disputes, measurements, supersessions"}));
    ASSERT_NO_FATAL_FAILURE(kubectl({"apply", "-f", file}));
    write_text(dir_ / "others.policy", theirs_.policy_with_quorum());
    configure("references: {policyFile: " + (dir_ / "others.policy") + "}");
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(eventually([&] { return has_published(); })) << log();
  }

  struct Right {
    std::string name, verb, resources;
  };
  // An account that may do so much.
  static std::string account(const Right& right) {
    const std::string rbac = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ";
    const std::string named = "\nmetadata: {name: " + right.name + "}\n";
    return "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: " + right.name +
           ", namespace: " + kNamespace + "}\n" + rbac + "ClusterRole" + named +
           "rules: [{apiGroups: [avouch.dev], verbs: [" + right.verb + "], resources: [" +
           right.resources + "]}]\n" + rbac + "ClusterRoleBinding" + named +
           "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: " + right.name +
           "}\nsubjects: [{kind: ServiceAccount, name: " + right.name +
           ", namespace: " + kNamespace + "}]\n";
  }

  Result<inspect::TrustAnchors> read_anchors() const {
    return inspect::read_trust_anchors(*client_, {.name = "avouch", .ns = kNamespace});
  }
  inspect::TrustAnchors anchors() const { return read_anchors().value(); }
  bool has_published() const {
    const auto known = read_anchors();
    if (!known.has_value()) return false;
    TilesOfController reader = tiles();
    const auto at = tlog::fetch_checkpoint(reader, known->log_keys, known->origin);
    return at.has_value() && at->size() > kAbout;
  }
  TilesOfController tiles() const { return TilesOfController(serving_address(log(), "server")); }
  tlog::VerifiedCheckpoint checkpoint() const {
    TilesOfController reader = tiles();
    return tlog::fetch_checkpoint(reader, anchors().log_keys, anchors().origin).value();
  }
  tlog::IncludedEntry entry(std::uint64_t index) const {
    TilesOfController reader = tiles();
    const tlog::VerifiedCheckpoint at = checkpoint();
    auto included = tlog::fetch_entry(reader, at, index);
    EXPECT_TRUE(included.has_value()) << included.error().message;
    return included.has_value() ? *std::move(included) : tlog::IncludedEntry{};
  }
  tlog::EntryReference ours(std::uint64_t index) const {
    return {anchors().origin, index, entry(index).leaf, ""};
  }
  static tlog::Remark remark(tlog::RemarkKind kind, std::vector<tlog::EntryReference> refs) {
    tlog::Remark out;
    out.kind = kind;
    out.refs = std::move(refs);
    out.text = "looked at";
    return out;
  }

  // `authorization`: as bearer(), or "".
  std::string post(const std::string& authorization, const tlog::Remark& said) const {
    const Bytes body = tlog::format_remark_request({"1", said});
    return send("POST /v1/log/" + control::remark_resource(said.kind) +
                    " HTTP/1.1\r\nContent-Type: application/cbor\r\n" + authorization,
                std::string(as_text(body)));
  }
  // That it was taken: the entry is under a checkpoint, says that, and was sent by the account.
  std::uint64_t expect_recorded(const std::string& answer, const tlog::Remark& said,
                                const std::string& by) const {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 201")) << log();
    const std::string body = body_of(answer);
    const auto recorded = inspect::parse_recorded(as_bytes(body));
    if (!recorded.has_value()) {
      ADD_FAILURE() << recorded.error().message;
      return 0;
    }
    const inspect::ProofStep proof = inspect::check_recorded(
        *recorded, said, std::string("system:serviceaccount:") + kNamespace + ":" + by, anchors());
    EXPECT_TRUE(inspect::all_hold(proof)) << inspect::render_text(proof);
    EXPECT_EQ(header(answer, "Location"), "/v1/log/entries/" + std::to_string(recorded->index));
    EXPECT_EQ(entry(recorded->index).entry, recorded->statement);
    return recorded->index;
  }
  // Remarks that refer to an entry, newest first, as the index has them.
  std::vector<std::uint64_t> found(const std::string& entry_of) {
    const std::string answer =
        send("GET /v1/log/entries?refersTo=" + entry_of + " HTTP/1.1\r\n" + bearer("reader"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    const auto list = codec::parse_json(body_of(answer));
    const codec::Json* entries = list.has_value() ? list->find("entries") : nullptr;
    std::vector<std::uint64_t> out;
    if (entries == nullptr || entries->as_array() == nullptr) return out;
    for (const codec::Json& each : *entries->as_array()) {
      const codec::Json* index = each.find("index");
      if (index == nullptr || index->as_int() == nullptr) return {};
      out.push_back(static_cast<std::uint64_t>(*index->as_int()));
      EXPECT_NE(each.text({"preimage"}), "") << "the reader is entitled to the words";
    }
    return out;
  }
  void expect_refused(const std::string& answer, const std::string& status,
                      const std::string& why) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + status));
    EXPECT_THAT(answer, HasSubstr(why));
  }

  const OtherLog theirs_{"log.example/theirs"};
};

TEST_F(Remarks, OfTwoPartiesAreFoundAndProvenAndOutlastARestart) {
  using tlog::RemarkKind;
  const tlog::Remark endorsement = remark(RemarkKind::kEndorsement, {ours(kAbout)});
  const tlog::Remark dispute =
      remark(RemarkKind::kDispute, {ours(kAbout), theirs_.reference(5, 33)});
  const std::uint64_t endorsed =
      expect_recorded(post(bearer("auditor"), endorsement), endorsement, "auditor");
  const std::uint64_t disputed =
      expect_recorded(post(bearer("tenant"), dispute), dispute, "tenant");
  ASSERT_LT(endorsed, disputed);
  const auto expect_both_found = [&] {
    EXPECT_THAT(found(std::to_string(kAbout)), ElementsAre(disputed, endorsed));
    EXPECT_THAT(found("5&origin=log.example/theirs"), ElementsAre(disputed));
    EXPECT_THAT(found(std::to_string(endorsed)), ElementsAre());
  };
  expect_both_found();

  // The same of the same party is the entry that it became first.
  EXPECT_EQ(expect_recorded(post(bearer("auditor"), endorsement), endorsement, "auditor"),
            endorsed);
  expect_both_found();

  const tlog::VerifiedCheckpoint before = checkpoint();
  const Bytes entry_before = entry(disputed).entry;
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_NO_FATAL_FAILURE(start());
  TilesOfController reader = tiles();
  EXPECT_TRUE(tlog::fetch_consistency(reader, before.checkpoint(), checkpoint()).has_value());
  EXPECT_EQ(entry(disputed).entry, entry_before);
  expect_both_found();
  EXPECT_EQ(expect_recorded(post(bearer("tenant"), dispute), dispute, "tenant"), disputed);
  expect_both_found();
}

TEST_F(Remarks, AreRefusedWithTheReason) {
  using tlog::RemarkKind;
  const tlog::Remark endorsement = remark(RemarkKind::kEndorsement, {ours(kAbout)});
  const std::string auditor = bearer("auditor");
  expect_refused(post("", endorsement), "401", "Unauthenticated");
  expect_refused(post(bearer("stranger"), endorsement), "403", "create endorsements.avouch.dev");
  expect_refused(post(auditor, remark(RemarkKind::kDispute, {ours(kAbout)})), "403",
                 "create disputes.avouch.dev");

  // Of what is not there, or another entry than the reference says.
  tlog::EntryReference nowhere = ours(kAbout);
  nowhere.index = 1'000'000;
  expect_refused(post(auditor, remark(RemarkKind::kEndorsement, {nowhere})), "400",
                 "refs[0]: there is no entry 1000000");
  tlog::EntryReference other = ours(kAbout);
  other.index = kAbout - 1;
  expect_refused(post(auditor, remark(RemarkKind::kEndorsement, {other})), "400",
                 "refs[0]: entry 0 has another leaf hash");

  // Of logs that the policy does not name, or by another key than it names.
  const OtherLog unknown("log.example/unknown"), forger("log.example/theirs");
  expect_refused(post(auditor, remark(RemarkKind::kEndorsement, {unknown.reference(5, 33)})), "400",
                 "refs[0]: log \"log.example/unknown\" is none that this log trusts the key of");
  expect_refused(post(auditor, remark(RemarkKind::kEndorsement, {forger.reference(5, 33)})), "400",
                 "Rejected");
  EXPECT_THAT(found(std::to_string(kAbout)), ElementsAre());
  EXPECT_THAT(found("5&origin=log.example/theirs"), ElementsAre());
}

}  // namespace
}  // namespace avouch::testing
