// What the controller keeps in memory for each enrolled node, beyond what all nodes share: its own
// parts, fed as the cluster and the agents feed them.
//
//   controller_bench [NODES [ENTRIES [LONG]]]      10000 nodes, 100000 entries, 100 nodes
//   controller_bench heartbeats [NODES]            what putting nodes out of memory costs
//
// Each node has a TPM of its own, is enrolled, has sent a boot log and a runtime log, and is
// trusted. The runtime logs of LONG nodes have ENTRIES entries, those of the others a hundredth:
// judging 10^9 entries takes an hour, and what is kept of them is of the same size.
//
// Counted are the appraiser's and the log judge's state, the informers of Nodes and
// AttestationEvidence as the controller keeps them, the recorder, the outlooks that the workers
// write, the index of the evidence store, and what is cached of the agents' tokens. Not counted are
// what lives as long as one request, the reference sets, and what has a bound of its own whatever
// the number of nodes (log index, queues). What the nodes' own side needs is gone before anything
// is measured, and what the API server has is on disk.

#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "adapters/blob_files.h"
#include "adapters/cold_file.h"
#include "attest/beacon.h"
#include "base/hex.h"
#include "base/rate_limits.h"
#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "control/api_objects.h"
#include "control/api_writer.h"
#include "control/appraiser.h"
#include "control/callers.h"
#include "control/cluster_facts.h"
#include "control/cluster_material.h"
#include "control/evidence_writer.h"
#include "control/informers.h"
#include "control/names.h"
#include "control/node_board.h"
#include "control/recorder.h"
#include "crypto/short_digest.h"
#include "kube/informer.h"
#include "support/ek_authority.h"
#include "support/ima_log.h"
#include "support/manual_clock.h"
#include "support/software_tpm.h"
#include "support/vectors.h"

namespace avouch::control {
namespace {

using codec::Json;
using crypto::HashAlgorithm;
using testing::must;
using testing::must_value;

constexpr auto kBank = HashAlgorithm::kSha256;
constexpr std::size_t kFiles = 8'000;  // that the manifest knows
const std::size_t kUsualWarm = AppraiserOptions{}.warm_nodes;

std::size_t heap() {
  malloc_trim(0);
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

crypto::Sha256 file_digest(std::size_t number) {
  return crypto::sha256("file " + std::to_string(number));
}

std::string numbered(const std::string& name, std::size_t number, const std::string& rest = "") {
  std::string digits = std::to_string(number);
  digits.insert(0, 6 - std::min<std::size_t>(6, digits.size()), '0');
  return name + digits + rest;
}

std::string node_name(std::size_t number) {
  return numbered("ip-10-", number, ".eu-central-1.compute.internal");
}

// A boot as its log says, and what ran since.
struct Boot {
  explicit Boot(std::size_t entries) {
    const Bytes log = testing::read_vector("bootlogs/good.bin");
    const auto read = bootlog::read_log(log);
    const auto bank = bootlog::replay_bank(read.value(), kBank);
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = bank->value(pcr);
      machine.pcrs[{kBank, pcr}] = Bytes(value.begin(), value.end());
    }
    std::mt19937_64 random(1);
    machine.measure(machine.boot_aggregate());
    while (machine.entries < entries) {
      const std::size_t file = random() % kFiles;
      machine.measure(
          testing::ima_entry("ima-ng", {testing::digest_field("sha256:", file_digest(file)),
                                        testing::path_field("/usr/lib/x86_64-linux-gnu/lib" +
                                                            std::to_string(file) + ".so.6.0.0")}));
    }
    reference.entries = machine.entries;
    reference.digest = crypto::sha256(machine.log);
    reference.offset = machine.log.size();
  }
  testing::ImaMachine machine;
  attest::RuntimeLogReference reference;
};

// The logs that nodes have sent: one boot log, and of two runtime logs the one that a node has.
class SentLogs final : public BlobStore, public RuntimeLogStore {
 public:
  explicit SentLogs(Bytes boot_log) : boot_log_(std::move(boot_log)) {}
  const Boot* current = nullptr;  // of the node that is being judged

  Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256&, const std::string&) override {
    return rejected("read only");
  }
  bool contains(const crypto::Sha256&) override { return true; }
  Result<Bytes> read(const crypto::Sha256&, std::size_t) override { return boot_log_; }
  std::uint64_t bytes() override { return 0; }
  std::uint64_t drop_unused(std::chrono::milliseconds) override { return 0; }
  std::uint64_t next_offset(const std::string&, const std::string&) override {
    return current->machine.log.size();
  }
  Result<std::uint64_t> append(const std::string&, const std::string&, std::uint64_t,
                               ByteView) override {
    return rejected("read only");
  }
  Result<Bytes> read(const std::string&, const std::string&, std::uint64_t offset,
                     std::size_t max_bytes) override {
    const ByteView rest = ByteView(current->machine.log).subspan(offset);
    const ByteView piece = rest.first(std::min(rest.size(), max_bytes));
    return Bytes(piece.begin(), piece.end());
  }
  Result<void> truncate(const std::string&, const std::string&, std::uint64_t) override {
    return rejected("read only");
  }
  Result<void> remove(const std::string&) override { return {}; }

