#pragma once

// A small cluster around an Appraiser: nodes with TPMs and agents, policies, a log and a disk that
// outlive the appraiser, and a clock that stands still.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "attest/beacon.h"
#include "base/hex.h"
#include "codec/json.h"
#include "control/appraiser.h"
#include "support/ek_authority.h"
#include "support/manual_clock.h"
#include "support/memory_cold_store.h"
#include "support/memory_digest_lists.h"
#include "support/software_tpm.h"
#include "tests/unit/control/material.h"
#include "tests/unit/control/memory_archive.h"
#include "tests/unit/control/memory_evidence.h"

namespace avouch::control {

using codec::Json;
using testing::must_value;

// A signer that fails as nobody foresaw while `broken` is set.
class FragileSigner final : public attest::TokenSigner {
 public:
  crypto::PublicKey public_key() const override { return inner_.public_key(); }
  Result<Bytes> sign1(codec::Cbor::Map header, ByteView payload) override {
    if (broken) throw std::runtime_error("the signer has fallen over");
    return inner_.sign1(std::move(header), payload);
  }
  bool broken = false;

 private:
  attest::KeySigner inner_ =
      must_value(attest::KeySigner::make(crypto::PrivateKey::generate(crypto::KeyType::kEcP256)));
};

struct TestAgent {
  explicit TestAgent(std::string node_name)
      : name(std::move(node_name)),
        ak(tpm.make_key(crypto::KeyType::kEcP256,
                        {crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256})) {
    tpm.extend_event(7, as_bytes("good firmware"));
  }
  void tamper() { tpm.extend_event(7, as_bytes("something else")); }

  std::string name;
  testing::SoftwareTpm tpm;
  tpm::WrappedKey ak;
  std::optional<attest::ActivationAnswer> answer;
  std::optional<attest::UnverifiedEvidence> quoted;  // what it writes into the resource
};

class World final : public AppraiserOutput {
 public:
  World() { start(); }

  // The cluster. Each call lets everything settle that follows from it.
  void add_node(const std::string& name, attest::Labels labels = {}) {
    nodes_[name] = {name, "uid-" + std::to_string(++next_uid_), attest::PackedLabels(labels)};
    appraiser->set_node(nodes_[name], now());
    settle();
  }
  void relabel(const std::string& name, attest::Labels labels) {
    nodes_[name].labels = attest::PackedLabels(labels);
    appraiser->set_node(nodes_[name], now());
    settle();
  }
  void remove_node(const std::string& name) {
    nodes_.erase(name);
    appraiser->remove_node(name, now());
    settle();
  }
  void put_evidence(const std::string& name, std::optional<attest::UnverifiedEvidence> spec,
                    std::string error = "") {
    EvidenceFacts& facts = evidences_[name];
    if (facts.uid.empty()) facts = {name, "evidence-" + std::to_string(++next_uid_), 0, {}, ""};
    ++facts.generation;
    facts.spec = std::move(spec);
    facts.error = std::move(error);
    appraiser->set_evidence(facts, now());
    settle();
  }
  void delete_evidence(const std::string& name) {
    evidences_.erase(name);
    appraiser->remove_evidence(name, now());
    settle();
  }
  void set_policies(std::vector<Json> policies) {
    policies_ = std::move(policies);
    appraiser->set_policies(resolve(), now());
    settle();
  }

  void set_config_map(const std::string& name, ConfigMapData data) {
    config_maps_[name] = std::move(data);
    resolve_again();
  }

