#include "kube/client.h"

#include <gtest/gtest.h>

#include "support/fake_kube.h"

namespace avouch::kube {
namespace {

using testing::FakeKube;

// Keeps the last request and gives a prepared answer.
class OneAnswer final : public Transport {
 public:
  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds given,
                            std::stop_token) override {
    last = request;
    timeout = given;
    return answer;
  }
  Result<HttpResponse> stream(const HttpRequest& request, const StreamLimits&,
                              const OnLine& on_line, std::stop_token) override {
    last = request;
    for (const std::string& line : lines) AVOUCH_CHECK(on_line(line));
    return answer;
  }

  HttpRequest last;
  std::chrono::milliseconds timeout{0};
  std::vector<std::string> lines;
  Result<HttpResponse> answer = HttpResponse{200, "application/json", {}, "{}"};
};

Json named(const std::string& name) {
  Json object;
  object["apiVersion"] = "v1";
  object["kind"] = "ConfigMap";
  object["metadata"]["name"] = name;
  return object;
}

TEST(Client, SendsWhatTheApiDocumentationAsksFor) {
  OneAnswer transport;
  const Client client(transport, {.user_agent = "avouch-test", .field_manager = "me"});

  ASSERT_TRUE(client.get(nodes(), "n1").has_value());
  EXPECT_EQ(transport.last.method, "GET");
  EXPECT_EQ(transport.last.path, "/api/v1/nodes/n1");
  EXPECT_EQ(transport.last.headers.find("User-Agent"), "avouch-test");
  EXPECT_EQ(transport.last.headers.find("Accept"), "application/json");
  EXPECT_EQ(transport.timeout, std::chrono::seconds(30));

  ASSERT_TRUE(client.create(config_maps("a"), named("c")).has_value());
  EXPECT_EQ(transport.last.method, "POST");
  EXPECT_EQ(transport.last.path, "/api/v1/namespaces/a/configmaps");
  EXPECT_EQ(transport.last.query, "fieldManager=me");
  EXPECT_EQ(transport.last.headers.find("Content-Type"), "application/json");

  ASSERT_TRUE(client.update(config_maps("a"), named("c")).has_value());
  EXPECT_EQ(transport.last.method, "PUT");
  EXPECT_EQ(transport.last.path, "/api/v1/namespaces/a/configmaps/c");

  const std::pair<PatchType, const char*> patches[] = {
      {PatchType::kJson, "application/json-patch+json"},
      {PatchType::kMerge, "application/merge-patch+json"},
      {PatchType::kStrategicMerge, "application/strategic-merge-patch+json"},
  };
  for (const auto& [type, content_type] : patches) {
    ASSERT_TRUE(client.patch(nodes(), "n1", type, Json(Json::Object()), "status").has_value());
    EXPECT_EQ(transport.last.method, "PATCH");
    EXPECT_EQ(transport.last.path, "/api/v1/nodes/n1/status");
    EXPECT_EQ(transport.last.headers.find("Content-Type"), content_type);
  }

  ASSERT_TRUE(
      client.apply(config_maps("a"), named("c"), {.field_manager = "avouch-agent"}, "status")
          .has_value());
  EXPECT_EQ(transport.last.method, "PATCH");
  EXPECT_EQ(transport.last.path, "/api/v1/namespaces/a/configmaps/c/status");
  EXPECT_EQ(transport.last.query, "fieldManager=avouch-agent&force=true");
  EXPECT_EQ(transport.last.headers.find("Content-Type"), "application/apply-patch+yaml");

  ASSERT_TRUE(client.remove(nodes(), "n1", {.uid = "u", .resource_version = {}, .grace_seconds = 0})
                  .has_value());
  EXPECT_EQ(transport.last.method, "DELETE");
  EXPECT_EQ(
      transport.last.body,
      R"({"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions","preconditions":{"uid":"u"}})");
}

TEST(Client, NamesNothingThatWouldMeanAWholeCollection) {
  OneAnswer transport;
  const Client client(transport);
  EXPECT_FALSE(client.get(nodes(), "").has_value());
  EXPECT_FALSE(client.remove(nodes(), "").has_value());
  EXPECT_FALSE(client.patch(nodes(), "", PatchType::kMerge, Json()).has_value());
  EXPECT_FALSE(client.update(nodes(), Json()).has_value());
  EXPECT_FALSE(client.apply(nodes(), Json(), {.field_manager = "x"}).has_value());
  EXPECT_FALSE(client.apply(nodes(), named("n"), {}).has_value());
  EXPECT_FALSE(client.get(nodes(), "../secrets").has_value());
  EXPECT_EQ(transport.last.method, "");  // nothing was sent
}

TEST(Client, EncodesSelectors) {
  OneAnswer transport;
  transport.answer =
      HttpResponse{200, "application/json", {}, R"({"metadata":{"resourceVersion":"1"}})"};
  const Client client(transport);
  ASSERT_TRUE(client
                  .list(nodes(), {.label_selector = "a in (b,c)",
                                  .field_selector = "metadata.name=n1",
                                  .metadata_only = true})
                  .has_value());
  EXPECT_EQ(transport.last.query,
            "limit=500&labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=metadata.name%3Dn1");
  EXPECT_EQ(transport.last.headers.find("Accept"),
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
}

TEST(Client, AsksForBookmarksWhenItWatches) {
  OneAnswer transport;
  transport.lines = {"a", "b"};
  const Client client(transport);
  std::vector<std::string> lines;
  const WatchOptions options{.label_selector = {},
                             .field_selector = {},
                             .resource_version = "12",
                             .metadata_only = false,
                             .timeout = std::chrono::seconds(40),
                             .limits = {}};
  const auto outcome = client.watch(nodes(), options, [&](std::string_view line) {
    lines.emplace_back(line);
    return Result<void>();
  });
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(lines, transport.lines);
  EXPECT_EQ(transport.last.query,
            "watch=true&allowWatchBookmarks=true&timeoutSeconds=40&resourceVersion=12");
}

TEST(Client, TellsNoAnswerFromABadOne) {
  OneAnswer transport;
  const Client client(transport);
  transport.answer = retryable("connection refused");
  const auto unreachable = client.get(nodes(), "n1");
  ASSERT_FALSE(unreachable.has_value());
  EXPECT_EQ(unreachable.error().code, 0);
  EXPECT_EQ(unreachable.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(unreachable.error().message, "get nodes n1: connection refused");

  transport.answer = HttpResponse{200, "application/json", {}, "{\"a\":"};
  EXPECT_FALSE(client.get(nodes(), "n1").has_value());
  transport.answer = HttpResponse{204, "", {}, ""};
  EXPECT_TRUE(client.get(nodes(), "n1").value().is_null());
}

TEST(Client, RefusesAListThatIsNone) {
  OneAnswer transport;
  const Client client(transport);
  for (const char* body : {"", "[]", "{}", R"({"items":[]})", R"({"metadata":{}})",
                           R"({"metadata":{"resourceVersion":7}})", "not json",
                           R"({"metadata":{"resourceVersion":"7"},"items":{}})",
                           R"({"metadata":{"resourceVersion":"7"},"items":[1],"items":[2]})",
                           R"({"metadata":{"resourceVersion":"7"},"\u0069tems":[{}]})"}) {
    transport.answer = HttpResponse{200, "application/json", {}, body};
    const auto list = client.list(nodes());
    ASSERT_FALSE(list.has_value()) << body;
    EXPECT_EQ(list.error().kind, ErrorKind::kRetryable) << body;
  }
}

TEST(Client, ListsAllPagesAndCompletesTheirItems) {
  FakeKube kube;
  for (int i = 0; i < 25; ++i) kube.put(nodes(), named("n" + std::to_string(100 + i)));
  const Client client(kube);
  const auto list = client.list(nodes(), {.page_size = 10});
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->items.size(), 25U);
  EXPECT_EQ(list->items[24].text({"metadata", "name"}), "n124");
  EXPECT_EQ(list->items[0].text({"kind"}), "ConfigMap");
  EXPECT_EQ(list->items[0].text({"apiVersion"}), "v1");
  EXPECT_EQ(list->resource_version, kube.version());
  EXPECT_EQ(kube.requests().size(), 3U);
}

TEST(Client, SaysGoneWhenAContinueTokenHasExpired) {
  FakeKube kube;
  for (const char* name : {"a", "b"}) kube.put(nodes(), named(name));
  const Client client(kube);
  const auto first = client.list_page(nodes(), {.page_size = 1}, "");
  ASSERT_TRUE(first.has_value());
  kube.compact();
  const auto second = client.list_page(nodes(), {.page_size = 1}, first->continue_token);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is_gone());
}

TEST(Client, LeavesAnUnreadableItemOutAndKeepsTheOthers) {
  OneAnswer transport;
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  transport.answer =
      HttpResponse{200,
                   "application/json",
                   {},
                   R"({"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[)"
                   R"({"metadata":{"name":"a"}},{"metadata":{"name":"deep"},"x":)" +
                       deep + R"(},{"metadata":{"name":"big"},"x":")" + std::string(5000, 'x') +
                       R"("},{"metadata":{}},{"metadata":{"name":"b"}}]})"};
  const Client client(transport);
  const auto list = client.list(nodes(), {.max_object_bytes = 4000});
  ASSERT_TRUE(list.has_value()) << list.error().message;
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->items[0].text({"metadata", "name"}), "a");
  EXPECT_EQ(list->items[1].text({"metadata", "name"}), "b");
  ASSERT_EQ(list->unreadable.size(), 3U);
  EXPECT_NE(list->unreadable[0].find("item 1"), std::string::npos);
}

