// A verdict of the appraiser, kept in the store of records on disk, given out by the controller's
// handler and judged again by what `kubectl avouch verify --re-appraise` runs. Between them there
// is no network, and nothing else is replaced.

#include <gmock/gmock.h>

#include <future>

#include "adapters/blob_files.h"
#include "adapters/record_files.h"
#include "control/names.h"
#include "control/record_handler.h"
#include "inspect/golden_node.h"
#include "provision/from_evidence.h"
#include "support/fake_kube.h"
#include "tests/unit/adapters/scratch_folder.h"
#include "tests/unit/control/logs.h"
#include "tests/unit/inspect/lying_release.h"

namespace avouch::adapters {
namespace {

using ::testing::HasSubstr;
using testing::must_value;

// Of control::Logs, whose members are for its own tests.
class JudgedNode final : public control::Logs {
 public:
  using Logs::agent;
  using Logs::boot_log;
  using Logs::runtime_log;
  using Logs::world;

  // Trusted, by a boot log and by files that a digest list in the store has.
  void judge(const crypto::Sha256& list, const std::function<void()>& upload) {
    codec::Json files = control::manifest({});
    files["spec"]["ima"] = codec::Json::Object{};
    files["spec"]["ima"]["source"]["blob"] = attest::digest_text(list);
    set_manifest(files);
    enrol(std::string(control::kBootPolicy) + ", " + control::kRuntimePolicy);
    measure_aggregate();
    measure(testing::ima_file("/bin/a", "good"));
    upload();
    store_boot_log();
    store_runtime_log();
    beat();
    arrived();
    ASSERT_EQ(world.phase("n"), control::Phase::kTrusted) << first();
  }
  // An unknown file: the node is refused, by the log's proven part that grew.
  void measure_unknown_file(const std::function<void()>& upload) {
    measure(testing::ima_file("/bin/b", "unknown"));
    upload();
    store_runtime_log();
    beat();
    arrived();
    ASSERT_EQ(first(), "RuntimeFileUnknown");
  }
  const control::NodeVerdict& verdict() const { return Logs::verdict(); }

 private:
  void TestBody() override {}
};

class RecordedVerdict : public inspect::VerifyTest {
 protected:
  RecordedVerdict() {
    evidence = store("evidence");
    lists = store("lists");
    open();
    server.add_token("alice", user(), {std::string(control::kTokenAudience)});
    server.set_access([](const codec::Json& spec) { return spec.text({"user"}) == "alice"; });
    transport.otherwise([this](const HttpRequest& request) { return controller(request); });
    node.world.archived = files.get();
    more_verifiers = {node.world.signer.public_key()};
    shown_name = "n";
  }

  std::unique_ptr<BlobFiles> store(const std::string& name) {
    return must_value(BlobFiles::open({.directory = folder.path() / name, .total_bytes = 64U << 20},
                                      node.world.clock));
  }
  void open() {
    files.reset();
    files = must_value(RecordFiles::open({.directory = folder.path() / "records",
                                          .evidence = folder.path() / "evidence",
                                          .lists = folder.path() / "lists"}));
    handler = std::make_unique<control::RecordHandler>(*files, reception, access);
  }
  static codec::Json user() {
    codec::Json out;
    out["username"] = "alice";
    return out;
  }
  static void put(BlobFiles& to, const Bytes& blob) {
    auto writer = must_value(to.begin(crypto::sha256(blob), "n"));
    ASSERT_TRUE(writer->write(blob).has_value());
    ASSERT_TRUE(writer->commit().has_value());
  }
  std::string boot() { return control::boot_name(node.agent.tpm.clock.reset_count); }
  void upload_runtime_log() {
    const Bytes& log = node.runtime_log;
    const std::string uid = node.world.uid_of("n");
    const std::uint64_t had = evidence->next_offset(uid, boot());
    ASSERT_TRUE(
        evidence->append(uid, boot(), had, ByteView(log).subspan(static_cast<std::size_t>(had)))
            .has_value());
  }

