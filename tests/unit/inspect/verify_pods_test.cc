// Of many pods, whether the log has what let each of them in.

#include <map>

#include "tests/unit/inspect/lying_release.h"

namespace avouch::inspect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Found = PodRecord::State;

class VerifyPods : public VerifyTest {
 protected:
  VerifyPods() : node_(add_node_verdict(token_)) {}

  // A pod on n1, placed when the entries here say that they were decided.
  static PlacedPod pod(const std::string& name) {
    PlacedPod out;
    out.ns = "shop";
    out.name = name;
    out.uid = "uid-" + name;
    out.node = "n1";
    out.placed = SystemTime(std::chrono::milliseconds(3));
    return out;
  }

  std::uint64_t decide(const std::string& name, const std::string& decision = "allow",
                       const Cbor::Map& more = {}) {
    pod_name = name;
    const std::uint64_t index =
        add_admission(decision, node_, token_, "uid-1", more, "uid-" + name);
    of_uid_["uid-" + name].insert(of_uid_["uid-" + name].begin(), index);
    return index;
  }

  // As the controller does: of that UID, newest first, at most `limit`, below `before`.
  HttpResponse answer_list(const HttpRequest& request) {
    queries_.push_back(request.query);
    const auto of = [&](const char* name) { return query_value(request.query, name).value(); };
    std::size_t left = std::stoul(of("limit").value_or("0"));
    const std::uint64_t before = std::stoul(of("before").value_or("1000000"));
    std::string items;
    for (const std::uint64_t index : of_uid_[of("uid").value_or("")]) {
      if (index >= before || left == 0) continue;
      --left;
      items += (items.empty() ? "" : ",") + json_entry(index, kinds[index], entries[index]);
    }
    return HttpResponse{.status = 200,
                        .content_type = "application/json",
                        .headers = {},
                        .body = R"({"entries":[)" + items + R"(],"from":0})"};
  }

  void serve_all() {
    serve(token_, node_);
    transport.on(kProxy + "/v1/log/entries",
                 [this](const HttpRequest& request) { return answer_list(request); });
  }

  Result<std::vector<PodRecord>> verify(const std::vector<PlacedPod>& placed,
                                        std::chrono::seconds time = std::chrono::minutes(5),
                                        const std::string& reader_token = "token") {
    const SteadyTime until = clock.steady_now() + time;
    return ask([&](Verifier& verifier) { return verifier.pods(placed, until); }, reader_token);
  }
  std::vector<Found> states(const std::vector<PlacedPod>& placed,
                            std::chrono::seconds time = std::chrono::minutes(5)) {
    std::vector<Found> out;
    const auto records = verify(placed, time);
    EXPECT_TRUE(records.has_value()) << records.error().message;
    if (!records.has_value()) return out;
    for (const PodRecord& record : *records) out.push_back(record.state);
    return out;
  }

  // Counts requests for what is served at that path now.
  void count(const std::string& path, int& counter) {
    HttpRequest request;
    request.path = kProxy + path;
    const auto now = transport.send(request, {}, {});
    ASSERT_EQ(now->status, 200) << path;
    transport.on(kProxy + path, [answer = *now, &counter](const HttpRequest&) {
      ++counter;
      return answer;
    });
  }

  std::vector<std::string> queries_;  // for lists

 private:
  std::map<std::string, std::vector<std::uint64_t>> of_uid_;  // newest first
  const Bytes token_ = token_for("uid-1");

 protected:
  const std::uint64_t node_;
};

TEST_F(VerifyPods, ProvesEachByOneCheckpointAndTheTilesThatTheyShare) {
  for (const char* name : {"web-0", "web-1", "web-2"}) decide(name);
  serve_all();
  int checkpoints = 0, tiles = 0, others = 0;
  count("/log/checkpoint", checkpoints);
  count("/log/tile/0/000.p/6", tiles);
  count("/log/tile/entries/000.p/6", others);
  for (int i = 0; i < 6; ++i) count("/v1/log/entries/" + std::to_string(i), others);
  const auto records = verify({pod("web-0"), pod("web-1"), pod("web-2")});
  ASSERT_TRUE(records.has_value()) << records.error().message;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*records)[i].state, Found::kProven) << (*records)[i].why;
    EXPECT_EQ((*records)[i].index, 3 + i);
    EXPECT_FALSE((*records)[i].is_late);
  }
  EXPECT_EQ(checkpoints, 1);
  EXPECT_EQ(tiles, 1);
  EXPECT_EQ(others, 0) << "an entry that was listed is not asked for again";
  EXPECT_THAT(queries_, ElementsAre("namespace=shop&pod=web-0&uid=uid-web-0&limit=1",
                                    "namespace=shop&pod=web-1&uid=uid-web-1&limit=1",
                                    "namespace=shop&pod=web-2&uid=uid-web-2&limit=1"));
}

