// Receipts over HTTP: what anybody may ask of the log in SCITT's terms.

#include "control/receipt_handler.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "codec/base64.h"
#include "codec/cose.h"
#include "control/log_payloads.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "support/rekords.h"
#include "tests/support/tpm_structures.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using testing::must_value;

class ReceiptHandlerTest : public ::testing::Test {
 protected:
  Bytes add() {
    auto made = must_value(tlog::make_entry(key,
                                            {.issuer = "log",
                                             .subject = "log:00",
                                             .kind = std::string(tlog::kGenesis),
                                             .payload = registration_policy_payload(clock.now())},
                                            crypto::system_random()));
    must_value(log->append_and_wait({made.statement, made.preimage, ""}));
    return made.statement;
  }
  HttpResponse get(const std::string& path, const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    std::promise<HttpResponse> answer;
    handler.handle(std::move(request), nullptr,
                   [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  // The title of a refusal.
  static std::string title(const HttpResponse& response) {
    EXPECT_EQ(response.content_type, "application/concise-problem-details+cbor");
    const auto body = codec::parse_cbor(to_bytes(response.body));
    if (!body.has_value() || body->find(std::int64_t{-1}) == nullptr) return "";
    EXPECT_NE(body->find(std::int64_t{-2}), nullptr);
    return *body->find(std::int64_t{-1})->as_text();
  }

  testing::ManualClock clock;
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::MemoryDisk disk;
  testing::MemoryLogStore store{disk};
  std::unique_ptr<tlog::Log> log = must_value(
      tlog::Log::open({.origin = "log"}, store, {},
                      must_value(tlog::NoteSigner::make(
                          "log", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))),
                      clock));
  WorkPool pool{2, 64};
  ReceiptHandler handler{{.log = *log, .origin = "log", .signer = key}, pool};
};

TEST_F(ReceiptHandlerTest, AnEntryHasAReceiptUnderThePublishedCheckpoint) {
  const Bytes first = add();
  const Bytes second = add();
  must_value(log->publish_now());
  const crypto::PublicKey public_key = key.public_key();
  for (const auto& [index, entry] : {std::pair{0, first}, {1, second}}) {
    const HttpResponse response = get("/entries/" + std::to_string(index));
    ASSERT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.content_type, "application/scitt-receipt+cose");
    const auto verified = tlog::verify_receipt(to_bytes(response.body), tlog::leaf_hash(entry),
                                               std::span(&public_key, 1), "log");
    ASSERT_TRUE(verified.has_value()) << verified.error().message;
    EXPECT_EQ(verified->root(), log->checkpoint().root());
    EXPECT_EQ(verified->subject(), "log:00");
  }
}

TEST_F(ReceiptHandlerTest, WhatHasNoReceiptIsSaid) {
  EXPECT_EQ(get("/entries/0").status, 404);
  add();
  must_value(log->publish_now());
  const HttpResponse alone = get("/entries/0");
  EXPECT_EQ(alone.status, 503);  // a tree of one entry
  EXPECT_EQ(title(alone), "NotPublished");
  EXPECT_TRUE(alone.headers.find("Retry-After").has_value());
  for (const char* path : {"/entries/", "/entries/00", "/entries/-1", "/entries/1x", "/entries/7",
                           "/entries/99999999999999999999", "/.well-known/scitt-keys/",
                           "/.well-known/scitt-keys/AAAA", "/.well-known/scitt-keysx"}) {
    const HttpResponse response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(title(response), "NotFound") << path;
  }
}

TEST_F(ReceiptHandlerTest, AHashedRekordHasNone) {
  add();
  const Bytes rekord = tlog::format_hashed_rekord(testing::make_rekord(key, "what is signed"));
  must_value(log->append_and_wait({.entry = rekord, .preimage = {}, .id = ""}));
  must_value(log->publish_now());
  const HttpResponse response = get("/entries/1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(title(response), "NotFound");
  EXPECT_EQ(get("/entries/0").status, 200);
}

TEST_F(ReceiptHandlerTest, StatementsOfOthersAreNotTaken) {
  for (const char* path : {"/entries", "/entries/0", "/.well-known/scitt-keys"}) {
    const HttpResponse response = get(path, "POST");
    EXPECT_EQ(response.status, 405) << path;
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD");
    EXPECT_EQ(title(response), "MethodNotAllowed");
    HttpRequest head;
    head.method = "POST";
    head.path = path;
    const auto plan = handler.plan(head);
    ASSERT_TRUE(plan.has_value() && plan->refusal.has_value()) << path;
    EXPECT_EQ(plan->refusal->status, 405) << path;
  }
}

// RFC 9052, 7: what a reader needs to verify receipts.
TEST_F(ReceiptHandlerTest, TheKeyIsServedAsACoseKey) {
  const HttpResponse all = get("/.well-known/scitt-keys");
  ASSERT_EQ(all.status, 200);
  EXPECT_EQ(all.content_type, "application/cbor");
  const Cbor set = codec::parse_cbor(to_bytes(all.body)).value();
  ASSERT_NE(set.as_array(), nullptr);
  ASSERT_EQ(set.as_array()->size(), 1U);
  const Cbor& one = set.as_array()->front();
  const auto served = crypto::PublicKey::ec_from_point(crypto::KeyType::kEcP256,
                                                       *one.find(std::int64_t{-2})->as_bytes(),
                                                       *one.find(std::int64_t{-3})->as_bytes());
  ASSERT_TRUE(served.has_value());
  EXPECT_EQ(*served, key.public_key());
  EXPECT_EQ(*one.find(std::int64_t{1})->as_integer(), 2);
  EXPECT_EQ(*one.find(std::int64_t{3})->as_integer(), -7);
  EXPECT_EQ(*one.find(std::int64_t{-1})->as_integer(), 1);
  const Bytes kid = *one.find(std::int64_t{2})->as_bytes();
  EXPECT_EQ(kid, codec::key_id(key.public_key()));
  const HttpResponse by_id = get("/.well-known/scitt-keys/" + codec::to_base64url(kid));
  ASSERT_EQ(by_id.status, 200);
  EXPECT_EQ(by_id.body, std::string(as_text(codec::to_cbor(one))));
}

// Whoever asks for receipts in a flood is refused; the pool's other work goes on.
TEST_F(ReceiptHandlerTest, AFloodTakesItsShareOfThePoolAndNoMore) {
  add();
  add();
  must_value(log->publish_now());
  std::promise<void> gate;
  const auto open = gate.get_future().share();
  std::promise<void> busy[2];
  for (auto& started : busy) {
    pool.post([open, &started] {
      started.set_value();
      open.wait();
    });
  }
  for (auto& started : busy) started.get_future().wait();
  std::atomic<int> refused = 0, answered = 0;
  for (std::size_t i = 0; i < ReceiptHandler::kAtOnce + 5; ++i) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/entries/0";
    handler.handle(std::move(request), nullptr, [&](const HttpResponse& response) {
      ++(response.status == 503 ? refused : answered);
    });
  }
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(pool.waiting(), ReceiptHandler::kAtOnce);
  std::promise<void> other;
  EXPECT_EQ(pool.post([&other] { other.set_value(); }), WorkPool::Taken::kYes);
  gate.set_value();
  other.get_future().wait();
  pool.stop();
  EXPECT_EQ(answered, static_cast<int>(ReceiptHandler::kAtOnce));
  EXPECT_EQ(refused, 5);
}

}  // namespace
}  // namespace avouch::control
