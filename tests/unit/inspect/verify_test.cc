#include "support/rekords.h"
#include "tests/unit/inspect/lying_release.h"

namespace avouch::inspect {
namespace {

TEST_F(VerifyTest, ProvesANodeFromTokenToCheckpoint) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
}

TEST_F(VerifyTest, DoesNotBelieveAnotherNodesToken) {
  const Bytes token = token_for("uid-2");
  serve(token, add_node_verdict(token));
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_FALSE(all_hold(*proof));
}

TEST_F(VerifyTest, DoesNotBelieveATokenOfAnotherKey) {
  const Bytes good = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(good);
  const crypto::PrivateKey ours = verifier_key;
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const Bytes forged = token_for("uid-1");
  verifier_key = ours;
  serve(forged, index);
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value());
  EXPECT_FALSE(all_hold(*proof));
}

TEST_F(VerifyTest, RefusesATreeThatDoesNotLeadToTheSignedRoot) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  transport.on(kProxy + "/log/tile/0/000.p/3", [](const HttpRequest&) {
    return HttpResponse{.status = 200, .body = std::string(96, 'x')};
  });
  expect_failing(verify_node(), "leaf hash leads to the checkpoint's root");
}

TEST_F(VerifyTest, RefusesContentThatTheEntryDoesNotCommitTo) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  tlog::NewEntry swapped = entries[index];
  swapped.preimage = entries[0].preimage;
  transport.answer(kProxy + "/v1/log/entries/2", json_entry(2, "node-verdict", swapped));
  expect_failing(verify_node(), "content is what the statement commits to");
}

TEST_F(VerifyTest, ProvesARenewedTokenThroughItsEpoch) {
  const Bytes first = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(first);
  clock.advance(std::chrono::seconds(1));
  const Bytes renewed = token_for("uid-1");
  const tlog::Hash digest = crypto::sha256(renewed);
  Bytes leaf = to_bytes("node:1");
  append_u8(leaf, 0);
  append(leaf, digest);
  const tlog::Hash root = tlog::leaf_hash(leaf);
  add("epoch", "log:0",
      Cbor::map({{Cbor::text("time"), Cbor::integer(2)},
                 {Cbor::text("renewals"), Cbor::map({{Cbor::text("root"), Cbor::bytes(root)},
                                                     {Cbor::text("count"), Cbor::integer(1)}})}}));
  serve(renewed, index);
  transport.answer(kProxy + "/v1/log/renewals",
                   R"({"epochIndex":3,"leafIndex":0,"size":1,"path":[]})");
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);

  transport.answer(
      kProxy + "/v1/log/renewals",
      R"({"epochIndex":3,"leafIndex":1,"size":2,"path":[")" + codec::to_base64(root) + R"("]})");
  const auto lie = verify_node();
  ASSERT_TRUE(lie.has_value());
  EXPECT_FALSE(all_hold(*lie));
}

TEST_F(VerifyTest, ProvesAPodsDenialAndTheNodeVerdictBehindIt) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t index = add_admission("deny", node, token);
  serve(token, node);
  list({index});
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "deny");
  expect_failing(verify_pod({.trusted = true}), "the pod was let in");

  // The controller answers with the entry of another kind.
  list({node});
  EXPECT_FALSE(all_hold(*verify_pod()));
}

TEST_F(VerifyTest, ProvesThatTheRunningPodIsTheOneThatWasLetIn) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t in = add_admission("allow", node, token);
  const std::uint64_t later = add_admission("deny", node, token);
  serve(token, node);
  list({later, in});
  const std::string path = "/api/v1/namespaces/shop/pods/web-0";
  transport.answer(path, R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},)"
                         R"("spec":{"nodeName":"n1"}})");
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "allow");

  for (
      const char* other :
      {R"({"metadata":{"name":"web-0","namespace":"shop","uid":"other"},"spec":{"nodeName":"n1"}})",
       R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},"spec":{"nodeName":"n2"}})"}) {
    transport.answer(path, other);
    expect_failing(verify_pod(), "it let in the pod that runs now");
  }
}

