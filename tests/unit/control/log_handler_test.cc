// Who may write to the log and who may read what is in it.

#include "control/log_handler.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "base/hex.h"
#include "codec/base64.h"
#include "control/log_payloads.h"
#include "control/names.h"
#include "kube/views.h"
#include "support/fake_kube.h"
#include "support/faulty_log_store.h"
#include "support/manual_clock.h"
#include "support/memory_log_store.h"
#include "support/rekords.h"
#include "tests/support/tpm_structures.h"
#include "tlog/entry.h"
#include "tlog/remark.h"
#include "tlog/retention.h"

namespace avouch::control {
namespace {

using codec::Cbor;
using codec::Json;
using ::testing::HasSubstr;
using testing::must_value;
using ::testing::Not;

// One epoch with one renewal, which is there once it may be read.
class OneRenewal final : public RenewalStore {
 public:
  Result<void> save(std::uint64_t, ByteView) override { return {}; }
  Result<std::vector<std::uint64_t>> epochs() override {
    ++asked;
    open.wait(false);
    return std::vector<std::uint64_t>{7};
  }
  Result<Bytes> read(std::uint64_t) override {
    return encode_renewals({make_renewal("node:00", token)});
  }
  const crypto::Sha256 token = crypto::sha256(std::string_view("token"));
  std::atomic<int> asked = 0;
  std::atomic<bool> open = true;
};

class LogHandlerTest : public ::testing::Test {
 protected:
  explicit LogHandlerTest(AppendLimits limits = {}) : appends(limits) {
    give("reader", "alice");
    give("webhook", "system:serviceaccount:ns:webhook");
    add(tlog::kGenesis, registration_policy_payload(clock.now()));
    add(tlog::kNodeVerdict,
        node_verdict_payload(clock.now(), "node-1", "uid-1", Phase::kPending, NodeVerdict{}));
  }
  void give(const std::string& token, const std::string& name, const std::string& pod_uid = "") {
    Json user;
    user["username"] = name;
    if (!pod_uid.empty()) {
      user["extra"]["authentication.kubernetes.io/pod-uid"] = Json::Array{pod_uid};
    }
    server.add_token(token, user, {std::string(kTokenAudience)});
  }
  void add(std::string_view kind, Cbor payload) {
    auto made = must_value(tlog::make_entry(key,
                                            {.issuer = "log",
                                             .subject = "log:00",
                                             .kind = std::string(kind),
                                             .payload = std::move(payload)},
                                            crypto::system_random()));
    std::vector<EntryToLog> one;
    one.push_back({std::move(made.statement), std::move(made.preimage), ""});
    testing::must(entries.append(std::move(one)).has_value(), "an entry");
  }
  std::string admission_body(const std::string& id, const std::string& decision = "deny",
                             const std::string& uid = "", Cbor::Map more = {}) {
    Cbor::Map map;
    for (const auto& [name, value] : {std::pair{"id", id},
                                      {"decision", decision},
                                      {"operation", "pods"},
                                      {"namespace", "shop"},
                                      {"pod", "web-0"}}) {
      map.emplace_back(Cbor::text(name), Cbor::text(value));
    }
    const bool has_time = std::any_of(more.begin(), more.end(), [](const auto& member) {
      return *member.first.as_text() == "time";
    });
    if (!has_time) {
      const auto time = clock.now().time_since_epoch().count();
      map.emplace_back(Cbor::text("time"), Cbor::integer(time));
    }
    for (auto& member : more) map.push_back(std::move(member));
    if (!uid.empty()) map.emplace_back(Cbor::text("podUID"), Cbor::text(uid));
    const Bytes payload = codec::to_cbor(Cbor::map(std::move(map)));
    return R"({"entries":[{"id":")" + id + R"(","payload":")" + codec::to_base64(payload) + "\"}]}";
  }
  HttpResponse serve(const std::string& method, const std::string& target, const std::string& token,
                     std::string body = "") {
    return ask(method, target, token, std::move(body)).get();
  }
  std::future<HttpResponse> ask(const std::string& method, const std::string& target,
                                const std::string& token, std::string body = "") {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    request.body = std::move(body);
    const auto answer = std::make_shared<std::promise<HttpResponse>>();
    handler.handle(std::move(request), nullptr,
                   [answer](HttpResponse response) { answer->set_value(std::move(response)); });
    return answer->get_future();
  }
  // Lets `alice` get whatever `rule` says.
  void allow(std::function<bool(const Json& attributes)> rule) {
    server.set_access([rule = std::move(rule)](const Json& spec) {
      const Json* attributes = spec.find("resourceAttributes");
      return attributes != nullptr && spec.text({"user"}) == "alice" && rule(*attributes);
    });
  }

