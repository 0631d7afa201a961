#pragma once

// What the Kubernetes client relies on, as tests that every API server must pass: the one in memory
// (here) and a real one (tests/integration/kube). Include it in one source per test program, define
// make_api() there, and let gtest find the tests.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/system_clock.h"
#include "crypto/random.h"
#include "kube/auth.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/informer.h"
#include "kube/lease.h"
#include "kube/views.h"
#include "kube/watch_event.h"

namespace avouch::kube {

class ApiUnderTest {
 public:
  virtual ~ApiUnderTest() = default;
  virtual Transport& transport() = 0;
  // From now on older resource versions and continue tokens are gone.
  virtual void forget_history() = 0;
};

// Made once for all tests of the program.
ApiUnderTest& api_under_test();

class ApiContract : public ::testing::Test {
 protected:
  ApiContract() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    for (const char c : std::string(info->name())) {
      test_name_.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    }
    test_name_ = test_name_.substr(0, 40);
  }

  std::string name(const std::string& suffix) const { return test_name_ + "-" + suffix; }

  Json object(const std::string& kind, const std::string& suffix) const {
    Json out;
    out["apiVersion"] = "v1";
    out["kind"] = kind;
    out["metadata"]["name"] = name(suffix);
    out["metadata"]["labels"]["test"] = test_name_;
    return out;
  }
  Json config_map(const std::string& suffix, const std::string& value = "v") const {
    Json out = object("ConfigMap", suffix);
    out["data"]["key"] = value;
    return out;
  }
  std::string own() const { return "test=" + test_name_; }

  static std::string version_of(const Json& value) {
    return std::string(value.text({"metadata", "resourceVersion"}));
  }

  // "ADDED a" and so on, without bookmarks and this test's prefix, until `count` have come or the
  // stream has ended.
  std::vector<std::string> watched(WatchOptions options, std::size_t count,
                                   const ResourcePath& resource) {
    std::vector<std::string> events;
    std::stop_source stop;
    ended_with_ =
        client_.with_stop(stop.get_token())
            .watch(resource, options, [&](std::string_view line) -> Result<void> {
              const auto event = parse_watch_event(line, 1 << 20);
              if (!event.has_value()) return event.error();
              last_object_ = event->object;
              if (event->type == WatchEventType::kBookmark) {
                ++bookmarks_;
                return {};
              }
              if (event->type == WatchEventType::kError) {
                events.push_back("ERROR");
                return {};
              }
              const char* kind = event->type == WatchEventType::kAdded      ? "ADDED "
                                 : event->type == WatchEventType::kModified ? "MODIFIED "
                                                                            : "DELETED ";
              events.push_back(kind + std::string(event->object.text({"metadata", "name"}))
                                          .substr(test_name_.size() + 1));
              if (events.size() == count) stop.request_stop();
              return {};
            });
    return events;
  }

  WatchOptions from(const std::string& version) const {
    WatchOptions options;
    options.resource_version = version;
    options.label_selector = own();
    return options;
  }

  using Strings = std::vector<std::string>;

  std::string test_name_;
  Transport& transport_ = api_under_test().transport();
  Client client_{transport_, {.field_manager = "contract"}};
  ResourcePath maps_ = config_maps("default");
  ApiResult<void> ended_with_;
  Json last_object_;
  int bookmarks_ = 0;
};

TEST_F(ApiContract, StoresUpdatesAndDeletesObjects) {
  const auto created = client_.create(maps_, config_map("a"));
  ASSERT_TRUE(created.has_value()) << created.error().message;
  EXPECT_FALSE(created->text({"metadata", "uid"}).empty());
  EXPECT_FALSE(version_of(*created).empty());
  EXPECT_EQ(created->text({"metadata", "namespace"}), "default");

  Json changed = *client_.get(maps_, name("a"));
  EXPECT_EQ(changed.text({"kind"}), "ConfigMap");
  changed["data"]["key"] = "other";
  const auto updated = client_.update(maps_, changed);
  ASSERT_TRUE(updated.has_value()) << updated.error().message;
  EXPECT_NE(version_of(*updated), version_of(*created));
  EXPECT_EQ(updated->text({"metadata", "uid"}), created->text({"metadata", "uid"}));

  ASSERT_TRUE(client_.remove(maps_, name("a")).has_value());
  EXPECT_TRUE(client_.get(maps_, name("a")).error().is_not_found());
}

