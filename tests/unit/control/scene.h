#pragma once

// Nodes with software TPMs, policies, and the appraiser that judges them; time moves by hand.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/beacon.h"
#include "base/hex.h"
#include "control/appraiser.h"
#include "support/memory_cold_store.h"
#include "tests/support/ek_authority.h"
#include "tests/support/software_tpm.h"
#include "tests/unit/control/material.h"

namespace avouch::control {

class Heard final : public AppraiserOutput {
 public:
  void record(RecordJob job) override { jobs.push_back(std::move(job)); }
  void publish(NodeOutlook outlook) override {
    const std::string name = outlook.name;
    outlooks.insert_or_assign(name, std::move(outlook));
  }
  void withdraw(const std::string& name) override { outlooks.erase(name); }
  void forget(const std::string& uid) override { forgotten.push_back(uid); }
  void judge_logs(std::shared_ptr<const LogQuestion> question) override {
    questions.push_back(std::move(question));
  }
  void publish_policy(PolicyOutlook outlook) override {
    policies.insert_or_assign(outlook.name, outlook.status);
  }
  void withdraw_policy(const std::string& name) override { policies.erase(name); }
  void event(NodeEvent event) override { events.push_back(std::move(event)); }
  void lost(const std::string& name, const std::string&) override { losses.push_back(name); }
  void crowded(const Error& why) override { crowds.push_back(why.message); }

  std::vector<RecordJob> jobs;  // not done yet
  std::map<std::string, NodeOutlook> outlooks;
  std::map<std::string, codec::Json> policies;
  std::vector<NodeEvent> events;
  std::vector<std::string> forgotten, losses, crowds;
  std::vector<std::shared_ptr<const LogQuestion>> questions;  // not answered
};

// A machine: its TPM and what an honest agent does with it.
struct Machine {
  explicit Machine(const testing::EkAuthority& maker)
      : ak(tpm.make_key(crypto::KeyType::kEcP256,
                        {crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256})) {
    tpm.ek_certificates = {maker.issue(tpm.ek().public_key())};
    boot();
  }
  void boot() {
    for (unsigned pcr = 0; pcr < 8; ++pcr) tpm.extend_event(pcr, to_bytes("good"));
  }
  void reboot() {
    tpm.power_cycle();
    boot();
  }
  attest::UnverifiedIdentity identity() const {
    return {tpm.ek_certificates, tpm.ek_public(), ak.public_area};
  }

  testing::SoftwareTpm tpm;
  tpm::WrappedKey ak;
};

class Scene : public ::testing::Test {
 protected:
  static constexpr const char* kOrigin = "log";

  Scene() { restart(); }

  // A controller process with what the last one saved.
  void restart() {
    appraiser = std::make_unique<Appraiser>(
        AppraiserOptions{
            .origin = kOrigin, .build = "test", .pseudonym_key = Bytes(32, 1), .warm_nodes = 0},
        signer, beacons, crypto::system_random(), heard, cold);
    std::vector<NodeRecord> records;
    for (const auto& [uid, record] : saved) records.push_back(record);
    heard.jobs.clear();
    appraiser->restore(std::move(records), {}, now);
    if (policies) appraiser->set_policies(policies, now);
    for (const auto& [name, facts] : nodes) appraiser->set_node(facts, now);
    for (const auto& [name, facts] : evidence) appraiser->set_evidence(facts, now);
    appraiser->begin(now);
    record_all();
  }

  // What the recorder does: all jobs are logged and saved.
  void record_all() {
    while (!heard.jobs.empty()) {
      const RecordJob job = std::move(heard.jobs.front());
      heard.jobs.erase(heard.jobs.begin());
      if (job.entry) ++entries;
      for (const RecordChange& change : job.changes) {
        if (change.text.empty()) saved.erase(change.key);
      }
      if (job.record) saved.insert_or_assign(job.record->node_uid, *job.record);
      std::optional<LogPlace> place;
      if (job.entry) place = LogPlace{entries, {}};
      if (!job.node_name.empty()) appraiser->recorded(job.node_name, job.number, place, now);
    }
  }

  void advance(std::chrono::milliseconds by) {
    now.wall += by;
    now.steady += by;
    appraiser->tick(now);
    record_all();
  }