TEST_F(VerifyPods, FindsWhatLetAPodInBehindWhatCameLater) {
  const std::uint64_t in = decide("web-0");
  for (int i = 0; i < 60; ++i) decide("web-0", "deny");
  serve_all();
  const auto records = verify({pod("web-0")});
  ASSERT_TRUE(records.has_value()) << records.error().message;
  EXPECT_EQ((*records)[0].state, Found::kProven);
  EXPECT_EQ((*records)[0].index, in);
  EXPECT_EQ(queries_.size(), 3U);  // 1, 50, 10
}

TEST_F(VerifyPods, SaysWhatThereIsInsteadOfAnEntryThatLetThePodIn) {
  decide("denied", "deny");
  const std::uint64_t newest = decide("denied", "deny");
  decide("moved");
  decided_at = 40'000;  // made up for a pod that ran by then
  const std::uint64_t made_up = decide("made-up");
  decided_at = 3;
  const crypto::PrivateKey ours = verifier_key;
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::uint64_t forged = decide("forged");
  verifier_key = ours;
  serve_all();
  PlacedPod moved = pod("moved");
  moved.node = "n2";
  const auto records = verify({pod("none"), pod("denied"), moved, pod("made-up"), pod("forged")});
  ASSERT_TRUE(records.has_value()) << records.error().message;
  const auto& found = *records;
  EXPECT_EQ(found[0].state, Found::kNone);
  EXPECT_FALSE(found[0].index.has_value());
  EXPECT_EQ(found[1].state, Found::kDenials);
  EXPECT_EQ(found[1].entries, 2U);
  EXPECT_EQ(found[1].index, newest);
  EXPECT_EQ(found[2].state, Found::kOthers);
  EXPECT_EQ(found[3].state, Found::kOthers);
  EXPECT_EQ(found[3].index, made_up);
  EXPECT_EQ(found[4].state, Found::kUnproven);
  EXPECT_EQ(found[4].index, forged);
  EXPECT_THAT(found[4].why, HasSubstr("statement is signed by the verifier"));
  EXPECT_TRUE(waits.empty()) << "nobody waits for pods that were placed long ago";
}

TEST_F(VerifyPods, BelievesNoEntryThatIsNotInTheTreeOrOfAnotherPod) {
  const std::uint64_t index = decide("web-0");
  decide("web-1");
  serve_all();
  transport.on(kProxy + "/log/tile/0/000.p/5", [](const HttpRequest&) {
    return HttpResponse{.status = 200, .body = std::string(160, 'x')};
  });
  const auto untrue = verify({pod("web-0"), pod("web-1")});
  ASSERT_TRUE(untrue.has_value()) << untrue.error().message;
  for (const PodRecord& record : *untrue) {
    EXPECT_EQ(record.state, Found::kUnproven);
    EXPECT_THAT(record.why, HasSubstr("leaf hash leads to the checkpoint's root"));
  }
  serve_all();
  PlacedPod renamed = pod("web-0");
  renamed.name = "web-9";
  const auto other = verify({renamed});
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_EQ((*other)[0].state, Found::kUnproven);
  EXPECT_EQ((*other)[0].index, index);
  EXPECT_EQ((*other)[0].why, "it is about pod shop/web-0");
}

TEST_F(VerifyPods, TellsThatAnEntryCameByASpool) {
  decide("web-0", "allow", {{Cbor::text("late"), Cbor::boolean(true)}});
  serve_all();
  const auto records = verify({pod("web-0")});
  ASSERT_TRUE(records.has_value()) << records.error().message;
  EXPECT_EQ((*records)[0].state, Found::kProven);
  EXPECT_TRUE((*records)[0].is_late);
}