TEST_F(ApiContract, SaysWhyItRefuses) {
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  EXPECT_TRUE(client_.create(maps_, config_map("a")).error().is_already_exists());
  EXPECT_TRUE(client_.get(maps_, name("none")).error().is_not_found());
  EXPECT_TRUE(client_.remove(maps_, name("none")).error().is_not_found());
  EXPECT_TRUE(client_.patch(maps_, name("none"), PatchType::kMerge, config_map("none"))
                  .error()
                  .is_not_found());
  EXPECT_EQ(client_.get({"no.such.group", "v1", "things", ""}, "x").error().code, 404);
}

TEST_F(ApiContract, RefusesAStaleVersion) {
  const Json first = *client_.create(maps_, config_map("a"));
  Json second = first;
  second["data"]["key"] = "second";
  ASSERT_TRUE(client_.update(maps_, second).has_value());
  Json late = first;
  late["data"]["key"] = "late";
  const auto refused = client_.update(maps_, late);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_conflict());
  EXPECT_FALSE(refused.error().is_already_exists());
  Json patch;
  patch["metadata"]["resourceVersion"] = version_of(first);
  patch["data"]["key"] = "late";
  EXPECT_TRUE(client_.patch(maps_, name("a"), PatchType::kMerge, patch).error().is_conflict());
  EXPECT_EQ(client_.get(maps_, name("a"))->text({"data", "key"}), "second");
}

TEST_F(ApiContract, DeletesOnlyTheObjectThatIsMeant) {
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  const auto refused = client_.remove(
      maps_, name("a"),
      {.uid = "00000000-0000-4000-8000-000000000000", .resource_version = {}, .grace_seconds = {}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_conflict());
  EXPECT_TRUE(client_.get(maps_, name("a")).has_value());
}

TEST_F(ApiContract, KeepsTheVersionOfAnObjectThatDoesNotChange) {
  const Json created = *client_.create(maps_, config_map("a"));
  EXPECT_EQ(version_of(*client_.update(maps_, created)), version_of(created));
}

TEST_F(ApiContract, MergesPatches) {
  Json both = config_map("a");
  both["data"]["second"] = "2";
  ASSERT_TRUE(client_.create(maps_, both).has_value());
  const auto merged = client_.patch(maps_, name("a"), PatchType::kMerge,
                                    *codec::parse_json(R"({"data":{"key":null,"third":"3"}})"));
  ASSERT_TRUE(merged.has_value()) << merged.error().message;
  EXPECT_EQ(*merged->find("data"), *codec::parse_json(R"({"second":"2","third":"3"})"));
}

TEST_F(ApiContract, AppliesJsonPatchesAllOrNothing) {
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  const auto patched =
      client_.patch(maps_, name("a"), PatchType::kJson,
                    *codec::parse_json(R"([{"op":"test","path":"/data/key","value":"v"},
                             {"op":"replace","path":"/data/key","value":"w"},
                             {"op":"add","path":"/metadata/labels/x~1y","value":"z"},
                             {"op":"remove","path":"/metadata/labels/test"}])"));
  ASSERT_TRUE(patched.has_value()) << patched.error().message;
  EXPECT_EQ(patched->text({"data", "key"}), "w");
  EXPECT_EQ(*patched->find_path({"metadata", "labels"}), *codec::parse_json(R"({"x/y":"z"})"));
  const auto refused =
      client_.patch(maps_, name("a"), PatchType::kJson,
                    *codec::parse_json(R"([{"op":"replace","path":"/data/key","value":"lost"},
                             {"op":"test","path":"/data/key","value":"not this"}])"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_invalid()) << refused.error().message;
  EXPECT_EQ(client_.get(maps_, name("a"))->text({"data", "key"}), "w");
}

TEST_F(ApiContract, KeepsStatusAndSpecApart) {
  Json node = object("Node", "n");
  ASSERT_TRUE(client_.create(nodes(), node).has_value());
  const auto with_status = client_.patch(nodes(), name("n"), PatchType::kStrategicMerge,
                                         *codec::parse_json(R"({"spec":{"unschedulable":true},
        "status":{"conditions":[{"type":"Ready","status":"True"}]}})"),
                                         "status");
  ASSERT_TRUE(with_status.has_value()) << with_status.error().message;
  EXPECT_EQ(with_status->find_path({"spec", "unschedulable"}), nullptr);
  const auto more = client_.patch(
      nodes(), name("n"), PatchType::kStrategicMerge,
      *codec::parse_json(R"({"status":{"conditions":[{"type":"Attested","status":"False",
        "reason":"PcrMismatch"}]}})"),
      "status");
  ASSERT_TRUE(more.has_value());
  const auto view = node_view(*more);
  ASSERT_TRUE(view.has_value());
  ASSERT_NE(view->condition("Ready"), nullptr);
  ASSERT_NE(view->condition("Attested"), nullptr);
  EXPECT_EQ(view->condition("Attested")->reason, "PcrMismatch");
  // The other way round: a write to the node leaves its status alone.
  Json cordoned = *more;
  cordoned["spec"]["unschedulable"] = true;
  cordoned["status"] = Json(Json::Object());
  const auto updated = client_.update(nodes(), cordoned);
  ASSERT_TRUE(updated.has_value()) << updated.error().message;
  EXPECT_EQ(node_view(*updated)->conditions.size(), 2U);
  EXPECT_TRUE(node_view(*updated)->unschedulable);
}

