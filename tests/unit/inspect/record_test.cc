// Verdicts judged again through the controller's read side, and the boot log of `explain node`.

#include "inspect/boot_log.h"
#include "inspect/golden_node.h"
#include "tests/unit/inspect/judged_node.h"
#include "tests/unit/inspect/lying_release.h"

namespace avouch::inspect {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kNotKept = R"({"status":404,"code":"NotKept","detail":"is not kept"})";

class RecordTest : public VerifyTest {
 protected:
  RecordTest() {
    add_verdict(node.packed.digest);
    keep(node.packed.bytes);
    for (const auto& [digest, bytes] : node.objects) keep_object(digest, bytes);
  }
  // The verdict's entry, and the status that shows it.
  void add_verdict(const crypto::Sha256& record) {
    const std::uint64_t index =
        add("node-verdict", "node:1",
            Cbor::map({{Cbor::text("time"), Cbor::integer(1)},
                       {Cbor::text("node"), Cbor::text("n1")},
                       {Cbor::text("nodeUID"), Cbor::text("uid-1")},
                       {Cbor::text("phase"), Cbor::text("Trusted")},
                       {Cbor::text("token"), Cbor::bytes(node.record.token)},
                       {Cbor::text("record"), Cbor::bytes(record)}}));
    serve(node.record.token, index);
  }
  std::string path() const {
    return kProxy + "/v1/records/sha256:" + to_hex(crypto::sha256(node.record.token));
  }
  void keep(const Bytes& record) { transport.answer(path(), as_text(record)); }
  void keep_object(const crypto::Sha256& digest, Bytes bytes) {
    transport.on(path() + "/sha256:" + to_hex(digest), [bytes = std::move(bytes)](
                                                           const HttpRequest& request) {
      const auto text = query_value(request.query, "offset");
      const std::size_t offset = std::stoul(text->value_or("0"));
      const ByteView rest = ByteView(bytes).subspan(std::min(bytes.size(), offset));
      // In pieces, as the controller gives them.
      return HttpResponse{.status = 200,
                          .body = std::string(as_text(rest.first(std::min(rest.size(), kPiece))))};
    });
  }
  void drop(const std::string& at) {
    transport.on(at,
                 [](const HttpRequest&) { return HttpResponse{.status = 404, .body = kNotKept}; });
  }
  Result<ProofStep> again() { return verify_node({.trusted = false, .reappraise = true}); }