TEST_F(VerifyPods, LooksAgainForThoseThatWerePlacedJustNow) {
  decide("old");
  serve_all();
  PlacedPod fresh = pod("fresh");
  fresh.placed = clock.now();
  while_waiting = [&] {
    if (waits.size() != 3) return;
    decided_at = clock.now().time_since_epoch().count();
    decide("fresh");
    serve_all();
  };
  EXPECT_THAT(states({pod("old"), fresh}), ElementsAre(Found::kProven, Found::kProven));
  ASSERT_GE(waits.size(), 3U);
  EXPECT_EQ(waits[0], "waiting for entries of pods that were placed just now, at most 15 s");

  waits.clear();
  fresh.uid = "never-let-in";
  fresh.placed = clock.now();
  EXPECT_THAT(states({pod("old"), fresh}), ElementsAre(Found::kProven, Found::kNone));
  EXPECT_EQ(waits.size(), 15U);
}

TEST_F(VerifyPods, LooksForNoMoreOnceItsTimeIsOver) {
  for (const char* name : {"web-0", "web-1", "web-2"}) decide(name);
  serve_all();
  transport.on(kProxy + "/v1/log/entries", [this](const HttpRequest& request) {
    clock.advance(std::chrono::seconds(2));
    return answer_list(request);
  });
  EXPECT_THAT(states({pod("web-0"), pod("web-1"), pod("web-2")}, std::chrono::seconds(3)),
              ElementsAre(Found::kProven, Found::kProven, Found::kNotLookedFor));
  EXPECT_THAT(states({pod("web-0")}, std::chrono::seconds(0)), ElementsAre(Found::kNotLookedFor));
  // Nor any further back for one.
  transport.on(kProxy + "/v1/log/entries", [this](const HttpRequest& request) {
    clock.advance(std::chrono::seconds(2));
    const std::string before = query_value(request.query, "before").value().value_or("9000");
    return HttpResponse{
        .status = 200,
        .content_type = "application/json",
        .headers = {},
        .body = R"({"entries":[],"from":)" + std::to_string(std::stoul(before) - 1) + "}"};
  });
  EXPECT_THAT(states({pod("none")}, std::chrono::seconds(20)), ElementsAre(Found::kNotLookedFor));
}

TEST_F(VerifyPods, AsksAgainWhereNothingAnswersAndNotForEver) {
  decide("web-0");
  serve_all();
  int asked = 0, good_from = 3;
  transport.on(kProxy + "/v1/log/entries", [&](const HttpRequest& request) {
    if (++asked >= good_from) return answer_list(request);
    return HttpResponse{.status = 503, .body = R"({"code":"Overloaded","detail":"busy"})"};
  });
  EXPECT_THAT(states({pod("web-0")}), ElementsAre(Found::kProven));
  EXPECT_EQ(waits.size(), 6U);
  asked = 0;
  good_from = 4;
  const auto silent = verify({pod("web-0")});
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(asked, 3);
}

// What the controller says of one pod must not hide what it says of others.
TEST_F(VerifyPods, TakesAnAnswerThatCannotBeUsedForNoProofOfThatPod) {
  decide("web-1");
  serve_all();
  const std::string twice = json_entry(3, kinds[3], entries[3]);
  for (const std::string& answer :
       {std::string("junk"), std::string(R"({"entries":[{"index":-1}]})"),
        R"({"entries":[)" + twice + "," + twice + "]}"}) {
    transport.on(kProxy + "/v1/log/entries", [&, body = answer](const HttpRequest& request) {
      if (query_value(request.query, "pod").value() == "web-1") return answer_list(request);
      return HttpResponse{
          .status = 200, .content_type = "application/json", .headers = {}, .body = body};
    });
    const auto records = verify({pod("web-0"), pod("web-1")});
    ASSERT_TRUE(records.has_value()) << records.error().message;
    EXPECT_EQ((*records)[0].state, Found::kUnproven) << answer;
    EXPECT_FALSE((*records)[0].why.empty()) << answer;
    EXPECT_EQ((*records)[1].state, Found::kProven) << answer;
  }
}

TEST_F(VerifyPods, ProvesNothingToThoseWhoMayNotRead) {
  decide("web-0");
  serve_all();
  const auto closed = verify({pod("web-0")}, std::chrono::minutes(5), "");
  ASSERT_FALSE(closed.has_value());
  EXPECT_THAT(closed.error().message, HasSubstr("only with a token of account"));
  transport.on(kProxy + "/v1/log/entries", [](const HttpRequest&) {
    return HttpResponse{.status = 403, .body = R"({"code":"NotEntitled","detail":"no"})"};
  });
  const auto refused = verify({pod("web-0")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_THAT(refused.error().message, HasSubstr("avouch-reader-pods"));
}

}  // namespace
}  // namespace avouch::inspect