TEST_F(ApiContract, AppliesOwnedFieldsAndTakesOmittedOnesAway) {
  Json mine = config_map("a");
  mine["data"]["second"] = "2";
  const auto created = client_.apply(maps_, mine, {.field_manager = "me", .force = false});
  ASSERT_TRUE(created.has_value()) << created.error().message;

  Json theirs = config_map("a");
  theirs.as_object()->erase("data");
  theirs["data"]["third"] = "3";
  ASSERT_TRUE(client_.apply(maps_, theirs, {.field_manager = "they", .force = false}).has_value());

  Json less = config_map("a", "changed");
  const auto applied = client_.apply(maps_, less, {.field_manager = "me", .force = false});
  ASSERT_TRUE(applied.has_value()) << applied.error().message;
  EXPECT_EQ(*applied->find("data"), *codec::parse_json(R"({"key":"changed","third":"3"})"));
}

TEST_F(ApiContract, RefusesToApplyAnothersFieldUnlessForced) {
  ASSERT_TRUE(client_.apply(maps_, config_map("a", "mine"), {.field_manager = "me"}).has_value());
  const auto refused =
      client_.apply(maps_, config_map("a", "theirs"), {.field_manager = "they", .force = false});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_conflict());
  const auto forced =
      client_.apply(maps_, config_map("a", "theirs"), {.field_manager = "they", .force = true});
  ASSERT_TRUE(forced.has_value());
  EXPECT_EQ(forced->text({"data", "key"}), "theirs");
}

TEST_F(ApiContract, ListsInPagesWithSelectors) {
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(client_.create(maps_, config_map(std::to_string(i))).has_value());
  }
  const auto all = client_.list(maps_, {.label_selector = own(), .page_size = 3});
  ASSERT_TRUE(all.has_value()) << all.error().message;
  ASSERT_EQ(all->items.size(), 7U);
  EXPECT_EQ(all->items[3].text({"metadata", "name"}), name("3"));
  EXPECT_EQ(all->items[3].text({"kind"}), "ConfigMap");
  EXPECT_EQ(all->items[3].text({"apiVersion"}), "v1");
  EXPECT_FALSE(all->resource_version.empty());
  const auto one =
      client_.list(maps_, {.label_selector = {}, .field_selector = "metadata.name=" + name("5")});
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->items.size(), 1U);
  const auto none =
      client_.list(maps_, {.label_selector = own() + ",test notin (" + test_name_ + ")"});
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->items.empty());
  EXPECT_FALSE(none->resource_version.empty());
}

TEST_F(ApiContract, ListsAndWatchesMetadataAlone) {
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  const auto list = client_.list(maps_, {.label_selector = own(), .metadata_only = true});
  ASSERT_TRUE(list.has_value()) << list.error().message;
  ASSERT_EQ(list->items.size(), 1U);
  EXPECT_EQ(list->items[0].text({"kind"}), "PartialObjectMetadata");
  EXPECT_EQ(list->items[0].text({"metadata", "labels", "test"}), test_name_);
  EXPECT_EQ(list->items[0].find("data"), nullptr);
  ASSERT_TRUE(client_.create(maps_, config_map("b")).has_value());
  WatchOptions options = from(list->resource_version);
  options.metadata_only = true;
  EXPECT_EQ(watched(options, 1, maps_), (Strings{"ADDED b"}));
  EXPECT_EQ(last_object_.text({"kind"}), "PartialObjectMetadata");
  EXPECT_EQ(last_object_.find("data"), nullptr);
}

TEST_F(ApiContract, WatchesFromAVersionOnInOrder) {
  ASSERT_TRUE(client_.create(maps_, config_map("before")).has_value());
  const std::string version = client_.list(maps_)->resource_version;
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  ASSERT_TRUE(
      client_
          .patch(maps_, name("a"), PatchType::kMerge, *codec::parse_json(R"({"data":{"key":"2"}})"))
          .has_value());
  const std::string middle = version_of(*client_.get(maps_, name("a")));
  ASSERT_TRUE(client_.create(maps_, config_map("b")).has_value());
  ASSERT_TRUE(client_.remove(maps_, name("a")).has_value());
  EXPECT_EQ(watched(from(version), 4, maps_),
            (Strings{"ADDED a", "MODIFIED a", "ADDED b", "DELETED a"}));
  EXPECT_EQ(watched(from(middle), 2, maps_), (Strings{"ADDED b", "DELETED a"}));
}