 private:
  Bytes boot_log_;
};

// An API server whose objects are lines of files.
class ObjectFiles final : public kube::Transport {
 public:
  explicit ObjectFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void add(const std::string& plural, const Json& object) {
    std::ofstream(directory_ / plural, std::ios::app) << codec::to_json(object) << '\n';
  }

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds,
                            std::stop_token) override {
    HttpResponse out;
    out.status = 200;
    if (request.path.find("tokenreviews") != std::string::npos) {
      out.status = 201;
      out.body = codec::to_json(review(must_value(codec::parse_json(request.body))));
      return out;
    }
    const std::string last = request.path.substr(request.path.rfind('/') + 1);
    if (request.path.find("/pods/") != std::string::npos) {
      out.body = codec::to_json(pod(last));
      return out;
    }
    return page(last, request.query);
  }
  Result<HttpResponse> stream(const HttpRequest&, const kube::StreamLimits&, const OnLine&,
                              std::stop_token) override {
    return retryable("no watches here");
  }

 private:
  static Json review(Json object) {
    const std::string token(object.text({"spec", "token"}));
    object["apiVersion"] = "authentication.k8s.io/v1";
    object["kind"] = "TokenReview";
    object["status"] = Json::Object{
        {"authenticated", true},
        {"audiences", Json::Array{Json(kTokenAudience)}},
        {"user", Json::Object{{"username", "system:serviceaccount:avouch-system:avouch-agent"},
                              {"uid", "8f5b7f7e-3a55-4b8f-9a55-0d4ba4a8f6a1"},
                              {"groups", Json::Array{Json("system:serviceaccounts"),
                                                     Json("system:serviceaccounts:avouch-system"),
                                                     Json("system:authenticated")}},
                              {"extra", Json::Object{{"authentication.kubernetes.io/pod-name",
                                                      Json::Array{Json(token)}},
                                                     {"authentication.kubernetes.io/pod-uid",
                                                      Json::Array{Json("uid-of-" + token)}}}}}}};
    return object;
  }
  static Json pod(const std::string& name) {
    return Json::Object{
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata",
         Json::Object{{"name", name}, {"namespace", "avouch-system"}, {"uid", "uid-of-" + name}}},
        {"spec",
         Json::Object{{"nodeName", "node-of-" + name}, {"serviceAccountName", "avouch-agent"}}}};
  }
  Result<HttpResponse> page(const std::string& plural, const std::string& query) {
    constexpr std::size_t kPage = 100;
    const std::size_t at = query.find("continue=");
    const std::size_t from =
        at == std::string::npos ? 0 : std::strtoull(query.c_str() + at + 9, nullptr, 10);
    if (from == 0) reading_ = std::ifstream(directory_ / plural);
    std::string items, line;
    std::size_t count = 0;
    while (count < kPage && std::getline(reading_, line)) {
      items += (count++ == 0 ? "" : ",") + line;
    }
    const std::string next = count < kPage ? "" : std::to_string(from + count);
    HttpResponse out;
    out.status = 200;
    out.body =
        R"({"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":")" +
        next + R"("},"items":[)" + items + "]}";
    return out;
  }

  std::filesystem::path directory_;
  std::ifstream reading_;
};

