#include "inspect/verify.h"

#include <gtest/gtest.h>

#include "attest/token.h"
#include "base/hex.h"
#include "codec/base64.h"
#include "codec/cose.h"
#include "support/answering_transport.h"
#include "support/manual_clock.h"
#include "tlog/bundle.h"
#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;

const std::string kOrigin = "log.example";
const std::string kProxy =
    "/api/v1/namespaces/avouch-system/services/https:avouch-controller:443/proxy";

std::string json_entry(std::uint64_t index, std::string_view kind, const tlog::NewEntry& entry) {
  return R"({"index":)" + std::to_string(index) + R"(,"kind":")" + std::string(kind) +
         R"(","statement":")" + codec::to_base64(entry.statement) + R"(","preimage":")" +
         codec::to_base64(entry.preimage) + R"("})";
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

  std::uint64_t add_node_verdict(const Bytes& token) {
    return add("node-verdict", "node:1",
               Cbor::map({{Cbor::text("time"), Cbor::integer(1)},
                          {Cbor::text("node"), Cbor::text("n1")},
                          {Cbor::text("nodeUID"), Cbor::text("uid-1")},
                          {Cbor::text("phase"), Cbor::text("Trusted")},
                          {Cbor::text("token"), Cbor::bytes(token)}}));
  }

  Bytes token_for(const std::string& uid) {
    attest::TokenClaims claims;
    claims.issuer = kOrigin;
    claims.issued_at = SystemTime(std::chrono::seconds(1'800'000'000));
    claims.expires_at = claims.issued_at + std::chrono::seconds(60);
    claims.verifier_build = "test";
    claims.status = attest::Status::kAffirming;
    claims.vector[attest::Claim::kInstanceIdentity] = attest::kGenuine;
    claims.node_uid = uid;
    claims.node_name = "n1";
    claims.ak_name = Bytes(34, 1);
    claims.beacon = {kOrigin, 2};
    claims.quote = crypto::Sha256{};
    claims.policies = {{"production", {}, {}, attest::Status::kAffirming}};
    auto signer = attest::KeySigner::make(verifier_key);
    auto token = attest::issue_token(claims, *signer);
    EXPECT_TRUE(token.has_value()) << (token.has_value() ? "" : token.error().message);
    return *token;
  }

  // Serves the log as it is now, and the objects of node n1.
  void serve(const Bytes& token, std::uint64_t index) {
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
    transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"uid-1"}})");
    transport.answer(
        "/apis/avouch.dev/v1alpha1/attestationevidences/n1",
        R"({"metadata":{"name":"n1"},"status":{"phase":"Trusted","verdict":{"token":")" +
            codec::to_base64(token) + R"(","log":{"index":)" + std::to_string(index) + "}}}}");
  }

  Result<ProofStep> verify_node() {
    const kube::Client api(transport);
    LogAccess log(transport, {}, "token");
    const TrustAnchors anchors{{verifier_key.public_key()},
                               *tlog::make_verifier(kOrigin, log_key.public_key()),
                               kOrigin,
                               "test"};
    return Verifier(api, log, anchors, clock, [](const std::string&) {}).node("n1");
  }
  Result<ProofStep> verify_pod() {
    const kube::Client api(transport);
    LogAccess log(transport, {}, "token");
    const TrustAnchors anchors{{verifier_key.public_key()},
                               *tlog::make_verifier(kOrigin, log_key.public_key()),
                               kOrigin,
                               "test"};
    return Verifier(api, log, anchors, clock, [](const std::string&) {}).pod("shop", "web-0");
  }

  crypto::PrivateKey verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  crypto::PrivateKey log_key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  std::vector<tlog::NewEntry> entries;
  std::vector<std::string> kinds;
  testing::AnsweringTransport transport;
  testing::ManualClock clock{SystemTime(std::chrono::seconds(1'800'000'010))};
};

TEST_F(VerifyTest, ProvesANodeFromTokenToCheckpoint) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
}

TEST_F(VerifyTest, DoesNotBelieveAnotherNodesToken) {
  const Bytes token = token_for("uid-2");
  serve(token, add_node_verdict(token));
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_FALSE(all_hold(*proof));
}

TEST_F(VerifyTest, DoesNotBelieveATokenOfAnotherKey) {
  const Bytes good = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(good);
  const crypto::PrivateKey ours = verifier_key;
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const Bytes forged = token_for("uid-1");
  verifier_key = ours;
  serve(forged, index);
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value());
  EXPECT_FALSE(all_hold(*proof));
}