// Whoever reaches the webhook can have an allow logged for a pod that runs already, and know its
// UID if he may read it.
TEST_F(VerifyTest, NoVerdictThatWasMadeUpLaterLetARunningPodIn) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const auto pod_placed_at = [](const std::string& created, const std::string& scheduled) {
    return R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid","creationTimestamp":")" +
           created + R"("},"spec":{"nodeName":"n1"},"status":{"conditions":[)" +
           (scheduled.empty() ? ""
                              : R"({"type":"PodScheduled","status":"True","lastTransitionTime":")" +
                                    scheduled + "\"}") +
           "]}}";
  };
  const std::string path = "/api/v1/namespaces/shop/pods/web-0";
  decided_at = 86'400'003;  // on the second of January 1970
  const std::uint64_t entry = add_admission("allow", node, token);
  serve(token, node);
  list({entry});
  struct Case {
    const char *created, *scheduled;
    bool holds;
  };
  for (const Case& one : {Case{"1970-01-02T00:00:00Z", "", true},
                          {"1970-01-01T23:59:31Z", "", true},  // clocks apart
                          {"1970-01-01T23:59:30Z", "", false},
                          {"1970-01-01T23:00:00Z", "1970-01-02T00:00:00Z", true},
                          {"1970-01-01T23:00:00Z", "soon", false},
                          {"1970-01-01T23:00:00Z", "1970-01-01T23:59:00Z", false}}) {
    transport.answer(path, pod_placed_at(one.created, one.scheduled));
    const auto proof = verify_pod({.trusted = true});
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_EQ(all_hold(*proof), one.holds) << one.created << " " << render_text(*proof);
  }
}

// Without the pod itself an allow that somebody had made up looks like the one that let it in.
TEST_F(VerifyTest, ProvesNothingOfAPodThatCannotBeRead) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t entry = add_admission("allow", node, token);
  serve(token, node);
  list({entry});
  const std::string path = "/api/v1/namespaces/shop/pods/web-0";
  struct Case {
    int status;
    const char *answer, *says;
    ErrorKind kind;
  };
  for (
      const Case& one :
      {Case{
           403,
           R"({"kind":"Status","code":403,"message":"pods is forbidden: User \"eve\" cannot get"})",
           "pods is forbidden", ErrorKind::kRejected},
       {503, R"({"kind":"Status","code":503,"message":"etcd is away"})", "etcd is away",
        ErrorKind::kRetryable},
       {200, R"({"metadata":{"name":""},"spec":{"nodeName":"n1"}})", "metadata",
        ErrorKind::kRejected}}) {
    transport.on(path, [&](const HttpRequest&) {
      return HttpResponse{
          .status = one.status, .content_type = "application/json", .body = one.answer};
    });
    for (const bool trusted : {false, true}) {
      const auto proof = verify_pod({.trusted = trusted});
      ASSERT_FALSE(proof.has_value()) << one.status << " " << render_text(*proof);
      const std::string& said = proof.error().message;
      EXPECT_EQ(proof.error().kind, one.kind) << said;
      EXPECT_THAT(
          said, ::testing::HasSubstr("which pod shop/web-0 is, and since when it is on its node"));
      EXPECT_THAT(said, ::testing::HasSubstr(one.says));
    }
  }
  transport.on(path, [&](const HttpRequest&) {
    return HttpResponse{.status = 403,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","code":403,"message":"User \"eve\" cannot"})"};
  });
  EXPECT_THAT(verify_pod().error().message,
              ::testing::HasSubstr(
                  "kubectl -n shop create rolebinding eve-pods --clusterrole=view --user=eve"));
}

TEST_F(VerifyTest, AVerdictThatNamesNoUidLetNoRunningPodIn) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t entry = add_admission("allow", node, token, "uid-1", {}, "");
  serve(token, node);
  list({entry});
  transport.answer("/api/v1/namespaces/shop/pods/web-0",
                   R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},)"
                   R"("spec":{"nodeName":"n1"}})");
  expect_failing(verify_pod(), "it let in the pod that runs now");
}

