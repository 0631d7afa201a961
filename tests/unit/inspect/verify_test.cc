#include "inspect/verify.h"

#include <gmock/gmock.h>
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

void collect_failures(const ProofStep& step, std::vector<std::string>& out) {
  if (step.outcome == Outcome::kFails) out.push_back(step.claim);
  for (const ProofStep& part : step.parts) collect_failures(part, out);
}

// The proof fails, by that claim among others, and is shown as a tree.
void expect_failing(const Result<ProofStep>& proof, const std::string& claim) {
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

  std::uint64_t add_admission(const std::string& decision, std::uint64_t node_verdict,
                              const Bytes& token, const std::string& node_uid = "uid-1") {
    return add(
        "admission-verdict", "pod:1",
        Cbor::map(
            {{Cbor::text("time"), Cbor::integer(3)},
             {Cbor::text("decision"), Cbor::text(decision)},
             {Cbor::text("namespace"), Cbor::text("shop")},
             {Cbor::text("pod"), Cbor::text("web-0")},
             {Cbor::text("podUID"), Cbor::text("pod-uid")},
             {Cbor::text("node"), Cbor::text("n1")},
             {Cbor::text("nodeUID"), Cbor::text(node_uid)},
             {Cbor::text("nodeVerdict"),
              Cbor::map(
                  {{Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(node_verdict))},
                   {Cbor::text("tokenDigest"), Cbor::bytes(crypto::sha256(token))}})}}));
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
    transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"uid-1"}})");
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                     R"({"metadata":{"name":"n1"},"status":{"phase":")" + phase +
                         R"(","verdict":{"token":")" + codec::to_base64(token) +
                         R"(","log":{"index":)" + std::to_string(index) + "}}}}");
    list({index});
  }

  template <typename Ask>
  Result<ProofStep> ask(const Ask& question, std::string reader_token = "token") {
    const kube::Client api(transport);
    LogAccess log(transport, {}, std::move(reader_token));
    const TrustAnchors anchors{{verifier_key.public_key()},
                               *tlog::make_verifier(kOrigin, log_key.public_key()),
                               kOrigin,
                               "test"};
    Verifier verifier(api, log, anchors, clock, [](const std::string&) {});
    auto proof = question(verifier);
    note_seen = verifier.checkpoint_note();
    return proof;
  }
  Result<ProofStep> verify_node(const Demands& demands = {}) {
    return ask([&](Verifier& verifier) { return verifier.node("n1", demands); });
  }
  Result<ProofStep> verify_pod(const Demands& demands = {}) {
    return ask([&](Verifier& verifier) { return verifier.pod("shop", "web-0", demands); });
  }
  Result<ProofStep> verify_log(const std::string& older) {
    return ask([&](Verifier& verifier) { return verifier.log(older); });
  }

  std::string note_seen;
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
  transport.on(kProxy + "/log/tile/0/000.p/3", [](const HttpRequest&) {
    return HttpResponse{.status = 200, .body = std::string(96, 'x')};
  });
  expect_failing(verify_node(), "leaf hash leads to the checkpoint's root");
}

TEST_F(VerifyTest, RefusesContentThatTheEntryDoesNotCommitTo) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  tlog::NewEntry swapped = entries[index];
  swapped.preimage = entries[0].preimage;
  transport.answer(kProxy + "/v1/log/entries/2", json_entry(2, "node-verdict", swapped));
  expect_failing(verify_node(), "content is what the statement commits to");
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
  const std::uint64_t index = add_admission("deny", node, token);
  serve(token, node);
  list({index});
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "deny");
  expect_failing(verify_pod({.trusted = true}), "the pod was let in");

  // The controller answers with the entry of another kind.
  list({node});
  EXPECT_FALSE(all_hold(*verify_pod()));
}

TEST_F(VerifyTest, ProvesThatTheRunningPodIsTheOneThatWasLetIn) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t in = add_admission("allow", node, token);
  const std::uint64_t later = add_admission("deny", node, token);
  serve(token, node);
  list({later, in});
  const std::string path = "/api/v1/namespaces/shop/pods/web-0";
  transport.answer(path, R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},)"
                         R"("spec":{"nodeName":"n1"}})");
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "allow");

  for (
      const char* other :
      {R"({"metadata":{"name":"web-0","namespace":"shop","uid":"other"},"spec":{"nodeName":"n1"}})",
       R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},"spec":{"nodeName":"n2"}})"}) {
    transport.answer(path, other);
    expect_failing(verify_pod(), "it let in the pod that runs now");
  }
}