TEST_F(VerifyTest, RefusesATreeThatDoesNotLeadToTheSignedRoot) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  std::string tile;
  transport.on(kProxy + "/log/tile/0/000.p/3", [](const HttpRequest&) {
    return HttpResponse{.status = 200, .body = std::string(96, 'x')};
  });
  EXPECT_FALSE(verify_node().has_value());
}

TEST_F(VerifyTest, RefusesContentThatTheEntryDoesNotCommitTo) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  tlog::NewEntry swapped = entries[index];
  swapped.preimage = entries[0].preimage;
  transport.answer(kProxy + "/v1/log/entries/2", json_entry(2, "node-verdict", swapped));
  EXPECT_FALSE(verify_node().has_value());
}

TEST_F(VerifyTest, ProvesARenewedTokenThroughItsEpoch) {
  const Bytes first = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(first);
  clock.advance(std::chrono::seconds(1));
  const Bytes renewed = token_for("uid-1");
  const tlog::Hash digest = crypto::sha256(renewed);
  Bytes leaf = to_bytes("node:1");
  append_u8(leaf, 0);
  append(leaf, digest);
  const tlog::Hash root = tlog::leaf_hash(leaf);
  add("epoch", "log:0",
      Cbor::map({{Cbor::text("time"), Cbor::integer(2)},
                 {Cbor::text("renewals"), Cbor::map({{Cbor::text("root"), Cbor::bytes(root)},
                                                     {Cbor::text("count"), Cbor::integer(1)}})}}));
  serve(renewed, index);
  transport.answer(kProxy + "/v1/log/renewals",
                   R"({"epochIndex":3,"leafIndex":0,"size":1,"path":[]})");
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);

  transport.answer(
      kProxy + "/v1/log/renewals",
      R"({"epochIndex":3,"leafIndex":1,"size":2,"path":[")" + codec::to_base64(root) + R"("]})");
  const auto lie = verify_node();
  ASSERT_TRUE(lie.has_value());
  EXPECT_FALSE(all_hold(*lie));
}

TEST_F(VerifyTest, ProvesAPodsDenialAndTheNodeVerdictBehindIt) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t index = add(
      "admission-verdict", "pod:1",
      Cbor::map(
          {{Cbor::text("time"), Cbor::integer(3)},
           {Cbor::text("decision"), Cbor::text("deny")},
           {Cbor::text("namespace"), Cbor::text("shop")},
           {Cbor::text("pod"), Cbor::text("web-0")},
           {Cbor::text("nodeUID"), Cbor::text("uid-1")},
           {Cbor::text("nodeVerdict"),
            Cbor::map({{Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(node))}})}}));
  serve(token, node);
  transport.answer(
      kProxy + "/v1/log/entries",
      R"({"entries":[)" + json_entry(index, "admission-verdict", entries[index]) + "]}");
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "deny");

  // The controller answers with the entry of another pod.
  transport.answer(kProxy + "/v1/log/entries",
                   R"({"entries":[)" + json_entry(node, "node-verdict", entries[node]) + "]}");
  const auto other = verify_pod();
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(all_hold(*other));
}

TEST_F(VerifyTest, SaysWhenThereIsNoVerdictOfAPod) {
  serve(token_for("uid-1"), 0);
  transport.answer(kProxy + "/v1/log/entries", R"({"entries":[]})");
  const auto none = verify_pod();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("shop/web-0"), std::string::npos);
}

}  // namespace
}  // namespace avouch::inspect
