#pragma once

// A release whose log and objects a test makes, truly or not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/token.h"
#include "base/hex.h"
#include "codec/base64.h"
#include "codec/cose.h"
#include "inspect/verify.h"
#include "support/answering_transport.h"
#include "support/manual_clock.h"
#include "tlog/bundle.h"
#include "tlog/entry.h"

namespace avouch::inspect {

using codec::Cbor;

inline const std::string kOrigin = "log";
inline const std::string kProxy =
    "/api/v1/namespaces/avouch-system/services/https:avouch-controller:443/proxy";

inline std::string json_entry(std::uint64_t index, std::string_view kind,
                              const tlog::NewEntry& entry) {
  return R"({"index":)" + std::to_string(index) + R"(,"kind":")" + std::string(kind) +
         R"(","statement":")" + codec::to_base64(entry.statement) + R"(","preimage":")" +
         codec::to_base64(entry.preimage) + R"("})";
}

inline void collect_failures(const ProofStep& step, std::vector<std::string>& out) {
  if (step.outcome == Outcome::kFails) out.push_back(step.claim);
  for (const ProofStep& part : step.parts) collect_failures(part, out);
}

// The proof fails, by that claim among others, and is shown as a tree.
inline void expect_failing(const Result<ProofStep>& proof, const std::string& claim) {
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_FALSE(all_hold(*proof));
  std::vector<std::string> failed;
  collect_failures(*proof, failed);
  EXPECT_THAT(failed, ::testing::Contains(::testing::HasSubstr(claim))) << render_text(*proof);
}