  const AppendLimits appends;
  testing::FakeKube server;
  testing::ManualClock clock;
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  testing::MemoryDisk disk;
  testing::Faults faults;
  testing::FaultyLogStore store{std::make_unique<testing::MemoryLogStore>(disk), faults};
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
  OneRenewal renewals;
  RenewalIndex renewal_index{renewals};
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  kube::Client client{server};
  kube::AccessReviewer access{client, clock};
  WorkPool append_lane{1, 16};
  FairPool readers{2, 16};
  FairPool strangers{1, 16};
  Reception append_reception{callers, append_lane, strangers};
  Reception reader_reception{callers, readers, strangers};
  LogHandler handler{{.log = *log,
                      .tiles = store,
                      .entries = entries,
                      .index = index,
                      .volume = volume,
                      .renewals = renewal_index,
                      .origin = "log",
                      .pseudonym_key = Bytes(32, 1),
                      .verifier_key = key,
                      .random = crypto::system_random(),
                      .clock = clock,
                      .appends = appends},
                     append_reception,
                     reader_reception,
                     access};
};

TEST_F(LogHandlerTest, OnlyTheWebhookAppends) {
  EXPECT_EQ(serve("POST", "/v1/log/entries", "", admission_body("a")).status, 401);
  EXPECT_EQ(serve("POST", "/v1/log/entries", "unknown", admission_body("a")).status, 401);
  EXPECT_EQ(serve("POST", "/v1/log/entries", "reader", admission_body("a")).status, 403);
  EXPECT_EQ(log->status().sequenced, 2U);
  const HttpResponse first = serve("POST", "/v1/log/entries", "webhook", admission_body("a"));
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a")).body, first.body)
      << "the same review has one place";
  EXPECT_EQ(log->status().sequenced, 3U);
}

TEST_F(LogHandlerTest, WhereTheVolumeIsShortDenialsAreLeftOutAndAllowsAreNot) {
  const std::string target = "/v1/log/entries?leftOut=accepted";
  available = 99;
  const HttpResponse denied = serve("POST", target, "webhook", admission_body("a"));
  EXPECT_EQ(denied.status, 200);
  EXPECT_EQ(denied.body, R"({"results":[{"leftOut":true}]})");
  EXPECT_EQ(log->status().sequenced, 2U);
  EXPECT_EQ(handler.left_out(), 1U);

  const std::string allow = admission_body("b", "allow");
  std::string both = admission_body("c");
  both.insert(both.size() - 2,
              "," + allow.substr(allow.find('[') + 1, allow.rfind(']') - allow.find('[') - 1));
  const HttpResponse mixed = serve("POST", target, "webhook", both);
  EXPECT_THAT(mixed.body, HasSubstr(R"("results":[{"leftOut":true},{"index":2,)"));
  EXPECT_THAT(mixed.body, HasSubstr(R"("origin":")"));
  EXPECT_EQ(log->status().sequenced, 3U);

  // Who does not know of this gets every entry logged.
  EXPECT_THAT(serve("POST", "/v1/log/entries", "webhook", admission_body("d")).body,
              HasSubstr(R"("index":3)"));
  available = 100;
  EXPECT_THAT(serve("POST", target, "webhook", admission_body("e")).body,
              HasSubstr(R"("index":4)"));
  EXPECT_EQ(handler.left_out(), 2U);
}

TEST_F(LogHandlerTest, TheLastOfTheVolumeIsForVerdictsOnNodes) {
  available = 74;
  for (const char* target : {"/v1/log/entries", "/v1/log/entries?leftOut=accepted"}) {
    const HttpResponse refused = serve("POST", target, "webhook", admission_body("a", "allow"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.find("Retry-After"), "1");
    EXPECT_THAT(refused.body, HasSubstr("74 of 1000 bytes are left; they are kept for verdicts"));
  }
  EXPECT_EQ(log->status().sequenced, 2U);
  available = 75;
  EXPECT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a", "allow")).status, 200);
}

TEST_F(LogHandlerTest, TakesNoTimeOfAReviewThatCannotBeButOfOneThatWasSpooled) {
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  int sent = 0;
  const auto send = [&](SystemTime time, std::optional<bool> late = {}) {
    Cbor::Map more;
    more.emplace_back(Cbor::text("time"), Cbor::integer(time.time_since_epoch().count()));
    if (late) more.emplace_back(Cbor::text("late"), Cbor::boolean(*late));
    return serve("POST", "/v1/log/entries", "webhook",
                 admission_body("id-" + std::to_string(++sent), "allow", "", std::move(more)));
  };
  const SystemTime now = clock.now();
  EXPECT_EQ(send(now - minutes(60)).status, 200);
  EXPECT_EQ(send(now + minutes(10), false).status, 200);
  const std::uint64_t size = log->status().sequenced;
  const SystemTime year_2000{milliseconds(946'684'800'000)};
  for (const SystemTime time :
       {now - minutes(60) - milliseconds(1), now + minutes(10) + milliseconds(1), year_2000,
        SystemTime::min(), SystemTime::max()}) {
    EXPECT_EQ(send(time).status, 400);
    EXPECT_EQ(send(time, false).status, 400);
  }
  EXPECT_THAT(send(SystemTime::max()).body,
              HasSubstr("entries[0]: payload: \\\"time\\\": is 9223372036854775807; expected Unix "
                        "milliseconds"));
  // Both clocks are named, in no more than a webhook repeats.
  const auto refused = codec::parse_json(send(now + minutes(11)).body);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->text({"detail"}),
            "entries[0]: payload: \"time\": is 2027-01-15T08:11:00Z by the webhook's clock, and it "
            "is 2027-01-15T08:00:00Z by the controller's; expected from 2027-01-15T07:00:00Z to "
            "2027-01-15T08:10:00Z unless it is \"late\": set the clocks of both nodes right");
  EXPECT_LE(refused->text({"detail"}).size(), 300U);
  EXPECT_EQ(log->status().sequenced, size);
  // Of what was let in and spooled nothing is lost for the time of a clock.
  EXPECT_EQ(send(year_2000, true).status, 200);
  EXPECT_EQ(send(now + std::chrono::hours(48), true).status, 200);
  EXPECT_EQ(send(SystemTime::min(), true).status, 400) << "that is no time";
}

TEST_F(LogHandlerTest, TakesNoTextThatAWebhookWouldHaveCut) {
  const auto send = [&](std::string_view name, Cbor value) {
    Cbor::Map more;
    more.emplace_back(Cbor::text(name), std::move(value));
    return serve("POST", "/v1/log/entries", "webhook",
                 admission_body("id", "allow", "", std::move(more)));
  };
  const Cbor longest = Cbor::text(std::string(256, 'x'));
  const Cbor too_long = Cbor::text(std::string(257, 'x'));
  const auto reason = [](const Cbor& message) {
    Cbor::Map map;
    map.emplace_back(Cbor::text("message"), message);
    return Cbor::array({Cbor::map({}), Cbor::map(std::move(map))});
  };
  EXPECT_THAT(send("user", too_long).body,
              HasSubstr("\\\"user\\\": is of 257 bytes; expected at most 256"));
  EXPECT_THAT(send("reasons", reason(too_long)).body,
              HasSubstr("\\\"reasons\\\"[1].\\\"message\\\": is of 257 bytes"));
  EXPECT_EQ(send("podSpecDigest", Cbor::bytes(Bytes(257, 1))).status, 400);
  EXPECT_EQ(send(std::string(257, 'x'), Cbor::integer(1)).status, 400);
  EXPECT_EQ(log->status().sequenced, 2U);
  EXPECT_EQ(send("user", longest).status, 200);
  EXPECT_EQ(send("reasons", reason(longest)).status, 200);
  EXPECT_EQ(send("ofANewerWebhook", longest).status, 200);
}

class LogHandlerBudgetTest : public LogHandlerTest {
 protected:
  LogHandlerBudgetTest() : LogHandlerTest({.burst = 20'000, .per_second = 1'000}) {}
};

// A webhook's token is worth as much to whoever else has it.
TEST_F(LogHandlerBudgetTest, AWebhookAddsNoMoreToTheLogThanItsBudget) {
  give("one", "system:serviceaccount:ns:webhook", "uid-1");
  give("one-renewed", "system:serviceaccount:ns:webhook", "uid-1");
  give("two", "system:serviceaccount:ns:webhook", "uid-2");
  const auto send = [&](const std::string& token) {
    const std::string id = "id-" + std::to_string(log->status().sequenced);
    return serve("POST", "/v1/log/entries?leftOut=accepted", token, admission_body(id, "allow"));
  };
  int taken = 0;
  while (taken < 100 && send("one").status == 200) ++taken;
  EXPECT_GT(taken, 20) << "an entry counts by what it takes, some 600 bytes";
  EXPECT_LT(taken, 40);
  const std::uint64_t size = log->status().sequenced;
  const HttpResponse refused = send("one");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.find("Retry-After"), "1");
  EXPECT_THAT(refused.body, HasSubstr("OverBudget"));
  EXPECT_THAT(refused.body, HasSubstr("20000 bytes at once, 1000 a second after that"));
  EXPECT_EQ(send("one-renewed").status, 429) << "of the same pod";
  EXPECT_EQ(log->status().sequenced, size);
  EXPECT_EQ(handler.over_budget(), 3U);
  EXPECT_EQ(send("two").status, 200) << "who has not had his own";
  EXPECT_EQ(send("webhook").status, 200) << "a token that is bound to no pod";

  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(send("one").status, 200) << "what waited is taken, and loses nothing but time";
  int more = 0;
  while (more < 100 && send("one").status == 200) ++more;
  EXPECT_LE(more, 1);
}

TEST_F(LogHandlerBudgetTest, WhatIsNotLoggedCostsAWebhookNothing) {
  available = 74;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a", "allow")).status,
              503);
  }
  available = 99;
  for (int i = 0; i < 100; ++i) {
    const std::string id = "d" + std::to_string(i);
    ASSERT_EQ(serve("POST", "/v1/log/entries?leftOut=accepted", "webhook", admission_body(id)).body,
              R"({"results":[{"leftOut":true}]})");
  }
  faults.fail_all(ErrorKind::kRetryable);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a", "allow")).status, 503)
        << i;
  }
  faults.heal();
}

