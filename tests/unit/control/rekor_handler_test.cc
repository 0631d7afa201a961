// Signatures of other parties over HTTP, as cosign sends them: whose are taken, what is refused and
// how, what is answered, and what is in the log afterwards.

#include "control/rekor_handler.h"

#include <gmock/gmock.h>

#include <future>
#include <string>
#include <vector>

#include "codec/base64.h"
#include "codec/json.h"
#include "control/registration_handler.h"
#include "support/rekords.h"
#include "tlog/checkpoint.h"
#include "tlog/rekor_answer.h"
#include "unit/control/entering_scene.h"

namespace avouch::control {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using testing::make_rekord;
using testing::must_value;
using testing::rekord_request;

class RekorHandlerTest : public EnteringTest {
 protected:
  RekorHandlerTest() {
    for (const char* entry : {"one", "two"}) {
      must_value(log->append_and_wait({.entry = to_bytes(entry), .preimage = {}, .id = ""}));
    }
  }

  static HttpRequest request(std::string body) {
    HttpRequest out;
    out.method = "POST";
    out.path = "/api/v2/log/entries";
    out.headers.add("Content-Type", "application/json");
    out.headers.add("Content-Length", std::to_string(body.size()));
    out.body = std::move(body);
    return out;
  }
  HttpResponse serve(HttpRequest what) { return serve_by(handler, std::move(what)); }
  HttpResponse post(std::string body) { return serve(request(std::move(body))); }
  // What a listed key signs.
  HttpResponse post_signed(std::string_view message) {
    return post(rekord_request(make_rekord(vendor, message)));
  }
  void expect_refused(const HttpResponse& response, int status, std::string_view code) const {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr("\"" + std::string(code) + "\""));
    EXPECT_EQ(size(), 2U) << response.body;
  }

  const crypto::PrivateKey vendor = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PrivateKey second = crypto::PrivateKey::generate(crypto::KeyType::kEcP384);
  RekorHandler handler{{.log = *log,
                        .volume = volume,
                        .clock = clock,
                        .policy = {.rekor_keys = {vendor.public_key(), second.public_key()}},
                        .policy_entry = 7,
                        .log_id = tlog::rekor_log_id(log_signer.verifier())},
                       lane,
                       notes};
};

// As cosign checks it: by the entry that it makes itself, and the log's key.
TEST_F(RekorHandlerTest, ASignatureBecomesAnEntryWhoseInclusionIsAnswered) {
  for (const auto* signer : {&vendor, &second}) {
    const auto rekord = make_rekord(*signer, "what is signed");
    const HttpResponse response = post(rekord_request(rekord));
    ASSERT_EQ(response.status, 201) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(response.headers.find(kPolicyHeader), "7");
    const Json answer = codec::parse_json(response.body).value();
    const std::uint64_t place = signer == &vendor ? 2 : 3;
    EXPECT_EQ(answer.text({"logIndex"}), std::to_string(place));
    EXPECT_EQ(answer.text({"inclusionProof", "logIndex"}), std::to_string(place));
    EXPECT_EQ(answer.text({"kindVersion", "kind"}), "hashedrekord");
    EXPECT_EQ(answer.text({"kindVersion", "version"}), "0.0.2");
    EXPECT_EQ(answer.text({"integratedTime"}), "0");
    const Bytes entry = tlog::format_hashed_rekord(rekord);
    EXPECT_EQ(answer.text({"canonicalizedBody"}), codec::to_base64(entry));
    EXPECT_EQ(must_value(log->get(place)).entry, entry);
    EXPECT_TRUE(must_value(log->get(place)).preimage.empty());

    const auto log_key = log_signer.verifier();
    EXPECT_EQ(answer.text({"logId", "keyId"}), codec::to_base64(tlog::rekor_log_id(log_key)));
    const auto checkpoint = tlog::verify_checkpoint(
        answer.text({"inclusionProof", "checkpoint", "envelope"}), std::span(&log_key, 1), "log");
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    EXPECT_EQ(answer.text({"inclusionProof", "treeSize"}), std::to_string(checkpoint->size()));
    EXPECT_EQ(answer.text({"inclusionProof", "rootHash"}), codec::to_base64(checkpoint->root()));
    std::vector<tlog::Hash> path;
    for (const Json& each : *answer.find_path({"inclusionProof", "hashes"})->as_array()) {
      const Bytes bytes = codec::from_base64(*each.as_string()).value();
      ASSERT_EQ(bytes.size(), 32U);
      std::copy(bytes.begin(), bytes.end(), path.emplace_back().begin());
    }
    EXPECT_TRUE(tlog::verify_inclusion(place, checkpoint->size(), tlog::leaf_hash(entry), path,
                                       checkpoint->root())
                    .has_value());
  }
  EXPECT_THAT(notes.last, HasSubstr("entry 3: signature over "));
  EXPECT_EQ(handler.counts().registered, 2U);
}

TEST_F(RekorHandlerTest, TheSameRequestGetsTheSameEntry) {
  const std::string sent = rekord_request(make_rekord(vendor, "a"));
  const auto index_of = [](const HttpResponse& response) {
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(codec::parse_json(response.body).value().text({"logIndex"}));
  };
  EXPECT_EQ(index_of(post(sent)), "2");
  EXPECT_EQ(index_of(post_signed("b")), "3");
  EXPECT_EQ(index_of(post(sent)), "2");
  // However it is spelled.
  Json spelled = codec::parse_json(sent).value();
  EXPECT_EQ(index_of(post(" " + codec::to_json_pretty(spelled) + "\n")), "2");
  EXPECT_EQ(size(), 4U);
}

