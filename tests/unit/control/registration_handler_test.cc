// Statements of other parties over HTTP: who may send them, what is refused and how, and what is
// in the log afterwards.

#include "control/registration_handler.h"

#include <gmock/gmock.h>

#include <future>

#include "codec/cbor.h"
#include "codec/cose.h"
#include "control/log_payloads.h"
#include "control/registration_record.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"
#include "unit/control/entering_scene.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;
using testing::must_value;

constexpr const char* kIssuer = "https://vendor.example";
constexpr const char* kKind = "application/spdx+json";

class RegistrationHandlerTest : public EnteringTest {
 protected:
  RegistrationHandlerTest() {
    allow("sender", "create", "statements");
    must_value(ensure());
  }

  static tlog::RegistrationPolicy policy_of(const crypto::PrivateKey& key) {
    tlog::RegistrationPolicy policy;
    policy.issuers.push_back({.name = kIssuer, .keys = {key.public_key()}, .kinds = {kKind}});
    return policy;
  }
  Result<std::optional<std::uint64_t>> ensure() {
    testing::must(ensure_genesis(*log, entries, "log", Bytes(32, 1), key, "vkey",
                                 crypto::system_random(), clock.now())
                      .has_value(),
                  "genesis");
    return record(policy_of(vendor));
  }
  Result<std::optional<std::uint64_t>> record(const tlog::RegistrationPolicy& policy) {
    return record(policy, index);
  }
  Result<std::optional<std::uint64_t>> record(const tlog::RegistrationPolicy& policy,
                                              const LogIndex& index_of,
                                              std::string_view references = "") {
    const Bytes pseudonym(32, 1);
    return ensure_registration_policy({.log = *log,
                                       .entries = entries,
                                       .index = index_of,
                                       .origin = "log",
                                       .pseudonym_key = pseudonym,
                                       .verifier_key = key,
                                       .random = crypto::system_random()},
                                      policy, clock.now(), references);
  }

  Bytes statement(std::string_view subject = "firmware/7", const char* kind = kKind) const {
    return codec::sign1(vendor,
                        {{Cbor::integer(4), Cbor::bytes(to_bytes("any"))},
                         {Cbor::integer(15), Cbor::map({{Cbor::integer(1), Cbor::text(kIssuer)},
                                                        {Cbor::integer(2), Cbor::text(subject)}})},
                         {Cbor::integer(258), Cbor::integer(-16)},
                         {Cbor::integer(259), Cbor::text(kind)}},
                        Bytes(32, 7))
        .value();
  }
  static HttpRequest request(ByteView body, const std::string& token = "senders-token") {
    HttpRequest out;
    out.method = "POST";
    out.path = "/entries";
    out.headers.add("Content-Type", "application/cose");
    out.headers.add("Content-Length", std::to_string(body.size()));
    if (!token.empty()) out.headers.add("Authorization", "Bearer " + token);
    out.body = as_text(body);
    return out;
  }
  HttpResponse serve(HttpRequest what) { return serve_by(handler, std::move(what)); }
  HttpResponse post(ByteView body) { return serve(request(body)); }

  const crypto::PrivateKey vendor = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  ClusterSenders senders{reception, access};
  RegistrationHandler handler{{.log = *log,
                               .volume = volume,
                               .clock = clock,
                               .receipts = receipts,
                               .policy = policy_of(vendor),
                               .policy_entry = 2},
                              senders,
                              lane,
                              notes};
};

TEST_F(RegistrationHandlerTest, AStatementBecomesAnEntryWithAReceipt) {
  const Bytes sent = statement();
  const HttpResponse response = post(sent);
  ASSERT_EQ(response.status, 201) << said(response);
  EXPECT_EQ(response.content_type, kReceiptType);
  EXPECT_EQ(response.headers.find("Location"), "/entries/3");
  EXPECT_EQ(response.headers.find(kPolicyHeader), "2");
  const crypto::PublicKey public_key = key.public_key();
  const auto receipt = tlog::verify_receipt(to_bytes(response.body), tlog::leaf_hash(sent),
                                            std::span(&public_key, 1), "log");
  ASSERT_TRUE(receipt.has_value()) << receipt.error().message;
  EXPECT_EQ(receipt->inclusion().index, 3U);
  EXPECT_EQ(receipt->subject(), "firmware/7");
  EXPECT_EQ(must_value(log->get(3)).entry, sent);
  EXPECT_TRUE(must_value(log->get(3)).preimage.empty());
  EXPECT_THAT(notes.last, HasSubstr("entry 3: statement sha256:"));
  EXPECT_THAT(notes.last, HasSubstr("sent by \"sender\""));
}