TEST_F(VerifyTest, FindsTheVerdictThatLetAPodInBehindManyThatWereMadeUp) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t in = add_admission("allow", node, token);
  for (int i = 0; i < 120; ++i) add_admission("deny", node, token);
  serve(token, node);
  transport.answer("/api/v1/namespaces/shop/pods/web-0",
                   R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},)"
                   R"("spec":{"nodeName":"n1"}})");
  // As the controller does: newest first, at most `limit`, before `before`.
  transport.on(kProxy + "/v1/log/entries", [this, in](const HttpRequest& request) {
    const auto number = [&request](const char* name, std::size_t otherwise) {
      const auto text = query_value(request.query, name).value();
      return text ? static_cast<std::size_t>(std::stoul(*text)) : otherwise;
    };
    std::string items;
    std::size_t index = number("before", entries.size());
    for (std::size_t left = number("limit", 20); left > 0 && index > in; --left) {
      --index;
      items += (items.empty() ? "" : ",") + json_entry(index, kinds[index], entries[index]);
    }
    return HttpResponse{.status = 200,
                        .content_type = "application/json",
                        .headers = {},
                        .body = R"({"entries":[)" + items + "]}"};
  });
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(proof->detail, "allow");

  // A log that answers the same page again and again is refused, not followed for ever.
  std::vector<std::uint64_t> same;
  for (std::uint64_t i = 60; i > 2; --i) same.push_back(i);
  same.resize(50);
  list(same);
  const auto endless = verify_pod();
  ASSERT_FALSE(endless.has_value());
  EXPECT_NE(endless.error().message.find("newest first"), std::string::npos)
      << endless.error().message;
}

// Thousands of its name can be made in a minute, and would have to be read one by one.
TEST_F(VerifyTest, AsksForTheVerdictsThatNameTheRunningPodsUid) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t in = add_admission("allow", node, token);
  const std::uint64_t other = add_admission("allow", node, token, "uid-1", {}, "of-another");
  serve(token, node);
  const std::string path = "/api/v1/namespaces/shop/pods/web-0";
  const auto run = [&](const std::string& uid) {
    transport.answer(path, R"({"metadata":{"name":"web-0","namespace":"shop","uid":")" + uid +
                               R"("},"spec":{"nodeName":"n1"}})");
  };
  run("pod-uid");
  // More of its name than anybody reads.
  std::uint64_t below = 100'000'000;
  transport.on(kProxy + "/v1/log/entries", [&](const HttpRequest& request) {
    const auto uid = query_value(request.query, "uid").value();
    std::string items;
    if (uid == "pod-uid") items = json_entry(in, kinds[in], entries[in]);
    if (!uid) items = json_entry(other, kinds[other], entries[other]);
    if (!uid && query_value(request.query, "limit").value() != "1") {
      items = "";
      below -= 16'384;
    }
    const std::uint64_t from = uid || !items.empty() ? 0 : below;
    return HttpResponse{
        .status = 200,
        .content_type = "application/json",
        .headers = {},
        .body = R"({"entries":[)" + items + R"(],"from":)" + std::to_string(from) + "}"};
  });
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);

  // Where none names it, the newest of the name is shown.
  run("never-let-in");
  const auto none = verify_pod();
  expect_failing(none, "it let in the pod that runs now");
  EXPECT_NE(render_text(*none).find("no verdict of that name has the pod's UID"), std::string::npos)
      << render_text(*none);
}

TEST_F(VerifyTest, GoesOnWhereTheControllerHasLookedThroughAPartAlone) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t in = add_admission("allow", node, token);
  serve(token, node);
  transport.answer("/api/v1/namespaces/shop/pods/web-0",
                   R"({"metadata":{"name":"web-0","namespace":"shop","uid":"pod-uid"},)"
                   R"("spec":{"nodeName":"n1"}})");
  std::uint64_t stuck = 0;
  transport.on(kProxy + "/v1/log/entries", [&](const HttpRequest& request) {
    const auto before = query_value(request.query, "before").value();
    std::string items;
    std::uint64_t from = before ? std::stoul(*before) - 100 : 500;
    if (before == "100") {
      items = json_entry(in, kinds[in], entries[in]);
      from = 0;
    }
    from = std::max(from, stuck);
    return HttpResponse{
        .status = 200,
        .content_type = "application/json",
        .headers = {},
        .body = R"({"entries":[)" + items + R"(],"from":)" + std::to_string(from) + "}"};
  });
  const auto proof = verify_pod({.trusted = true});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);

  stuck = 300;
  const auto endless = verify_pod();
  ASSERT_FALSE(endless.has_value());
  EXPECT_NE(endless.error().message.find("from: expected less than 300"), std::string::npos)
      << endless.error().message;
}

