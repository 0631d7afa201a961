// Who may read the records of verdicts, and what of them.

#include "control/record_handler.h"

#include <gmock/gmock.h>

#include <future>

#include "control/names.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "tests/unit/control/logs.h"

namespace avouch::control {
namespace {

using ::testing::HasSubstr;

class RecordHandlerTest : public Logs {
 protected:
  RecordHandlerTest() {
    for (const char* name : {"alice", "bob"}) {
      Json user;
      user["username"] = name;
      server.add_token(name, user, {std::string(kTokenAudience)});
    }
    server.set_access([](const Json& spec) {
      return spec.text({"user"}) == "alice" &&
             spec.text({"resourceAttributes", "resource"}) == "attestationevidences" &&
             spec.text({"resourceAttributes", "name"}) != "secret";
    });
    enrol(kBootPolicy);
    store_boot_log();
    beat();
  }
  HttpResponse get(const std::string& target, const std::string& token = "alice",
                   const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    std::promise<HttpResponse> answer;
    handler.handle(std::move(request), nullptr,
                   [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  std::string path() const {
    return "/v1/records/" + attest::digest_text(crypto::sha256(verdict().token));
  }
  static std::string code(const HttpResponse& response) {
    const auto body = codec::parse_json(response.body);
    return body.has_value() ? std::string(body->text({"code"})) : "";
  }

  testing::FakeKube server;
  testing::ManualClock clock;
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  kube::Client client{server};
  kube::AccessReviewer access{client, clock};
  WorkPool pool{1, 16};
  FairPool strangers{1, 16};
  Reception reception{callers, pool, strangers};
  RecordHandler handler{world.archive, reception, access};
};

TEST_F(RecordHandlerTest, GivesARecordAndWhatItNamesToWhoMayReadTheNodesEvidence) {
  ASSERT_EQ(world.phase("n"), Phase::kTrusted);
  const HttpResponse answer = get(path() + "?node=n");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto record = must_value(appraisal::parse_record(as_bytes(answer.body)));
  EXPECT_EQ(record.record.token, verdict().token);
  const std::string log = path() + "/" + attest::digest_text(crypto::sha256(boot_log)) + "?node=n";
  EXPECT_EQ(as_bytes(get(log).body).size(), boot_log.size());
  EXPECT_EQ(get(log + "&offset=4").body, get(log).body.substr(4));
  EXPECT_EQ(get(log + "&offset=" + std::to_string(boot_log.size())).body, "");
  for (const crypto::Sha256& object : record.objects()) {
    const HttpResponse one = get(path() + "/" + attest::digest_text(object) + "?node=n");
    EXPECT_EQ(one.status, 200);
    EXPECT_EQ(crypto::sha256(as_bytes(one.body)), object);
  }
}

TEST_F(RecordHandlerTest, RefusesEverybodyElse) {
  EXPECT_EQ(get(path() + "?node=n", "").status, 401);
  EXPECT_EQ(get(path() + "?node=n", "unknown").status, 401);
  EXPECT_EQ(get(path() + "?node=n", "bob").status, 403);
  EXPECT_THAT(get(path() + "?node=n", "bob").body, HasSubstr("attestationevidences"));
  EXPECT_EQ(get(path() + "?node=n", "alice", "POST").status, 405);
}

TEST_F(RecordHandlerTest, ANodeThatTheCallerMayReadOpensNoRecordOfAnother) {
  const HttpResponse other = get(path() + "?node=m");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(code(other), "NotKept") << "as where there is none";
  const std::string object = attest::digest_text(crypto::sha256(boot_log));
  EXPECT_EQ(get(path() + "/" + object + "?node=m").status, 404);
}

TEST_F(RecordHandlerTest, GivesNothingThatTheRecordDoesNotName) {
  const crypto::Sha256 other = crypto::sha256(as_bytes("other"));
  world.archive.objects[other] = to_bytes("other");
  const HttpResponse answer = get(path() + "/" + attest::digest_text(other) + "?node=n");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(code(answer), "NotNamed");
}

TEST_F(RecordHandlerTest, SaysWhatIsNotKeptAnyMore) {
  world.archive.objects.erase(crypto::sha256(boot_log));
  const HttpResponse object =
      get(path() + "/" + attest::digest_text(crypto::sha256(boot_log)) + "?node=n");
  EXPECT_EQ(object.status, 404);
  EXPECT_EQ(code(object), "NotKept");
  world.archive.records.clear();
  EXPECT_EQ(code(get(path() + "?node=n")), "NotKept");
}

TEST_F(RecordHandlerTest, RefusesWhatItCannotRead) {
  EXPECT_EQ(get("/v1/records/?node=n").status, 400);
  EXPECT_EQ(get("/v1/records/sha256:00?node=n").status, 400);
  EXPECT_EQ(get(path()).status, 400) << "without a node";
  EXPECT_EQ(get(path() + "/x?node=n").status, 400);
  const std::string log = path() + "/" + attest::digest_text(crypto::sha256(boot_log)) + "?node=n";
  EXPECT_EQ(get(log + "&offset=-1").status, 400);
  EXPECT_EQ(get(log + "&offset=x").status, 400);
  EXPECT_EQ(get(log + "&offset=99999999999999999999").status, 400);
}

}  // namespace
}  // namespace avouch::control
