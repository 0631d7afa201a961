// Remarks over HTTP: who may send them, which references are believed, what is refused and how, and
// what is in the log afterwards.

#include "control/remark_handler.h"

#include <gmock/gmock.h>

#include "codec/cose.h"
#include "control/remark_rights.h"
#include "support/other_log.h"
#include "tlog/entry.h"
#include "tlog/log_proof.h"
#include "tlog/receipt.h"
#include "unit/control/entering_scene.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;
using testing::must_value;
using tlog::RemarkKind;

constexpr const char* kTheirs = "log.example/theirs";

const testing::OtherLog& theirs() {
  static const testing::OtherLog one(kTheirs);
  return one;
}

class RemarkHandlerTest : public EnteringTest {
 protected:
  RemarkHandlerTest() {
    testing::must(ensure_genesis(*log, entries, "log", Bytes(32, 1), key, "vkey",
                                 crypto::system_random(), clock.now())
                      .has_value(),
                  "genesis");
    must_value(log->publish_now());
    for (const auto& [kind, resource] : kRemarkResources) {
      allow("sender", "create", std::string(resource));
    }
  }

  tlog::EntryReference ours(std::uint64_t at) const {
    return {"log", at, tlog::leaf_hash(must_value(log->get(at)).entry), ""};
  }
  tlog::Remark endorsement(std::vector<tlog::EntryReference> refs) const {
    tlog::Remark remark;
    remark.refs = std::move(refs);
    remark.text = "looked at by hand";
    return remark;
  }
  tlog::Remark supersede(std::uint64_t at) const {
    tlog::Remark remark;
    remark.kind = RemarkKind::kSupersede;
    remark.refs = {ours(at)};
    return remark;
  }

  tlog::Remark erasure(std::uint64_t at) const {
    tlog::Remark remark;
    remark.kind = RemarkKind::kErasure;
    remark.refs = {ours(at)};
    remark.text = "asked for";
    return remark;
  }
  // An entry of that kind; its index.
  std::uint64_t add(std::string_view kind, const std::string& issuer = "log") {
    auto made = must_value(
        tlog::make_entry(key,
                         {.issuer = issuer,
                          .subject = "x",
                          .kind = std::string(kind),
                          .payload = Cbor::map({{Cbor::text("pod"), Cbor::text("web-0")}})},
                         crypto::system_random()));
    const auto place = must_value(log->append_and_wait(
        {.entry = std::move(made.statement), .preimage = std::move(made.preimage), .id = ""}));
    must_value(log->publish_now());
    return place.index;
  }

  static HttpRequest request(const std::string& resource, ByteView body,
                             const std::string& user = "sender") {
    HttpRequest out;
    out.method = "POST";
    out.path = "/v1/log/" + resource;
    out.headers.add("Content-Type", "application/cbor");
    out.headers.add("Content-Length", std::to_string(body.size()));
    if (!user.empty()) out.headers.add("Authorization", "Bearer " + user + "s-token");
    out.body = as_text(body);
    return out;
  }
  HttpResponse serve(HttpRequest what) { return serve_by(handler, std::move(what)); }
  HttpResponse post(const tlog::Remark& remark, const std::string& id = "1",
                    const std::string& user = "sender") {
    return serve(
        request(remark_resource(remark.kind), tlog::format_remark_request({id, remark}), user));
  }
  // The index of the entry that it became.
  std::uint64_t must_post(const tlog::Remark& remark, const std::string& id = "1") {
    const HttpResponse response = post(remark, id);
    testing::must(response.status == 201, "a remark is taken");
    return static_cast<std::uint64_t>(*answer(response).find("index")->as_integer());
  }
  static Cbor answer(const HttpResponse& response) {
    return must_value(codec::parse_cbor(to_bytes(response.body)));
  }
  tlog::RecordedRemark recorded(std::uint64_t at) const {
    const tlog::StoredEntry stored = must_value(log->get(at));
    const auto statement = must_value(tlog::parse_statement_unverified(stored.entry));
    return must_value(tlog::parse_remark(
        *tlog::remark_kind(statement.kind),
        must_value(tlog::open_preimage(statement.preimage_digest, stored.preimage)), "log", at));
  }
  void expect_refused(const HttpResponse& response, int status, const std::string& what) {
    EXPECT_EQ(response.status, status);
    EXPECT_THAT(said(response), HasSubstr(what));
  }