TEST_F(VerifyTest, SaysWhoSentTheReview) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const std::uint64_t index = add_admission("deny", node, token, "uid-1",
                                            {{Cbor::text("caller"), Cbor::text("unauthenticated")},
                                             {Cbor::text("peer"), Cbor::text("10.0.0.7")}});
  serve(token, node);
  list({index});
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_NE(render_text(*proof).find("sent by 10.0.0.7, without a client certificate"),
            std::string::npos)
      << render_text(*proof);
}

TEST_F(VerifyTest, DoesNotBelieveAnAdmissionOnAnotherNodesVerdict) {
  const Bytes token = token_for("uid-2");
  const std::uint64_t node = add_node_verdict(token, "uid-2");
  const std::uint64_t index = add_admission("allow", node, token, "uid-1");
  serve(token, node);
  list({index});
  expect_failing(verify_pod(), "it is the verdict of that node");
}

// Decided under a log that has ended, and spooled until another one took it.
TEST_F(VerifyTest, TakesNoEntryForTheVerdictOfAnotherLog) {
  const Bytes token = token_for("uid-1");
  add_node_verdict(token);
  basis_origin = "another";
  const std::uint64_t admission = add_admission("allow", 55, token);
  serve(token, 2);
  list({admission});
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  const std::string text = render_text(*proof);
  EXPECT_THAT(text, ::testing::HasSubstr("a verdict of the node in another log, \"another\""));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("it is the verdict of that node")));

  // An index that this log is said to have, and has not.
  basis_origin = kOrigin;
  const std::uint64_t wrong = add_admission("allow", 55, token);
  serve(token, 2);
  list({wrong});
  const auto refuted = verify_pod();
  EXPECT_FALSE(refuted.has_value() && all_hold(*refuted));
}

TEST_F(VerifyTest, SaysThatARenewalWhichIsNoLongerKeptIsNotProven) {
  const std::uint64_t node = add_node_verdict(token_for("uid-1"));
  const std::uint64_t index = add_admission("allow", node, to_bytes("a renewed token"));
  serve(token_for("uid-1"), node);
  list({index});
  transport.on(kProxy + "/v1/log/renewals", [](const HttpRequest& request) {
    EXPECT_EQ(query_value(request.query, "node").value(), "n1");
    return HttpResponse{.status = 404, .body = R"({"status":404})"};
  });
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_NE(render_text(*proof).find("-      "), std::string::npos);
  EXPECT_NE(render_text(*proof).find("renewal is not proven"), std::string::npos);
}

// A verdict is asked about right after it was given: the checkpoint comes within a second.
TEST_F(VerifyTest, WaitsForTheCheckpointThatCoversAPodsVerdict) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  serve(token, node);
  const std::uint64_t index = add_admission("allow", node, token);
  list({index});
  while_waiting = [&] {
    if (waits.size() < 3) return;
    serve(token, node);
    list({index});
  };
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  ASSERT_EQ(waits.size(), 3U);
  EXPECT_EQ(waits[0], "waiting for the checkpoint that covers entry 3, at most 15 s");
  EXPECT_EQ(waits[2], "waiting for the checkpoint that covers entry 3, at most 13 s");
}

TEST_F(VerifyTest, WaitsForACheckpointSomeSecondsAndNoLonger) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  serve(token, node);
  const std::uint64_t index = add_admission("allow", node, token);
  list({index});
  expect_failing(verify_pod(), "the entry is in the log");
  EXPECT_EQ(waits.size(), 15U);
}