TEST_F(LogHandlerTest, ContentIsShownToThoseWhoMayReadWhatItIsAbout) {
  HttpResponse answer = serve("GET", "/v1/log/entries/1", "reader");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("withheld"));
  EXPECT_THAT(answer.body, Not(HasSubstr("preimage")));
  allow([](const Json& what) {
    return what.text({"resource"}) == "attestationevidences" && what.text({"name"}) == "node-1" &&
           what.text({"verb"}) == "get" && what.text({"group"}) == "avouch.dev";
  });
  clock.advance(std::chrono::minutes(2));  // answers are kept for a minute
  answer = serve("GET", "/v1/log/entries/1", "reader");
  EXPECT_THAT(answer.body, HasSubstr("preimage"));
  EXPECT_THAT(serve("GET", "/v1/log/entries/0", "reader").body, HasSubstr("preimage"));
}

// Who knows which entries are about a name knows the name behind a pseudonym.
TEST_F(LogHandlerTest, EntriesAreListedOnlyForThoseWhoMayReadTheirSubject) {
  ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a")).status, 200);
  const std::vector<std::string> questions = {"?node=node-1", "?namespace=shop&pod=web-0"};
  for (const std::string& question : questions) {
    const HttpResponse answer = serve("GET", "/v1/log/entries" + question, "reader");
    EXPECT_EQ(answer.status, 403) << question;
    EXPECT_THAT(answer.body, HasSubstr("NotEntitled"));
    EXPECT_THAT(answer.body, Not(HasSubstr("statement")));
  }
  allow([](const Json& what) {
    return what.text({"resource"}) == "admissionverdicts" && what.text({"namespace"}) == "shop";
  });
  clock.advance(std::chrono::minutes(2));
  EXPECT_EQ(serve("GET", "/v1/log/entries" + questions[0], "reader").status, 403);
  const HttpResponse pods = serve("GET", "/v1/log/entries" + questions[1], "reader");
  EXPECT_EQ(pods.status, 200);
  EXPECT_THAT(pods.body, HasSubstr("preimage"));
}