TEST_F(ApiContract, TellsAWatchWithSelectorWhatEntersAndLeaves) {
  const std::string version = client_.list(maps_)->resource_version;
  Json outside = config_map("a");
  outside["metadata"]["labels"]["test"] = "other";
  ASSERT_TRUE(client_.create(maps_, outside).has_value());
  const auto relabel = [&](const std::string& to) {
    Json patch;
    patch["metadata"]["labels"]["test"] = to;
    ASSERT_TRUE(client_.patch(maps_, name("a"), PatchType::kMerge, patch).has_value());
  };
  relabel(test_name_);
  relabel("other");
  EXPECT_EQ(watched(from(version), 2, maps_), (Strings{"ADDED a", "DELETED a"}));
}

TEST_F(ApiContract, EndsAWatchCleanlyAtItsTimeoutAndShowsNothingThatWasNotAskedFor) {
  WatchOptions options = from(client_.list(maps_)->resource_version);
  Json hidden = config_map("a");
  hidden["metadata"]["labels"]["test"] = "other";
  const std::string newest = version_of(*client_.create(maps_, hidden));
  options.timeout = std::chrono::seconds(5);
  EXPECT_TRUE(watched(options, 1, maps_).empty());
  EXPECT_TRUE(ended_with_.has_value()) << ended_with_.error().message;
  // A server of 1.20 sends no bookmark in so short a watch; one that is sent tells the newest.
  if (bookmarks_ > 0) {
    EXPECT_EQ(version_of(last_object_), newest);
  }
}

TEST_F(ApiContract, EndsAWatchThatIsStopped) {
  const std::string version = client_.list(maps_)->resource_version;
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  const auto begun = std::chrono::steady_clock::now();
  const auto outcome =
      client_.with_stop(stop.get_token()).watch(maps_, from(version), [](std::string_view) {
        return Result<void>();
      });
  stopper.join();
  EXPECT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, ErrorKind::kRetryable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

TEST_F(ApiContract, SaysGoneInsideTheStreamForAForgottenVersion) {
  const std::string version = version_of(*client_.create(maps_, config_map("a")));
  ASSERT_TRUE(client_.create(maps_, config_map("b")).has_value());
  ASSERT_TRUE(client_.create(maps_, config_map("c")).has_value());
  api_under_test().forget_history();
  EXPECT_EQ(watched(from(version), 1, maps_), (Strings{"ERROR"}));
  EXPECT_TRUE(ended_with_.has_value());
  EXPECT_TRUE(api_error_from_status(last_object_, "watch").is_gone());
}

TEST_F(ApiContract, SaysGoneForAForgottenContinueToken) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client_.create(maps_, config_map(std::to_string(i))).has_value());
  }
  const ListOptions options{.label_selector = own(), .page_size = 1};
  const auto first = client_.list_page(maps_, options, "");
  ASSERT_TRUE(first.has_value());
  ASSERT_FALSE(first->continue_token.empty());
  ASSERT_TRUE(client_.create(maps_, config_map("later")).has_value());
  api_under_test().forget_history();
  const auto second = client_.list_page(maps_, options, first->continue_token);
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is_gone()) << second.error().message;
}

TEST_F(ApiContract, FeedsAnInformerThroughForgottenHistory) {
  adapters::SystemClock clock;
  InformerOptions options;
  options.resource = maps_;
  options.label_selector = own();
  options.min_backoff = std::chrono::milliseconds(50);
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::string> changes;
  Informer informer(client_, clock, crypto::system_random(), options);
  informer.on_change([&](const Change& change) {
    const std::lock_guard guard(mutex);
    const char* sign = change.type == ChangeType::kAdded      ? "+"
                       : change.type == ChangeType::kModified ? "~"
                                                              : "-";
    changes.push_back(sign + change.key.substr(change.key.rfind('-') + 1));
    wake.notify_all();
  });
  const auto await = [&](std::size_t count) {
    std::unique_lock lock(mutex);
    return wake.wait_for(lock, std::chrono::seconds(60), [&] { return changes.size() >= count; });
  };
  ASSERT_TRUE(client_.create(maps_, config_map("a")).has_value());
  informer.start();
  ASSERT_TRUE(await(1));
  ASSERT_TRUE(client_.create(maps_, config_map("b")).has_value());
  ASSERT_TRUE(await(2));
  api_under_test().forget_history();
  ASSERT_TRUE(client_.remove(maps_, name("a")).has_value());
  ASSERT_TRUE(
      client_
          .patch(maps_, name("b"), PatchType::kMerge, *codec::parse_json(R"({"data":{"key":"2"}})"))
          .has_value());
  ASSERT_TRUE(await(4));
  const auto begun = std::chrono::steady_clock::now();
  informer.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(informer.size(), 1U);
  EXPECT_EQ(informer.find("default/" + name("b"))->text({"data", "key"}), "2");
  EXPECT_EQ(informer.find("default/" + name("b"))->find_path({"metadata", "managedFields"}),
            nullptr);
  std::sort(changes.begin() + 2, changes.end());
  EXPECT_EQ(changes, (Strings{"+a", "+b", "-a", "~b"}));
}