TEST_F(VerifyTest, WaitsForTheEpochOfTheVerdictThatARecentAdmissionReliedOn) {
  const Bytes renewed = to_bytes("a renewed token");
  const std::uint64_t node = add_node_verdict(token_for("uid-1"));
  const std::uint64_t index = add_admission("allow", node, renewed);
  Bytes leaf = to_bytes("node:1");
  append_u8(leaf, 0);
  append(leaf, crypto::sha256(renewed));
  const std::uint64_t epoch =
      add("epoch", "log:0",
          Cbor::map({{Cbor::text("renewals"),
                      Cbor::map({{Cbor::text("root"), Cbor::bytes(tlog::leaf_hash(leaf))},
                                 {Cbor::text("count"), Cbor::integer(1)}})}}));
  serve(token_for("uid-1"), node);
  list({index});
  transport.on(kProxy + "/v1/log/renewals", [&](const HttpRequest&) {
    if (waits.size() < 4) return HttpResponse{.status = 404, .body = R"({"status":404})"};
    return HttpResponse{.status = 200,
                        .body = R"({"epochIndex":)" + std::to_string(epoch) +
                                R"(,"leafIndex":0,"size":1,"path":[]})"};
  });
  const auto old = verify_pod();
  ASSERT_TRUE(old.has_value()) << old.error().message;
  EXPECT_TRUE(waits.empty()) << "an admission of long ago is in no epoch to come";
  EXPECT_NE(render_text(*old).find("renewal is not proven"), std::string::npos);

  clock.step_wall_clock(SystemTime(std::chrono::seconds(5)) - clock.now());
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_EQ(waits.size(), 4U);
  EXPECT_NE(render_text(*proof).find("one of this epoch's 1 renewals"), std::string::npos)
      << render_text(*proof);
}

TEST_F(VerifyTest, SaysHowManyDenialsBeforeAVerdictHaveNoEntry) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t node = add_node_verdict(token);
  const Cbor::Map left_out = {
      {Cbor::text("leftOut"), Cbor::map({{Cbor::text("count"), Cbor::integer(120)},
                                         {Cbor::text("since"), Cbor::integer(0)},
                                         {Cbor::text("of"), Cbor::text("namespace")}})}};
  const std::uint64_t index = add_admission("deny", node, token, "uid-1", left_out);
  serve(token, node);
  list({index});
  const auto proof = verify_pod();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  EXPECT_NE(render_text(*proof).find("120 denials of its namespace before it, since "
                                     "1970-01-01T00:00:00Z, have no entry"),
            std::string::npos)
      << render_text(*proof);
}

TEST_F(VerifyTest, SaysWhenThereIsNoVerdictOfAPod) {
  serve(token_for("uid-1"), 0);
  transport.answer(kProxy + "/v1/log/entries", R"({"entries":[]})");
  const auto none = verify_pod();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("shop/web-0"), std::string::npos);
}

// ---- each element of the chain, tampered with ----

TEST_F(VerifyTest, FailsOnEveryFlippedBitOfTheToken) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  for (std::size_t byte = 0; byte < token.size(); byte += 7) {
    Bytes tampered = token;
    tampered[byte] ^= 1;
    serve(tampered, index);
    expect_failing(verify_node(), "verdict token is signed by the verifier");
  }
}

TEST_F(VerifyTest, FailsOnATokenThatIsNoBase64) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                   R"({"metadata":{"name":"n1"},"status":{"phase":"Trusted",)"
                   R"("verdict":{"token":"***","log":{"index":2}}}})");
  expect_failing(verify_node(), "verdict token is signed by the verifier");
}

TEST_F(VerifyTest, FailsOnAVerdictThatHasExpiredOrIsOfTheFuture) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  clock.advance(std::chrono::seconds(49));
  EXPECT_TRUE(all_hold(*verify_node())) << "a second before its end";
  clock.advance(std::chrono::seconds(1));
  expect_failing(verify_node(), "it is in time");
  clock.step_wall_clock(-std::chrono::hours(1));
  expect_failing(verify_node(), "it is in time");
}

TEST_F(VerifyTest, FailsOnAnotherNodesTokenAndOnAnotherNodesEntry) {
  const Bytes other = token_for("uid-2");
  serve(other, add_node_verdict(other, "uid-2"));
  expect_failing(verify_node(), "it names this node's UID");

  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token, "uid-2"));
  expect_failing(verify_node(), "it is about this node");
}