// Pods that are made and deleted again and again have one name, and each a UID of its own.
TEST_F(LogHandlerTest, FindsTheVerdictOnAPodByItsUidWithoutReadingThoseOfItsName) {
  allow([](const Json&) { return true; });
  const auto log_one = [&](const std::string& id, const std::string& uid) {
    ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body(id, "allow", uid)).status,
              200);
  };
  log_one("first", "runs");
  for (int i = 0; i < 300; ++i) log_one("later-" + std::to_string(i), "u" + std::to_string(i));
  static_cast<void>(log->publish_now().value());
  const HttpResponse page =
      serve("GET", "/v1/log/entries?namespace=shop&pod=web-0&uid=runs&limit=50", "reader");
  ASSERT_EQ(page.status, 200) << page.body;
  const Json answer = codec::parse_json(page.body).value();
  ASSERT_EQ(answer.find("entries")->as_array()->size(), 1U) << page.body;
  EXPECT_EQ(*answer.find("entries")->as_array()->front().find("index")->as_int(), 2);
  EXPECT_EQ(*answer.find("from")->as_int(), 0) << "and that is all of it";
}

// Whoever may create pods can have any number of verdicts logged under the name of another's pod.
TEST_F(LogHandlerTest, FindsAnEntryBehindMoreOfItsNameThanAreIndexed) {
  allow([](const Json&) { return true; });
  constexpr int kMore = 2 * static_cast<int>(LogIndex::kPerKey) + 88;
  EXPECT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("first", "allow")).status,
            200);
  for (int i = 0; i < kMore; ++i) {
    const std::string body = admission_body("later-" + std::to_string(i));
    ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", body).status, 200);
  }
  const auto size = static_cast<std::int64_t>(log->publish_now().value().size());
  std::vector<std::int64_t> found;
  std::int64_t before = size;
  while (before > 0) {
    const HttpResponse page =
        serve("GET",
              "/v1/log/entries?namespace=shop&pod=web-0&limit=100&before=" + std::to_string(before),
              "reader");
    ASSERT_EQ(page.status, 200) << page.body;
    const Json answer = codec::parse_json(page.body).value();
    for (const Json& entry : *answer.find("entries")->as_array()) {
      found.push_back(*entry.find("index")->as_int());
    }
    const std::int64_t from = *answer.find("from")->as_int();
    ASSERT_LT(from, before);
    before = from;
  }
  std::vector<std::int64_t> all;
  for (std::int64_t i = size - 1; i >= size - 1 - kMore; --i) all.push_back(i);
  EXPECT_EQ(found, all);
}

