#pragma once

// A node that boots as its boot log says and measures files, under policies that look at both.

#include <gtest/gtest.h>

#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "support/ima_log.h"
#include "support/vectors.h"
#include "tests/unit/control/world.h"

namespace avouch::control {

using crypto::HashAlgorithm;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ima_file;

inline constexpr auto kBank = HashAlgorithm::kSha256;

inline Json policy_with(const std::string& members, const std::string& max_age = "5m") {
  Json out = policy_object("p", {.max_age = max_age});
  out["spec"]["pcrs"].as_object()->erase("exact");
  const Json more = must_value(codec::parse_json("{" + members + "}"));
  for (const auto& [name, value] : *more.as_object()) out["spec"][name] = value;
  return out;
}
inline constexpr const char* kBootPolicy =
    R"("bootLog": {"secureBoot": "Required", "kernelCommandLine": {"required": ["quiet"]}})";
inline constexpr const char* kRuntimePolicy = R"("runtime": {"references": [{"name": "files"}]})";

inline Json manifest(const std::vector<std::string>& contents,
                     const std::vector<std::string>& revoked = {}) {
  Json out{Json::Object{{"kind", "ReferenceManifest"}}};
  out["metadata"]["name"] = "files";
  const auto digests = [](const std::vector<std::string>& of) {
    Json::Array list;
    for (const std::string& each : of) {
      list.push_back("sha256:" + to_hex(crypto::sha256(as_bytes(each))));
    }
    return list;
  };
  out["spec"]["ima"]["digests"] = digests(contents);
  if (!revoked.empty()) out["spec"]["revoked"] = digests(revoked);
  return out;
}

class Logs : public ::testing::Test {
 protected:
  Logs() : agent("n") {
    world.quoted_mask = 0xffffff;  // as agents do
    boot_log = testing::read_vector("bootlogs/good.bin");
    boot();
    world.add_node("n");
  }

  // The machine boots as its log says.
  void boot() {
    const auto log = bootlog::read_log(boot_log);
    const auto bank = bootlog::replay_bank(log.value(), kBank);
    for (unsigned pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = bank->value(pcr);
      agent.tpm.set_pcr(pcr, kBank, Bytes(value.begin(), value.end()));
    }
    runtime_log.clear();
    runtime_entries = 0;
  }
  void reboot() {
    agent.tpm.power_cycle();
    boot();
  }
  void measure(const testing::ImaEntry& entry) {
    append(runtime_log, entry.bytes());
    ++runtime_entries;
    agent.tpm.extend(10, kBank, testing::openssl_digest(kBank, entry.hashed));
  }
  void measure_aggregate() {
    Bytes values;
    const auto pcrs = must_value(agent.tpm.read_pcrs({{kBank, 0x3ff}}));
    for (const auto& [pcr, value] : pcrs) append(values, value);
    measure(
        testing::ima_entry("ima-ng", {testing::digest_field("sha256:", crypto::hash(kBank, values)),
                                      testing::path_field("boot_aggregate")}));
  }
  void set_manifest(const Json& object) {
    world.manifests = {std::make_shared<const Json>(object)};
    world.resolve_again();
    world.pass(seconds(1));
  }

  attest::UnverifiedEvidence evidence() {
    attest::UnverifiedEvidence out = world.quote(agent);
    out.boot_log = {crypto::sha256(boot_log), boot_log.size()};
    if (!runtime_log.empty()) {
      out.runtime_log = {runtime_entries, crypto::sha256(runtime_log), runtime_log.size()};
    }
    return out;
  }
  void store_boot_log() {
    world.store.blobs[crypto::sha256(boot_log)] = boot_log;
    arrived();
  }
  void store_runtime_log() {
    world.store.logs[{world.uid_of("n"), boot_name(agent.tpm.clock.reset_count)}] = runtime_log;
    arrived();
  }
  void arrived() {
    world.appraiser->logs_arrived("n", world.now());
    world.settle();
    world.pass(seconds(1));  // between two questions about a node
  }
  // A heartbeat 10 s after the last, with a newer clock.
  HeartbeatAnswer beat() {
    agent.tpm.clock.clock += 10'000;
    world.pass(seconds(10));
    return world.send("n", evidence());
  }
  void enrol(const std::string& members, const std::string& max_age = "5m") {
    world.set_policies({policy_with(members, max_age)});
    world.enrol(agent);
  }
  const NodeVerdict& verdict() const { return *world.find("n")->saved.verdict; }
  std::string first() const { return world.first_code("n"); }

  World world;
  TestAgent agent;
  Bytes boot_log, runtime_log;
  std::uint64_t runtime_entries = 0;
};

}  // namespace avouch::control
