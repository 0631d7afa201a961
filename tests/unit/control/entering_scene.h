#pragma once

// A controller's log with all that the handlers need which enter into it what others send: "sender"
// and "stranger" have tokens.

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>

#include "codec/cbor.h"
#include "codec/json.h"
#include "control/callers.h"
#include "control/control_observer.h"
#include "control/log_index.h"
#include "control/log_volume.h"
#include "control/names.h"
#include "control/receipt_handler.h"
#include "control/reception.h"
#include "control/sequenced_log.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "tests/support/tpm_structures.h"

namespace avouch::control {

class LastNote final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view message) override { last = message; }
  void fatal(std::string_view, const Error&) override {}
  std::string last;
};

class EnteringTest : public ::testing::Test {
 protected:
  EnteringTest() {
    for (const std::string name : {"sender", "stranger"}) add_user(name);
    server.set_access([this](const codec::Json& spec) {
      return spec.text({"resourceAttributes", "group"}) == "avouch.dev" &&
             allowed.contains(right(spec.text({"user"}), spec.text({"resourceAttributes", "verb"}),
                                    spec.text({"resourceAttributes", "resource"})));
    });
  }

  // With the token NAMEs-token.
  void add_user(const std::string& name) {
    codec::Json user;
    user["username"] = name;
    server.add_token(name + "s-token", user, {std::string(kTokenAudience)});
  }
  void allow(const std::string& user, const std::string& verb, const std::string& resource) {
    allowed.insert(right(user, verb, resource));
  }

  static std::string right(std::string_view user, std::string_view verb,
                           std::string_view resource) {
    return std::string(user) + " " + std::string(verb) + " " + std::string(resource);
  }

  // As a server does it.
  static HttpResponse serve_by(HttpHandler& handler, HttpRequest what) {
    const auto plan = testing::must_value(handler.plan(what));
    if (plan.refusal) return *plan.refusal;
    if (what.body.size() > plan.limit) return problem(413, "BodyTooLarge", "");
    std::promise<HttpResponse> answer;
    handler.handle(std::move(what), nullptr,
                   [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
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
  // Until that is set, nothing that is posted to the lane runs, and nothing more fits into it.
  std::promise<void> block_lane() {
    std::promise<void> gate;
    const auto open = gate.get_future().share();
    for (int i = 0; i < kLaneThreads; ++i) {
      const auto started = std::make_shared<std::promise<void>>();
      lane.post([open, started] {
        started->set_value();
        open.wait();
      });
      started->get_future().wait();
    }
    while (lane.post([] {}) == WorkPool::Taken::kYes) {
    }
    return gate;
  }
  std::uint64_t size() const { return log->status().sequenced; }

  static constexpr int kLaneThreads = 2;
  testing::FakeKube server;
  std::set<std::string> allowed;  // right()
  testing::ManualClock clock;
  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::MemoryDisk disk;
  testing::MemoryLogStore store{disk};
  const tlog::NoteSigner log_signer = testing::must_value(
      tlog::NoteSigner::make("log", crypto::PrivateKey::generate(crypto::KeyType::kEd25519)));
  std::unique_ptr<tlog::Log> log =
      testing::must_value(tlog::Log::open({.origin = "log"}, store, {}, log_signer, clock));
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
  LastNote notes;
  WorkPool pool{2, 64}, lane{kLaneThreads, 16};
  FairPool strangers{1, 64};
  Reception reception{callers, pool, strangers};
  ReceiptHandler receipts{{.log = *log, .origin = "log", .signer = key}, pool};
};

}  // namespace avouch::control