TEST_F(LogHandlerTest, ProvesRenewalsToThoseWhoMayReadTheirNode) {
  const std::string target = "/v1/log/renewals?token=sha256:" + to_hex(renewals.token);
  EXPECT_EQ(serve("GET", target, "").status, 401);
  EXPECT_EQ(serve("GET", target, "reader").status, 400) << "of which node?";
  const HttpResponse refused = serve("GET", target + "&node=node-1", "reader");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("NotEntitled"));
  EXPECT_EQ(renewals.asked, 0) << "nothing is looked for";
  allow([](const Json& what) {
    return what.text({"resource"}) == "attestationevidences" && what.text({"name"}) == "node-1";
  });
  clock.advance(std::chrono::minutes(2));
  EXPECT_EQ(serve("GET", target + "&node=node-1", "reader").body,
            R"({"epochIndex":7,"leafIndex":0,"path":[],"size":1})");
  EXPECT_EQ(serve("GET", target + "&node=node-2", "reader").status, 403);
  const std::string none = "&token=sha256:" + std::string(64, '0');
  EXPECT_EQ(serve("GET", "/v1/log/renewals?node=node-1" + none, "reader").status, 404);
}

// A disk may be slow, and anybody who may read asks as often as he likes.
TEST_F(LogHandlerTest, ReadersKeepTheWebhookWaitingForNothing) {
  allow([](const Json&) { return true; });
  ASSERT_EQ(serve("POST", "/v1/log/entries", "webhook", admission_body("a")).status, 200);
  ASSERT_EQ(serve("GET", "/v1/log/entries/0", "reader").status, 200);  // no stranger from here on
  renewals.open = false;
  const std::string target = "/v1/log/renewals?node=node-1&token=sha256:" + to_hex(renewals.token);
  std::vector<std::future<HttpResponse>> asked;
  asked.reserve(40);
  for (int i = 0; i < 40; ++i) asked.push_back(ask("GET", target, "reader"));
  while (renewals.asked == 0) std::this_thread::yield();
  auto appended = ask("POST", "/v1/log/entries", "webhook", admission_body("b"));
  const bool in_time = appended.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  renewals.open = true;
  renewals.open.notify_all();
  EXPECT_TRUE(in_time);
  EXPECT_EQ(appended.get().status, 200);
  int answered = 0, refused = 0;
  for (auto& one : asked) {
    const int status = one.get().status;
    answered += status == 200;
    refused += status == 503;
  }
  EXPECT_EQ(answered + refused, 40);
  EXPECT_GE(answered, 16);
  EXPECT_GE(refused, 20) << "no more than so many wait";
}

