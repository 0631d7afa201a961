// AdmissionReview bodies: what is read, and everything that is refused.

#include "admission/review.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

std::string error_of(const std::string& body) {
  const auto review = parse_review(body);
  if (review.has_value()) return {};
  EXPECT_EQ(review.error().kind, ErrorKind::kRejected);
  return review.error().message;
}

std::string with(const std::function<void(Json& request)>& change) {
  Json review = pod_on("good");
  change(review["request"]);
  return codec::to_json(review);
}

TEST(ParseReview, ReadsWhatItNeedsAndPassesOverTheRest) {
  const auto review = parse_review(with([](Json& request) {
    request["dryRun"] = true;
    request["kind"] = json(R"({"group":"","version":"v1","kind":"Pod"})");
    request["options"] = json(R"({"unknown":[1,2.5,null]})");
    request["userInfo"]["groups"] = json(R"(["a","b"])");
    request["userInfo"]["extra"] =
        json(R"({"authentication.kubernetes.io/pod-name":["p"],"other":["x","y"]})");
  }));
  ASSERT_TRUE(review.has_value()) << review.error().message;
  EXPECT_EQ(review->uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(review->resource, "pods");
  EXPECT_EQ(review->version, "v1");
  EXPECT_EQ(review->operation, "CREATE");
  EXPECT_EQ(review->ns, "shop");
  EXPECT_EQ(review->name, "web-0");
  EXPECT_EQ(review->caller.username, "alice");
  EXPECT_EQ(review->caller.groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(review->caller.pod_name, "p");
  EXPECT_TRUE(review->dry_run);
  EXPECT_EQ(review->object.text({"kind"}), "Pod");
  EXPECT_FALSE(review->old_object.exists());
}

TEST(ParseReview, TakesNullForAbsent) {
  EXPECT_EQ(error_of(with([](Json& request) {
              for (const char* name : {"subResource", "oldObject", "dryRun", "name"}) {
                request[name] = Json();
              }
              request["userInfo"]["groups"] = Json();
            })),
            "");
}

TEST(ParseReview, RefusesWithThePath) {
  struct Case {
    const char* path;
    std::function<void(Json&)> change;
  };
  const std::vector<Case> cases = {
      {"request.uid", [](Json& r) { r.as_object()->erase("uid"); }},
      {"request.uid", [](Json& r) { r["uid"] = ""; }},
      {"request.uid", [](Json& r) { r["uid"] = 7; }},
      {"request.uid", [](Json& r) { r["uid"] = "a b"; }},
      {"request.uid", [](Json& r) { r["uid"] = "a\n"; }},
      {"request.uid", [](Json& r) { r["uid"] = std::string(121, 'a'); }},
      {"request.resource", [](Json& r) { r.as_object()->erase("resource"); }},
      {"request.resource", [](Json& r) { r["resource"] = "pods"; }},
      {"request.resource.resource", [](Json& r) { r["resource"]["resource"] = 1; }},
      {"request.resource.group", [](Json& r) { r["resource"]["group"] = std::string(254, 'a'); }},
      {"request.subResource", [](Json& r) { r["subResource"] = json("[]"); }},
      {"request.operation", [](Json& r) { r["operation"] = json("{}"); }},
      {"request.namespace", [](Json& r) { r["namespace"] = 1; }},
      {"request.name", [](Json& r) { r["name"] = true; }},
      {"request.userInfo", [](Json& r) { r.as_object()->erase("userInfo"); }},
      {"request.userInfo.username", [](Json& r) { r["userInfo"]["username"] = 1; }},
      {"request.userInfo.groups", [](Json& r) { r["userInfo"]["groups"] = "a"; }},
      {"request.userInfo.groups", [](Json& r) { r["userInfo"]["groups"] = json("[1]"); }},
      {"request.userInfo.extra", [](Json& r) { r["userInfo"]["extra"] = "a"; }},
      {"node-name",
       [](Json& r) {
         r["userInfo"]["extra"] = json(R"({"authentication.kubernetes.io/node-name":["a","b"]})");
       }},
      {"node-name",
       [](Json& r) {
         r["userInfo"]["extra"] = json(R"({"authentication.kubernetes.io/node-name":"a"})");
       }},
      {"request.object", [](Json& r) { r["object"] = "a"; }},
      {"request.object", [](Json& r) { r["object"] = json("[]"); }},
      {"request.oldObject", [](Json& r) { r["oldObject"] = 1; }},
      {"request.dryRun", [](Json& r) { r["dryRun"] = "true"; }},
  };
  for (const auto& one : cases) {
    const std::string error = error_of(with(one.change));
    EXPECT_NE(error.find(one.path), std::string::npos) << one.path << " in \"" << error << '"';
  }
}

TEST(ParseReview, RefusesAnotherKindAndVersion) {
  for (const auto& [member, value] :
       std::vector<std::pair<const char*, Json>>{{"kind", Json("Review")},
                                                 {"apiVersion", Json("admission.k8s.io/v1beta1")},
                                                 {"kind", Json()},
                                                 {"request", Json()},
                                                 {"request", Json("x")}}) {
    Json review = pod_on("good");
    review[member] = value;
    EXPECT_NE(error_of(codec::to_json(review)), "") << member;
  }
  for (const char* body : {"", " ", "null", "[]", "\"x\"", "{}", "17"}) {
    EXPECT_NE(error_of(body), "") << body;
  }
}

TEST(ParseReview, RefusesDuplicateMembersWhereverTheyAre) {
  const std::string body = codec::to_json(pod_on("good"));
  for (const auto& [of, twice] : std::vector<std::pair<std::string, std::string>>{
           {"\"uid\":", "\"uid\":\"x\",\"uid\":"},
           {"\"nodeName\":", "\"nodeName\":\"bad\",\"nodeName\":"},
           {"\"nodeName\":", "\"node\\u004eame\":\"bad\",\"nodeName\":"},
           {"\"app\":", "\"app\":\"db\",\"app\":"},
           {"\"object\":", "\"object\":{},\"object\":"},
           {"\"username\":", "\"username\":\"x\",\"username\":"}}) {
    std::string changed = body;
    const auto at = changed.find(of);
    ASSERT_NE(at, std::string::npos) << of;
    changed.replace(at, of.size(), twice);
    EXPECT_NE(error_of(changed).find("duplicate"), std::string::npos) << twice;
  }
}

TEST(ParseReview, RefusesEveryTruncationAndAnythingBehindTheEnd) {
  const std::string body = codec::to_json(pod_on("good"));
  ASSERT_EQ(error_of(body), "");
  for (std::size_t n = 0; n < body.size(); ++n) EXPECT_NE(error_of(body.substr(0, n)), "") << n;
  for (const char* more : {"x", "{}", ",", "\x01", "]"}) EXPECT_NE(error_of(body + more), "");
  EXPECT_NE(error_of(body + std::string(1, '\0')), "");
  EXPECT_NE(error_of("\xEF\xBB\xBF" + body), "");
}

TEST(ParseReview, RefusesInvalidUtf8) {
  const std::string body = codec::to_json(pod_on("good"));
  const auto at = body.find("alice");
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    std::string changed = body;
    changed.insert(at, bytes);
    EXPECT_NE(error_of(changed), "");
  }
  std::string surrogate = body;
  surrogate.insert(at, "\\ud800");
  EXPECT_NE(error_of(surrogate), "");
}

TEST(ParseReview, BoundsDepthAndSize) {
  const auto nested = [](int levels) {
    return with([levels](Json& request) {
      Json deep = Json("x");
      for (int i = 0; i < levels; ++i) deep = Json(Json::Array{std::move(deep)});
      request["object"]["spec"]["deep"] = std::move(deep);
    });
  };
  EXPECT_EQ(error_of(nested(60)), "");  // four objects are around it
  EXPECT_NE(error_of(nested(61)).find("64"), std::string::npos);
  EXPECT_NE(error_of(std::string(100'000, '[')), "");
  std::string body = codec::to_json(pod_on("good"));
  body += std::string(kMaxReviewBytes - body.size(), ' ');
  EXPECT_EQ(error_of(body), "");
  EXPECT_NE(error_of(body + " ").find("3145728"), std::string::npos);
}

TEST(UidAtStart, IsFoundWhereAnApiServerWritesItAndNowhereElse) {
  const std::string before = R"({"kind":"AdmissionReview","apiVersion":"v1","request":{"uid":")";
  EXPECT_EQ(uid_at_start(before + R"(705ab4f5-6393","kind":{)"), "705ab4f5-6393");
  EXPECT_EQ(uid_at_start(before + std::string(120, 'a') + "\""), std::string(120, 'a'));
  for (const std::string& none :
       {std::string(), std::string("{"), before, before + "\"", before + "705ab4f5",
        before + std::string(121, 'a') + "\"", before + "a\\\"b\"", before + "a b\"",
        before + "a\n\"", std::string(R"({"request": {"uid":"a"}})")}) {
    EXPECT_FALSE(uid_at_start(none)) << none;
  }
}

TEST(WriteAnswer, IsAnAdmissionReviewForTheRequest) {
  const Json denied = json(write_answer("u1", {.allowed = false,
                                               .code = 422,
                                               .message = "because \"x\"\n",
                                               .warnings = {"w"},
                                               .audit_annotations = {{"log-index", "7"}}}));
  EXPECT_EQ(denied.text({"kind"}), "AdmissionReview");
  EXPECT_EQ(denied.text({"apiVersion"}), "admission.k8s.io/v1");
  EXPECT_EQ(denied.text({"response", "uid"}), "u1");
  EXPECT_FALSE(*denied.find_path({"response", "allowed"})->as_bool());
  EXPECT_EQ(denied.text({"response", "status", "message"}), "because \"x\"\n");
  EXPECT_EQ(*denied.find_path({"response", "status", "code"})->as_int(), 422);
  EXPECT_EQ(denied.text({"response", "auditAnnotations", "log-index"}), "7");
  const Json allowed = json(write_answer("u1", {.allowed = true}));
  EXPECT_TRUE(*allowed.find_path({"response", "allowed"})->as_bool());
  EXPECT_EQ(allowed.find_path({"response", "status"}), nullptr);
  EXPECT_FALSE(*json(write_answer("u1", {})).find_path({"response", "allowed"})->as_bool());
}

}  // namespace
}  // namespace avouch::admission
