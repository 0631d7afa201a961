// Remarks, as kubectl avouch sends them and checks what came of them.

#include "inspect/remark_upload.h"

#include <gmock/gmock.h>

#include "codec/cbor.h"
#include "support/answering_transport.h"
#include "support/other_log.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"
#include "unit/inspect/lying_release.h"

namespace avouch::inspect {
namespace {

using ::testing::HasSubstr;

const testing::OtherLog& partner() {
  static const testing::OtherLog one("log.example/theirs");
  return one;
}

class RemarkUpload : public ::testing::Test {
 protected:
  RemarkUpload() {
    remark.refs = {{kOrigin, 0, {}, ""}, partner().reference(5, 33)};
    remark.text = "looked at";
  }

  // As the controller records it.
  UnverifiedRecorded record(const tlog::Remark& kept, const std::string& by = "bob",
                            const std::string& kind = "endorsement") const {
    auto made = tlog::make_entry(
                    key,
                    {.issuer = kOrigin,
                     .subject = "entry:1",
                     .kind = kind,
                     .payload = tlog::remark_payload({kept, by, SystemTime{}}, kOrigin).value()},
                    crypto::system_random())
                    .value();
    const tlog::Hash sibling{};
    const auto root = tlog::root_from_inclusion(1, 2, tlog::leaf_hash(made.statement),
                                                std::vector<tlog::Hash>{sibling});
    auto receipt = tlog::make_receipt(key, {.issuer = kOrigin,
                                            .subject = "entry:1",
                                            .inclusion = {.size = 2, .index = 1, .path = {sibling}},
                                            .root = root.value()})
                       .value();
    return {1, std::move(made.statement), std::move(made.preimage), std::move(receipt)};
  }
  ProofStep check(const UnverifiedRecorded& recorded) const {
    return check_recorded(recorded, remark, "bob", {{key.public_key()}, {}, kOrigin, "test"});
  }
  Result<UnverifiedRecorded> send() {
    return send_remark(transport, {}, "the token", {"an id", remark}, [this] { ++pauses; });
  }
  static HttpResponse answer(const UnverifiedRecorded& recorded) {
    HttpResponse out;
    out.status = 201;
    out.body = as_text(codec::to_cbor(
        Cbor::map({{Cbor::text("index"), Cbor::integer(static_cast<std::int64_t>(recorded.index))},
                   {Cbor::text("statement"), Cbor::bytes(recorded.statement)},
                   {Cbor::text("preimage"), Cbor::bytes(recorded.preimage)},
                   {Cbor::text("receipt"), Cbor::bytes(recorded.receipt)}})));
    return out;
  }

  tlog::Remark remark;
  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::AnsweringTransport transport;
  int pauses = 0;
};

TEST_F(RemarkUpload, SendsTheRequestToThePathOfItsKind) {
  int asked = 0;
  transport.on(kProxy + "/v1/log/endorsements", [&](const HttpRequest& request) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.headers.find("Avouch-Token"), "the token");
    EXPECT_EQ(request.headers.find("Content-Type"), "application/cbor");
    EXPECT_EQ(to_bytes(request.body), tlog::format_remark_request({"an id", remark}));
    return ++asked == 1 ? problem(503, "Overloaded", "") : answer(record(remark));
  });
  const auto recorded = send();
  ASSERT_TRUE(recorded.has_value()) << recorded.error().message;
  EXPECT_EQ(recorded->index, 1U);
  EXPECT_EQ(pauses, 1);
  EXPECT_TRUE(all_hold(check(*recorded))) << render_text(check(*recorded));

  remark.kind = tlog::RemarkKind::kSupersede;
  bool at_its_path = false;
  transport.on(kProxy + "/v1/log/supersessions", [&](const HttpRequest&) {
    at_its_path = true;
    return HttpResponse{.status = 201, .body = "garbage"};
  });
  const auto garbage = send();
  EXPECT_TRUE(at_its_path);
  ASSERT_FALSE(garbage.has_value());
  EXPECT_EQ(garbage.error().kind, ErrorKind::kRejected);
}

TEST_F(RemarkUpload, TheLinesOfANoteMayBecomeFewer) {
  const tlog::Remark kept = remark;
  remark.refs[1].proof += "\xe2\x80\x94 somebody AAAAAAAA\n";
  EXPECT_TRUE(all_hold(check(record(kept)))) << render_text(check(record(kept)));
}

TEST_F(RemarkUpload, WhatIsNotWhatWasSentFails) {
  const std::string content = "content is what was sent";
  tlog::Remark other = remark;
  other.text = "looked away";
  expect_failing(check(record(other)), content);
  other = remark;
  other.refs[0].leaf[0] ^= 1;
  expect_failing(check(record(other)), content);
  other = remark;
  other.refs[1] = partner().reference(5, 34);  // another proof
  expect_failing(check(record(other)), content);
  other = remark;
  other.refs.pop_back();
  expect_failing(check(record(other)), content);
  expect_failing(check(record(remark, "alice")), content);
  expect_failing(check(record(remark, "bob", "dispute")), content);

  UnverifiedRecorded recorded = record(remark);
  recorded.preimage.back() ^= 1;
  expect_failing(check(recorded), content);
  recorded = record(remark);
  recorded.statement.back() ^= 1;
  expect_failing(check(recorded), "statement is signed by the verifier");
  recorded = record(remark);
  recorded.receipt.back() ^= 1;
  expect_failing(check(recorded), "receipt leads");
  recorded = record(remark);
  recorded.index = 2;
  expect_failing(check(recorded), "the receipt is of that entry");
}

TEST_F(RemarkUpload, WhatWasErasedSinceIsNoFailure) {
  UnverifiedRecorded recorded = record(remark);
  recorded.preimage.clear();
  EXPECT_TRUE(all_hold(check(recorded)));
  EXPECT_THAT(render_text(check(recorded)), HasSubstr("erased"));
}

}  // namespace
}  // namespace avouch::inspect
