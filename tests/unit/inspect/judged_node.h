#pragma once

// A node with a TPM that was judged under one policy with a boot log, and the record of it.

#include <map>
#include <string>
#include <vector>

#include "appraisal/appraise.h"
#include "appraisal/record.h"
#include "attest/beacon.h"
#include "attest/token.h"
#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "support/ek_authority.h"
#include "support/software_tpm.h"
#include "support/vectors.h"

namespace avouch::inspect {

class JudgedNode {
 public:
  JudgedNode(const std::string& origin, const crypto::PrivateKey& verifier_key, SystemTime now)
      : boot_log(testing::read_vector("bootlogs/good.bin")) {
    boot();
    const attest::UnverifiedIdentity identity = {
        {maker_.issue(tpm_.ek().public_key())}, tpm_.ek_public(), ak_.public_area};
    const codec::Json spec = testing::must_value(codec::parse_json(
        R"({"nodeSelector":{},"workloads":{},"endorsement":{"trustBundles":[{"configMap":)"
        R"({"namespace":"ns","name":"makers"}}],"enrollment":"TrustOnFirstUse"},)"
        R"("pcrs":{"banks":["sha256"]},"bootLog":{"secureBoot":"Required",)"
        R"("kernelCommandLine":{"required":["quiet"]}}})"));
    put(to_bytes(testing::must_value(codec::canonical_json(spec))));
    put(appraisal::config_map_object({{"ca.pem", maker_.root().pem()}}));
    Makers makers(maker_.root().pem());
    const appraisal::PolicyInForce policy = appraisal::resolve(
        testing::must_value(attest::parse_policy("production", spec)), makers, now);
    record.node_name = "n1";
    record.time = now;
    record.identity = identity;
    record.beacon_text = origin + "\n9\nroot\n";
    record.beacon_published = now;
    record.evidence = quote(origin);
    record.boot_log = record.evidence.boot_log;
    put(boot_log);
    judge(policy, origin, verifier_key, now);
    record.policies = {{.name = "production",
                        .spec_digest = policy.policy.spec_digest,
                        .digest = policy.digest,
                        .resolved_at = now,
                        .endorsed_at = now,
                        .references = policy.references,
                        .boot = {appraisal::LogUse::Kind::kJudged, "", ""},
                        .runtime = {}}};
    packed = testing::must_value(appraisal::pack_record(record));
    for (const auto& object : packed.objects) put(object.bytes);
  }

  Bytes boot_log;
  appraisal::VerdictRecord record;
  appraisal::PackedRecord packed;
  std::map<crypto::Sha256, Bytes> objects;

 private:
  class Makers final : public appraisal::Material {
   public:
    explicit Makers(std::string pem) : pem_(std::move(pem)) {}
    Result<appraisal::ConfigMapData> config_map(const attest::ConfigMapName&) override {
      return appraisal::ConfigMapData{{"ca.pem", pem_}};
    }
    Result<std::shared_ptr<const reference::Manifest>> manifest(const std::string&) override {
      return rejected("there is none");
    }
    Result<std::shared_ptr<const reference::DigestSet>> digest_list(
        const reference::ListSource&) override {
      return rejected("there is none");
    }

   private:
    std::string pem_;
  };

  void put(Bytes bytes) {
    const crypto::Sha256 digest = crypto::sha256(bytes);
    objects[digest] = std::move(bytes);
  }
  void boot() {
    constexpr auto kBank = crypto::HashAlgorithm::kSha256;
    const auto log = bootlog::read_log(boot_log);
    const auto bank = bootlog::replay_bank(log.value(), kBank);
    for (unsigned pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = bank->value(pcr);
      tpm_.set_pcr(pcr, kBank, Bytes(value.begin(), value.end()));
    }
  }
  attest::UnverifiedEvidence quote(const std::string& origin) {
    const tpm::PcrSelection all = {{crypto::HashAlgorithm::kSha256, 0xffffff}};
    const crypto::Sha256 answer =
        attest::qualifying(attest::challenge(record.beacon_text, "uid-1"));
    const auto made = testing::must_value(tpm_.quote(ak_, answer, all));
    attest::UnverifiedEvidence out;
    out.node_uid = "uid-1";
    out.quote = attest::UnverifiedQuote{made.message, made.signature, {origin, 9}};
    out.pcrs = testing::must_value(tpm_.read_pcrs(all));
    out.boot_log = {crypto::sha256(boot_log), boot_log.size()};
    return out;
  }
  void judge(const appraisal::PolicyInForce& policy, const std::string& origin,
             const crypto::PrivateKey& verifier_key, SystemTime now) {
    const auto keys = attest::check_keys(record.identity);
    const attest::QuoteNeed need{"production", attest::selection_of_agents(policy.policy.spec)};
    attest::BeaconWindow window;
    window.add({origin, 9, record.beacon_text, now});
    const auto quote = attest::verify_quote(*record.evidence.quote, record.evidence.pcrs,
                                            {.keys = keys.value(),
                                             .node_uid = "uid-1",
                                             .beacons = window,
                                             .max_beacon_age = std::chrono::minutes(5),
                                             .needs = {&need, 1},
                                             .previous = {},
                                             .allowed_firmware = {},
                                             .now = now});
    testing::must(quote.has_value(), "a quote");
    const auto endorsement =
        attest::check_endorsement(keys.value(), record.identity, "n1", policy.endorsement, now);
    const attest::Verdict verdict = attest::combine({appraisal::appraise(
        policy, endorsement,
        {.quote = quote.value(),
         .boot = appraisal::judged(appraisal::judge_boot_log(boot_log, quote.value(), policy)),
         .runtime = {},
         .awaiting_logs = false})});
    testing::must(verdict.status == attest::Status::kAffirming, "an affirming verdict");
    attest::TokenClaims claims = attest::claims_of(verdict, quote.value(), origin, "n1", now);
    claims.verifier_build = "test";
    claims.boot_log = crypto::sha256(boot_log);
    attest::KeySigner signer = testing::must_value(attest::KeySigner::make(verifier_key));
    record.token = testing::must_value(attest::issue_token(claims, signer));
    for (const auto& reason : verdict.reasons) record.reasons.push_back(reason.code);
  }

  testing::SoftwareTpm tpm_;
  tpm::WrappedKey ak_ = tpm_.make_key(
      crypto::KeyType::kEcP256, {crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256});
  testing::EkAuthority maker_;
};

}  // namespace avouch::inspect