// The log, the disk and the archive behind the recorder.
class Sink final : public EntryLog,
                   public RecordStore,
                   public VerdictArchive,
                   public ControlObserver {
 public:
  Result<std::vector<LogPlace>> append(std::vector<EntryToLog> entries) override {
    std::vector<LogPlace> out;
    for (const EntryToLog& entry : entries) {
      out.push_back({++entries_, crypto::sha256(entry.statement)});
    }
    return out;
  }
  Result<std::map<std::string, std::string>> load() override { return rejected("write only"); }
  Result<void> apply(std::span<const RecordChange> changes) override {
    for (const RecordChange& change : changes) must(change.text.size() != 1, "a record");
    return {};
  }
  std::vector<Result<void>> keep(
      std::span<const std::shared_ptr<const RecordToKeep>> records) override {
    return std::vector<Result<void>>(records.size());
  }
  Result<void> add(const appraisal::RecordObject&, SystemTime) override { return {}; }
  Result<void> add_list(const crypto::Sha256&, SystemTime) override { return {}; }
  void hold(std::set<crypto::Sha256>) override {}
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view message) override {
    must(false, std::string(message));
  }
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view, const Error& error) override { must(false, error.message); }

 private:
  std::uint64_t entries_ = 0;
};

// The controller's parts, joined as its own program joins them, and what happens at once there too.
class Controller final : public AppraiserOutput {
 public:
  Controller(SentLogs& logs, std::filesystem::path directory, std::size_t warm)
      : cold(must_value(adapters::ColdFile::open({.directory = directory}))),
        judge(std::make_unique<LogJudge>(
            logs, logs, std::size_t{1} << 20, *cold, clock,
            [](const std::string&, const Error& error) { must(false, error.message); })),
        store(must_value(
            adapters::BlobFiles::open({.directory = std::move(directory) / "evidence"}, clock))),
        board(std::make_unique<NodeBoard>()),
        appraiser(std::make_unique<Appraiser>(AppraiserOptions{.origin = kOrigin,
                                                               .build = "bench",
                                                               .pseudonym_key = Bytes(32, 7),
                                                               .warm_nodes = warm},
                                              signer, beacons, crypto::system_random(), *this,
                                              *cold)),
        recorder(
            std::make_unique<Recorder>(Recorder::Options{.origin = kOrigin}, sink, sink, renewals,
                                       sink, verifier_key, crypto::system_random(), clock, sink,
                                       [this](const RecordJob& job, std::optional<LogPlace> place) {
                                         if (!job.node_name.empty())
                                           done_.emplace_back(job.node_name, job.number, place);
                                       })) {}

  void record(RecordJob job) override { recorder->add(std::move(job)); }
  void publish(NodeOutlook outlook) override { board->put(outlook); }
  void withdraw(const std::string&) override {}
  void forget(const std::string&) override {}
  void judge_logs(std::shared_ptr<const LogQuestion> question) override {
    questions_.push_back(std::move(question));
  }
  void publish_policy(PolicyOutlook) override {}
  void withdraw_policy(const std::string&) override {}
  void event(NodeEvent) override {}
  void lost(const std::string& name, const std::string& why) override {
    must(false, name + " is lost: " + why);
  }
  void crowded(const Error& why) override { must(false, why.message); }

  void settle() {
    while (!questions_.empty() || recorder->waiting() > 0) {
      while (!questions_.empty()) {
        const auto question = std::move(questions_.front());
        questions_.pop_front();
        appraiser->logs_judged(*question, judge->judge(*question), now());
      }
      while (recorder->waiting() > 0) {
        must(recorder->step().has_value(), "records");
        for (const auto& [name, number, place] : std::exchange(done_, {})) {
          appraiser->recorded(name, number, place, now());
        }
        static_cast<void>(renewals.take());
      }
    }
  }
  Moment now() { return read_clock(clock); }
  void publish_beacon() {
    clock.advance(std::chrono::seconds(1));
    beacon_ = {kOrigin, beacon_.size + 3,
               std::string(kOrigin) + "\n" + std::to_string(beacon_.size + 3) +
                   "\nHbVnMQkIrjYgVvv4AbLKpn2Q0RrBWKBHdWPqWYmRzB4=\n",
               clock.steady_now()};
    beacons.add(beacon_);
  }
  const Beacon& beacon() const { return beacon_; }

  static constexpr const char* kOrigin = "avouch/avouch-system/avouch/0123456789abcdef";
  testing::ManualClock clock;
  attest::KeySigner signer =
      must_value(attest::KeySigner::make(crypto::PrivateKey::generate(crypto::KeyType::kEcP256)));
  BeaconRing beacons;
  std::unique_ptr<adapters::ColdFile> cold;
  std::unique_ptr<LogJudge> judge;
  std::unique_ptr<adapters::BlobFiles> store;
  std::unique_ptr<NodeBoard> board;
  std::unique_ptr<Appraiser> appraiser;
  Sink sink;
  RenewalBatch renewals;
  crypto::PrivateKey verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  std::unique_ptr<Recorder> recorder;