// A release with a small log, all of it in memory, and every way to lie about it.
class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    add("genesis", "log:0", Cbor::map({{Cbor::text("type"), Cbor::text("registration-policy")}}));
    add("genesis", "log:0", Cbor::map({{Cbor::text("type"), Cbor::text("trust-anchors")}}));
  }

  std::uint64_t add(const std::string& kind, const std::string& subject, Cbor payload) {
    auto made = tlog::make_entry(verifier_key, {kOrigin, subject, kind, std::move(payload)},
                                 crypto::system_random());
    EXPECT_TRUE(made.has_value());
    entries.push_back(*made);
    kinds.push_back(kind);
    return entries.size() - 1;
  }

  std::uint64_t add_node_verdict(const Bytes& token, const std::string& uid = "uid-1",
                                 const std::string& phase = "Trusted") {
    Cbor::Map map = {{Cbor::text("time"), Cbor::integer(1)},
                     {Cbor::text("node"), Cbor::text("n1")},
                     {Cbor::text("nodeUID"), Cbor::text(uid)},
                     {Cbor::text("phase"), Cbor::text(phase)}};
    if (!token.empty()) map.emplace_back(Cbor::text("token"), Cbor::bytes(token));
    return add("node-verdict", "node:1", Cbor::map(std::move(map)));
  }

  std::string basis_origin;  // of admission verdicts' nodeVerdict; empty: it says none
  std::string pod_name = "web-0";
  std::int64_t decided_at = 3;  // of admission verdicts, in milliseconds since 1970

  std::uint64_t add_admission(const std::string& decision, std::uint64_t node_verdict,
                              const Bytes& token, const std::string& node_uid = "uid-1",
                              const Cbor::Map& more = {}, const std::string& pod_uid = "pod-uid") {
    Cbor::Map basis = {
        {Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(node_verdict))},
        {Cbor::text("tokenDigest"), Cbor::bytes(crypto::sha256(token))}};
    if (!basis_origin.empty()) {
      basis.emplace_back(Cbor::text("origin"), Cbor::text(basis_origin));
    }
    Cbor::Map map = {{Cbor::text("time"), Cbor::integer(decided_at)},
                     {Cbor::text("decision"), Cbor::text(decision)},
                     {Cbor::text("namespace"), Cbor::text("shop")},
                     {Cbor::text("pod"), Cbor::text(pod_name)},
                     {Cbor::text("node"), Cbor::text("n1")},
                     {Cbor::text("nodeUID"), Cbor::text(node_uid)},
                     {Cbor::text("nodeVerdict"), Cbor::map(std::move(basis))}};
    if (!pod_uid.empty()) map.emplace_back(Cbor::text("podUID"), Cbor::text(pod_uid));
    map.insert(map.end(), more.begin(), more.end());
    return add("admission-verdict", "pod:1", Cbor::map(std::move(map)));
  }

  // What the controller lists, newest first.
  void list(const std::vector<std::uint64_t>& indexes) {
    std::string items;
    for (const std::uint64_t index : indexes) {
      items += (items.empty() ? "" : ",") + json_entry(index, kinds[index], entries[index]);
    }
    transport.answer(kProxy + "/v1/log/entries", R"({"entries":[)" + items + "]}");
  }

  Bytes token_for(const std::string& uid, attest::Status status = attest::Status::kAffirming) {
    attest::TokenClaims claims;
    claims.issuer = kOrigin;
    claims.issued_at = SystemTime(std::chrono::seconds(1'800'000'000));
    claims.expires_at = claims.issued_at + std::chrono::seconds(60);
    claims.verifier_build = "test";
    claims.status = status;
    claims.vector[attest::Claim::kInstanceIdentity] =
        status == attest::Status::kAffirming ? attest::kGenuine : attest::kUnacceptable;
    claims.node_uid = uid;
    claims.node_name = "n1";
    claims.ak_name = Bytes(34, 1);
    claims.beacon = {kOrigin, 2};
    claims.quote = crypto::Sha256{};
    claims.policies = {{"production", {}, {}, status}};
    auto signer = attest::KeySigner::make(verifier_key);
    auto token = attest::issue_token(claims, *signer);
    EXPECT_TRUE(token.has_value()) << (token.has_value() ? "" : token.error().message);
    return *token;
  }

  // Serves the log as it is now, and the objects of node n1.
  void serve(const Bytes& token, std::uint64_t index, const std::string& phase = "Trusted") {
    std::vector<tlog::Hash> leaves;
    Bytes tile;
    Bytes bundle;
    for (const tlog::NewEntry& entry : entries) {
      leaves.push_back(tlog::leaf_hash(entry.statement));
      append(tile, leaves.back());
      append_be16(bundle, static_cast<std::uint16_t>(entry.statement.size()));
      append(bundle, entry.statement);
    }
    const auto root =
        tlog::make_root(leaves.size(), [&](const tlog::Node& node) -> Result<tlog::Hash> {
          if (node.level == 0) return leaves[node.index];
          std::vector<tlog::Hash> level(leaves);
          for (unsigned i = 0; i < node.level; ++i) {
            std::vector<tlog::Hash> up;
            for (std::size_t j = 0; j + 1 < level.size(); j += 2)
              up.push_back(tlog::node_hash(level[j], level[j + 1]));
            level = up;
          }
          return level[node.index];
        });
    ASSERT_TRUE(root.has_value());
    const auto text =
        tlog::format_checkpoint({.origin = kOrigin, .size = leaves.size(), .root = *root});
    const auto signer = tlog::NoteSigner::make(kOrigin, log_key);
    const auto note = tlog::sign_note(*text, std::span(&*signer, 1));
    const std::string width = ".p/" + std::to_string(leaves.size());
    transport.answer(kProxy + "/log/checkpoint", *note);
    transport.answer(kProxy + "/log/tile/0/000" + width, as_text(tile));
    transport.answer(kProxy + "/log/tile/entries/000" + width, as_text(bundle));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      transport.answer(kProxy + "/v1/log/entries/" + std::to_string(i),
                       json_entry(i, kinds[i], entries[i]));
    }
    serve_objects_only(token, index, phase);
  }

  void serve_objects_only(const Bytes& token, std::uint64_t index,
                          const std::string& phase = "Trusted") {
    transport.answer("/api/v1/nodes/" + shown_name, R"({"metadata":{"name":")" + shown_name +
                                                        R"(","uid":")" + shown_uid + R"("}})");
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/" + shown_name,
                     R"({"metadata":{"name":")" + shown_name + R"("},"status":{"phase":")" + phase +
                         R"(","verdict":{"token":")" + codec::to_base64(token) +
                         R"(","log":{"index":)" + std::to_string(index) + "}}}}");
    list({index});
  }

  template <typename Ask>
  auto ask(const Ask& question, std::string reader_token = "token") {
    const kube::Client api(transport);
    LogAccess log(transport, {}, std::move(reader_token));
    std::vector<crypto::PublicKey> verifiers = {verifier_key.public_key()};
    verifiers.insert(verifiers.end(), more_verifiers.begin(), more_verifiers.end());
    const TrustAnchors anchors{
        verifiers, {*tlog::make_verifier(kOrigin, log_key.public_key())}, kOrigin, "test"};
    Verifier verifier(api, log, anchors, clock, [this](const std::string& what) {
      if (!what.starts_with("waiting for ")) return;
      waits.push_back(what);
      if (while_waiting) while_waiting();
      clock.advance(std::chrono::seconds(1));
    });
    auto proof = question(verifier);
    note_seen = verifier.checkpoint_note();
    return proof;
  }
  Result<ProofStep> verify_node(const Demands& demands = {}) {
    return ask([&](Verifier& verifier) { return verifier.node(shown_name, demands); });
  }
  Result<ProofStep> verify_pod(const Demands& demands = {}) {
    return ask([&](Verifier& verifier) { return verifier.pod("shop", "web-0", demands); });
  }
  Result<ProofStep> verify_log(const std::string& older) {
    return ask([&](Verifier& verifier) { return verifier.log(older); });
  }
  Result<ProofStep> verify_entry(std::uint64_t index) {
    return ask([&](Verifier& verifier) { return verifier.entry(index); });
  }

  std::string shown_name = "n1", shown_uid = "uid-1";  // that status is of
  std::vector<crypto::PublicKey> more_verifiers;
  std::string note_seen;
  std::vector<std::string> waits;  // what the user was told of them
  std::function<void()> while_waiting;
  crypto::PrivateKey verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  crypto::PrivateKey log_key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  std::vector<tlog::NewEntry> entries;
  std::vector<std::string> kinds;
  testing::AnsweringTransport transport;
  testing::ManualClock clock{SystemTime(std::chrono::seconds(1'800'000'010))};
};

}  // namespace avouch::inspect
