#include "inspect/in_toto.h"

#include <gmock/gmock.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/random.h"
#include "reference/dsse_envelope.h"
#include "support/log_vectors.h"
#include "support/paths.h"
#include "support/process.h"
#include "tlog/entry.h"

namespace avouch::inspect {
namespace {

using codec::Cbor;
using codec::Json;
using ::testing::HasSubstr;

std::string made_file(const std::string& name) {
  return testing::read_text((testing::vectors_dir() / "tlog" / name).string());
}

// The files of generate.py: entry 0 is a node's verdict, 1 a pod's.
class InToto : public ::testing::Test {
 protected:
  InToto() {
    std::string vkey = made_file("log/log.vkey");
    vkey.erase(vkey.find('\n'));
    anchors.log_keys = {tlog::parse_vkey(vkey).value()};
    anchors.origin = "log.example.org/avouch";
    anchors.verifier_keys =
        crypto::PublicKey::list_from_pem(made_file("proofs/verifier.pem")).value();
  }

  static std::string file(int index) {
    return made_file("exports/" + std::to_string(index) + ".in-toto.json");
  }
  static Json statement(int index) {
    const auto envelope = reference::parse_envelope_unverified(file(index));
    return codec::parse_json(envelope->payload).value();
  }
  ProofStep check(const std::string& envelope) const {
    return check_in_toto(envelope, std::span(&signer, 1), anchors);
  }
  // By the same key: the signer may say what the log does not.
  ProofStep check_said(const Json& said) const {
    return check(
        reference::sign_envelope(key, kInTotoPayloadType, codec::canonical_json(said).value())
            .value());
  }
  void expect_fails(const Json& said, const std::string& why) const {
    const ProofStep shown = check_said(said);
    EXPECT_FALSE(all_hold(shown));
    EXPECT_THAT(render_text(shown), HasSubstr(why));
  }

