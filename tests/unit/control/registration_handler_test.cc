// Statements of other parties over HTTP: who may send them, what is refused and how, and what is
// in the log afterwards.

#include "control/registration_handler.h"

#include <gmock/gmock.h>

#include <future>

#include "codec/cbor.h"
#include "codec/cose.h"
#include "control/log_payloads.h"
#include "control/names.h"
#include "control/registration_record.h"
#include "control/sequenced_log.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "tests/support/tpm_structures.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using codec::Json;
using ::testing::HasSubstr;
using testing::must_value;

constexpr const char* kIssuer = "https://vendor.example";
constexpr const char* kKind = "application/spdx+json";

class Notes final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view message) override { last = message; }
  void fatal(std::string_view, const Error&) override {}
  std::string last;
};

class RegistrationHandlerTest : public ::testing::Test {
 protected:
  RegistrationHandlerTest() {
    for (const std::string name : {"sender", "stranger"}) {
      Json user;
      user["username"] = name;
      server.add_token(name + "s-token", user, {std::string(kTokenAudience)});
    }
    server.set_access([](const Json& spec) {
      return spec.text({"user"}) == "sender" &&
             spec.text({"resourceAttributes", "verb"}) == "create" &&
             spec.text({"resourceAttributes", "group"}) == "avouch.dev" &&
             spec.text({"resourceAttributes", "resource"}) == "statements";
    });
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
                                              const LogIndex& index_of) {
    const Bytes pseudonym(32, 1);
    return ensure_registration_policy({.log = *log,
                                       .entries = entries,
                                       .index = index_of,
                                       .origin = "log",
                                       .pseudonym_key = pseudonym,
                                       .verifier_key = key,
                                       .random = crypto::system_random()},
                                      policy, clock.now());
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
  // As a server does it.
  HttpResponse serve(HttpRequest what) {
    const auto plan = must_value(handler.plan(what));
    if (plan.refusal) return *plan.refusal;
    if (what.body.size() > plan.limit) return problem(413, "BodyTooLarge", "");
    std::promise<HttpResponse> answer;
    handler.handle(std::move(what), nullptr,
                   [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  HttpResponse post(ByteView body) { return serve(request(body)); }
  // Title and detail of a refusal.
  static std::string said(const HttpResponse& response) {
    EXPECT_EQ(response.content_type, "application/concise-problem-details+cbor");
    const auto body = codec::parse_cbor(to_bytes(response.body));
    if (!body.has_value() || body->find(std::int64_t{-1}) == nullptr ||
        body->find(std::int64_t{-2}) == nullptr) {
      return "";
    }
    return *body->find(std::int64_t{-1})->as_text() + ": " +
           *body->find(std::int64_t{-2})->as_text();
  }
  std::uint64_t size() const { return log->status().sequenced; }

  testing::FakeKube server;
  testing::ManualClock clock;
  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PrivateKey vendor = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::MemoryDisk disk;
  testing::MemoryLogStore store{disk};
  std::unique_ptr<tlog::Log> log = must_value(
      tlog::Log::open({.origin = "log"}, store, {},
                      must_value(tlog::NoteSigner::make(
                          "log", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))),
                      clock));
  LogIndex index;
  SequencedLog entries{*log, index};
  std::atomic<std::uint64_t> available{1000};
  LogVolume volume{{.bytes = 100, .percent = 10}, [this] {
                     return VolumeSpace{available.load(), 1000};
                   }};
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  const kube::Client client{server};
  kube::AccessReviewer access{client, clock};
  Notes notes;
  WorkPool pool{2, 64}, lane{2, 16};
  FairPool strangers{1, 64};
  Reception reception{callers, pool, strangers};
  ReceiptHandler receipts{{.log = *log, .origin = "log", .signer = key}, pool};
  RegistrationHandler handler{{.log = *log,
                               .volume = volume,
                               .receipts = receipts,
                               .policy = policy_of(vendor),
                               .policy_entry = 2},
                              reception,
                              access,
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
  std::promise<void> gate;
  const auto open = gate.get_future().share();
  std::promise<void> busy[2];
  for (auto& started : busy) {
    lane.post([open, &started] {
      started.set_value();
      open.wait();
    });
  }
  for (auto& started : busy) started.get_future().wait();
  while (lane.post([] {}) == WorkPool::Taken::kYes) {
  }
  EXPECT_EQ(post(statement()).status, 503);
  gate.set_value();
  lane.stop();
  EXPECT_EQ(size(), 3U);
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