TEST_F(RegistrationHandlerTest, TheSameBytesGetTheSameEntry) {
  ASSERT_EQ(post(statement("a")).headers.find("Location"), "/entries/3");
  const Bytes sent = statement("b");
  EXPECT_EQ(post(sent).headers.find("Location"), "/entries/4");
  EXPECT_EQ(post(sent).headers.find("Location"), "/entries/4");
  EXPECT_EQ(size(), 5U);
  EXPECT_EQ(handler.counts().registered, 3U);
}

TEST_F(RegistrationHandlerTest, WhoIsNotKnownOrMayNotStoresNothing) {
  const HttpResponse nobody = serve(request(statement(), ""));
  EXPECT_EQ(nobody.status, 401);
  EXPECT_THAT(said(nobody), HasSubstr("Unauthenticated"));
  EXPECT_EQ(serve(request(statement(), "no such token")).status, 401);
  const HttpResponse stranger = serve(request(statement(), "strangers-token"));
  EXPECT_EQ(stranger.status, 403);
  EXPECT_THAT(said(stranger), HasSubstr("statements.avouch.dev"));
  // Garbage of theirs is not even looked at.
  EXPECT_EQ(serve(request(to_bytes("garbage"), "strangers-token")).status, 403);
  EXPECT_EQ(size(), 3U);
}

TEST_F(RegistrationHandlerTest, WhatIsRefusedIsSaidInTheTermsOfScitt) {
  const HttpResponse garbage = post(to_bytes("garbage"));
  EXPECT_EQ(garbage.status, 400);
  EXPECT_THAT(said(garbage), HasSubstr("Malformed request: "));
  const HttpResponse kind = post(statement("a", "text/plain"));
  EXPECT_EQ(kind.status, 400);
  EXPECT_THAT(said(kind), HasSubstr("Rejected: "));
  EXPECT_THAT(said(kind), HasSubstr("text/plain"));
  EXPECT_EQ(post({}).status, 400);
  EXPECT_EQ(size(), 3U);
  EXPECT_EQ(handler.counts().refused, 3U);
}

TEST_F(RegistrationHandlerTest, WhatIsTooLargeIsRefusedBeforeItIsRead) {
  const Bytes large(16 * 1024 + 1, 0);
  const HttpResponse response = post(large);
  EXPECT_EQ(response.status, 413);
  EXPECT_THAT(said(response), HasSubstr("16384"));
  // Where the head does not say how much comes, the server stops at the limit.
  HttpRequest chunked = request(large);
  chunked.headers = {{"Content-Type", "application/cose"},
                     {"Authorization", "Bearer senders-token"}};
  EXPECT_EQ(serve(chunked).status, 413);
  HttpRequest odd = request(statement());
  odd.headers = {{"Content-Type", "application/cose"},
                 {"Authorization", "Bearer senders-token"},
                 {"Content-Length", "-1"}};
  EXPECT_EQ(serve(odd).status, 413);
  EXPECT_EQ(size(), 3U);
}

TEST_F(RegistrationHandlerTest, OnlyAPostOfAStatementIsOne) {
  HttpRequest get = request({});
  get.method = "GET";
  EXPECT_EQ(serve(get).status, 405);
  EXPECT_EQ(serve(get).headers.find("Allow"), "POST");
  HttpRequest elsewhere = request(statement());
  elsewhere.path = "/entriesx";
  EXPECT_EQ(serve(elsewhere).status, 404);
  for (const char* type : {"", "application/json", "application/cosex"}) {
    HttpRequest other = request(statement());
    other.headers = {{"Content-Type", type}, {"Authorization", "Bearer senders-token"}};
    EXPECT_EQ(serve(other).status, 415) << type;
  }
  HttpRequest with_parameter = request(statement());
  with_parameter.headers = {{"Content-Type", "application/cose; cose-type=\"cose-sign1\""},
                            {"Authorization", "Bearer senders-token"}};
  EXPECT_EQ(serve(with_parameter).status, 201);
}