  // The agents.
  std::string uid_of(const std::string& node) { return nodes_.at(node).uid; }
  attest::UnverifiedEvidence identity_of(const TestAgent& agent) {
    attest::UnverifiedEvidence spec;
    spec.node_uid = uid_of(agent.name);
    spec.identity = {{maker.issue(agent.tpm.ek().public_key(), fields_of_certificates)},
                     agent.tpm.ek_public(),
                     agent.ak.public_area};
    spec.activation = agent.answer;
    if (agent.quoted) {
      spec.quote = agent.quoted->quote;
      spec.pcrs = agent.quoted->pcrs;
    }
    return spec;
  }
  void write(const TestAgent& agent) { put_evidence(agent.name, identity_of(agent)); }
  // Solves the challenge in force; false: there is none for this agent's key.
  bool solve(TestAgent& agent) {
    const NodeState* state = find(agent.name);
    if (state == nullptr || !state->challenge) return false;
    const auto& challenge = *state->challenge;
    const auto secret = agent.tpm.activate(agent.ak, challenge.credential.blob,
                                           challenge.credential.encrypted_secret);
    if (!secret.has_value()) return false;
    const auto ak = must_value(tpm::parse_public(agent.ak.public_area));
    agent.answer = {challenge.id,
                    attest::activation_proof(*secret, uid_of(agent.name), challenge.id, ak.name)};
    return true;
  }
  void enrol(TestAgent& agent) {
    write(agent);
    testing::must(solve(agent), "a challenge for " + agent.name);
    write(agent);
  }
  attest::UnverifiedEvidence quote(TestAgent& agent) {
    const Beacon& beacon = beacon_;
    const tpm::PcrSelection selection = {{crypto::HashAlgorithm::kSha256, quoted_mask}};
    const crypto::Sha256 answer =
        attest::qualifying(attest::challenge(beacon.note_text, uid_of(agent.name)));
    attest::UnverifiedEvidence out;
    out.node_uid = uid_of(agent.name);
    const auto made = must_value(agent.tpm.quote(agent.ak, ByteView(answer), selection));
    out.quote = attest::UnverifiedQuote{made.message, made.signature, {beacon.origin, beacon.size}};
    out.pcrs = must_value(agent.tpm.read_pcrs(selection));
    return out;
  }
  HeartbeatAnswer send(const std::string& name, const attest::UnverifiedEvidence& evidence) {
    const HeartbeatAnswer answer = appraiser->heartbeat(name, evidence, now());
    settle();
    return answer;
  }
  HeartbeatAnswer heartbeat(TestAgent& agent) { return send(agent.name, quote(agent)); }

  // Time. A beacon each ten seconds; `agents` answer each.
  void pass(std::chrono::milliseconds time, std::vector<TestAgent*> agents = {}) {
    constexpr std::chrono::seconds kPeriod{10};
    for (; time >= kPeriod; time -= kPeriod) {
      clock.advance(kPeriod);
      publish_beacon();
      for (TestAgent* agent : agents) heartbeat(*agent);
      tick();
    }
    clock.advance(time);
    tick();
  }
  void tick() {
    appraiser->tick(now());
    settle();
  }
  void publish_beacon() {
    const std::uint64_t size = beacon_.size + 3;
    beacon_ = {origin, size, origin + "\n" + std::to_string(size) + "\nroot\n", clock.steady_now()};
    beacons->add(beacon_);
  }

  // The controller ends, as by SIGKILL, and a new one starts from the disk `away` later. Its wall
  // clock may be wrong.
  void restart(std::chrono::milliseconds away = {}, std::chrono::milliseconds clock_error = {}) {
    queue_.clear();
    shown.clear();
    places_.clear();
    clock.advance(away);
    clock.step_wall_clock(clock_error);
    start();
  }

  const NodeState* find(const std::string& name) const { return appraiser->find(name); }
  Phase phase(const std::string& name) const { return find(name)->saved.verdict->phase; }
  std::string first_code(const std::string& name) const {
    const auto& reasons = find(name)->saved.verdict->reasons;
    return reasons.empty() ? "" : reasons.front().code;
  }
  const NodeSignals& signals(const std::string& name) const { return shown.at(name).signals; }
  Moment now() { return read_clock(clock); }
  std::size_t events_of(const std::string& reason) const {
    std::size_t count = 0;
    for (const NodeEvent& event : events) count += event.reason == reason ? 1U : 0U;
    return count;
  }
  std::size_t entries_of(const std::string& kind) const {
    std::size_t count = 0;
    for (const LogJob& entry : entries) count += entry.kind == kind ? 1U : 0U;
    return count;
  }