  static constexpr std::size_t kPiece = 10'000;
  JudgedNode node{kOrigin, verifier_key, SystemTime(std::chrono::seconds(1'800'000'005))};
};

TEST_F(RecordTest, AVerdictIsJudgedAgainWithTheSameOutcome) {
  const auto proof = again();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  const std::string text = render_text(*proof);
  EXPECT_THAT(text, HasSubstr("judged again, the verdict is the same: affirming"));
  EXPECT_THAT(text, HasSubstr("the verdict's log entry names this record"));
  EXPECT_THAT(text, HasSubstr("the boot log sha256:" + to_hex(crypto::sha256(node.boot_log))));
}

TEST_F(RecordTest, WithoutBeingAskedNothingIsJudgedAgain) {
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value());
  EXPECT_EQ(render_text(*proof).find("judged again"), std::string::npos);
}

TEST_F(RecordTest, ARecordThatIsNotKeptAnyMoreIsSaid) {
  drop(path());
  expect_failing(again(), "its record is kept");
  EXPECT_THAT(render_text(*again()), HasSubstr("records.retention"));
}

TEST_F(RecordTest, AnInputThatIsNotKeptAnyMoreIsNamed) {
  const std::string digest = "sha256:" + to_hex(crypto::sha256(node.boot_log));
  drop(path() + "/" + digest);
  expect_failing(again(), "an input is kept as it was");
  EXPECT_THAT(render_text(*again()), HasSubstr("the boot log " + digest + " is not kept any more"));
}

TEST_F(RecordTest, AnInputThatWasChangedIsNamed) {
  Bytes changed = node.boot_log;
  changed.back() ^= 1;
  keep_object(crypto::sha256(node.boot_log), changed);
  expect_failing(again(), "an input is kept as it was");
  EXPECT_THAT(render_text(*again()), HasSubstr("other bytes"));
}

TEST_F(RecordTest, AnotherRecordThanTheLogEntryNamesIsNotBelieved) {
  appraisal::VerdictRecord other = node.record;
  other.time += std::chrono::seconds(1);
  keep(appraisal::pack_record(other)->bytes);
  expect_failing(again(), "the verdict's log entry names this record");
}

TEST_F(RecordTest, TheRecordOfAnotherVerdictIsNotBelieved) {
  appraisal::VerdictRecord other = node.record;
  other.token = token_for("uid-1");
  const auto packed = appraisal::pack_record(other);
  add_verdict(packed->digest);
  keep(packed->bytes);
  expect_failing(again(), "the record is of this verdict");
}

TEST_F(RecordTest, AnotherPolicyIsNotJudgedBy) {
  appraisal::VerdictRecord other = node.record;
  const Bytes none = to_bytes("{}");
  other.policies.at(0).spec_digest = crypto::sha256(none);
  const auto packed = appraisal::pack_record(other);
  add_verdict(packed->digest);
  keep(packed->bytes);
  keep_object(crypto::sha256(none), none);
  expect_failing(again(), "the record is of this verdict");
}

TEST_F(RecordTest, AnotherOutcomeIsToldOf) {
  appraisal::VerdictRecord other = node.record;
  other.policies.at(0).boot = {};  // as if there had been no log
  const auto packed = appraisal::pack_record(other);
  add_verdict(packed->digest);
  keep(packed->bytes);
  expect_failing(again(), "judged again, the outcome is the same");
}

TEST_F(RecordTest, NoAnswerOrNoPermissionIsAnErrorAndNoProof) {
  transport.on(path(), [](const HttpRequest&) { return HttpResponse{.status = 503, .body = ""}; });
  const auto away = again();
  ASSERT_FALSE(away.has_value());
  EXPECT_EQ(away.error().kind, ErrorKind::kRetryable);
  transport.on(path(), [](const HttpRequest&) {
    return HttpResponse{.status = 403, .body = R"({"code":"NotEntitled","detail":"needs get"})"};
  });
  const auto refused = again();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("needs get"));
}

TEST_F(RecordTest, ThePodsNodeVerdictIsJudgedAgain) {
  const std::uint64_t basis = entries.size() - 1;
  const std::uint64_t index = add_admission("allow", basis, node.record.token);
  serve(node.record.token, basis);
  list({index});
  auto proof = verify_pod({.trusted = false, .reappraise = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_THAT(render_text(*proof), HasSubstr("judged again, the verdict is the same"));
  drop(path());
  expect_failing(verify_pod({.trusted = false, .reappraise = true}), "its record is kept");
}

class BootLogTest : public RecordTest {
 protected:
  Result<appraisal::LogDump> read(const std::string& reader_token = "token") {
    const kube::Client api(transport);
    LogAccess log(transport, {}, reader_token);
    return read_boot_log(api, log, report);
  }
  NodeReport report = [] {
    NodeReport out;
    out.name = "n1";
    return out;
  }();
};

TEST_F(BootLogTest, IsDecodedWithTheEventsThatReasonsName) {
  report.reasons = {{"BootImageUnknown", "contraindicated", "is unknown",
                     codec::parse_json(R"({"event":{"pcr":4,"number":5}})").value()}};
  const auto dump = read();
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  ASSERT_GT(dump->events.size(), 6U);
  EXPECT_THAT(dump->events[5].reasons, ElementsAre("BootImageUnknown"));
  EXPECT_TRUE(dump->events[6].reasons.empty());
  EXPECT_TRUE(dump->problems.empty()) << dump->problems.front().message;
  const std::string table = appraisal::to_table(*dump, appraisal::kWholeText);
  EXPECT_THAT(table, HasSubstr(">>> 5 "));
  EXPECT_THAT(table, HasSubstr("<- BootImageUnknown\n"));
  EXPECT_THAT(codec::to_json(appraisal::to_json(*dump)),
              HasSubstr(R"("reasons":["BootImageUnknown"])"));
}

TEST_F(BootLogTest, SaysWhyThereIsNone) {
  EXPECT_THAT(read("").error().message, HasSubstr("Role avouch-log-reader grants it"));
  drop(path() + "/sha256:" + to_hex(crypto::sha256(node.boot_log)));
  EXPECT_THAT(read().error().message, HasSubstr("is not kept any more"));
  keep_object(crypto::sha256(node.boot_log), to_bytes("other"));
  EXPECT_THAT(read().error().message, HasSubstr("has other bytes"));
  appraisal::VerdictRecord without = node.record;
  without.boot_log.reset();
  keep(appraisal::pack_record(without)->bytes);
  EXPECT_THAT(read().error().message, HasSubstr("no policy asks for it"));
  drop(path());
  EXPECT_THAT(read().error().message, HasSubstr("not kept"));
}

class GoldenNodeTest : public RecordTest {
 protected:
  Result<GoldenNode> read(const std::string& reader_token = "token") {
    const kube::Client api(transport);
    LogAccess log(transport, {}, reader_token);
    const TrustAnchors anchors{{verifier_key.public_key()},
                               {*tlog::make_verifier(kOrigin, log_key.public_key())},
                               kOrigin,
                               "test"};
    return read_golden_node(api, log, anchors, "n1");
  }
  std::string problem() {
    const auto golden = read();
    return golden.has_value() ? "none" : golden.error().message;
  }
  // As the record of the same verdict.
  void keep_instead(const appraisal::VerdictRecord& record) {
    const auto packed = appraisal::pack_record(record);
    keep(packed->bytes);
    for (const auto& object : packed->objects) keep_object(object.digest, object.bytes);
  }
};

TEST_F(GoldenNodeTest, IsReadOutOfTheRecordOfItsVerdict) {
  const auto golden = read();
  ASSERT_TRUE(golden.has_value()) << golden.error().message;
  EXPECT_THAT(golden->verdict, HasSubstr("affirming at 20"));
  EXPECT_EQ(golden->evidence.boot_log, node.boot_log);
  EXPECT_FALSE(golden->evidence.runtime_log.has_value());
  EXPECT_EQ(golden->evidence.pcrs, node.record.evidence.pcrs);
  const auto answer = attest::qualifying(attest::challenge(node.record.beacon_text, "uid-1"));
  EXPECT_TRUE(equal(golden->evidence.nonce, answer));
}

TEST_F(GoldenNodeTest, WhatIsNotOfTheVerdictIsRefused) {
  appraisal::VerdictRecord other = node.record;
  other.evidence.quote->message.back() ^= 1;
  keep_instead(other);
  EXPECT_THAT(problem(), HasSubstr("another quote"));
  other = node.record;
  other.evidence.node_uid = "uid-2";
  keep_instead(other);
  EXPECT_THAT(problem(), HasSubstr("another node UID"));
  other = node.record;
  const JudgedNode stranger{kOrigin, verifier_key, node.record.time};
  other.identity = stranger.record.identity;
  keep_instead(other);
  EXPECT_THAT(problem(), HasSubstr("another attestation key"));
  other = node.record;
  const Bytes log = to_bytes("another log");
  keep_object(crypto::sha256(log), log);
  other.boot_log = {crypto::sha256(log), log.size()};
  keep_instead(other);
  EXPECT_THAT(problem(), HasSubstr("judged without a log"));
}

TEST_F(GoldenNodeTest, TheVerdictOfAnotherNodeIsRefused) {
  transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"uid-9"}})");
  EXPECT_THAT(problem(), HasSubstr("UID uid-9"));
}

TEST_F(GoldenNodeTest, AVerdictOfAnotherVerifierIsRefused) {
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  EXPECT_FALSE(read().has_value());
}

TEST_F(GoldenNodeTest, SaysWhatIsNotThere) {
  EXPECT_THAT(read("").error().message, HasSubstr("Role avouch-log-reader grants it"));
  drop(path() + "/sha256:" + to_hex(crypto::sha256(node.boot_log)));
  EXPECT_THAT(problem(), HasSubstr("is not kept any more"));
  drop(path());
  EXPECT_THAT(problem(), HasSubstr("not kept"));
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                   R"({"metadata":{"name":"n1"},"status":{"phase":"Pending"}})");
  EXPECT_THAT(problem(), HasSubstr("no verdict on evidence"));
}

}  // namespace
}  // namespace avouch::inspect