TEST_F(RegistrationHandlerTest, AVolumeThatRunsShortIsForVerdicts) {
  available = 99;
  const HttpResponse response = post(statement());
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.headers.find("Retry-After").has_value());
  EXPECT_EQ(size(), 3U);
  available = 1000;
  EXPECT_EQ(post(statement()).status, 201);
}

TEST_F(RegistrationHandlerTest, ALogThatSignsNothingTakesNothing) {
  log->stop_signing("somebody has seen another one");
  const HttpResponse response = post(statement());
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.headers.find("Retry-After"), "60");
  EXPECT_THAT(said(response), HasSubstr("LogReadOnly: "));
  EXPECT_EQ(size(), 3U);
}

TEST_F(RegistrationHandlerTest, AServerThatCannotBeAskedIsAReasonToWait) {
  server.set_down(true);
  const HttpResponse response = post(statement());
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.headers.find("Retry-After").has_value());
  EXPECT_EQ(size(), 3U);
}

TEST_F(RegistrationHandlerTest, AStuckLaneKeepsNobodyWaiting) {
  std::promise<void> gate = block_lane();
  EXPECT_EQ(post(statement()).status, 503);
  gate.set_value();
  lane.stop();
  EXPECT_EQ(size(), 3U);
}

TEST_F(RegistrationHandlerTest, EachSenderHasABudgetOfNewEntries) {
  add_user("second");
  allow("second", "create", "statements");
  const Bytes first = statement("0");
  for (int i = 1; i <= static_cast<int>(RegistrationHandler::kBurst); ++i) {
    // What is there already, and what is refused, costs nothing.
    ASSERT_EQ(post(first).status, 201) << i;
    ASSERT_EQ(post(to_bytes("garbage")).status, 400);
    if (i == 1) continue;
    ASSERT_EQ(post(statement(std::to_string(i))).status, 201) << i;
  }
  const std::uint64_t full = size();
  const HttpResponse over = post(statement("one more"));
  EXPECT_EQ(over.status, 429);
  EXPECT_THAT(said(over), HasSubstr("OverBudget: so much of this sender was entered lately"));
  EXPECT_EQ(over.headers.find("Retry-After"), "1");
  EXPECT_EQ(size(), full);
  EXPECT_EQ(serve(request(statement("another's"), "seconds-token")).status, 201);
  clock.advance(std::chrono::seconds(1));
  for (int i = 0; i < static_cast<int>(RegistrationHandler::kPerSecond); ++i) {
    EXPECT_EQ(post(statement("later " + std::to_string(i))).status, 201);
  }
  EXPECT_EQ(post(statement("and one more")).status, 429);
}

// The policy as an entry: once, again where it changed, and closed where it was open.
TEST_F(RegistrationHandlerTest, ThePolicyIsEnteredWhenItChanges) {
  const auto policy = policy_of(vendor);
  EXPECT_EQ(must_value(record(policy)), 2U);
  EXPECT_EQ(size(), 3U);
  const tlog::StoredEntry stored = must_value(log->get(2));
  const auto statement_of = must_value(tlog::parse_statement_unverified(stored.entry));
  EXPECT_EQ(statement_of.kind, tlog::kGenesis);
  const Cbor payload =
      must_value(tlog::open_preimage(statement_of.preimage_digest, stored.preimage));
  const Cbor& issuer = payload.find("statements")->find("issuers")->as_array()->front();
  EXPECT_EQ(*issuer.find("issuer")->as_text(), kIssuer);
  EXPECT_EQ(*issuer.find("keys")->as_array()->front().as_bytes(), vendor.public_key().spki_der());

  auto larger = policy;
  larger.max_bytes = 20'000;
  EXPECT_EQ(must_value(record(larger)), 3U);
  EXPECT_EQ(must_value(record({})), std::nullopt);
  EXPECT_EQ(size(), 5U);  // that nothing is taken any more
  EXPECT_EQ(must_value(record({})), std::nullopt);
  EXPECT_EQ(size(), 5U);
  EXPECT_EQ(must_value(record(policy)), 5U);

  // A log that has just been opened finds it.
  must_value(log->publish_now());
  LogIndex fresh;
  testing::must(fresh.rebuild(store, 6, 100).has_value(), "rebuild");
  EXPECT_EQ(must_value(record(policy, fresh)), 5U);
  EXPECT_EQ(size(), 6U);
}