  // What comes out.
  void record(RecordJob job) override { queue_.push_back(std::move(job)); }
  void publish(NodeOutlook outlook) override {
    shown.insert_or_assign(outlook.name, std::move(outlook));
  }
  void withdraw(const std::string& name) override { shown.erase(name); }
  void forget(const std::string& uid) override {
    forgotten.push_back(uid);
    judge->forget(uid);
  }
  void judge_logs(std::shared_ptr<const LogQuestion> question) override {
    questions.push_back(std::move(question));
  }
  void publish_policy(PolicyOutlook outlook) override {
    shown_policies.insert_or_assign(outlook.name, std::move(outlook));
  }
  void withdraw_policy(const std::string& name) override { shown_policies.erase(name); }
  void event(NodeEvent event) override { events.push_back(std::move(event)); }
  // As the controller's worker does it: what the API has, some time later.
  void lost(const std::string& name, const std::string& why) override {
    losses.emplace_back(name, why);
  }
  void crowded(const Error& why) override { crowds.push_back(why.message); }

  // As the log judge and the Recorder do it: answers; log, disk, answer.
  void settle() {
    do {
      for (; handed_over < losses.size() && !api_is_away; ++handed_over) {
        const auto known = evidences_.find(losses[handed_over].first);
        if (known != evidences_.end()) appraiser->set_evidence(known->second, now());
      }
      while (!judge_hangs && !questions.empty()) {
        const auto question = std::move(questions.front());
        questions.pop_front();
        auto findings = judge->judge(*question);
        if (!findings) {  // the others' turn
          questions.push_back(question);
          ++turns_over;
          continue;
        }
        ++asked;
        answered.push_back(question->node_name);
        appraiser->logs_judged(*question, std::move(findings), now());
      }
      settle_records();
    } while ((!judge_hangs && !questions.empty()) || (!api_is_away && handed_over < losses.size()));
  }
  void settle_records() {
    while (!log_hangs && !queue_.empty()) {
      RecordJob job = std::move(queue_.front());
      queue_.pop_front();
      if (job.keep) kept.push_back(archived->keep(std::vector{job.keep}).at(0));
      std::optional<LogPlace> place;
      if (job.entry) {
        place = LogPlace{entries.size(), crypto::sha256(std::to_string(entries.size()))};
        entries.push_back(*job.entry);
        if (job.record) places_[job.record->node_uid] = *place;
      }
      if (job.record) {
        const auto known = places_.find(job.record->node_uid);
        if (known != places_.end()) {
          job.record->verdict = entered_at(*job.record->verdict, known->second);
        }
        disk[job.record->node_uid] = encode_record(*job.record, origin);
      }
      for (const RecordChange& change : job.changes) {
        if (change.text.empty()) disk.erase(change.key);
        if (!change.text.empty()) disk[change.key] = change.text;
      }
      if (job.renewal) ++renewals;
      if (!job.node_name.empty()) appraiser->recorded(job.node_name, job.number, place, now());
    }
  }

  std::string origin = "log";  // of the log, from the next start on
  std::string chain;           // of the logs that it is one of; "": of none
  testing::ManualClock clock;
  testing::EkAuthority maker;
  testing::EkCertificateFields fields_of_certificates;
  FragileSigner signer;
  std::unique_ptr<BeaconRing> beacons;
  std::unique_ptr<testing::MemoryColdStore> cold = std::make_unique<testing::MemoryColdStore>();
  std::unique_ptr<Appraiser> appraiser;
  bool log_hangs = false;
  std::uint32_t quoted_mask = 0x0000ff;
  MemoryEvidence store;
  MemoryArchive archive{store};
  VerdictArchive* archived = &archive;
  std::vector<Result<void>> kept;  // what it said of each record
  testing::MemoryDigestLists lists;
  reference::SharedDigestLists stored_lists{lists};
  std::size_t warm_nodes = 0;  // every call begins with a node out of memory
  std::vector<std::pair<std::string, std::string>> losses;
  std::size_t handed_over = 0;
  bool api_is_away = false;
  std::vector<std::string> crowds;
  std::vector<std::string> logs_lost;
  std::function<void(NodeRecord&)> damage;  // done to each record that a restart reads; or none
  std::unique_ptr<LogJudge> judge;
  bool judge_hangs = false;
  std::size_t asked = 0, turns_over = 0;
  std::vector<std::string> answered;  // nodes, by what was asked about them
  std::deque<std::shared_ptr<const LogQuestion>> questions;

  std::map<std::string, std::string> disk;
  std::vector<LogJob> entries;
  std::size_t renewals = 0;
  std::map<std::string, NodeOutlook> shown;
  std::map<std::string, PolicyOutlook> shown_policies;
  std::vector<NodeEvent> events;
  std::vector<std::string> forgotten;
  std::vector<std::shared_ptr<const codec::Json>> manifests;