TEST_F(VerifyTest, FailsWhereTheStatusWithoutTokenShowsAnotherNodesEntry) {
  const auto without_token = [&](std::uint64_t index, const std::string& phase) {
    serve({}, index, phase);
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/n1",
                     R"({"metadata":{"name":"n1"},"status":{"phase":")" + phase +
                         R"(","verdict":{"log":{"index":)" + std::to_string(index) + "}}}}");
    list({index});
  };
  const std::uint64_t stale = add_node_verdict({}, "uid-1", "Stale");
  const std::uint64_t other = add_node_verdict({}, "uid-2", "Trusted");
  without_token(stale, "Stale");
  const auto proof = verify_node();
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_TRUE(all_hold(*proof)) << render_text(*proof);
  expect_failing(verify_node({.trusted = true}), "the node is trusted");
  without_token(other, "Trusted");
  expect_failing(verify_node(), "it is about this node");
  without_token(stale, "Trusted");
  expect_failing(verify_node(), "its phase is the one that the status shows");
}

TEST_F(VerifyTest, FailsWhereTheStatusShowsMoreThanTheTokenSays) {
  const Bytes token = token_for("uid-1", attest::Status::kContraindicated);
  const std::uint64_t index = add_node_verdict(token, "uid-1", "Contraindicated");
  serve(token, index, "Contraindicated");
  EXPECT_TRUE(all_hold(*verify_node())) << render_text(*verify_node());
  expect_failing(verify_node({.trusted = true}), "the node is trusted");
  serve(token, index, "Trusted");
  expect_failing(verify_node(), "the status shows what it says");
}

TEST_F(VerifyTest, FailsWhereTheStatusWasTakenBackToAnOlderVerdict) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t old = add_node_verdict(token);
  const std::uint64_t newer = add_node_verdict(token_for("uid-1", attest::Status::kContraindicated),
                                               "uid-1", "Contraindicated");
  serve(token, old);
  list({newer});
  expect_failing(verify_node(), "the log lists no newer verdict");
}

TEST_F(VerifyTest, FailsOnACheckpointOfAnotherKeyOrAnotherLog) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  const crypto::PrivateKey ours = log_key;
  log_key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  serve(token, index);
  log_key = ours;
  expect_failing(verify_node(), "checkpoint is signed by the log");

  serve(token, index);
  const auto signer = tlog::NoteSigner::make(kOrigin, log_key);
  const auto other = tlog::format_checkpoint({.origin = "other.example", .size = 3});
  transport.answer(kProxy + "/log/checkpoint", *tlog::sign_note(*other, std::span(&*signer, 1)));
  expect_failing(verify_node(), "checkpoint is signed by the log");
}

TEST_F(VerifyTest, FailsOnACheckpointThatEndsBeforeTheEntry) {
  const Bytes token = token_for("uid-1");
  serve(token, 0);
  const std::uint64_t index = add_node_verdict(token);
  serve_objects_only(token, index);
  expect_failing(verify_node(), "the entry is in the log");
}

TEST_F(VerifyTest, FailsOnAStatementOfAnotherKey) {
  const Bytes token = token_for("uid-1");
  const crypto::PrivateKey ours = verifier_key;
  verifier_key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::uint64_t index = add_node_verdict(token);
  verifier_key = ours;
  serve(token, index);
  expect_failing(verify_node(), "statement is signed by the verifier");
}

TEST_F(VerifyTest, FailsWhereTheContentThatWouldTieTheEntryToTheTokenIsWithheld) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t index = add_node_verdict(token);
  serve(token, index);
  transport.answer(kProxy + "/v1/log/entries/2",
                   R"({"index":2,"kind":"node-verdict","statement":"","withheld":"needs get"})");
  expect_failing(verify_node(), "it is about this node and this token");
}

TEST_F(VerifyTest, TellsALogThatDoesNotAnswerFromOneThatLies) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  const auto answer = [&](int status) {
    transport.on(kProxy + "/log/checkpoint", [status](const HttpRequest&) {
      return HttpResponse{.status = status,
                          .body = R"({"kind":"Status","message":"no endpoints available"})"};
    });
    return verify_node();
  };
  const auto down = answer(503);
  ASSERT_FALSE(down.has_value());
  EXPECT_EQ(down.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(down.error().message.find("is the controller's pod ready?"), std::string::npos);
  for (const int status : {403, 404}) {
    const auto refused = answer(status);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
    EXPECT_NE(refused.error().message.find("the log cannot be read"), std::string::npos);
  }
}