TEST_F(ApiContract, ElectsOneLeaderAndHandsOver) {
  adapters::SystemClock clock;
  LeaderElector a(client_, clock, {.ns = "default", .name = name("l"), .identity = "a"});
  LeaderElector b(client_, clock, {.ns = "default", .name = name("l"), .identity = "b"});
  std::vector<std::string> problems;
  for (LeaderElector* elector : {&a, &b}) {
    elector->on_problem([&](const std::string& problem) { problems.push_back(problem); });
  }
  a.step();
  b.step();
  EXPECT_TRUE(a.is_leader());
  EXPECT_FALSE(b.is_leader());
  EXPECT_EQ(b.holder(), "a");
  a.step();
  EXPECT_TRUE(a.is_leader());
  a.release();
  b.step();
  EXPECT_FALSE(a.is_leader());
  EXPECT_TRUE(b.is_leader());
  EXPECT_EQ(b.term(), 2);
  EXPECT_EQ(problems, Strings());
}

TEST_F(ApiContract, CountsEqualEvents) {
  adapters::SystemClock clock;
  const EventRecorder recorder(client_, clock, "contract", "pod-1");
  const ObjectReference about = reference_to(*client_.create(nodes(), object("Node", "n")));
  for (int i = 0; i < 3; ++i) {
    const auto outcome = recorder.record(about, EventType::kWarning, "PcrMismatch", "PCR 8");
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  }
  const auto recorded =
      client_.list(events("default"),
                   {.label_selector = {}, .field_selector = "involvedObject.name=" + name("n")});
  ASSERT_TRUE(recorded.has_value()) << recorded.error().message;
  ASSERT_EQ(recorded->items.size(), 1U);
  EXPECT_EQ(*recorded->items[0].find("count")->as_int(), 3);
}

TEST_F(ApiContract, IssuesAndReviewsTokensForAnAudience) {
  adapters::SystemClock clock;
  ASSERT_TRUE(
      client_.create(service_accounts("default"), object("ServiceAccount", "sa")).has_value());
  const auto issued = request_token(client_, {.account = {"default", name("sa")},
                                              .audiences = {"avouch.dev/controller"},
                                              .bound_pod_name = {},
                                              .bound_pod_uid = {}});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  TokenReviewer reviewer(client_, clock);
  const auto good = reviewer.review(issued->token, {"avouch.dev/controller"});
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_TRUE(good->authenticated) << good->error;
  EXPECT_EQ(good->user.username, "system:serviceaccount:default:" + name("sa"));
  EXPECT_FALSE(reviewer.review(issued->token, {"someone.else"})->authenticated);
  EXPECT_FALSE(reviewer.review("not-a-token", {"avouch.dev/controller"})->authenticated);
}

TEST_F(ApiContract, BindsAPodOnce) {
  Json pod = object("Pod", "p");
  pod["spec"]["containers"] = Json::Array{*codec::parse_json(R"({"name":"c","image":"i"})")};
  const ResourcePath here = pods("default");
  ASSERT_TRUE(client_.create(here, pod).has_value());
  const Json binding =
      *codec::parse_json(R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":")" + name("p") +
                         R"("},"target":{"apiVersion":"v1","kind":"Node","name":"n1"}})");
  const auto bound = client_.create_subresource(here, name("p"), "binding", binding);
  ASSERT_TRUE(bound.has_value()) << bound.error().message;
  EXPECT_EQ(pod_view(*client_.get(here, name("p")))->node_name, "n1");
  EXPECT_TRUE(
      client_.create_subresource(here, name("p"), "binding", binding).error().is_conflict());
}

}  // namespace avouch::kube