  static codec::Json policy(const std::string& name, const Machine& like,
                            const std::string& more = "") {
    testing::SoftwareTpm& device = const_cast<Machine&>(like).tpm;
    const tpm::PcrValues values =
        device.read_pcrs({{crypto::HashAlgorithm::kSha256, 0x81}}).value();
    std::string exact;
    for (const auto& [pcr, value] : values) {
      exact += (exact.empty() ? "" : ",") + std::string(R"({"index":)") +
               std::to_string(pcr.index) + R"(,"sha256":[")" + to_hex(value) + R"("]})";
    }
    codec::Json out =
        codec::parse_json(
            R"({"metadata":{"name":")" + name + R"(","uid":"policy-)" + name +
            R"(","generation":1},"spec":{"nodeSelector":{"matchLabels":{"pool":"p"}},"workloads":{},)"
            R"("freshness":{"maxAge":"1m"},"endorsement":{"trustBundles":[{"configMap":)"
            R"({"namespace":"ns","name":"makers"}}],"enrollment":"TrustOnFirstUse"},)"
            R"("pcrs":{"banks":["sha256"],"exact":[)" +
            exact + "]}" + more + "}}")
            .value();
    return out;
  }
  void set_policies(const std::vector<codec::Json>& objects) {
    std::vector<std::shared_ptr<const codec::Json>> shared;
    for (const codec::Json& each : objects) {
      shared.push_back(std::make_shared<const codec::Json>(each));
    }
    policies = std::make_shared<const PolicySet>(
        resolve_policies(shared, [this](const attest::ConfigMapName&) -> Result<ConfigMapData> {
          if (makers_missing) return rejected("does not exist");
          return ConfigMapData{{"ca.pem", maker.root().pem()}};
        }));
    appraiser->set_policies(policies, now);
    record_all();
  }

  void put_node(const std::string& name, const std::string& uid,
                attest::Labels labels = {{"pool", "p"}}) {
    nodes[name] = {name, uid, attest::PackedLabels(labels)};
    appraiser->set_node(nodes[name], now);
    record_all();
  }
  void put_evidence(const std::string& name, attest::UnverifiedEvidence spec) {
    EvidenceFacts& facts = evidence[name];
    facts.name = name;
    if (facts.uid.empty()) facts.uid = "evidence-" + name;
    ++facts.generation;
    facts.spec = std::move(spec);
    facts.error.clear();
    appraiser->set_evidence(facts, now);
    record_all();
  }
  attest::UnverifiedEvidence identity_of(const std::string& node, const Machine& machine) {
    attest::UnverifiedEvidence spec;
    spec.node_uid = nodes.at(node).uid;
    spec.identity = machine.identity();
    return spec;
  }
  // The machine's agent claims the node and answers its challenge, if it gets one.
  void enrol(const std::string& node, Machine& machine) {
    attest::UnverifiedEvidence spec = identity_of(node, machine);
    put_evidence(node, spec);
    const auto& challenge = appraiser->find(node)->challenge;
    if (!challenge) return;
    const auto secret = machine.tpm.activate(machine.ak, challenge->credential.blob,
                                             challenge->credential.encrypted_secret);
    const std::string id = challenge->id;
    const Bytes name = tpm::parse_public(machine.ak.public_area)->name;
    spec.activation = attest::ActivationAnswer{
        id, attest::activation_proof(secret.has_value() ? *secret : Bytes(32), spec.node_uid, id,
                                     name)};
    put_evidence(node, spec);
  }

  void publish_beacon() {
    beacons.add({kOrigin, ++beacon, "note " + std::to_string(beacon) + "\n", now.steady});
  }
  // What the machine's agent sends for the newest beacon, in the name of that node.
  attest::UnverifiedEvidence quote(const std::string& node, Machine& machine) {
    attest::UnverifiedEvidence out;
    out.node_uid = nodes.at(node).uid;
    const crypto::Sha256 answer = attest::qualifying(
        attest::challenge("note " + std::to_string(beacon) + "\n", out.node_uid));
    const tpm::PcrSelection all = {{crypto::HashAlgorithm::kSha256, 0xffffff}};
    const auto made = machine.tpm.quote(machine.ak, answer, all).value();
    out.quote = attest::UnverifiedQuote{made.message, made.signature, {kOrigin, beacon}};
    out.pcrs = machine.tpm.read_pcrs(all).value();
    return out;
  }
  HeartbeatAnswer send(const std::string& node, const attest::UnverifiedEvidence& what) {
    HeartbeatAnswer answer = appraiser->heartbeat(node, what, now);
    record_all();
    return answer;
  }
  HeartbeatAnswer heartbeat(const std::string& node, Machine& machine) {
    publish_beacon();
    return send(node, quote(node, machine));
  }
  // A node that is enrolled and trusted.
  void trusted(const std::string& node, Machine& machine) {
    put_node(node, "uid-" + node);
    enrol(node, machine);
    heartbeat(node, machine);
    ASSERT_EQ(phase(node), Phase::kTrusted) << reason(node);
  }

  Phase phase(const std::string& node) const {
    const NodeState* state = appraiser->find(node);
    return state == nullptr ? Phase::kPending : state->saved.verdict->phase;
  }
  std::string reason(const std::string& node) const {
    const NodeState* state = appraiser->find(node);
    if (state == nullptr || state->saved.verdict->reasons.empty()) return "";
    return state->saved.verdict->reasons.front().code;
  }
  attest::TaintEffect taint(const std::string& node) const {
    return heard.outlooks.at(node).signals.taint;
  }

  Moment now{SystemTime(std::chrono::seconds(1'800'000'000)), SteadyTime(std::chrono::hours(100))};
  testing::EkAuthority maker;
  attest::KeySigner signer =
      attest::KeySigner::make(crypto::PrivateKey::generate(crypto::KeyType::kEcP256)).value();
  BeaconRing beacons;
  std::uint64_t beacon = 10;
  std::uint64_t entries = 0;
  Heard heard;
  std::map<std::string, NodeRecord> saved;  // by node UID
  std::map<std::string, NodeFacts> nodes;
  std::map<std::string, EvidenceFacts> evidence;
  std::shared_ptr<const PolicySet> policies;
  bool makers_missing = false;
  testing::MemoryColdStore cold;
  std::unique_ptr<Appraiser> appraiser;
};

}  // namespace avouch::control