 private:
  std::vector<std::tuple<std::string, std::uint64_t, std::optional<LogPlace>>> done_;
  std::deque<std::shared_ptr<const LogQuestion>> questions_;
  Beacon beacon_;
};

Json node_object(const std::string& name, const std::string& uid) {
  Json out = must_value(codec::parse_json(
      R"({"apiVersion": "v1", "kind": "Node", "metadata": {"labels": {
          "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
          "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
          "node.kubernetes.io/instance-type": "m6i.2xlarge",
          "topology.kubernetes.io/region": "eu-central-1",
          "topology.kubernetes.io/zone": "eu-central-1a", "pool": "production"}},
          "spec": {"podCIDR": "10.244.3.0/24"}, "status": {"phase": ""}})"));
  out["metadata"]["name"] = name;
  out["metadata"]["uid"] = uid;
  out["metadata"]["resourceVersion"] = "123456789";
  out["metadata"]["labels"]["kubernetes.io/hostname"] = name;
  return out;
}

Json evidence_object(const std::string& name, const std::string& uid, std::int64_t generation,
                     const attest::UnverifiedEvidence& spec) {
  Json out{Json::Object{{"apiVersion", "avouch.dev/v1alpha1"}, {"kind", "AttestationEvidence"}}};
  out["metadata"] = Json::Object{{"name", name},
                                 {"uid", uid},
                                 {"generation", generation},
                                 {"resourceVersion", "123456999"},
                                 {"creationTimestamp", "2026-11-28T10:00:00Z"}};
  out["spec"] = attest::to_evidence_spec(spec);
  return out;
}

// As the worker has written it.
Json as_shown(Json node, const NodeSignals& signals) {
  must(signals.label && signals.condition.has_value(), "signals of trust");
  node["metadata"]["labels"][kAttestedLabel] = "true";
  node["status"] = Json::Object{
      {"conditions",
       Json::Array{Json(Json::Object{{"type", kAttestedCondition},
                                     {"status", signals.condition->status},
                                     {"reason", signals.condition->reason},
                                     {"message", signals.condition->message},
                                     {"lastHeartbeatTime", "2026-11-28T10:00:00Z"},
                                     {"lastTransitionTime", "2026-11-28T10:00:00Z"}})}}};
  return node;
}

struct Fleet {
  Controller& controller;
  ObjectFiles& cluster;
  SentLogs& logs;
  const testing::EkAuthority& maker;
  crypto::Sha256 boot_digest{};
  std::uint64_t boot_size = 0;

  struct Member {  // the nodes' own side
    std::string name;
    testing::SoftwareTpm tpm;
    tpm::WrappedKey ak;
    attest::UnverifiedEvidence spec;
  };