  void resolve_again() {
    appraiser->set_policies(resolve(), now());
    settle();
  }

 private:
  void start() {
    questions.clear();
    judge = std::make_unique<LogJudge>(store, store, std::size_t{1} << 20, *cold, clock,
                                       [this](const std::string& uid, const Error& error) {
                                         if (error.kind == ErrorKind::kFatal) {
                                           logs_lost.push_back(uid);
                                         } else {
                                           crowds.push_back(error.message);
                                         }
                                       });
    beacons = std::make_unique<BeaconRing>();
    appraiser =
        std::make_unique<Appraiser>(AppraiserOptions{.origin = origin,
                                                     .chain = chain,
                                                     .build = "test",
                                                     .pseudonym_key = Bytes(32, 7),
                                                     .warm_nodes = warm_nodes},
                                    signer, *beacons, crypto::system_random(), *this, *cold);
    std::vector<NodeRecord> records;
    std::vector<RecordedPolicy> policies;
    for (const auto& [key, text] : disk) {
      if (key.starts_with(kPolicyKeyPrefix)) {
        policies.push_back(must_value(parse_policy_record(text)));
      } else {
        records.push_back(record_beside(must_value(parse_record(text)), origin, chain));
        if (damage) damage(records.back());
      }
    }
    appraiser->restore(std::move(records), std::move(policies), now());
    for (const auto& [name, facts] : nodes_) appraiser->set_node(facts, now());
    for (const auto& [name, facts] : evidences_) appraiser->set_evidence(facts, now());
    appraiser->set_policies(resolve(), now());
    publish_beacon();
    appraiser->begin(now());
    settle();
  }
  std::shared_ptr<const PolicySet> resolve() {
    config_maps_["makers"] = {{"ca.pem", maker.root().pem()}};
    std::vector<std::shared_ptr<const Json>> objects;
    for (const Json& policy : policies_) objects.push_back(std::make_shared<const Json>(policy));
    return std::make_shared<const PolicySet>(resolve_policies(
        objects,
        [this](const attest::ConfigMapName& name) -> Result<ConfigMapData> {
          const auto found = config_maps_.find(name.name);
          if (found == config_maps_.end()) {
            return rejected("does not exist");
          }
          return found->second;
        },
        manifests, archived, &stored_lists));
  }

  std::map<std::string, NodeFacts> nodes_;
  std::map<std::string, EvidenceFacts> evidences_;
  std::vector<Json> policies_;
  std::map<std::string, ConfigMapData> config_maps_;
  std::deque<RecordJob> queue_;
  std::map<std::string, LogPlace> places_;
  Beacon beacon_;
  int next_uid_ = 0;
};

struct PolicyText {
  std::string mode = "Enforce", max_age = "5m", taint = "NoSchedule";
  std::string selector = "{}";
  std::string makers = "makers";
  std::string event = "good firmware";  // what PCR 7 must have been extended with
};

inline Json policy_object(const std::string& name, const PolicyText& text = {}) {
  const Bytes zeros(32, 0);
  Bytes extended = zeros;
  append(extended, ByteView(crypto::sha256(as_bytes(text.event))));
  Json out = must_value(codec::parse_json(
      R"({"apiVersion": "avouch.dev/v1alpha1", "kind": "AttestationPolicy",
          "metadata": {"generation": 1},
          "spec": {"nodeSelector": )" +
      text.selector + R"(, "workloads": {"namespaceSelector": {}, "podSelector": {}},
          "mode": ")" +
      text.mode + R"(", "freshness": {"maxAge": ")" + text.max_age + R"("},
          "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": ")" +
      text.makers + R"("}}], "enrollment": "TrustOnFirstUse"},
          "pcrs": {"banks": ["sha256"], "exact": [{"index": 7, "sha256": [")" +
      to_hex(crypto::sha256(extended)) + R"("]}]},
          "onFailure": {"taint": ")" +
      text.taint + R"("}}})"));
  out["metadata"]["name"] = name;
  out["metadata"]["uid"] = "policy-" + name;
  return out;
}

}  // namespace avouch::control