TEST_F(LogHandlerTest, WhoIsNotTheWebhookTakesNoPlaceBeforeIt) {
  ASSERT_EQ(serve("POST", "/v1/log/entries", "reader", admission_body("a")).status, 403);
  std::promise<void> busy, go_on;
  ASSERT_EQ(append_lane.post([&] {
    busy.set_value();
    go_on.get_future().wait();
  }),
            WorkPool::Taken::kYes);
  busy.get_future().wait();
  auto refused = ask("POST", "/v1/log/entries", "reader", admission_body("a"));
  EXPECT_EQ(refused.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  go_on.set_value();
  append_lane.stop();  // it looks at what is gone after this
  EXPECT_EQ(refused.get().status, 403);
}

TEST_F(LogHandlerTest, AKindWithoutARuleIsShownToNobody) {
  Cbor::Map map;
  map.emplace_back(Cbor::text("node"), Cbor::text("node-1"));
  add("exception", Cbor::map(std::move(map)));
  allow([](const Json&) { return true; });
  const HttpResponse answer = serve("GET", "/v1/log/entries/2", "reader");
  EXPECT_THAT(answer.body, HasSubstr("withheld"));
  EXPECT_THAT(answer.body, Not(HasSubstr("preimage")));
}

// It holds no name, and the log has no content of it: everybody who may ask is shown all there is.
TEST_F(LogHandlerTest, AHashedRekordIsShownAsItLies) {
  const Bytes entry = tlog::format_hashed_rekord(testing::make_rekord(key, "what is signed"));
  must_value(log->append_and_wait({.entry = entry, .preimage = {}, .id = ""}));
  EXPECT_EQ(serve("GET", "/v1/log/entries/2", "").status, 401);
  const HttpResponse answer = serve("GET", "/v1/log/entries/2", "reader");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json shown = codec::parse_json(answer.body).value();
  EXPECT_EQ(shown.text({"kind"}), "hashedrekord");
  EXPECT_EQ(shown.text({"statement"}), codec::to_base64(entry));
  EXPECT_THAT(std::string(shown.text({"withheld"})), HasSubstr("signature of another party"));
  EXPECT_EQ(shown.find("preimage"), nullptr);
}

// That something is said of an entry, and by whom, is for those who may read remarks of each kind.
TEST_F(LogHandlerTest, RemarksAreShownAndListedToThoseWhoMayReadThem) {
  tlog::Remark remark;
  remark.kind = tlog::RemarkKind::kDispute;
  remark.refs = {{"log", 1, tlog::leaf_hash(must_value(log->get(1)).entry), ""}};
  remark.text = "wrong";
  add(tlog::kDisputeKind, must_value(tlog::remark_payload({remark, "bob", clock.now()}, "log")));
  std::vector<std::string> readable = {"endorsements", "measurements", "supersessions", "erasures"};
  allow([&](const Json& what) {
    return what.text({"verb"}) == "get" && what.text({"group"}) == "avouch.dev" &&
           what.text({"namespace"}).empty() && what.text({"name"}).empty() &&
           std::find(readable.begin(), readable.end(), what.text({"resource"})) != readable.end();
  });
  HttpResponse answer = serve("GET", "/v1/log/entries/2", "reader");
  EXPECT_THAT(answer.body, HasSubstr(R"(needs \"get\" on disputes")"));
  EXPECT_THAT(answer.body, Not(HasSubstr("preimage")));
  EXPECT_EQ(serve("GET", "/v1/log/entries?refersTo=1", "reader").status, 403);

  readable.emplace_back("disputes");
  clock.advance(std::chrono::minutes(2));
  answer = serve("GET", "/v1/log/entries/2", "reader");
  EXPECT_THAT(answer.body, HasSubstr("preimage"));
  answer = serve("GET", "/v1/log/entries?refersTo=1", "reader");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("index":2)"));
  for (const char* other : {"?refersTo=0", "?refersTo=2", "?refersTo=1&origin=another"}) {
    answer = serve("GET", std::string("/v1/log/entries") + other, "reader");
    EXPECT_EQ(answer.status, 200) << other;
    EXPECT_THAT(answer.body, HasSubstr(R"("entries":[])")) << other;
  }
}

// Not as one that is not there: the statement is, and so is who erased the rest.
TEST_F(LogHandlerTest, OfAnErasedEntryItSaysByWhichOne) {
  allow([](const Json&) { return true; });
  must_value(log->publish_now());
  tlog::Remark remark;
  remark.kind = tlog::RemarkKind::kErasure;
  remark.refs = {{"log", 1, tlog::leaf_hash(must_value(log->get(1)).entry), ""}};
  remark.text = "asked for";
  add(tlog::kErasureKind, must_value(tlog::remark_payload({remark, "bob", clock.now()}, "log")));
  EXPECT_EQ(serve("GET", "/v1/log/entries/1", "reader").status, 200);  // not published yet
  must_value(log->publish_now());
  EXPECT_EQ(serve("GET", "/v1/log/entries/1", "").status, 401);
  const HttpResponse answer = serve("GET", "/v1/log/entries/1", "reader");
  EXPECT_EQ(answer.status, 410);
  EXPECT_EQ(answer.content_type, "application/problem+json");
  const Json shown = codec::parse_json(answer.body).value();
  EXPECT_EQ(shown.text({"code"}), "Erased");
  EXPECT_EQ(shown.text({"detail"}), "the content was erased by entry 2");
  EXPECT_EQ(*shown.find("erasedBy")->as_int(), 2);
  EXPECT_EQ(shown.text({"kind"}), "node-verdict");
  EXPECT_EQ(shown.text({"statement"}), codec::to_base64(must_value(log->get(1)).entry));
  EXPECT_EQ(shown.find("preimage"), nullptr);
  // The index knows it until the next start.
  const HttpResponse list = serve("GET", "/v1/log/entries?node=node-1", "reader");
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(list.body, HasSubstr(R"("erasedBy":2)"));
  EXPECT_THAT(serve("GET", "/v1/log/entries?refersTo=1", "reader").body, HasSubstr(R"("index":2)"));
}

// 600 verdicts of which the content of the first 512 is pruned, and the first 256 are not served.
TEST_F(LogHandlerTest, OfWhatWasPrunedItSaysByWhichEntryAndServesTheRest) {
  allow([](const Json&) { return true; });
  while (log->status().sequenced < 600) {
    add(tlog::kNodeVerdict,
        node_verdict_payload(clock.now(), "node-1", "uid-1", Phase::kPending, NodeVerdict{}));
  }
  const tlog::RetentionPolicy policy{std::chrono::hours(24), std::chrono::hours(48)};
  add(tlog::kRetentionKind, tlog::retention_payload(policy, clock.now()));
  add(tlog::kPruningKind, tlog::pruning_payload({600, 512, 256}, clock.now()));
  TileHandler tiles(store, nullptr, nullptr, log.get());
  const auto get = [&tiles](const std::string& path) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/log/" + path;
    std::promise<HttpResponse> answer;
    tiles.handle(std::move(request), nullptr,
                 [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  };
  EXPECT_EQ(serve("GET", "/v1/log/entries/1", "reader").status, 200);  // not published yet
  must_value(log->publish_now());

  const HttpResponse answer = serve("GET", "/v1/log/entries/511", "reader");
  EXPECT_EQ(answer.status, 410);
  const Json shown = codec::parse_json(answer.body).value();
  EXPECT_EQ(shown.text({"code"}), "Pruned");
  EXPECT_THAT(std::string(shown.text({"detail"})), HasSubstr("entry 601"));
  EXPECT_EQ(*shown.find("prunedBy")->as_int(), 601);
  EXPECT_EQ(shown.find("erasedBy"), nullptr);
  EXPECT_EQ(shown.text({"statement"}), codec::to_base64(must_value(log->get(511)).entry));
  EXPECT_EQ(serve("GET", "/v1/log/entries/512", "reader").status, 200);
  EXPECT_EQ(serve("GET", "/v1/log/entries/0", "reader").status, 200);  // a genesis
  allow([](const Json&) { return false; });
  for (const char* open : {"600", "601"}) {
    EXPECT_THAT(serve("GET", std::string("/v1/log/entries/") + open, "reader").body,
                HasSubstr("preimage"));
  }

  // The checkpoint, and all that proofs of what is left need.
  for (const char* path : {"checkpoint", "tile/0/001", "tile/entries/001", "tile/entries/002.p/90",
                           "tile/1/000.p/2", "tile/0/001.p/3"}) {
    EXPECT_EQ(get(path).status, 200) << path;
  }
  for (const char* path : {"tile/0/000", "tile/entries/000", "tile/0/000.p/3",
                           "tile/entries/000.p/255", "witnessed/tile/0/000"}) {
    const HttpResponse denied = get(path);
    EXPECT_EQ(denied.status, 410) << path;
    EXPECT_THAT(denied.body, HasSubstr("minimum index is 256, as entry 601 says")) << path;
  }
  const HttpResponse said = get("retention");
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.headers.find("Cache-Control"), "no-cache");
  const Json retention = codec::parse_json(said.body).value();
  EXPECT_EQ(*retention.find("minimumIndex")->as_int(), 256);
  EXPECT_EQ(*retention.find("contentFrom")->as_int(), 512);
  EXPECT_THAT(get("tile/0/003").body, HasSubstr("NotFound"));
}

TEST_F(LogHandlerTest, RemarksAreNotLookedForBeforeTheEntryThatTheyAreAbout) {
  for (int i = 0; i < 300; ++i) {
    must_value(log->append_and_wait(
        {.entry = to_bytes("entry " + std::to_string(i)), .preimage = {}, .id = ""}));
  }
  must_value(log->publish_now());
  // It knows the newest group alone.
  ASSERT_TRUE(index.rebuild(store, log->checkpoint().size(), 1).has_value());
  allow([](const Json&) { return true; });
  const auto looked_from = [&](const char* target) {
    const HttpResponse answer = serve("GET", target, "reader");
    return *must_value(codec::parse_json(answer.body)).find("from")->as_int();
  };
  EXPECT_EQ(looked_from("/v1/log/entries?refersTo=280"), 256);
  EXPECT_EQ(looked_from("/v1/log/entries?refersTo=5"), 0);
  EXPECT_EQ(looked_from("/v1/log/entries?refersTo=280&origin=another"), 0);
}

TEST_F(LogHandlerTest, WhenTheServerCannotBeAskedNothingIsShown) {
  allow([](const Json&) { return true; });
  ASSERT_TRUE(callers.identify("reader").has_value());
  server.set_down(true);
  EXPECT_EQ(serve("GET", "/v1/log/entries/1", "reader").status, 503);
  EXPECT_EQ(serve("GET", "/v1/log/entries?node=node-1", "reader").status, 503);
}

TEST_F(LogHandlerTest, SaysWhatIsWrongWithAQuestion) {
  for (const char* target :
       {"/v1/log/entries", "/v1/log/entries?node=a&namespace=b&pod=c", "/v1/log/entries?pod=c",
        "/v1/log/entries?node=a&uid=d", "/v1/log/entries/x", "/v1/log/entries/-1",
        "/v1/log/entries?refersTo=x", "/v1/log/entries?refersTo=1&node=a",
        "/v1/log/entries?node=a&origin=b", "/v1/log/entries?refersTo=1&uid=d",
        "/v1/log/renewals?node=a&token=sha256:00"}) {
    EXPECT_EQ(serve("GET", target, "reader").status, 400) << target;
  }
  EXPECT_EQ(serve("GET", "/v1/log/entries/99", "reader").status, 404);
  EXPECT_EQ(serve("GET", "/v1/log/other", "reader").status, 404);
  EXPECT_EQ(serve("PUT", "/v1/log/entries", "reader").status, 405);
}

TEST_F(LogHandlerTest, ServesTheNewestCheckpointAndTheNewestWitnessedOne) {
  const auto cosigner =
      tlog::Cosigner::make("w.example", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  const std::string vkey = tlog::format_cosigner_vkey(cosigner.key());
  tlog::CosignedNotes notes(tlog::LogPolicy::parse("witness w " + vkey + "\nquorum w\n").value());
  TileHandler tiles(store, &notes), without(store);
  const auto get = [](TileHandler& from, const std::string& path) {
    HttpRequest request;
    request.method = "GET";
    request.path = path;
    std::promise<HttpResponse> answer;
    from.handle(std::move(request), nullptr,
                [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  };
  const tlog::VerifiedCheckpoint first = log->publish_now().value();
  EXPECT_EQ(get(tiles, "/log/checkpoint").body, first.note());
  EXPECT_EQ(get(tiles, "/log/witnessed/checkpoint").status, 404);

  notes.ask_for(first);
  const auto text = tlog::parse_note_unverified(first.note()).value().text;
  const std::string line = cosigner.cosign(text, 100).value();
  ASSERT_TRUE(notes.add(first.note(), cosigner.key(), line, 100));
  EXPECT_EQ(get(tiles, "/log/checkpoint").body, first.note() + line);
  EXPECT_EQ(get(tiles, "/log/witnessed/checkpoint").body, first.note() + line);
  EXPECT_EQ(get(without, "/log/checkpoint").body, first.note());

  // What is newer is published at once, and witnessed later.
  add(tlog::kGenesis, registration_policy_payload(clock.now()));
  const tlog::VerifiedCheckpoint second = log->publish_now().value();
  EXPECT_EQ(get(tiles, "/log/checkpoint").body, second.note());
  const HttpResponse witnessed = get(tiles, "/log/witnessed/checkpoint");
  EXPECT_EQ(witnessed.body, first.note() + line);
  EXPECT_EQ(witnessed.headers.find("Cache-Control"), "no-cache");
  // The prefix is a log of its own to a client that knows nothing else.
  EXPECT_EQ(get(tiles, "/log/witnessed/tile/0/000.p/2").body,
            get(tiles, "/log/tile/0/000.p/2").body);
  EXPECT_EQ(get(tiles, "/log/witnessed/tile/entries/000.p/2").status, 200);
  for (const char* path :
       {"/log/witnessed/", "/log/witnessed", "/log/witnessed/witnessed/checkpoint",
        "/log/witnessed//checkpoint", "/log/witnessed/../checkpoint"}) {
    EXPECT_EQ(get(tiles, path).status, 404) << path;
  }
  EXPECT_EQ(get(without, "/log/witnessed/checkpoint").status, 404);
  EXPECT_EQ(get(without, "/log/witnessed/tile/0/000.p/2").status, 404);
}

// A reader that answers when it is let, as a database may.
class SlowReader final : public tlog::TileReader {
 public:
  Result<std::optional<Bytes>> fetch(std::string_view) override {
    begun.set_value();
    let.get_future().wait();
    return retryable("database: no connection to secret.example");
  }
  std::promise<void> begun, let;
};

TEST_F(LogHandlerTest, ASlowReaderKeepsNoThreadOfTheServer) {
  SlowReader slow;
  WorkPool one(1, 1);
  TileHandler tiles(slow, nullptr, &one);
  const auto ask = [&](std::promise<HttpResponse>& answer) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/log/checkpoint";
    tiles.handle(std::move(request), nullptr,
                 [&answer](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future();
  };
  std::promise<HttpResponse> first, refused;
  auto first_answer = ask(first);
  slow.begun.get_future().wait();
  ASSERT_EQ(one.post([] {}), WorkPool::Taken::kYes);  // the place that is left
  EXPECT_EQ(ask(refused).get().status, 503) << "the pool is full";
  slow.let.set_value();
  const HttpResponse answer = first_answer.get();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, Not(HasSubstr("secret.example"))) << "anybody may ask";
  one.stop();
}

TEST_F(LogHandlerTest, GivesTheMemoryOfALargeBodyOnlyToTheWebhook) {
  const auto plan = [&](const std::string& token, const std::string& length) {
    HttpRequest head;
    head.method = "POST";
    head.path = "/v1/log/entries";
    head.headers.add("Authorization", "Bearer " + token);
    if (token.empty()) head.headers = {};
    if (!length.empty()) head.headers.add("Content-Length", length);
    return handler.plan(head);
  };
  EXPECT_EQ(plan("anybody", "1000")->limit, 64U * 1024);
  for (const char* length : {"1000000", "", "x"}) {
    const auto unknown = plan("nobody", length);
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().kind, ErrorKind::kRetryable);
  }
  EXPECT_EQ(plan("", "")->refusal.value().status, 401) << "a body in chunks";
  EXPECT_EQ(plan("", "1000000")->refusal.value().status, 401);
  ASSERT_TRUE(callers.identify("webhook").has_value());
  ASSERT_TRUE(callers.identify("reader").has_value());
  EXPECT_FALSE(plan("webhook", "")->refusal);
  EXPECT_EQ(plan("webhook", "1000000")->limit, 1024U * 1024);
  EXPECT_EQ(plan("reader", "1000000")->limit, 64U * 1024);
}

}  // namespace
}  // namespace avouch::control