TEST(Client, RefusesMoreObjectsThanItsLimit) {
  FakeKube kube;
  for (int i = 0; i < 5; ++i) kube.put(nodes(), named("n" + std::to_string(i)));
  const Client client(kube);
  EXPECT_TRUE(client.list(nodes(), {.page_size = 2, .max_objects = 5}).has_value());
  const auto list = client.list(nodes(), {.page_size = 2, .max_objects = 4});
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().kind, ErrorKind::kRejected);
}

TEST(Client, HandsOverPageByPageAndStopsWhereThatFails) {
  FakeKube kube;
  for (int i = 0; i < 5; ++i) kube.put(nodes(), named("n" + std::to_string(i)));
  const Client client(kube);
  std::vector<std::size_t> sizes;
  const auto whole = client.each_page(nodes(), {.page_size = 2}, [&](const ObjectList& page) {
    sizes.push_back(page.items.size());
    return Result<void>();
  });
  EXPECT_TRUE(whole.has_value());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1}));
  const auto stopped = client.each_page(nodes(), {.page_size = 2}, [](const ObjectList&) {
    return Result<void>(rejected("enough"));
  });
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_EQ(kube.requests().size(), 4U);
}

TEST(Client, EndsAListThatGoesOnWithoutObjects) {
  OneAnswer transport;
  transport.answer = HttpResponse{
      200, "application/json", {}, R"({"metadata":{"resourceVersion":"1","continue":"more"}})"};
  const Client client(transport);
  const auto list = client.list(nodes());
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(list.error().message.find("pages without an object"), std::string::npos);
}

