// Two parties, each with a log (a controller on a real API server), a witness and a monitor, all of
// them processes, and the witness of each asked by the log of the other. Both logs are cosigned and
// found well; one endorses what it finds in the other; and when that one shows another history, by
// its own key, the first convicts it, in a file and in its own log, and its witness cosigns nothing
// of it. docs/monitor.md, "Two parties", says how people set this up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "integration/log/log_programs.h"
#include "integration/operator/controller_scene.h"
#include "integration/operator/log_user.h"
#include "support/log_checks.h"
#include "support/relay.h"
#include "support/test_authority.h"
#include "tlog/log_proof.h"
#include "tlog/misbehaviour.h"
#include "tlog/witness.h"

namespace avouch::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t kEndorsed = 1;  // an entry that every log has

// One of the two, in a folder of its own.
struct Party {
  Party(const std::string& folder, const inspect::ReleaseName& release)
      : controller(release, folder + "/controller"),
        witness(folder + "/witness", release.name + ".example/witness"),
        monitor(folder + "/monitor") {}

  kube::ServiceAccountName account(const std::string& name) const {
    return {controller.release().ns, name};
  }
  std::string url() const { return "https://localhost:" + std::to_string(service.port()); }
  std::string witness_url() const { return "https://" + witness.address(); }
  std::string vkey() const { return tlog::format_vkey(anchors.log_keys.front()); }

  ControllerProcess controller;
  Relay service{0};  // leads to the controller, wherever that serves
  WitnessProgram witness;
  MonitorProgram monitor;
  inspect::TrustAnchors anchors;  // since the controller has started
};

