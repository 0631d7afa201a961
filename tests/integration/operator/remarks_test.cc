// A controller as a process on a real API server: two parties say of one entry that it is right and
// that it is wrong. Both are found by it and proven, before a restart and after it; who may not say
// it, or says it of what is not there, is told so. What was erased stays erased.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/operator/controller_scene.h"
#include "integration/operator/log_user.h"
#include "support/other_log.h"

namespace avouch::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t kAbout = 1;  // an entry that every log has

class Remarks : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    const std::string file = dir_ / "rights.yaml";
    write_text(file,
               account_with({{kNamespace, "auditor"}, "create", "endorsements"}) +
                   account_with({{kNamespace, "tenant"}, "create", "disputes"}) +
                   account_with({{kNamespace, "stranger"}, "create", "statements"}) +
                   account_with({{kNamespace, "officer"}, "create", "erasures"}) +
                   account_with({{kNamespace, "reader"},
                                 "get",
                                 "endorsements, disputes, measurements, supersessions, erasures"}));
    ASSERT_NO_FATAL_FAILURE(kubectl({"apply", "-f", file}));
    write_text(dir_ / "others.policy", theirs_.policy_with_quorum());
    configure("references: {policyFile: " + (dir_ / "others.policy") + "}");
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(eventually([&] { return user().has_published(kAbout); })) << log();
  }

  LogUser user() const { return {controller_, *client_}; }
  static tlog::Remark remark(tlog::RemarkKind kind, std::vector<tlog::EntryReference> refs) {
    tlog::Remark out;
    out.kind = kind;
    out.refs = std::move(refs);
    out.text = "looked at";
    return out;
  }
  std::vector<std::uint64_t> found(const std::string& entry_of) const {
    return user().found(entry_of, token({kNamespace, "reader"}));
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
  const tlog::Remark endorsement = remark(RemarkKind::kEndorsement, {user().reference(kAbout)});
  const tlog::Remark dispute =
      remark(RemarkKind::kDispute, {user().reference(kAbout), theirs_.reference(5, 33)});
  const std::uint64_t endorsed =
      user().expect_recorded(user().post(bearer("auditor"), endorsement), endorsement, "auditor");
  const std::uint64_t disputed =
      user().expect_recorded(user().post(bearer("tenant"), dispute), dispute, "tenant");
  ASSERT_LT(endorsed, disputed);
  const auto expect_both_found = [&] {
    EXPECT_THAT(found(std::to_string(kAbout)), ElementsAre(disputed, endorsed));
    EXPECT_THAT(found("5&origin=log.example/theirs"), ElementsAre(disputed));
    EXPECT_THAT(found(std::to_string(endorsed)), ElementsAre());
  };
  expect_both_found();

  // The same of the same party is the entry that it became first.
  EXPECT_EQ(
      user().expect_recorded(user().post(bearer("auditor"), endorsement), endorsement, "auditor"),
      endorsed);
  expect_both_found();

  const tlog::VerifiedCheckpoint before = user().checkpoint();
  const Bytes entry_before = user().entry(disputed).entry;
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_NO_FATAL_FAILURE(start());
  ControllerTiles reader = user().tiles();
  EXPECT_TRUE(
      tlog::fetch_consistency(reader, before.checkpoint(), user().checkpoint()).has_value());
  EXPECT_EQ(user().entry(disputed).entry, entry_before);
  expect_both_found();
  EXPECT_EQ(user().expect_recorded(user().post(bearer("tenant"), dispute), dispute, "tenant"),
            disputed);
  expect_both_found();
}

TEST_F(Remarks, AreErasedForGood) {
  using tlog::RemarkKind;
  const tlog::Remark endorsement = remark(RemarkKind::kEndorsement, {user().reference(kAbout)});
  const std::uint64_t endorsed =
      user().expect_recorded(user().post(bearer("auditor"), endorsement), endorsement, "auditor");
  const tlog::Remark erasure = remark(RemarkKind::kErasure, {user().reference(endorsed)});
  expect_refused(user().post(bearer("auditor"), erasure), "403", "create erasures.avouch.dev");
  const std::uint64_t erased =
      user().expect_recorded(user().post(bearer("officer"), erasure), erasure, "officer");
  const auto expect_erased = [&] {
    const std::string answer = controller_.send("GET /v1/log/entries/" + std::to_string(endorsed) +
                                                " HTTP/1.1\r\n" + bearer("reader"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 410"));
    EXPECT_THAT(answer, HasSubstr("the content was erased by entry " + std::to_string(erased)));
    EXPECT_THAT(found(std::to_string(endorsed)), ElementsAre(erased));
  };
  expect_erased();
  const Bytes before = user().entry(endorsed).entry;
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_NO_FATAL_FAILURE(start());
  expect_erased();
  EXPECT_EQ(user().entry(endorsed).entry, before);
  // Sent again it is the erasure that was made.
  EXPECT_EQ(user().expect_recorded(user().post(bearer("officer"), erasure), erasure, "officer"),
            erased);
  expect_refused(
      user().post(bearer("officer"), remark(RemarkKind::kErasure, {user().reference(0)})), "400",
      "can be erased");
}

TEST_F(Remarks, AreRefusedWithTheReason) {
  using tlog::RemarkKind;
  const tlog::Remark endorsement = remark(RemarkKind::kEndorsement, {user().reference(kAbout)});
  const std::string auditor = bearer("auditor");
  expect_refused(user().post("", endorsement), "401", "Unauthenticated");
  expect_refused(user().post(bearer("stranger"), endorsement), "403",
                 "create endorsements.avouch.dev");
  expect_refused(user().post(auditor, remark(RemarkKind::kDispute, {user().reference(kAbout)})),
                 "403", "create disputes.avouch.dev");

  // Of what is not there, or another entry than the reference says.
  tlog::EntryReference nowhere = user().reference(kAbout);
  nowhere.index = 1'000'000;
  expect_refused(user().post(auditor, remark(RemarkKind::kEndorsement, {nowhere})), "400",
                 "refs[0]: there is no entry 1000000");
  tlog::EntryReference other = user().reference(kAbout);
  other.index = kAbout - 1;
  expect_refused(user().post(auditor, remark(RemarkKind::kEndorsement, {other})), "400",
                 "refs[0]: entry 0 has another leaf hash");

  // Of logs that the policy does not name, or by another key than it names.
  const OtherLog unknown("log.example/unknown"), forger("log.example/theirs");
  expect_refused(user().post(auditor, remark(RemarkKind::kEndorsement, {unknown.reference(5, 33)})),
                 "400",
                 "refs[0]: log \"log.example/unknown\" is none that this log trusts the key of");
  expect_refused(user().post(auditor, remark(RemarkKind::kEndorsement, {forger.reference(5, 33)})),
                 "400", "Rejected");
  EXPECT_THAT(found(std::to_string(kAbout)), ElementsAre());
  EXPECT_THAT(found("5&origin=log.example/theirs"), ElementsAre());
}

}  // namespace
}  // namespace avouch::testing