  const crypto::PrivateKey key =
      crypto::PrivateKey::from_pem(made_file("exports/signer-key.pem")).value();
  const crypto::PublicKey signer =
      crypto::PublicKey::from_pem(made_file("exports/signer.pem")).value();
  ProofFileAnchors anchors;
};

TEST_F(InToto, IsWhatAnIndependentProgramMakesOfTheSameEntry) {
  for (const int index : {0, 1}) {
    const Json said = statement(index);
    const auto proof = tlog::parse_log_proof(said.text({"predicate", "proof"}));
    const auto preimage = codec::from_base64(said.text({"predicate", "preimage"}));
    EXPECT_EQ(sign_in_toto(key, *proof, *preimage).value(), file(index));
    const ProofStep shown = check(file(index));
    EXPECT_TRUE(all_hold(shown)) << render_text(shown);
    EXPECT_THAT(render_text(shown), HasSubstr("subject and predicate are what the entry says"));
    EXPECT_THAT(render_text(shown), HasSubstr("statement is signed by the verifier"));
  }
  EXPECT_THAT(render_text(check(file(0))), HasSubstr("node worker-1 became Trusted"));
  EXPECT_THAT(render_text(check(file(1))), HasSubstr("deny of pod shop/web-0"));
}

TEST_F(InToto, IsBelievedOfItsSignerAloneAndOnlyWhereTheLogSaysIt) {
  const crypto::PublicKey other =
      crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  for (const auto& keys : {std::vector<crypto::PublicKey>{}, std::vector{other}}) {
    const ProofStep shown = check_in_toto(file(0), keys, anchors);
    EXPECT_FALSE(all_hold(shown));
    EXPECT_THAT(render_text(shown), HasSubstr("by a key that was given"));
    EXPECT_EQ(shown.parts.size(), 1U);  // what nobody signed is not read
  }
  ProofFileAnchors elsewhere = anchors;
  elsewhere.origin = "other.example";
  EXPECT_FALSE(all_hold(check_in_toto(file(0), std::span(&signer, 1), elsewhere)));
  ProofFileAnchors by_others = anchors;
  by_others.verifier_keys = {other};
  EXPECT_FALSE(all_hold(check_in_toto(file(0), std::span(&signer, 1), by_others)));
}

TEST_F(InToto, FailsWhereItsSignerSaysAnythingThatTheEntryDoesNot) {
  const Json whole = statement(1);
  Json said = whole;
  said["predicate"]["outcome"] = "allow";
  expect_fails(said, "predicate.outcome");
  said = whole;
  said["predicate"]["content"]["decision"] = "allow";
  expect_fails(said, "predicate.content");
  said = whole;
  said["predicate"]["time"] = "2027-01-15T08:00:59Z";
  expect_fails(said, "predicate.time");
  said = whole;
  said["predicate"].as_object()->erase("index");
  expect_fails(said, "predicate.index");
  said = whole;
  said["subject"].as_array()->front()["digest"]["sha256"] = std::string(64, '0');
  expect_fails(said, "subject is missing, or not what");
  said = whole;
  said["subject"].as_array()->push_back(statement(0).find("subject")->as_array()->front());
  expect_fails(said, "subject is missing, or not what");
  said = whole;
  said["predicateType"] = "https://slsa.dev/verification_summary/v1";
  expect_fails(said, "predicateType are not");
  said = whole;
  said["predicate"]["preimage"] = statement(0).text({"predicate", "preimage"});
  expect_fails(said, "content is what the statement commits to");
  said = whole;
  said["predicate"]["proof"] = statement(0).text({"predicate", "proof"});
  expect_fails(said, "content is what the statement commits to");
  said = whole;
  said["predicate"]["proof"] = "none";
  expect_fails(said, "predicate.proof");
  said = whole;
  said["predicate"]["preimage"] = "?";
  expect_fails(said, "predicate.preimage");
  expect_fails(Json("text"), "_type");
}

TEST_F(InToto, MayHaveMembersThatTheTypeHasNot) {
  Json said = statement(0);
  said["predicate"]["example_note"] = "of the signer";
  said["annotations"] = Json::Object{};
  EXPECT_TRUE(all_hold(check_said(said))) << render_text(check_said(said));
}

TEST_F(InToto, SaysWhatIsNoEnvelopeAndNoJson) {
  EXPECT_THAT(render_text(check("{}")), HasSubstr("the file is a DSSE envelope"));
  const auto garbage = reference::sign_envelope(key, kInTotoPayloadType, "{");
  EXPECT_THAT(render_text(check(*garbage)), HasSubstr("the payload is JSON"));
  const auto other = reference::sign_envelope(key, "application/json", "{}");
  EXPECT_FALSE(all_hold(check(*other)));
}

TEST_F(InToto, IsMadeOnlyOfVerdictsThatNameTheirSubject) {
  const crypto::PrivateKey verifier = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto refusal = [&](std::string_view kind, const Cbor::Map& payload) {
    const auto made =
        tlog::make_entry(verifier, {"log", "node:x", std::string(kind), Cbor::map(payload)},
                         crypto::system_random());
    const auto done = sign_in_toto(key, {made->statement, 0, {}, "note"}, made->preimage);
    return done.has_value() ? "" : done.error().message;
  };
  const auto text = [](const char* name, const char* value) {
    return std::pair(Cbor::text(name), Cbor::text(value));
  };
  EXPECT_THAT(refusal("epoch", {}), HasSubstr("expected node-verdict or admission-verdict"));
  EXPECT_THAT(refusal("node-verdict", {text("node", "a")}), HasSubstr("UID of its node"));
  EXPECT_THAT(refusal("admission-verdict", {text("pod", "a")}), HasSubstr("UID of its pod"));
  EXPECT_EQ(refusal("node-verdict", {text("node", "a"), text("nodeUID", "u")}), "");
  EXPECT_EQ(refusal("admission-verdict",
                    {{Cbor::text("podSpecDigest"), Cbor::bytes(crypto::sha256("spec"))}}),
            "");

  const testing::LogVectors of_another("statements.txt");
  EXPECT_THAT(sign_in_toto(key, {of_another.bytes("es256"), 0, {}, "note"}, {}).error().message,
              HasSubstr("not one that the log's verifier made"));
  EXPECT_THAT(sign_in_toto(key, {std::nullopt, 0, {}, "note"}, {}).error().message,
              HasSubstr("the proof does not hold it"));
  const auto node = tlog::parse_log_proof(statement(0).text({"predicate", "proof"}));
  EXPECT_THAT(sign_in_toto(key, *node, to_bytes("other")).error().message, HasSubstr("preimage"));
}

TEST_F(InToto, IsToldFromTheOtherForms) {
  const auto form = [](const std::string& name) {
    const std::string content = made_file(name);
    return form_of(as_bytes(content));
  };
  EXPECT_EQ(form("exports/0.in-toto.json"), ProofForm::kInToto);
  EXPECT_EQ(form("proofs/0.cose"), ProofForm::kTransparentStatement);
  EXPECT_EQ(form("proofs/0.tlog-proof"), ProofForm::kLogProof);
  EXPECT_EQ(form_of({}), ProofForm::kLogProof);
  EXPECT_EQ(form_of(as_bytes("{")), ProofForm::kInToto);
  EXPECT_EQ(form_of(as_bytes(" {")), ProofForm::kLogProof);
}

}  // namespace
}  // namespace avouch::inspect