TEST_F(RegistrationHandlerTest, WhichOtherLogsAreReferredToIsInThePolicy) {
  const auto policy = policy_of(vendor);
  EXPECT_EQ(must_value(record(policy, index, "quorum none\n")), 3U);
  EXPECT_EQ(must_value(record(policy, index, "quorum none\n")), 3U);
  EXPECT_EQ(must_value(record({}, index, "quorum none\n")), 4U);
  EXPECT_EQ(must_value(record({}, index, "quorum none\n")), 4U);
  EXPECT_EQ(size(), 5U);
  const tlog::StoredEntry stored = must_value(log->get(4));
  const Cbor payload = must_value(tlog::open_preimage(
      must_value(tlog::parse_statement_unverified(stored.entry)).preimage_digest, stored.preimage));
  EXPECT_EQ(*payload.find("references")->as_text(), "quorum none\n");
  EXPECT_EQ(must_value(record({})), std::nullopt);
  EXPECT_EQ(size(), 6U);  // that none is any more
}

TEST_F(RegistrationHandlerTest, WhoseHashedRekordsAreTakenIsInThePolicy) {
  tlog::RegistrationPolicy policy;
  policy.rekor_keys = {vendor.public_key()};
  EXPECT_EQ(must_value(record(policy)), 3U);
  EXPECT_EQ(must_value(record(policy)), 3U);
  const tlog::StoredEntry stored = must_value(log->get(3));
  const Cbor payload = must_value(tlog::open_preimage(
      must_value(tlog::parse_statement_unverified(stored.entry)).preimage_digest, stored.preimage));
  EXPECT_EQ(payload.find("statements"), nullptr);
  ASSERT_NE(payload.find("rekorKeys"), nullptr);
  EXPECT_EQ(*payload.find("rekorKeys")->as_array()->front().as_bytes(),
            vendor.public_key().spki_der());
  policy.rekor_keys = {key.public_key()};
  EXPECT_EQ(must_value(record(policy)), 4U);
  EXPECT_EQ(must_value(record({})), std::nullopt);
  EXPECT_EQ(size(), 6U);  // that nobody's are any more
}

// As an older version left it.
TEST_F(RegistrationHandlerTest, APolicyThatNamesFewerKindsIsEnteredAgain) {
  Cbor::Map old = *registration_policy_payload(clock.now(), policy_of(vendor)).as_map();
  std::erase_if(old, [](const auto& member) { return *member.first.as_text() == "kinds"; });
  old.emplace_back(Cbor::text("kinds"), Cbor::array({Cbor::text("genesis")}));
  auto made = must_value(tlog::make_entry(key,
                                          {.issuer = "log",
                                           .subject = "log:00",
                                           .kind = std::string(tlog::kGenesis),
                                           .payload = Cbor::map(std::move(old))},
                                          crypto::system_random()));
  std::vector<EntryToLog> one;
  one.push_back({std::move(made.statement), std::move(made.preimage), ""});
  must_value(entries.append(std::move(one)));
  EXPECT_EQ(must_value(record(policy_of(vendor))), 4U);
  EXPECT_EQ(must_value(record(policy_of(vendor))), 4U);
}

TEST_F(RegistrationHandlerTest, APolicyThatCannotBeInForceIsNotEntered) {
  auto policy = policy_of(vendor);
  policy.issuers[0].name = "log";
  const auto recorded = record(policy);
  ASSERT_FALSE(recorded.has_value());
  EXPECT_THAT(recorded.error().message, HasSubstr("issuers[0].issuer"));
  EXPECT_EQ(size(), 3U);
}

}  // namespace
}  // namespace avouch::control