  // One node from its first appearance to its verdict.
  std::unique_ptr<Member> join(std::size_t number, const Boot& boot) {
    const std::string name = node_name(number);
    const std::string uid = numbered("6f9619ff-8b86-d011-b42d-00c04f", number);
    const std::string evidence_uid = numbered("7f9619ff-8b86-d011-b42d-00c04f", number);
    logs.current = &boot;
    auto member = std::make_unique<Member>();
    member->name = name;
    testing::SoftwareTpm& tpm = member->tpm;
    for (const auto& [pcr, value] : boot.machine.pcrs) tpm.set_pcr(pcr.index, pcr.bank, value);
    const auto& ak = member->ak = tpm.make_key(
        crypto::KeyType::kEcP256, {crypto::SignatureScheme::kEcdsa, HashAlgorithm::kSha256});
    Appraiser& appraiser = *controller.appraiser;

    const Json node = node_object(name, uid);
    appraiser.set_node(must_value_of(node_facts(node)), controller.now());
    attest::UnverifiedEvidence spec;
    spec.node_uid = uid;
    spec.identity = {{maker.issue(tpm.ek().public_key())}, tpm.ek_public(), ak.public_area};
    spec.agent = {"1.0.0", "STM", "1.258"};
    put(name, evidence_uid, 1, spec);

    const NodeState* state = appraiser.find(name);
    must(state->challenge.has_value(), "a challenge");
    const auto secret = must_value(tpm.activate(ak, state->challenge->credential.blob,
                                                state->challenge->credential.encrypted_secret));
    spec.activation = attest::ActivationAnswer{
        state->challenge->id,
        attest::activation_proof(secret, uid, state->challenge->id,
                                 must_value(tpm::parse_public(ak.public_area)).name)};
    put(name, evidence_uid, 2, spec);
    must(appraiser.find(name)->record.enrolment != nullptr, "enrolment");

    fill(spec, tpm, ak, boot);
    put(name, evidence_uid, 3, spec);
    // And a heartbeat after that.
    controller.publish_beacon();
    member->spec = spec;
    const attest::UnverifiedEvidence beat = next_beat(*member, boot);
    must(appraiser.heartbeat(name, beat, controller.now()).outcome ==
             HeartbeatAnswer::Outcome::kAccepted,
         "heartbeat");
    controller.settle();
    const NodeVerdict& verdict = *appraiser.find(name)->saved.verdict;
    if (verdict.phase != Phase::kTrusted) {
      for (const auto& reason : verdict.reasons) {
        std::printf("%s: %s\n", reason.code.c_str(), reason.message.c_str());
      }
    }
    must(verdict.phase == Phase::kTrusted, "a verdict of trust for " + name);

    // What the API server has of it now.
    Json evidence = evidence_object(name, evidence_uid, 3, spec);
    evidence["status"] = with_transition_times(*controller.board->find_status(name)->status,
                                               nullptr, controller.clock.now());
    cluster.add("nodes", as_shown(node, controller.board->find_node(name)->signals));
    cluster.add("attestationevidences", evidence);
    static_cast<void>(controller.store->append(uid, "7", 0, Bytes(8)));
    return member;
  }
  attest::UnverifiedEvidence next_beat(Member& member, const Boot& boot) {
    attest::UnverifiedEvidence beat = member.spec;
    beat.identity.reset();
    beat.activation.reset();
    fill(beat, member.tpm, member.ak, boot);
    return beat;
  }

  void put(const std::string& name, const std::string& uid, std::int64_t generation,
           const attest::UnverifiedEvidence& spec) {
    const Json object = evidence_object(name, uid, generation, spec);
    controller.appraiser->set_evidence(must_value_of(evidence_facts(object)), controller.now());
    controller.settle();
  }
  void fill(attest::UnverifiedEvidence& into, testing::SoftwareTpm& tpm, const tpm::WrappedKey& ak,
            const Boot& boot) {
    const tpm::PcrSelection all = {{kBank, 0xffffff}};
    const Beacon& beacon = controller.beacon();
    tpm.clock.clock += 1000;
    const auto quote = must_value(tpm.quote(
        ak, ByteView(attest::qualifying(attest::challenge(beacon.note_text, into.node_uid))), all));
    into.quote =
        attest::UnverifiedQuote{quote.message, quote.signature, {beacon.origin, beacon.size}};
    into.pcrs = must_value(tpm.read_pcrs(all));
    into.boot_log = {boot_digest, boot_size};
    into.runtime_log = boot.reference;
  }
  template <typename T>
  static T must_value_of(std::optional<T> value) {
    must(value.has_value(), "an object that can be read");
    return *std::move(value);
  }
};

std::shared_ptr<const PolicySet> policies_for(const testing::EkAuthority& maker) {
  Json::Array digests;
  for (std::size_t i = 0; i < kFiles; ++i) {
    digests.push_back("sha256:" + to_hex(file_digest(i)));
  }
  Json manifest{Json::Object{{"kind", "ReferenceManifest"}}};
  manifest["metadata"]["name"] = "files";
  manifest["spec"]["ima"]["digests"] = std::move(digests);
  ManifestCatalog catalog;
  catalog.set({std::make_shared<const Json>(std::move(manifest))});
  DigestLists lists;
  const Json policy = must_value(codec::parse_json(
      R"({"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationPolicy",
          "metadata": {"name": "production", "uid": "p", "generation": 1},
          "spec": {"nodeSelector": {"matchLabels": {"pool": "production"}},
          "workloads": {"namespaceSelector": {}, "podSelector": {}}, "mode": "Enforce",
          "freshness": {"maxAge": "24h"}, "onFailure": {"taint": "NoSchedule"},
          "endorsement": {"enrollment": "TrustOnFirstUse",
            "trustBundles": [{"configMap": {"namespace": "ns", "name": "makers"}}]},
          "pcrs": {"banks": ["sha256"]},
          "bootLog": {"secureBoot": "Required", "kernelCommandLine": {"required": ["quiet"]}},
          "runtime": {"references": [{"name": "files"}]}}})"));
  ClusterMaterial material(
      [&](const attest::ConfigMapName&) -> Result<ConfigMapData> {
        return ConfigMapData{{"ca.pem", maker.root().pem()}};
      },
      catalog, lists);
  auto set = std::make_shared<PolicySet>(
      resolve_policies({std::make_shared<const Json>(policy)}, material, SystemTime{}));
  for (const auto& each : set->policies) {
    must(each->usable(), each->in_force == nullptr          ? each->spec_error
                         : each->in_force->problems.empty() ? ""
                                                            : each->in_force->problems.front());
  }
  return set;
}