TEST_F(VerifyTest, DoesNotBelieveAnAdmissionOnAnotherNodesVerdict) {
  const Bytes token = token_for("uid-2");
  const std::uint64_t node = add_node_verdict(token, "uid-2");
  const std::uint64_t index = add_admission("allow", node, token, "uid-1");
  serve(token, node);
  list({index});
  expect_failing(verify_pod(), "it is the verdict of that node");
}

TEST_F(VerifyTest, SaysThatARenewalWhichIsNoLongerKeptIsNotProven) {
  const std::uint64_t node = add_node_verdict(token_for("uid-1"));
  const std::uint64_t index = add_admission("allow", node, to_bytes("a renewed token"));
  serve(token_for("uid-1"), node);
  list({index});
  transport.on(kProxy + "/v1/log/renewals", [](const HttpRequest&) {
    return HttpResponse{.status = 404, .body = R"({"status":404})"};
  });
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_NE(render_text(*proof).find("-      "), std::string::npos);
  EXPECT_NE(render_text(*proof).find("renewal is not proven"), std::string::npos);
}

TEST_F(VerifyTest, SaysWhenThereIsNoVerdictOfAPod) {
  serve(token_for("uid-1"), 0);
  transport.answer(kProxy + "/v1/log/entries", R"({"entries":[]})");
  const auto none = verify_pod();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("shop/web-0"), std::string::npos);
}

// ---- each element of the chain, tampered with ----

TEST_F(VerifyTest, FailsOnEveryFlippedBitOfTheToken) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  for (std::size_t byte = 0; byte < token.size(); byte += 7) {
    Bytes tampered = token;
    tampered[byte] ^= 1;
    serve(tampered, index);
    expect_failing(verify_node(), "verdict token is signed by the verifier");
  }
}

TEST_F(VerifyTest, FailsOnATokenThatIsNoBase64) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                   R"({"metadata":{"name":"n1"},"status":{"phase":"Trusted",)"
                   R"("verdict":{"token":"***","log":{"index":2}}}})");
  expect_failing(verify_node(), "verdict token is signed by the verifier");
}

TEST_F(VerifyTest, FailsOnAVerdictThatHasExpiredOrIsOfTheFuture) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  clock.advance(std::chrono::seconds(49));
  EXPECT_TRUE(all_hold(*verify_node())) << "a second before its end";
  clock.advance(std::chrono::seconds(1));
  expect_failing(verify_node(), "it is in time");
  clock.step_wall_clock(-std::chrono::hours(1));
  expect_failing(verify_node(), "it is in time");
}

TEST_F(VerifyTest, FailsOnAnotherNodesTokenAndOnAnotherNodesEntry) {
  const Bytes other = token_for("uid-2");
  serve(other, add_node_verdict(other, "uid-2"));
  expect_failing(verify_node(), "it names this node's UID");

  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token, "uid-2"));
  expect_failing(verify_node(), "it is about this node");
}

TEST_F(VerifyTest, FailsWhereTheStatusWithoutTokenShowsAnotherNodesEntry) {
  const auto without_token = [&](std::uint64_t index, const std::string& phase) {
    serve({}, index, phase);
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                     R"({"metadata":{"name":"n1"},"status":{"phase":")" + phase +
                         R"(","verdict":{"log":{"index":)" + std::to_string(index) + "}}}}");
    list({index});
  };
  const std::uint64_t stale = add_node_verdict({}, "uid-1", "Stale");
  const std::uint64_t other = add_node_verdict({}, "uid-2", "Trusted");
  without_token(stale, "Stale");
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  expect_failing(verify_node({.trusted = true}), "the node is trusted");
  without_token(other, "Trusted");
  expect_failing(verify_node(), "it is about this node");
  without_token(stale, "Trusted");
  expect_failing(verify_node(), "its phase is the one that the status shows");
}

TEST_F(VerifyTest, FailsWhereTheStatusShowsMoreThanTheTokenSays) {
  const Bytes token = token_for("uid-1", attest::Status::kContraindicated);
  const std::uint64_t index = add_node_verdict(token, "uid-1", "Contraindicated");
  serve(token, index, "Contraindicated");
  EXPECT_TRUE(all_hold(*verify_node())) << render_text(*verify_node());
  expect_failing(verify_node({.trusted = true}), "the node is trusted");
  serve(token, index, "Trusted");
  expect_failing(verify_node(), "the status shows what it says");
}