TEST_F(RekorHandlerTest, WhatIsNotOfAListedKeyIsNotStored) {
  const crypto::PrivateKey stranger = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto by_stranger = make_rekord(stranger, "a");
  const HttpResponse unknown = post(rekord_request(by_stranger));
  expect_refused(unknown, 403, "UnknownKey");
  auto forged = by_stranger;
  forged.key = vendor.public_key().spki_der();
  expect_refused(post(rekord_request(forged)), 400, "BadSignature");
  // The verifier's and the log's own keys are nobody's here.
  expect_refused(post(rekord_request(make_rekord(key, "a"))), 403, "UnknownKey");
  EXPECT_EQ(handler.counts().refused, 3U);
  EXPECT_EQ(handler.counts().registered, 0U);
}

TEST_F(RekorHandlerTest, WhatIsWrongIsSaidWithItsPlace) {
  expect_refused(post(""), 400, "Malformed");
  expect_refused(post("{}"), 400, "Malformed");
  const HttpResponse envelope = post(R"({"dsseRequestV002":{}})");
  expect_refused(envelope, 400, "Malformed");
  EXPECT_THAT(envelope.body, HasSubstr("dsseRequestV002: envelopes are not taken"));
  auto short_digest = make_rekord(vendor, "a");
  short_digest.digest.pop_back();
  const HttpResponse digest = post(rekord_request(short_digest));
  expect_refused(digest, 400, "Malformed");
  EXPECT_THAT(digest.body, HasSubstr("hashedRekordRequestV002.digest: has 31 bytes"));
  EXPECT_EQ(handler.counts().refused, 4U);
}

TEST_F(RekorHandlerTest, WhatIsTooLargeIsRefusedBeforeItIsRead) {
  const std::string large = rekord_request(make_rekord(vendor, "a")) + std::string(8192, ' ');
  const HttpResponse response = post(large);
  expect_refused(response, 413, "TooLarge");
  EXPECT_THAT(response.body, HasSubstr("8192 bytes"));
  // Where the head does not say how much comes, the server stops at the limit.
  HttpRequest chunked = request(large);
  chunked.headers = {{"Content-Type", "application/json"}};
  EXPECT_EQ(serve(chunked).status, 413);
  HttpRequest odd = request("{}");
  odd.headers = {{"Content-Type", "application/json"}, {"Content-Length", "-1"}};
  EXPECT_EQ(serve(odd).status, 413);
  EXPECT_EQ(size(), 2U);
}

TEST_F(RekorHandlerTest, OnlyAPostOfJsonIsOne) {
  HttpRequest get = request("");
  get.method = "GET";
  const HttpResponse other_method = serve(get);
  expect_refused(other_method, 405, "MethodNotAllowed");
  EXPECT_EQ(other_method.headers.find("Allow"), "POST");
  for (const char* path :
       {"/api/v2/log/entriesx", "/api/v2/log/entries/", "/api/v2/log/entries/2"}) {
    HttpRequest elsewhere = request("{}");
    elsewhere.path = path;
    expect_refused(serve(elsewhere), 404, "NotFound");
  }
  const std::string good = rekord_request(make_rekord(vendor, "a"));
  for (const char* type : {"", "application/cose", "application/jsonx"}) {
    HttpRequest other = request(good);
    other.headers = {{"Content-Type", type}};
    expect_refused(serve(other), 415, "UnsupportedMediaType");
  }
  HttpRequest with_parameter = request(good);
  with_parameter.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  EXPECT_EQ(serve(with_parameter).status, 201);
}

TEST_F(RekorHandlerTest, AVolumeThatRunsShortIsForVerdicts) {
  available = 99;
  const HttpResponse response = post_signed("a");
  expect_refused(response, 503, "Overloaded");
  EXPECT_TRUE(response.headers.find("Retry-After").has_value());
  available = 1000;
  EXPECT_EQ(post_signed("a").status, 201);
}

TEST_F(RekorHandlerTest, ALogThatSignsNothingTakesNothing) {
  log->stop_signing("somebody has seen another one");
  const HttpResponse response = post_signed("a");
  expect_refused(response, 503, "LogReadOnly");
  EXPECT_EQ(response.headers.find("Retry-After"), "60");
}

TEST_F(RekorHandlerTest, AStuckLaneKeepsNobodyWaiting) {
  std::promise<void> gate = block_lane();
  const HttpResponse response = post_signed("a");
  expect_refused(response, 503, "Overloaded");
  EXPECT_EQ(response.headers.find("Retry-After"), "1");
  gate.set_value();
  lane.stop();
}

TEST_F(RekorHandlerTest, EachKeyHasABudgetOfNewEntries) {
  const std::string first = rekord_request(make_rekord(vendor, "0"));
  for (int i = 0; i < static_cast<int>(RekorHandler::kBurst); ++i) {
    // What is there already, and what is refused, costs nothing.
    ASSERT_EQ(post(first).status, 201) << i;
    ASSERT_EQ(post(rekord_request(make_rekord(key, "a"))).status, 403);
  }
  for (int i = 1; i < static_cast<int>(RekorHandler::kBurst); ++i) {
    ASSERT_EQ(post_signed(std::to_string(i)).status, 201) << i;
  }
  const std::uint64_t full = size();
  const HttpResponse over = post_signed("one more");
  EXPECT_EQ(over.status, 429);
  EXPECT_THAT(over.body, HasSubstr("\"OverBudget\""));
  EXPECT_EQ(over.headers.find("Retry-After"), "1");
  EXPECT_EQ(size(), full);
  EXPECT_EQ(post(rekord_request(make_rekord(second, "a"))).status, 201) << "of another key";
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(post_signed("one more").status, 201);
  EXPECT_EQ(post_signed("and one more").status, 429);
}

}  // namespace
}  // namespace avouch::control