std::unique_ptr<kube::Informer> informed(const kube::Client& client, Clock& clock,
                                         kube::InformerOptions options, std::size_t nodes) {
  auto out =
      std::make_unique<kube::Informer>(client, clock, crypto::system_random(), std::move(options));
  std::size_t told = 0;
  out->on_change([&told](const kube::Change&) { ++told; });
  static_cast<void>(out->step({}));
  must(out->synced() && out->size() == nodes && told == nodes, "a list of all objects");
  return out;
}

void measure(std::size_t nodes, std::size_t entries, std::size_t long_ones) {
  const auto begin = std::chrono::steady_clock::now();
  char place[] = "/tmp/avouch-controller-bench.XXXXXX";
  must(mkdtemp(place) != nullptr, "a directory");
  const std::filesystem::path directory(place);
  const testing::EkAuthority maker;
  const Boot long_boot(entries), short_boot(std::max<std::size_t>(10, entries / 100));
  const Bytes boot_log = testing::read_vector("bootlogs/good.bin");
  SentLogs logs(boot_log);
  ObjectFiles cluster(directory);
  const kube::Client client(cluster);
  auto controller = std::make_unique<Controller>(logs, directory, kUsualWarm);
  controller->appraiser->set_policies(policies_for(maker), controller->now());
  controller->publish_beacon();
  controller->appraiser->begin(controller->now());
  auto callers = std::make_unique<Callers>(
      client, controller->clock, CallerRules{"avouch-system", "avouch-agent", "avouch-webhook"});
  auto rates = std::make_unique<RateLimits>(30, 2);
  Fleet fleet{*controller, cluster, logs, maker, crypto::sha256(boot_log), boot_log.size()};
  fleet.join(999'999, short_boot);  // what the first node alone costs: caches of libraries

  const std::size_t before = heap();
  for (std::size_t i = 0; i < std::min(long_ones, nodes); ++i) fleet.join(i, long_boot);
  const std::size_t with_long = heap();
  for (std::size_t i = long_ones; i < nodes; ++i) fleet.join(i, short_boot);
  const std::size_t with_all = heap();
  for (std::size_t i = 0; i < nodes; ++i) {
    const auto agent = callers->identify(numbered("agent-", i));
    must(agent.has_value(), "an agent");
    static_cast<void>(
        rates->spend(crypto::short_digest(agent->node), 1, controller->clock.steady_now()));
  }
  auto node_informer = informed(client, controller->clock, node_informer_options(), nodes + 1);
  auto evidence_informer =
      informed(client, controller->clock, evidence_informer_options(), nodes + 1);
  // The status worker finds every status as it should be.
  EvidenceWriter writer(
      client, *controller->board,
      [&](const std::string& name) { return evidence_informer->find(name); },
      [](const std::string& name) { throw std::runtime_error("a status to be written: " + name); });
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::string name = node_name(i);
    must(writer.sync(name, controller->clock.now()).has_value(), "a status that is settled");
    must(!controller->board->find_status(name)->status, "no status that waits");
  }
  const std::size_t total = heap();

  const auto a_node = [](std::size_t bytes, std::size_t count) {
    return static_cast<double>(bytes) / static_cast<double>(count);
  };
  std::printf("%zu nodes: %.0f bytes a node in all\n", nodes, a_node(total - before, nodes));
  std::size_t last = total;
  const auto freed = [&](const char* what) {
    const std::size_t left = heap();
    std::printf("  %-52s %7.0f\n", what, a_node(last - left, nodes));
    last = left;
  };
  evidence_informer.reset();
  freed("informer of AttestationEvidence");
  node_informer.reset();
  freed("informer of Nodes");
  callers.reset();
  rates.reset();
  freed("answers about the agents' tokens, their rates");
  controller->board.reset();
  freed("outlooks, as far as they are kept once written");
  controller->judge.reset();
  freed("log judge");
  controller->recorder.reset();
  freed("recorder");
  controller->appraiser.reset();
  freed("appraiser");
  controller->store.reset();
  freed("index of the evidence store");
  std::printf(
      "of these, appraiser, log judge, outlooks and index, by length of the runtime log:\n");
  if (long_ones > 0) {
    std::printf("  %zu nodes of %zu entries: %.0f bytes a node\n", long_ones, entries,
                a_node(with_long - before, long_ones));
  }
  if (nodes > long_ones) {
    std::printf("  %zu nodes of %zu entries: %.0f bytes a node\n", nodes - long_ones,
                short_boot.machine.entries, a_node(with_all - with_long, nodes - long_ones));
  }
  std::filesystem::remove_all(directory);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f s\n", took.count());
}

}  // namespace

