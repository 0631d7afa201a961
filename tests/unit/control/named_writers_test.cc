#include "control/named_writers.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/bytes.h"

namespace avouch::control {
namespace {

NamedWriter writer_with(const std::string& name, const std::string& token) {
  return {name, crypto::sha256(as_bytes(token))};
}

class NamedWritersTest : public ::testing::Test {
 protected:
  // Who sends what has this header; "" for who gets 401.
  std::string sender_with(const HttpHeaders& headers) {
    HttpRequest request;
    request.headers = headers;
    // The pool's thread may still be in set_value() when this one goes on.
    const auto promise = std::make_shared<std::promise<Senders::Sender>>();
    EXPECT_EQ(
        writers.receive(
            request, [promise](Senders::Sender sender) { promise->set_value(std::move(sender)); }),
        WorkPool::Taken::kYes);
    const Senders::Sender sender = promise->get_future().get();
    if (const auto* refusal = std::get_if<HttpResponse>(&sender)) {
      EXPECT_EQ(refusal->status, 401);
      EXPECT_EQ(refusal->body.find("tok-"), std::string::npos) << "shows a token";
      return "";
    }
    return std::get<std::string>(sender);
  }

  WorkPool pool{1, 1};
  NamedWriters writers{{writer_with("ci", "tok-1"), writer_with("release", "tok-2")}, pool};
};

TEST_F(NamedWritersTest, AreKnownByTheirTokens) {
  EXPECT_EQ(sender_with({{"Authorization", "Bearer tok-1"}}), "ci");
  EXPECT_EQ(sender_with({{"Authorization", "Bearer tok-2"}}), "release");
}

TEST_F(NamedWritersTest, NobodyElseIsAWriter) {
  EXPECT_EQ(sender_with({}), "");
  for (const std::string value : {"Bearer tok-3", "Bearer tok-1 ", "Bearer TOK-1", "Bearer ",
                                  "Bearer", "Basic tok-1", "tok-1", "Bearer ci"}) {
    EXPECT_EQ(sender_with({{"Authorization", value}}), "") << value;
  }
}

// Strangers are answered where the pool is full, and take no place in it.
TEST_F(NamedWritersTest, StrangersTakeNoPlaceInThePool) {
  std::promise<void> gate, started;
  const auto open = gate.get_future().share();
  ASSERT_EQ(pool.post([&] {
    started.set_value();
    open.wait();
  }),
            WorkPool::Taken::kYes);
  started.get_future().wait();
  ASSERT_EQ(pool.post([] {}), WorkPool::Taken::kYes);
  EXPECT_EQ(sender_with({{"Authorization", "Bearer tok-3"}}), "");
  HttpRequest request;
  request.headers = {{"Authorization", "Bearer tok-1"}};
  EXPECT_EQ(writers.receive(request, [](const Senders::Sender&) { FAIL() << "called"; }),
            WorkPool::Taken::kFull);
  gate.set_value();
  pool.stop();  // before what its task waits for goes
}

}  // namespace
}  // namespace avouch::control