  RemarkParts parts(std::optional<tlog::LogPolicy> trusted) {
    return {.log = *log,
            .entries = entries,
            .volume = volume,
            .receipts = receipts,
            .origin = "log",
            .pseudonym_key = Bytes(32, 1),
            .verifier_key = key,
            .random = crypto::system_random(),
            .clock = clock,
            .trusted = std::move(trusted)};
  }
  RemarkHandler handler{parts(must_value(tlog::LogPolicy::parse(theirs().policy_with_quorum()))),
                        reception, access, lane, notes};
};

TEST_F(RemarkHandlerTest, ARemarkBecomesAnEntry) {
  const tlog::Remark remark = endorsement({ours(1), theirs().reference(5, 33)});
  const HttpResponse response = post(remark);
  ASSERT_EQ(response.status, 201) << said(response);
  EXPECT_EQ(response.content_type, "application/cbor");
  EXPECT_EQ(response.headers.find("Location"), "/v1/log/entries/2");

  const Cbor body = answer(response);
  const Bytes entry = *body.find("statement")->as_bytes();
  EXPECT_EQ(entry, must_value(log->get(2)).entry);
  EXPECT_EQ(*body.find("preimage")->as_bytes(), must_value(log->get(2)).preimage);
  const crypto::PublicKey public_key = key.public_key();
  const auto statement =
      must_value(tlog::verify_statement(entry, std::span(&public_key, 1), "log"));
  EXPECT_EQ(statement.kind(), "endorsement");
  EXPECT_EQ(statement.subject(), tlog::entry_pseudonym(Bytes(32, 1), "log", 1));
  const auto receipt = must_value(tlog::verify_receipt(
      *body.find("receipt")->as_bytes(), tlog::leaf_hash(entry), std::span(&public_key, 1), "log"));
  EXPECT_EQ(receipt.inclusion().index, 2U);

  const tlog::RecordedRemark made = recorded(2);
  EXPECT_EQ(made.by, "sender");
  EXPECT_EQ(made.time, clock.now());
  EXPECT_EQ(made.remark, remark);  // here nothing of the proof is left out
  EXPECT_THAT(notes.last, HasSubstr("entry 2: endorsement, sent by \"sender\""));
}

TEST_F(RemarkHandlerTest, EveryKindIsTaken) {
  tlog::Remark dispute = endorsement({theirs().reference(0, 40)});
  dispute.kind = RemarkKind::kDispute;
  EXPECT_EQ(must_post(dispute), 2U);
  tlog::Remark measurement = endorsement({ours(2)});
  measurement.kind = RemarkKind::kMeasurement;
  measurement.values = {{"pcr 8", "sha256", Bytes(32, 8)}};
  EXPECT_EQ(must_post(measurement), 3U);
  EXPECT_EQ(must_post(endorsement({ours(2), ours(3)})), 4U);
  tlog::Remark superseding = supersede(3);
  superseding.replacement = ours(4);
  EXPECT_EQ(must_post(superseding), 5U);
  EXPECT_EQ(recorded(2).remark, dispute);
  EXPECT_EQ(recorded(3).remark, measurement);
  EXPECT_EQ(recorded(5).remark, superseding);
  EXPECT_EQ(handler.counts().recorded, 4U);
  EXPECT_EQ(handler.counts().refused, 0U);
}

TEST_F(RemarkHandlerTest, EachKindNeedsItsOwnRight) {
  add_user("disputer");
  allow("disputer", "create", "disputes");
  const tlog::Remark remark = endorsement({ours(1)});
  expect_refused(post(remark, "1", "disputer"), 403, "create endorsements.avouch.dev");
  tlog::Remark dispute = remark;
  dispute.kind = RemarkKind::kDispute;
  EXPECT_EQ(post(dispute, "1", "disputer").status, 201);
  EXPECT_EQ(recorded(2).by, "disputer");
}

TEST_F(RemarkHandlerTest, WhoIsNotKnownOrMayNotStoresNothing) {
  const Bytes body = tlog::format_remark_request({"1", endorsement({ours(1)})});
  expect_refused(serve(request("endorsements", body, "")), 401, "Unauthenticated");
  expect_refused(serve(request("endorsements", body, "nobody")), 401, "Unauthenticated");
  // Of who may not, the body is not looked at.
  for (const Bytes& any : {body, to_bytes("garbage")}) {
    expect_refused(serve(request("endorsements", any, "stranger")), 403, "NotEntitled: ");
  }
  server.set_down(true);
  const HttpResponse later = serve(request("endorsements", body, "late"));
  expect_refused(later, 503, "ReviewUnavailable");
  EXPECT_TRUE(later.headers.find("Retry-After").has_value());
  EXPECT_EQ(size(), 2U);
}