TEST(Client, AsksForSmallerPagesWhenOneIsTooLarge) {
  FakeKube kube;
  for (int i = 0; i < 20; ++i) kube.put(nodes(), named("n" + std::to_string(10 + i)));
  const Client client(kube);
  const auto large = [](const HttpRequest& request) {
    const auto limit = query_value(request.query, "limit");
    return limit.has_value() && std::stoi(limit->value_or("0")) > 10;
  };
  kube.fail_next(rejected("the answer's body is too large"), large);
  kube.fail_next(rejected("the answer's body is too large"), large);
  const auto list = client.list(nodes());
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->items.size(), 20U);
  EXPECT_EQ(query_value(kube.requests().back().query, "limit").value(), "7");
}

TEST(Client, GivesUpWhereASingleObjectIsTooLarge) {
  FakeKube kube;
  for (int i = 0; i < 9; ++i) kube.fail_next(rejected("too large"));
  const Client client(kube);
  const auto list = client.list(nodes());
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(kube.requests().size(), 4U);  // 500, 62, 7, 1
}

TEST(Client, EndsItsCallsWhenStopped) {
  FakeKube kube;
  std::stop_source stop;
  const Client client = Client(kube).with_stop(stop.get_token());
  stop.request_stop();
  const auto outcome = client.get(nodes(), "n1");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, ErrorKind::kRetryable);
}

TEST(Client, TakesAnotherTimeoutOnlyIntoTheCopy) {
  OneAnswer transport;
  const Client client(transport);
  const Client quick = client.with_timeout(std::chrono::milliseconds(7));
  ASSERT_TRUE(quick.get(nodes(), "n1").has_value());
  EXPECT_EQ(transport.timeout, std::chrono::milliseconds(7));
  ASSERT_TRUE(client.get(nodes(), "n1").has_value());
  EXPECT_EQ(transport.timeout, std::chrono::seconds(30));
}

}  // namespace
}  // namespace avouch::kube