TEST_F(VerifyTest, FailsWhereTheStatusWasTakenBackToAnOlderVerdict) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t old = add_node_verdict(token);
  const std::uint64_t newer = add_node_verdict(token_for("uid-1", attest::Status::kContraindicated),
                                               "uid-1", "Contraindicated");
  serve(token, old);
  list({newer});
  expect_failing(verify_node(), "the log lists no newer verdict");
}

TEST_F(VerifyTest, FailsOnACheckpointOfAnotherKeyOrAnotherLog) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  const crypto::PrivateKey ours = log_key;
  log_key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  serve(token, index);
  log_key = ours;
  expect_failing(verify_node(), "checkpoint is signed by the log");

  serve(token, index);
  const auto signer = tlog::NoteSigner::make(kOrigin, log_key);
  const auto other = tlog::format_checkpoint({.origin = "other.example", .size = 3});
  transport.answer(kProxy + "/log/checkpoint", *tlog::sign_note(*other, std::span(&*signer, 1)));
  expect_failing(verify_node(), "checkpoint is signed by the log");
}

TEST_F(VerifyTest, FailsOnACheckpointThatEndsBeforeTheEntry) {
  const Bytes token = token_for("uid-1");
  serve(token, 0);
  const std::uint64_t index = add_node_verdict(token);
  serve_objects_only(token, index);
  expect_failing(verify_node(), "the entry is in the log");
}

TEST_F(VerifyTest, FailsOnAStatementOfAnotherKey) {
  const Bytes token = token_for("uid-1");
  const crypto::PrivateKey ours = verifier_key;
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::uint64_t index = add_node_verdict(token);
  verifier_key = ours;
  serve(token, index);
  expect_failing(verify_node(), "statement is signed by the verifier");
}

TEST_F(VerifyTest, FailsWhereTheContentThatWouldTieTheEntryToTheTokenIsWithheld) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  transport.answer(kProxy + "/v1/log/entries/2",
                   R"({"index":2,"kind":"node-verdict","statement":"","withheld":"needs get"})");
  expect_failing(verify_node(), "it is about this node and this token");
}

TEST_F(VerifyTest, TellsALogThatDoesNotAnswerFromOneThatLies) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  const auto answer = [&](int status) {
    transport.on(kProxy + "/log/checkpoint", [status](const HttpRequest&) {
      return HttpResponse{.status = status,
                          .body = R"({"kind":"Status","message":"no endpoints available"})"};
    });
    return verify_node();
  };
  const auto down = answer(503);
  ASSERT_FALSE(down.has_value());
  EXPECT_EQ(down.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(down.error().message.find("is the controller's pod ready?"), std::string::npos);
  for (const int status : {403, 404}) {
    const auto refused = answer(status);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
    EXPECT_NE(refused.error().message.find("the log cannot be read"), std::string::npos);
  }
}

TEST_F(VerifyTest, SaysWhichNodeThereIsNot) {
  const auto none = verify_node();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("there is no node \"n1\""), std::string::npos);
  transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"uid-1"}})");
  const auto unseen = verify_node();
  ASSERT_FALSE(unseen.has_value());
  EXPECT_NE(unseen.error().message.find("has no AttestationEvidence"), std::string::npos);
}

TEST_F(VerifyTest, ProvesThatTheLogOnlyGrewSinceACheckpointThatWasKept) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  EXPECT_TRUE(all_hold(*verify_log("")));
  const std::string kept = note_seen;
  EXPECT_NE(kept, "");
  add_node_verdict(token);
  add_node_verdict(token);
  serve(token, 2);
  const auto grown = verify_log(kept);
  ASSERT_TRUE(grown.has_value()) << grown.error().message;
  EXPECT_TRUE(all_hold(*grown)) << render_text(*grown);
  const std::string newer = note_seen;

  // Taken back, and grown again differently.
  entries.resize(3);
  kinds.resize(3);
  serve(token, 2);
  expect_failing(verify_log(newer), "the log only grew");
  add_node_verdict(token, "uid-9");
  add_node_verdict(token, "uid-9");
  serve(token, 2);
  expect_failing(verify_log(newer), "the log only grew");
  EXPECT_TRUE(all_hold(*verify_log(kept))) << "the part before the fork is the same";
  expect_failing(verify_log("no checkpoint\n"), "the older checkpoint is signed");
}

}  // namespace
}  // namespace avouch::inspect