TEST_F(RemarkHandlerTest, WhatIsMalformedIsRefused) {
  expect_refused(serve(request("endorsements", to_bytes("garbage"))), 400, "Malformed request: ");
  expect_refused(serve(request("endorsements", {})), 400, "Malformed request: ");
  tlog::Remark dispute = endorsement({ours(1)});
  dispute.kind = RemarkKind::kDispute;
  dispute.text = "";
  expect_refused(post(dispute), 400, "Malformed request: text: ");
  expect_refused(post(endorsement({})), 400, "Malformed request: refs: ");
  EXPECT_EQ(size(), 2U);
  EXPECT_EQ(handler.counts().refused, 4U);
}

TEST_F(RemarkHandlerTest, OnlyAPostOfARemarkIsOne) {
  const Bytes body = tlog::format_remark_request({"1", endorsement({ours(1)})});
  for (const char* resource : {"endorsement", "endorsements/", "statements", "", "entries"}) {
    EXPECT_EQ(serve(request(resource, body)).status, 404) << resource;
  }
  HttpRequest get = request("disputes", {});
  get.method = "GET";
  EXPECT_EQ(serve(get).status, 405);
  EXPECT_EQ(serve(get).headers.find("Allow"), "POST");
  HttpRequest other = request("endorsements", body);
  other.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer senders-token"}};
  EXPECT_EQ(serve(other).status, 415);
  expect_refused(serve(request("endorsements", Bytes(65'536, 0))), 413, "65535");
  EXPECT_EQ(size(), 2U);
}

TEST_F(RemarkHandlerTest, ReferencesOfThisLogAreHeldAgainstItsTree) {
  tlog::EntryReference reference = ours(1);
  reference.leaf[0] ^= 1;
  expect_refused(post(endorsement({ours(0), reference})), 400, "Rejected: refs[1]: entry 1 has");
  // Neither the entry that it would be itself, nor one after that.
  for (const std::uint64_t at : {2U, 3U, 1000U}) {
    reference.index = at;
    expect_refused(post(endorsement({reference})), 400, "Rejected: refs[0]: there is no entry");
  }
  EXPECT_EQ(size(), 2U);
}

TEST_F(RemarkHandlerTest, WhatIsNotPublishedYetIsReferredToLater) {
  const auto placed = log->append_and_wait({.entry = to_bytes("new"), .preimage = {}, .id = ""});
  const tlog::Remark remark = endorsement({ours(must_value(placed).index)});
  ASSERT_EQ(log->checkpoint().size(), 2U);  // no time passes here
  const HttpResponse response = post(remark);
  expect_refused(response, 503, "NotPublished: ");
  EXPECT_TRUE(response.headers.find("Retry-After").has_value());
  must_value(log->publish_now());
  EXPECT_EQ(post(remark).status, 201);
}

TEST_F(RemarkHandlerTest, ReferencesOfOtherLogsNeedAProofByATrustedKey) {
  const testing::OtherLog stranger("log.example/stranger"), forger(kTheirs);
  expect_refused(post(endorsement({stranger.reference(5, 33)})), 400,
                 "Rejected: refs[0]: log \"log.example/stranger\"");
  expect_refused(post(endorsement({ours(1), forger.reference(5, 33)})), 400, "Rejected: refs[1]: ");
  tlog::EntryReference unwitnessed = theirs().reference(5, 33);
  unwitnessed.proof.resize(unwitnessed.proof.rfind("\xe2\x80\x94"));
  expect_refused(post(endorsement({unwitnessed})), 400, "no quorum");
  EXPECT_EQ(size(), 2U);

  RemarkHandler alone(parts(std::nullopt), reception, access, lane, notes);
  const Bytes body = tlog::format_remark_request({"1", endorsement({theirs().reference(5, 33)})});
  expect_refused(serve_by(alone, request("endorsements", body)), 400, "trusts the key of none");
}

TEST_F(RemarkHandlerTest, OfAProofOnlyWhatWasVerifiedIsKept) {
  const tlog::Remark remark = endorsement({theirs().reference(5, 33)});
  tlog::Remark sent = remark;
  for (int i = 0; i < 30; ++i) {
    sent.refs[0].proof += "\xe2\x80\x94 " + std::string(500, 'w') + " AAAAAAAA\n";
  }
  EXPECT_EQ(must_post(sent), 2U);
  EXPECT_EQ(recorded(2).remark, remark);
}

TEST_F(RemarkHandlerTest, TheSameBytesOfTheSameSenderAreOneEntry) {
  add_user("other");
  allow("other", "create", "endorsements");
  const tlog::Remark remark = endorsement({ours(1)});
  EXPECT_EQ(must_post(remark, "a"), 2U);
  const HttpResponse again = post(remark, "a");
  EXPECT_EQ(again.headers.find("Location"), "/v1/log/entries/2");
  EXPECT_EQ(*answer(again).find("statement")->as_bytes(), must_value(log->get(2)).entry);
  EXPECT_EQ(must_post(remark, "b"), 3U);
  EXPECT_EQ(post(remark, "a", "other").headers.find("Location"), "/v1/log/entries/4");
  EXPECT_EQ(recorded(4).by, "other");
}

TEST_F(RemarkHandlerTest, OnlyWhoMadeARemarkSupersedesIt) {
  add_user("other");
  allow("other", "create", "endorsements");
  ASSERT_EQ(post(endorsement({ours(1)}), "1", "other").status, 201);  // entry 2
  expect_refused(post(supersede(2)), 400, "Rejected: refs[0]: entry 2 was made by somebody else");
  EXPECT_EQ(must_post(endorsement({ours(1)}), "mine"), 3U);
  tlog::Remark replaced = supersede(3);
  replaced.replacement = ours(2);
  expect_refused(post(replaced), 400, "Rejected: replacement: entry 2 was made by somebody else");
  EXPECT_EQ(must_post(supersede(3)), 4U);
  // No verdict, nothing of the log's own, and no supersede.
  expect_refused(post(supersede(0)), 400, "is no endorsement, dispute or measurement");
  expect_refused(post(supersede(4)), 400, "is no endorsement, dispute or measurement");
  EXPECT_EQ(size(), 5U);
}

TEST_F(RemarkHandlerTest, WhatSomebodyElseSignedIsNotSuperseded) {
  // As a statement of another party that looks like a remark.
  const auto made =
      must_value(tlog::make_entry(crypto::PrivateKey::generate(crypto::KeyType::kEcP256),
                                  {.issuer = "https://vendor.example",
                                   .subject = "x",
                                   .kind = "endorsement",
                                   .payload = must_value(tlog::remark_payload(
                                       {endorsement({ours(1)}), "sender", clock.now()}, "log"))},
                                  crypto::system_random()));
  must_value(log->append_and_wait({.entry = made.statement, .preimage = made.preimage, .id = ""}));
  must_value(log->publish_now());
  expect_refused(post(supersede(2)), 400, "is no endorsement, dispute or measurement of this log");
}

TEST_F(RemarkHandlerTest, WhoMadeWhatWasErasedIsNotKnown) {
  const auto made =
      must_value(tlog::make_entry(key,
                                  {.issuer = "log",
                                   .subject = "x",
                                   .kind = "endorsement",
                                   .payload = must_value(tlog::remark_payload(
                                       {endorsement({ours(1)}), "sender", clock.now()}, "log"))},
                                  crypto::system_random()));
  must_value(log->append_and_wait({.entry = made.statement, .preimage = {}, .id = ""}));
  must_value(log->publish_now());
  expect_refused(post(supersede(2)), 400, "has been erased");
}

TEST_F(RemarkHandlerTest, AnErasureLeavesNothingButWhoErasedWhatAndWhy) {
  const std::uint64_t verdict = add(tlog::kAdmissionVerdict);
  const tlog::StoredEntry before = must_value(log->get(verdict));
  const std::uint64_t by = must_post(erasure(verdict));
  const tlog::StoredEntry after = must_value(log->get(verdict));
  EXPECT_EQ(after.entry, before.entry);
  EXPECT_TRUE(after.preimage.empty());
  EXPECT_EQ(after.erased_by, by);
  EXPECT_EQ(recorded(by).remark, erasure(verdict));
  EXPECT_EQ(recorded(by).by, "sender");
  for (const auto& [path, bytes] : disk.objects) {
    EXPECT_EQ(as_text(bytes).find("web-0"), std::string_view::npos) << path;
  }
  EXPECT_THAT(notes.last, HasSubstr("erasure, sent by \"sender\""));
}

TEST_F(RemarkHandlerTest, TheSameErasureOfTheSameSenderIsOneEntry) {
  add_user("other");
  allow("other", "create", "erasures");
  const std::uint64_t verdict = add(tlog::kNodeVerdict);
  const std::uint64_t by = must_post(erasure(verdict), "a");
  EXPECT_EQ(must_post(erasure(verdict), "a"), by);
  EXPECT_EQ(must_post(erasure(verdict), "b"), by);
  const std::string said_so = "was erased by entry " + std::to_string(by);
  expect_refused(post(erasure(verdict), "a", "other"), 400, said_so);
  tlog::Remark another = erasure(verdict);
  another.text = "another reason";
  expect_refused(post(another), 400, said_so);
  EXPECT_EQ(size(), by + 1);
}

TEST_F(RemarkHandlerTest, OnlyVerdictsAndRemarksAreErased) {
  const std::uint64_t endorsed = must_post(endorsement({ours(1)}));
  const std::uint64_t erased = must_post(erasure(endorsed));
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{1}, erased, add(tlog::kEpoch),
                                 add(tlog::kPolicyChange), add("exception")}) {
    expect_refused(post(erasure(at)), 400, "can be erased");
    EXPECT_FALSE(must_value(log->get(at)).preimage.empty()) << at;
  }
  expect_refused(post(erasure(add(tlog::kNodeVerdict, "another"))), 400,
                 "was signed by another party");
  expect_refused(post(supersede(erased)), 400, "is no endorsement, dispute or measurement");
  // Of another log, not there, or of another entry at that index.
  tlog::Remark foreign = erasure(0);
  foreign.refs = {theirs().reference(5, 33)};
  expect_refused(post(foreign), 400, "Malformed request: refs[0].origin: ");
  tlog::Remark wrong = erasure(add(tlog::kNodeVerdict));
  wrong.refs[0].leaf[0] ^= 1;
  expect_refused(post(wrong), 400, "Rejected: refs[0]: entry ");
  wrong.refs[0].index = 1000;
  expect_refused(post(wrong), 400, "there is no entry 1000");
}

TEST_F(RemarkHandlerTest, WhatIsNotPublishedYetIsErasedLater) {
  const auto made = must_value(tlog::make_entry(
      key, {.issuer = "log", .subject = "x", .kind = "node-verdict", .payload = Cbor::map({})},
      crypto::system_random()));
  const auto placed = must_value(
      log->append_and_wait({.entry = made.statement, .preimage = made.preimage, .id = ""}));
  expect_refused(post(erasure(placed.index)), 503, "NotPublished: ");
  EXPECT_EQ(size(), placed.index + 1);
  must_value(log->publish_now());
  EXPECT_EQ(post(erasure(placed.index)).status, 201);
}

TEST_F(RemarkHandlerTest, WhoMayMakeOtherRemarksErasesNothing) {
  add_user("other");
  for (const char* resource : {"endorsements", "disputes", "measurements", "supersessions"}) {
    allow("other", "create", resource);
  }
  const std::uint64_t verdict = add(tlog::kNodeVerdict);
  expect_refused(post(erasure(verdict), "1", "other"), 403, "create erasures.avouch.dev");
  EXPECT_FALSE(must_value(log->get(verdict)).preimage.empty());
}

TEST_F(RemarkHandlerTest, AVolumeThatRunsShortIsForVerdicts) {
  available = 99;
  const HttpResponse response = post(endorsement({ours(1)}));
  expect_refused(response, 503, "short of space");
  EXPECT_TRUE(response.headers.find("Retry-After").has_value());
  EXPECT_EQ(size(), 2U);
  available = 1000;
  EXPECT_EQ(post(endorsement({ours(1)})).status, 201);
}

TEST_F(RemarkHandlerTest, ALogThatSignsNothingTakesNothing) {
  const tlog::Remark remark = endorsement({ours(1)});
  log->stop_signing("somebody has seen another one");
  const HttpResponse response = post(remark);
  expect_refused(response, 503, "LogReadOnly: ");
  EXPECT_EQ(response.headers.find("Retry-After"), "60");
  EXPECT_EQ(size(), 2U);
}

TEST_F(RemarkHandlerTest, AStuckLaneKeepsNobodyWaiting) {
  std::promise<void> gate = block_lane();
  expect_refused(post(endorsement({ours(1)})), 503, "too many remarks wait");
  gate.set_value();
  lane.stop();
  EXPECT_EQ(size(), 2U);
}

TEST_F(RemarkHandlerTest, AUserOfANameThatIsNoLineSaysNothing) {
  const std::string name(600, 'u');
  add_user(name);
  allow(name, "create", "endorsements");
  expect_refused(post(endorsement({ours(1)}), "1", name), 400, "Rejected: by: ");
}

}  // namespace
}  // namespace avouch::control