class TwoParties : public ApiScene {
 public:
  ~TwoParties() override {
    if (!HasFailure()) return;
    for (const std::string& log : logs()) std::fputs(log.c_str(), stderr);
  }

 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ApiScene::SetUp());
    std::string objects;
    for (const Party* each : {&alpha_, &beta_}) {
      objects += "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " +
                 each->controller.release().ns + "}\n" +
                 account_with({each->account("auditor"), "create", "endorsements"}) +
                 account_with({each->account("monitor"), "create", "disputes"}) +
                 account_with({each->account("reader"), "get",
                               "endorsements, disputes, measurements, supersessions, erasures"});
    }
    write_text(dir_ / "objects.yaml", objects);
    ASSERT_NO_FATAL_FAILURE(kubectl({"apply", "-f", dir_ / "objects.yaml"}));
  }
  void TearDown() override {
    for (const std::string& log : logs()) EXPECT_THAT(log, Not(HasSubstr("Sanitizer")));
  }
  std::vector<std::string> logs() const {
    std::vector<std::string> out;
    for (const Party* each : {&alpha_, &beta_}) {
      out.push_back(each->controller.log());
      out.push_back(each->witness.log());
      out.push_back(each->monitor.log());
    }
    return out;
  }

  // Each with the other.
  std::array<std::pair<Party*, Party*>, 2> both() {
    return {{{&alpha_, &beta_}, {&beta_, &alpha_}}};
  }
  LogUser user(const Party& party) const { return {party.controller, *client_}; }
  std::string reader(const Party& party) const { return token(party.account("reader")); }

  // `more` of its configuration's section `log`.
  static void configure(const Party& party, const std::string& more = "") {
    party.controller.configure(
        "origin: " + party.controller.release().name + ".example/log, publishWithin: 50ms" + more,
        "tls: {serviceNames: [localhost]}\n");
  }
  void await(Party& party) {
    ASSERT_NO_FATAL_FAILURE(party.controller.await_ready());
    ASSERT_TRUE(eventually([&] { return user(party).has_published(kEndorsed); }));
    party.anchors = user(party).anchors();
    party.service.point_to(endpoint_of(party.controller.address()).port());
  }
  void start_controllers() {
    for (Party* each : {&alpha_, &beta_}) each->controller.launch(kubeconfig_);
    for (Party* each : {&alpha_, &beta_}) ASSERT_NO_FATAL_FAILURE(await(*each));
  }
  void start_witness(Party& self, const Party& other) {
    const crypto::CertifiedKey serving = authority_.issue("witness.test");
    const std::string certificate = self.witness.file("tls.crt");
    const std::string key = self.witness.file("tls.key");
    write_text(certificate, serving.certificate_pem);
    write_text(key, serving.key_pem);
    self.witness.configure(other.anchors.log_keys, "tls: {certificate: " + certificate + ", key: " +
                                                       key + "}\n" + WitnessProgram::kWideLimits);
    ASSERT_NO_FATAL_FAILURE(self.witness.keygen());
    ASSERT_NO_FATAL_FAILURE(self.witness.start());
  }
  // A tlog-policy, but for its quorum: what a party knows of the other's log.
  static std::string known(const Party& self, const Party& other) {
    return "log " + other.vkey() + " " + other.url() + "/log\nwitness mine " + self.witness.vkey() +
           " " + self.witness_url() + "\n";
  }
  // Of its own log: that the other cosigns it.
  static std::string partners(const Party& other) {
    return "witness partner " + other.witness.vkey() + " " + other.witness_url() +
           "\nquorum partner\n";
  }
  void introduce(const Party& self, const Party& other) const {
    const std::string witnesses = self.controller.file("witnesses");
    const std::string ca_file = self.controller.file("ca.crt");
    const std::string references = self.controller.file("references");
    write_text(witnesses, partners(other));
    write_text(ca_file, authority_.pem());
    // A fork has no cosignature, and is to be disputed.
    write_text(references, known(self, other) + "quorum none\n");
    configure(self, ", witnesses: {policyFile: " + witnesses + ", caFile: " + ca_file +
                        ", every: 200ms}, references: {policyFile: " + references + "}");
  }
  // Of all servers here.
  std::string authorities() const {
    std::string out = authority_.pem();
    for (const Party* each : {&alpha_, &beta_}) {
      const inspect::ReleaseName& release = each->controller.release();
      const auto trust = client_->get(kube::config_maps(release.ns), release.name + "-trust");
      EXPECT_TRUE(trust.has_value()) << trust.error().message;
      if (trust.has_value()) out += trust->text({"data", "ca.crt"});
    }
    return out;
  }
  // Of the other's log it follows all that is published, of its own what the other has cosigned.
  void start_monitor(Party& self, const Party& other) const {
    const std::string token_file = self.monitor.file("token");
    write_text(token_file, token(self.account("monitor")));
    self.monitor.configure(
        {known(self, other) + "quorum none\n",
         "log " + self.vkey() + " " + self.url() + "/log/witnessed\n" + partners(other)},
        authorities(),
        "quorumWithin: 2m\ndisputes: {url: \"" + self.url() + "\", origin: " + self.anchors.origin +
            ", tokenFile: " + token_file + "}\n");
    ASSERT_NO_FATAL_FAILURE(self.monitor.start());
  }

  // The newest checkpoint of its log that the other's witness has cosigned; nothing without one.
  static std::optional<tlog::VerifiedCheckpoint> cosigned(const Party& self, const Party& other) {
    ControllerTiles tiles(self.controller.address(), "/log/witnessed/");
    auto at = tlog::fetch_checkpoint(tiles, self.anchors.log_keys, self.anchors.origin);
    if (!at.has_value()) return std::nullopt;
    const auto lines = tlog::verify_cosignatures(tlog::parse_note_unverified(at->note()).value(),
                                                 std::vector{other.witness.key()});
    if (!lines.has_value() || lines->empty()) return std::nullopt;
    return *std::move(at);
  }
  // How many entries a monitor has followed; 0 before its first look.
  static std::uint64_t followed(const MonitorProgram& monitor, const Party& party) {
    const std::string name = "avouch_monitor_log_entries{log=\"" + party.anchors.origin + "\"} ";
    const std::string all = monitor.metrics();
    const std::size_t at = all.find(name);
    return at == std::string::npos ? 0 : std::stoull(all.substr(at + name.size()));
  }
  static std::string contradicted(const Party& party, int value) {
    return "avouch_monitor_log_contradicted{log=\"" + party.anchors.origin + "\"} " +
           std::to_string(value);
  }
  void expect_all_well(const Party& self, const Party& other) const {
    for (const Party* each : {&alpha_, &beta_}) {
      ASSERT_TRUE(eventually([&] { return followed(self.monitor, *each) > kEndorsed; }));
    }
    EXPECT_NE(self.monitor.ready_with(200, ""), "");
    const std::string all = self.monitor.metrics();
    EXPECT_THAT(all, HasSubstr(contradicted(self, 0)));
    EXPECT_THAT(all, HasSubstr(contradicted(other, 0)));
    EXPECT_THAT(all, HasSubstr("avouch_monitor_witness_age_seconds{log=\"" + other.anchors.origin +
                               "\",witness=\"mine\"} "));
    EXPECT_THAT(all, Not(HasSubstr("avouch_monitor_findings_total")));
  }
  // That the entry of alpha's log and what it refers to, an entry of beta's, hold together.
  void expect_proven(std::uint64_t index, std::uint64_t referred, const std::string& quorum) const {
    const inspect::ProofStep proof =
        user(alpha_).chain(index, known(alpha_, beta_) + quorum, reader(alpha_));
    const std::string text = inspect::render_text(proof);
    EXPECT_TRUE(inspect::all_hold(proof)) << text;
    EXPECT_THAT(text, HasSubstr("refers to entry " + std::to_string(referred) + " of log " +
                                beta_.anchors.origin));
    EXPECT_THAT(text, HasSubstr("its proof leads to a checkpoint by a key of that log"));
  }

  // The steps of the story.

  void begin_logs() {
    for (const Party* each : {&alpha_, &beta_}) configure(*each);
    ASSERT_NO_FATAL_FAILURE(start_controllers());
  }
  void join() {
    for (const auto& [self, other] : both()) ASSERT_NO_FATAL_FAILURE(start_witness(*self, *other));
    for (const auto& [self, other] : both()) introduce(*self, *other);
    for (Party* each : {&alpha_, &beta_}) ASSERT_NO_FATAL_FAILURE(each->controller.stop());
    // What beta takes out later.
    const ControllerProcess& theirs = beta_.controller;
    ASSERT_TRUE(run_command({"cp", "-a", theirs.data(), theirs.file("backup")}).has_value());
    backed_up_ = stored_in(theirs.data()).size();
    ASSERT_NO_FATAL_FAILURE(start_controllers());
    for (const auto& [self, other] : both()) {
      ASSERT_TRUE(eventually([&, one = self, two = other] { return cosigned(*one, *two); }));
    }
    for (const auto& [self, other] : both()) ASSERT_NO_FATAL_FAILURE(start_monitor(*self, *other));
    for (const auto& [self, other] : both()) {
      ASSERT_NO_FATAL_FAILURE(expect_all_well(*self, *other));
    }
  }
  void endorse() const {
    const auto at = cosigned(beta_, alpha_);
    ASSERT_TRUE(at.has_value());
    ControllerTiles tiles = user(beta_).tiles();
    const auto included = tlog::fetch_entry(tiles, *at, kEndorsed);
    ASSERT_TRUE(included.has_value()) << included.error().message;
    tlog::Remark said;
    said.text = "as our witness saw it";
    said.refs = {{at->origin(), kEndorsed, included->leaf,
                  tlog::format_log_proof({std::nullopt, kEndorsed, included->proof, at->note()})}};
    tlog::Remark wrong = said;
    wrong.refs[0].leaf[0] ^= 1;
    const std::string auditor = bearer(alpha_.account("auditor"));
    EXPECT_THAT(user(alpha_).post(auditor, wrong), StartsWith("HTTP/1.1 400"));
    const std::uint64_t index =
        user(alpha_).expect_recorded(user(alpha_).post(auditor, said), said, "auditor");
    EXPECT_THAT(
        user(alpha_).found(std::to_string(kEndorsed) + "&origin=" + at->origin(), reader(alpha_)),
        ElementsAre(index));
    expect_proven(index, kEndorsed, "quorum mine\n");
  }
  // Beta goes back to what its log was before alpha knew it, and goes on from there.
  void fork() {
    const std::uint64_t seen = user(beta_).checkpoint().size();
    ASSERT_TRUE(eventually([&] {
      const auto at = cosigned(beta_, alpha_);
      return at && at->size() >= seen && followed(alpha_.monitor, beta_) >= seen;
    }));
    beta_.monitor.process().stop();
    ASSERT_NO_FATAL_FAILURE(beta_.controller.stop());
    const std::uint64_t shown = stored_in(beta_.controller.data()).size();
    ASSERT_GT(shown, backed_up_);
    std::filesystem::rename(beta_.controller.data(), beta_.controller.file("hidden"));
    std::filesystem::rename(beta_.controller.file("backup"), beta_.controller.data());
    const kube::ResourcePath maps = kube::config_maps(beta_.controller.release().ns);
    ASSERT_TRUE(client_->remove(maps, "beta-beacon").has_value());
    configure(beta_);
    beta_.controller.launch(kubeconfig_);
    ASSERT_NO_FATAL_FAILURE(await(beta_));
    EXPECT_EQ(beta_.controller.metric("avouch_log_read_only"), "0");
    tlog::Remark said;
    said.refs = {user(beta_).reference(kEndorsed)};
    const std::string auditor = bearer(beta_.account("auditor"));
    for (int i = 0; user(beta_).checkpoint().size() <= shown; ++i) {
      ASSERT_LT(i, 1000);
      said.text = "once more " + std::to_string(i);
      ASSERT_THAT(user(beta_).post(auditor, said), StartsWith("HTTP/1.1 201"));
    }
  }
  void expect_convicted() const {
    const std::string& theirs = beta_.anchors.origin;
    const MonitorProgram& monitor = alpha_.monitor;
    EXPECT_NE(monitor.metrics_with(contradicted(beta_, 1)), "");
    EXPECT_NE(monitor.ready_with(503, "the log contradicted itself"), "");
    EXPECT_THAT(monitor.metrics(), HasSubstr(contradicted(alpha_, 0)));
    ASSERT_TRUE(eventually([&] { return !monitor.kept_of(theirs, ".disputed").empty(); }));

    std::filesystem::path file = monitor.kept_of(theirs, ".disputed").front();
    const std::string place = read_text(file);
    const std::string proof_text = read_text(file.replace_extension(".misbehaviour"));
    const auto proof = tlog::parse_misbehaviour(proof_text);
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    const auto proven = tlog::verify_misbehaviour(*proof, beta_.anchors.log_keys, theirs);
    ASSERT_TRUE(proven.has_value()) << proven.error().message;

    // What a reader of alpha's log finds.
    ASSERT_THAT(place, StartsWith("entry "));
    const std::uint64_t index = std::stoull(place.substr(std::string("entry ").size()));
    EXPECT_EQ(place, "entry " + std::to_string(index) + " of log " + alpha_.anchors.origin + "\n");
    const auto said = user(alpha_).recorded(index, reader(alpha_));
    ASSERT_TRUE(said.has_value()) << said.error().message;
    EXPECT_EQ(said->by, "system:serviceaccount:party-a:monitor");
    EXPECT_EQ(said->remark.kind, tlog::RemarkKind::kDispute);
    ASSERT_EQ(said->remark.material.size(), 1U);
    EXPECT_EQ(said->remark.material[0].digest, crypto::sha256(as_bytes(proof_text)));
    ASSERT_EQ(said->remark.refs.size(), 1U);
    const tlog::EntryReference& disputed = said->remark.refs[0];
    EXPECT_EQ(disputed.origin, theirs);
    EXPECT_THAT(
        user(alpha_).found(std::to_string(disputed.index) + "&origin=" + theirs, reader(alpha_)),
        ElementsAre(index));
    expect_proven(index, disputed.index, "quorum none\n");
  }
  // Beta's own proof that its new history is one does not help.
  void expect_not_cosigned() const {
    const std::string& theirs = beta_.anchors.origin;
    const auto shown = [&] {
      return body_of(ask(alpha_.witness.address(),
                         "GET " + WitnessProgram::path_of(theirs) + " HTTP/1.1\r\n"));
    };
    const std::string before = shown();
    const auto seen = tlog::verify_checkpoint(before, beta_.anchors.log_keys, theirs);
    ASSERT_TRUE(seen.has_value()) << seen.error().message;
    const tlog::VerifiedCheckpoint forked = user(beta_).checkpoint();
    ASSERT_LT(seen->size(), forked.size());
    ControllerTiles tiles = user(beta_).tiles();
    const PlainTree tree = check_whole_log(tiles, forked.checkpoint());
    const auto proof =
        tlog::make_consistency_proof(seen->size(), forked.size(), tree.source()).value();
    EXPECT_THAT(ask(alpha_.witness.address(), "POST /add-checkpoint HTTP/1.1\r\n",
                    tlog::format_add_checkpoint({seen->size(), proof, forked.note()})),
                StartsWith("HTTP/1.1 422"));
    EXPECT_EQ(shown(), before);
    EXPECT_FALSE(cosigned(beta_, alpha_).has_value());
  }
  // A monitor that has never looked before convicts it too, by what the witness was shown.
  void expect_convicted_by_the_witness() {
    MonitorProgram fresh(dir_ / "alpha/fresh");
    fresh.configure({known(alpha_, beta_) + "quorum none\n"}, authorities());
    ASSERT_NO_FATAL_FAILURE(fresh.start());
    EXPECT_NE(fresh.metrics_with(contradicted(beta_, 1)), "") << fresh.log();
    EXPECT_THAT(fresh.log(), HasSubstr("seen_at=\"witness mine\""));
  }

  // What a log of beta's was when its controller ended.
  tlog::VerifiedCheckpoint stored_in(const std::string& data) const {
    return tlog::verify_checkpoint(read_text(data + "/log/public/checkpoint"),
                                   beta_.anchors.log_keys, beta_.anchors.origin)
        .value();
  }

  const TestAuthority authority_{};  // of the witnesses' certificates
  Party alpha_{dir_ / "alpha", {"alpha", "party-a"}};
  Party beta_{dir_ / "beta", {"beta", "party-b"}};
  std::uint64_t backed_up_ = 0;
};

TEST_F(TwoParties, CosignAndMonitorAndConvictOneAnother) {
  ASSERT_NO_FATAL_FAILURE(begin_logs());
  ASSERT_NO_FATAL_FAILURE(join());
  ASSERT_NO_FATAL_FAILURE(endorse());
  ASSERT_NO_FATAL_FAILURE(fork());
  ASSERT_NO_FATAL_FAILURE(expect_convicted());
  ASSERT_NO_FATAL_FAILURE(expect_not_cosigned());
  ASSERT_NO_FATAL_FAILURE(expect_convicted_by_the_witness());
}

}  // namespace
}  // namespace avouch::testing