// What a heartbeat costs the controller, from its arrival to its answer, its logs' judgement and
// its record, with every node's state out of memory when it comes, and with all in memory.
void measure_heartbeats(std::size_t nodes) {
  constexpr int kRounds = 9;
  char place[] = "/tmp/avouch-controller-bench.XXXXXX";
  must(mkdtemp(place) != nullptr, "a directory");
  const std::filesystem::path directory(place);
  const testing::EkAuthority maker;
  const Boot boot(1000);
  const Bytes boot_log = testing::read_vector("bootlogs/good.bin");
  SentLogs logs(boot_log);
  logs.current = &boot;
  ObjectFiles cluster(directory);
  struct Case {
    std::unique_ptr<Controller> controller;
    std::unique_ptr<Fleet> fleet;
    std::vector<std::unique_ptr<Fleet::Member>> members;
    double best = 1e9;
  };
  std::array<Case, 2> cases;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Case& each = cases[i];
    const auto own = directory / std::to_string(i);
    std::filesystem::create_directory(own);
    each.controller = std::make_unique<Controller>(logs, own, i == 0 ? nodes + 1 : 0);
    each.controller->appraiser->set_policies(policies_for(maker), each.controller->now());
    each.controller->publish_beacon();
    each.controller->appraiser->begin(each.controller->now());
    each.fleet = std::make_unique<Fleet>(
        Fleet{*each.controller, cluster, logs, maker, crypto::sha256(boot_log), boot_log.size()});
    for (std::size_t n = 0; n < nodes; ++n) each.members.push_back(each.fleet->join(n, boot));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Case& each : cases) {
      each.controller->publish_beacon();
      std::vector<attest::UnverifiedEvidence> beats;
      for (const auto& member : each.members) {
        beats.push_back(each.fleet->next_beat(*member, boot));
      }
      const auto begin = std::chrono::steady_clock::now();
      for (std::size_t n = 0; n < nodes; ++n) {
        must(each.controller->appraiser
                     ->heartbeat(each.members[n]->name, beats[n], each.controller->now())
                     .outcome == HeartbeatAnswer::Outcome::kAccepted,
             "heartbeat");
        each.controller->settle();
      }
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      each.best = std::min(each.best, took.count() / static_cast<double>(nodes));
    }
  }
  std::printf(
      "a heartbeat, best of %d rounds of %zu nodes: %.0f us with nodes in memory, %.0f us "
      "out of it: %.2f times\n",
      kRounds, nodes, cases[0].best, cases[1].best, cases[1].best / cases[0].best);
  for (Case& each : cases) {
    each.fleet.reset();
    each.controller.reset();
  }
  std::filesystem::remove_all(directory);
}

void measure_nodes(std::size_t nodes, std::size_t entries, std::size_t long_ones) {
  measure(nodes, entries, long_ones);
}

}  // namespace avouch::control

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "heartbeats") {
    avouch::control::measure_heartbeats(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 300);
    return 0;
  }
  const auto argument = [&](int at, std::size_t otherwise) {
    return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
  };
  avouch::control::measure_nodes(argument(1, 10'000), argument(2, 100'000), argument(3, 100));
  return 0;
}