TEST_F(VerifyTest, SaysWhichNodeThereIsNot) {
  const auto none = verify_node();
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().message.find("there is no node \"n1\""), std::string::npos);
  transport.answer("/api/v1/nodes/n1", R"({"metadata":{"name":"n1","uid":"uid-1"}})");
  const auto unseen = verify_node();
  ASSERT_FALSE(unseen.has_value());
  EXPECT_NE(unseen.error().message.find("has no AttestationEvidence"), std::string::npos);
}

TEST_F(VerifyTest, SaysThatTheLogHasNotGotSoManyEntriesAndProvesThoseItHas) {
  const Bytes token = token_for("uid-1");
  const std::uint64_t last = add_node_verdict(token);
  serve(token, last);
  const auto there = verify_entry(last);
  ASSERT_TRUE(there.has_value()) << there.error().message;
  EXPECT_TRUE(all_hold(*there)) << render_text(*there);
  for (const std::uint64_t index : {last + 1, UINT64_MAX}) {
    const auto none = verify_entry(index);
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().kind, ErrorKind::kRejected);
    EXPECT_NE(none.error().message.find("checkpoint is of 3 entries"), std::string::npos)
        << none.error().message;
  }
}

TEST_F(VerifyTest, ProvesASignatureOfAnotherPartyByTheKeyInIt) {
  const auto rekord = testing::make_rekord(crypto::PrivateKey::generate(crypto::KeyType::kEcP256),
                                           "what is signed");
  auto other = rekord;
  other.digest[0] ^= 1;
  for (const auto& each : {rekord, other}) {
    entries.push_back({.statement = tlog::format_hashed_rekord(each), .preimage = {}});
    kinds.push_back("hashedrekord");
  }
  entries.push_back({.statement = to_bytes("{}"), .preimage = {}});
  kinds.push_back("hashedrekord");
  serve({}, 0);
  const auto entry = [&](std::uint64_t index) {
    return ask([&](Verifier& verifier) { return verifier.entry(index); });
  };
  const auto good = entry(2);
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_TRUE(all_hold(*good)) << render_text(*good);
  EXPECT_THAT(render_text(*good), ::testing::HasSubstr("signature of another party"));
  EXPECT_THAT(render_text(*good),
              ::testing::HasSubstr("sha256:" + to_hex(crypto::sha256(rekord.key))));
  EXPECT_THAT(render_text(*good), ::testing::HasSubstr("whose key it is was not checked"));
  expect_failing(entry(3), "the key in it has signed the digest in it");
  expect_failing(entry(4), "it is a hashedrekord");
}

TEST_F(VerifyTest, ProvesThatTheLogOnlyGrewSinceACheckpointThatWasKept) {
  const Bytes token = token_for("uid-1");
  serve(token, add_node_verdict(token));
  EXPECT_TRUE(all_hold(*verify_log("")));
  const std::string kept = note_seen;
  EXPECT_NE(kept, "");
  add_node_verdict(token);
  add_node_verdict(token);
  serve(token, 2);
  const auto grown = verify_log(kept);
  ASSERT_TRUE(grown.has_value()) << grown.error().message;
  EXPECT_TRUE(all_hold(*grown)) << render_text(*grown);
  const std::string newer = note_seen;

  // Taken back, and grown again differently.
  entries.resize(3);
  kinds.resize(3);
  serve(token, 2);
  expect_failing(verify_log(newer), "the log only grew");
  add_node_verdict(token, "uid-9");
  add_node_verdict(token, "uid-9");
  serve(token, 2);
  expect_failing(verify_log(newer), "the log only grew");
  EXPECT_TRUE(all_hold(*verify_log(kept))) << "the part before the fork is the same";
  expect_failing(verify_log("no checkpoint\n"), "the older checkpoint is signed");
}

}  // namespace
}  // namespace avouch::inspect