  // What the API server's proxy hands to the controller.
  HttpResponse controller(HttpRequest request) {
    if (!request.path.starts_with(inspect::kProxy))
      return HttpResponse{.status = 404, .body = "{}"};
    request.path.erase(0, inspect::kProxy.size());
    std::promise<HttpResponse> answer;
    handler->handle(std::move(request), nullptr,
                    [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }

  // The node's files go to the stores before they are judged, as the agent's do.
  void judged() {
    const Bytes list = to_bytes(to_hex(crypto::sha256(as_bytes("good"))) + "  /bin/a\n");
    list_digest = node.world.lists.add(std::string(as_text(list)));
    put(*lists, list);
    put(*evidence, node.boot_log);
    node.judge(list_digest, [this] { upload_runtime_log(); });
    publish();
  }
  // The verdict's entry as the appraiser made it, and the status that shows it.
  void publish(const std::string& phase = "Trusted") {
    for (const auto& outcome : node.world.kept) {
      EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
    }
    const control::LogJob& job = node.world.entries.back();
    shown_uid = node.world.uid_of("n");
    clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(node.world.clock.now() -
                                                                        clock.now()));
    serve(node.verdict().token, add(job.kind, job.subject, job.payload), phase);
  }
  Result<inspect::ProofStep> again() {
    return ask(
        [&](inspect::Verifier& verifier) {
          return verifier.node("n", {.trusted = false, .reappraise = true});
        },
        "alice");
  }
  void expect_same(const std::string& outcome) {
    const auto proof = again();
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(inspect::all_hold(*proof)) << inspect::render_text(*proof);
    EXPECT_THAT(inspect::render_text(*proof),
                HasSubstr("judged again, the verdict is the same: " + outcome));
  }
  std::filesystem::path object(const char* folder_name, const crypto::Sha256& digest) const {
    return folder.path() / "records" / folder_name / to_hex(digest);
  }

  ScratchFolder folder;
  JudgedNode node;
  std::unique_ptr<BlobFiles> evidence, lists;
  std::unique_ptr<RecordFiles> files;
  testing::FakeKube server;
  control::Callers callers{
      kube::Client(server),
      node.world.clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  kube::Client client{server};
  kube::AccessReviewer access{client, node.world.clock};
  control::WorkPool pool{1, 16};
  control::FairPool strangers{1, 16};
  control::Reception reception{callers, pool, strangers};
  std::unique_ptr<control::RecordHandler> handler;
  crypto::Sha256 list_digest{};
};

TEST_F(RecordedVerdict, IsJudgedAgainWithTheSameOutcome) {
  judged();
  expect_same("affirming");
}

TEST_F(RecordedVerdict, IsTheSameAfterARestartWhenTheManifestAndItsListAreGone) {
  judged();
  node.world.clock.advance(std::chrono::hours(2));
  lists->drop_unused(std::chrono::hours(1));
  evidence->drop_unused(std::chrono::hours(1));
  ASSERT_FALSE(lists->contains(list_digest));
  node.world.manifests.clear();
  open();
  expect_same("affirming");
}

TEST_F(RecordedVerdict, ARefusalOfTheLogThatGrewIsJudgedAgain) {
  judged();
  node.measure_unknown_file([this] { upload_runtime_log(); });
  publish("Contraindicated");
  expect_same("contraindicated: RuntimeFileUnknown");
}

TEST_F(RecordedVerdict, AListThatIsMissingOrDamagedOnDiskIsNamed) {
  judged();
  const std::filesystem::path kept = object("lists", list_digest);
  ASSERT_TRUE(std::filesystem::exists(kept));
  std::filesystem::remove(kept);
  inspect::expect_failing(again(), "an input is kept as it was");
  EXPECT_THAT(inspect::render_text(*again()),
              HasSubstr("the digest list of policy \"p\" " + attest::digest_text(list_digest) +
                        " is not kept any more"));
  folder.write("records/lists/" + to_hex(list_digest), std::string(64, 'a') + "\n");
  inspect::expect_failing(again(), "an input is kept as it was");
  EXPECT_THAT(inspect::render_text(*again()), HasSubstr("other bytes"));
}

TEST_F(RecordedVerdict, ADamagedRecordIsNoProof) {
  judged();
  const std::string name = to_hex(crypto::sha256(node.verdict().token));
  for (const auto& each :
       std::filesystem::recursive_directory_iterator(folder.path() / "records")) {
    if (each.path().filename() != name) continue;
    std::ofstream(each.path(), std::ios::in | std::ios::out | std::ios::binary).put('X');
  }
  const auto proof = again();
  EXPECT_FALSE(proof.has_value() && inspect::all_hold(*proof));
}

TEST_F(RecordedVerdict, IsShownToNobodyElse) {
  judged();
  server.set_access([](const codec::Json&) { return false; });
  const auto proof = again();
  EXPECT_FALSE(proof.has_value() && inspect::all_hold(*proof));
}

TEST_F(RecordedVerdict, OfAGoldenNodeGivesReferenceValues) {
  judged();
  const kube::Client api(transport);
  inspect::LogAccess log(transport, {}, "alice");
  const inspect::TrustAnchors anchors{
      more_verifiers,
      {*tlog::make_verifier(inspect::kOrigin, log_key.public_key())},
      inspect::kOrigin,
      "test"};
  const auto golden = inspect::read_golden_node(api, log, anchors, "n");
  ASSERT_TRUE(golden.has_value()) << golden.error().message;
  EXPECT_EQ(golden->evidence.runtime_log, node.runtime_log);
  auto draft = provision::draft_from_case(golden->evidence, {}, clock.now());
  ASSERT_TRUE(draft.has_value()) << draft.error().message;
  EXPECT_FALSE(draft->boot_components.empty());
  EXPECT_EQ(draft->files.sorted().size(), 1U) << "/bin/a";
  for (const std::string& remark : draft->remarks) {
    EXPECT_EQ(remark.find("No quote"), std::string::npos) << remark;
  }

  appraisal::StoredCase forged = golden->evidence;
  forged.nonce.back() ^= 1;
  EXPECT_FALSE(provision::draft_from_case(forged, {}, clock.now()).has_value());
}

}  // namespace
}  // namespace avouch::adapters
