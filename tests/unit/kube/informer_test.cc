#include "kube/informer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <thread>

#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeKube;
using testing::ManualClock;

// Always the same: jitter is then half of the delay plus `value` of the other half.
class FixedRandom final : public crypto::Random {
 public:
  explicit FixedRandom(std::uint8_t value = 0) : value_(value) {}
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), value_); }

 private:
  std::uint8_t value_;
};

Json node(const std::string& name, const std::string& label = "") {
  Json object;
  object["apiVersion"] = "v1";
  object["kind"] = "Node";
  object["metadata"]["name"] = name;
  if (!label.empty()) object["metadata"]["labels"]["pool"] = label;
  return object;
}

class InformerTest : public ::testing::Test {
 protected:
  Informer& make(InformerOptions options = {}) {
    options.resource = nodes();
    informer_ = std::make_unique<Informer>(client_, clock_, random_, std::move(options));
    informer_->on_change([this](const Change& change) {
      const char* name = change.type == ChangeType::kAdded      ? "+"
                         : change.type == ChangeType::kModified ? "~"
                                                                : "-";
      changes_.push_back(name + change.key);
      if (change.type == ChangeType::kModified) {
        EXPECT_NE(change.previous, nullptr);
      }
      EXPECT_NE(change.object, nullptr);
    });
    informer_->on_problem([this](const std::string& problem) { problems_.push_back(problem); });
    return *informer_;
  }

  milliseconds step() { return informer_->step(stop_.get_token()); }

  // One watch, on a thread of its own as long as `during` runs; then it is ended by `end`.
  milliseconds watch(const std::function<void()>& during, const std::function<void()>& end = {}) {
    milliseconds delay{0};
    std::thread watcher([&] { delay = step(); });
    kube_.await_watches(1);
    during();
    end ? end() : kube_.end_watches();
    watcher.join();
    return delay;
  }

  std::vector<std::string> take_changes() { return std::exchange(changes_, {}); }
  using Names = std::vector<std::string>;

  FakeKube kube_;
  Client client_{kube_};
  ManualClock clock_;
  FixedRandom random_;
  std::stop_source stop_;
  std::unique_ptr<Informer> informer_;
  std::vector<std::string> changes_, problems_;
};

TEST_F(InformerTest, KnowsNothingBeforeItsFirstList) {
  Informer& informer = make();
  EXPECT_FALSE(informer.synced());
  EXPECT_EQ(informer.last_contact(), std::nullopt);
  EXPECT_FALSE(informer.fresh(seconds(1000000)));
  EXPECT_TRUE(informer.snapshot()->empty());
}

TEST_F(InformerTest, ShowsEveryObjectOfTheFirstListAsAdded) {
  for (const char* name : {"a", "b", "c"}) kube_.put(nodes(), node(name));
  Informer& informer = make({.page_size = 2});
  int synced = 0;
  informer.on_synced([&] {
    ++synced;
    EXPECT_EQ(changes_.size(), 3U);  // after all changes
  });
  EXPECT_EQ(step(), milliseconds(0));
  EXPECT_EQ(take_changes(), (Names{"+a", "+b", "+c"}));
  EXPECT_EQ(synced, 1);
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(informer.size(), 3U);
  ASSERT_NE(informer.find("b"), nullptr);
  EXPECT_EQ(informer.find("b")->text({"kind"}), "Node");
  EXPECT_EQ(informer.find("z"), nullptr);
}

TEST_F(InformerTest, FollowsTheWatch) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make();
  step();
  take_changes();
  watch([&] {
    kube_.put(nodes(), node("b"));
    kube_.put(nodes(), node("a", "x"));
    kube_.erase(nodes(), "b");
  });
  EXPECT_EQ(take_changes(), (Names{"+b", "~a", "-b"}));
  EXPECT_EQ(informer.find("a")->text({"metadata", "labels", "pool"}), "x");
  EXPECT_EQ(informer.size(), 1U);
  EXPECT_EQ(informer.stats().events, 3U);
}

TEST_F(InformerTest, ResumesWhereTheLastWatchEnded) {
  make();
  step();
  watch([&] { kube_.put(nodes(), node("a")); });
  kube_.put(nodes(), node("between"));
  kube_.clear_requests();
  watch([&] { kube_.put(nodes(), node("c")); });
  EXPECT_EQ(take_changes(), (Names{"+a", "+between", "+c"}));
  EXPECT_EQ(informer_->stats().lists, 1U);
  for (const auto& request : kube_.requests()) {
    EXPECT_NE(request.query.find("watch=true"), std::string::npos);
  }
}

TEST_F(InformerTest, ResumesFromABookmark) {
  Informer& informer = make();
  step();
  kube_.put(config_maps("other"), node("moves the version on"));
  watch([&] { kube_.send_bookmarks(); });
  EXPECT_EQ(informer.stats().bookmarks, 1U);
  kube_.clear_requests();
  watch([] {});
  ASSERT_EQ(kube_.requests().size(), 1U);
  EXPECT_EQ(query_value(kube_.requests()[0].query, "resourceVersion").value(), kube_.version());
}

TEST_F(InformerTest, ListsAgainAtOnceWhenItsVersionIsGoneAndTellsTheDifferences) {
  for (const char* name : {"a", "b", "c"}) kube_.put(nodes(), node(name));
  Informer& informer = make();
  step();
  take_changes();
  kube_.erase(nodes(), "a");
  kube_.put(nodes(), node("b", "x"));
  kube_.put(nodes(), node("d"));
  kube_.compact();
  EXPECT_EQ(step(), milliseconds(0));  // an ERROR event with code 410
  EXPECT_EQ(step(), milliseconds(0));  // the list
  auto changes = take_changes();
  std::sort(changes.begin(), changes.end());
  EXPECT_EQ(changes, (Names{"+d", "-a", "~b"}));
  EXPECT_EQ(informer.stats().lists, 2U);
}

TEST_F(InformerTest, ListsAgainWhenTheServerAnswersGone) {
  make();
  step();
  kube_.answer_next(testing::status_answer(410, "Gone", "too old"));
  EXPECT_EQ(step(), milliseconds(0));
  step();
  EXPECT_EQ(informer_->stats().lists, 2U);
}

TEST_F(InformerTest, SlowsDownWhereEveryWatchIsGone) {
  make({.min_backoff = milliseconds(1000), .max_backoff = seconds(30)});
  std::vector<milliseconds> delays;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(step(), milliseconds(0));  // the list succeeds
    kube_.answer_next(testing::status_answer(410, "Gone", "always"));
    delays.push_back(step());
  }
  EXPECT_EQ(delays, (std::vector<milliseconds>{milliseconds(0), milliseconds(1000), seconds(2),
                                               seconds(4), seconds(8), seconds(15)}));
}

TEST_F(InformerTest, KeepsItsDataAndItsPlaceThroughABrokenConnection) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make({.min_backoff = milliseconds(1000)});
  step();
  take_changes();
  const auto delay = watch([] {}, [&] { kube_.break_watches(retryable("connection reset")); });
  EXPECT_EQ(delay, milliseconds(500));
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(informer.size(), 1U);
  kube_.put(nodes(), node("b"));
  watch([] {});
  EXPECT_EQ(take_changes(), (Names{"+b"}));
  EXPECT_EQ(informer.stats().lists, 1U);
  EXPECT_EQ(problems_.size(), 1U);
}

TEST_F(InformerTest, BacksOffWhileTheServerIsDownAndBeginsAnewAfterASignOfLife) {
  make({.min_backoff = milliseconds(1000), .max_backoff = milliseconds(6000)});
  kube_.set_down(true);
  std::vector<milliseconds> delays;
  delays.reserve(5);
  for (int i = 0; i < 5; ++i) delays.push_back(step());
  EXPECT_EQ(delays, (std::vector<milliseconds>{milliseconds(500), milliseconds(1000), seconds(2),
                                               seconds(3), seconds(3)}));
  kube_.set_down(false);
  step();
  watch([&] { kube_.send_bookmarks(); });
  kube_.set_down(true);
  EXPECT_EQ(step(), milliseconds(500));
}

TEST_F(InformerTest, SpreadsItsDelaysByChance) {
  random_ = FixedRandom(0xff);
  make({.min_backoff = milliseconds(1000)});
  kube_.set_down(true);
  const auto delay = step();
  EXPECT_GT(delay, milliseconds(500));
  EXPECT_LE(delay, milliseconds(1000));
}

TEST_F(InformerTest, WaitsAsLongAsTheServerAsks) {
  make({.min_backoff = milliseconds(1000)});
  HttpResponse busy = testing::status_answer(429, "TooManyRequests", "busy");
  busy.headers.add("Retry-After", "17");
  kube_.answer_next(busy);
  EXPECT_EQ(step(), seconds(17));
}

TEST_F(InformerTest, CountsAQuietWatchThatEndsAtOnceAsAFailure) {
  make({.min_backoff = milliseconds(1000)});
  step();
  EXPECT_EQ(watch([] {}), milliseconds(500));
  EXPECT_EQ(watch([] {}), milliseconds(1000));
  EXPECT_EQ(watch([&] { clock_.advance(seconds(2)); }), milliseconds(0));
  EXPECT_EQ(watch([] {}), milliseconds(500));
}

TEST_F(InformerTest, KnowsHowOldItsDataIs) {
  Informer& informer = make();
  step();
  const SteadyTime listed = clock_.steady_now();
  EXPECT_EQ(informer.last_contact(), listed);
  clock_.advance(seconds(30));
  EXPECT_TRUE(informer.fresh(seconds(30)));
  EXPECT_FALSE(informer.fresh(milliseconds(29'999)));
  watch([&] {
    kube_.send_bookmarks();
    while (informer.last_contact() == listed) std::this_thread::yield();
  });
  EXPECT_TRUE(informer.fresh(seconds(0)));
  clock_.advance(seconds(5));
  kube_.set_down(true);
  step();
  EXPECT_FALSE(informer.fresh(seconds(4)));
  EXPECT_TRUE(informer.synced());
}

TEST_F(InformerTest, GivesSnapshotsThatNoLaterChangeTouches) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make();
  step();
  const auto before = informer.snapshot();
  EXPECT_EQ(informer.snapshot(), before);  // shared as long as nothing changes
  watch([&] { kube_.put(nodes(), node("b")); });
  EXPECT_EQ(before->size(), 1U);
  EXPECT_EQ(informer.snapshot()->size(), 2U);
  EXPECT_EQ(informer.snapshot()->at("a"), before->at("a"));
}

TEST_F(InformerTest, PassesSelectorsAndAsksForMetadataOnly) {
  kube_.put(nodes(), node("a", "x"));
  kube_.put(nodes(), node("b", "y"));
  make({.label_selector = "pool=x", .metadata_only = true});
  step();
  EXPECT_EQ(take_changes(), (Names{"+a"}));
  EXPECT_EQ(informer_->find("a")->text({"kind"}), "PartialObjectMetadata");
  watch([&] {
    kube_.put(nodes(), node("b", "x"));  // enters
    kube_.put(nodes(), node("a", "y"));  // leaves
    kube_.put(nodes(), node("c", "y"));  // never seen
  });
  EXPECT_EQ(take_changes(), (Names{"+b", "-a"}));
}

TEST_F(InformerTest, KeepsNeitherManagedFieldsNorWhatIsTrimmed) {
  Json object = node("a");
  object["metadata"]["managedFields"] = Json::Array{Json("x")};
  object["status"]["images"] = Json::Array{Json("large")};
  kube_.put(nodes(), object);
  make({.trim = [](Json& value) { value["status"].as_object()->erase("images"); }});
  step();
  const ObjectPtr kept = informer_->find("a");
  EXPECT_EQ(kept->find_path({"metadata", "managedFields"}), nullptr);
  EXPECT_EQ(kept->find_path({"status", "images"}), nullptr);
}

TEST_F(InformerTest, KeepsLessOfAnObjectThanItsHandlersHaveSeen) {
  Json object = node("a", "blue");
  object["spec"]["podCIDR"] = "large";
  kube_.put(nodes(), object);
  Informer& informer = make({.keep = [](const Json& whole) {
    Json less = whole;
    less.as_object()->erase("spec");
    return less;
  }});
  std::vector<std::string> seen;
  informer.on_change([&](const Change& change) {
    seen.push_back(std::string(change.object->text({"spec", "podCIDR"})));
    EXPECT_TRUE(change.previous == nullptr || change.previous->find("spec") == nullptr);
  });
  step();
  object["spec"]["podCIDR"] = "larger";
  watch([&] { kube_.put(nodes(), object); });
  EXPECT_EQ(seen, (Names{"large", "larger"}));
  EXPECT_EQ(informer_->find("a")->find("spec"), nullptr);
  EXPECT_EQ(informer_->find("a")->text({"metadata", "labels", "pool"}), "blue");
}

TEST_F(InformerTest, LivesThroughHandlersThatThrow) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make();
  informer.on_change([](const Change&) { throw std::runtime_error("cannot parse"); });
  informer.on_change([](const Change&) { throw 7; });
  std::vector<std::string> later;
  informer.on_change([&](const Change& change) { later.push_back(change.key); });
  step();
  watch([&] { kube_.put(nodes(), node("b")); });
  EXPECT_EQ(later, (Names{"a", "b"}));
  EXPECT_EQ(informer.stats().handler_exceptions, 4U);
}

// An object at which a function throws is in the middle of the list.
void throw_at_b(const Json& object) {
  if (object.text({"metadata", "name"}) == "b") throw std::runtime_error("cannot be trimmed");
}

TEST_F(InformerTest, TellsOfEveryOtherObjectWhereTrimThrowsAtOne) {
  for (const char* name : {"a", "b", "c"}) kube_.put(nodes(), node(name));
  make({.trim = [](Json& object) { throw_at_b(object); }});
  EXPECT_EQ(step(), milliseconds(0));
  EXPECT_EQ(take_changes(), (Names{"+a", "+c"}));
  EXPECT_TRUE(informer_->synced());
  EXPECT_EQ(informer_->size(), 2U);
  EXPECT_EQ(informer_->stats().unreadable, 1U);
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].find("nodes b: is left out: cannot be trimmed"), std::string::npos)
      << problems_[0];
}

TEST_F(InformerTest, TellsOfEveryOtherObjectWhereKeepThrowsAtOne) {
  for (const char* name : {"a", "b", "c"}) kube_.put(nodes(), node(name));
  make({.keep = [](const Json& object) {
    throw_at_b(object);
    return object;
  }});
  step();
  EXPECT_EQ(take_changes(), (Names{"+a", "+c"}));
  EXPECT_TRUE(informer_->synced());
  EXPECT_EQ(informer_->stats().unreadable, 1U);
}

TEST_F(InformerTest, LivesThroughATrimThatThrowsWhatIsNoException) {
  kube_.put(nodes(), node("a"));
  make({.trim = [](Json&) { throw 7; }});
  EXPECT_EQ(step(), milliseconds(0));
  EXPECT_EQ(informer_->size(), 0U);
  EXPECT_EQ(problems_.size(), 1U);
}

TEST_F(InformerTest, ForgetsAnObjectAtWhichTrimThrowsFromSomeTimeOn) {
  for (const char* name : {"a", "b"}) kube_.put(nodes(), node(name));
  bool broken = false;
  make({.trim = [&](Json& object) {
    if (broken) throw_at_b(object);
  }});
  step();
  EXPECT_EQ(take_changes(), (Names{"+a", "+b"}));
  broken = true;
  watch([&] {
    kube_.put(nodes(), node("b", "blue"));
    kube_.put(nodes(), node("a", "blue"));
  });
  EXPECT_EQ(take_changes(), (Names{"-b", "~a"})) << "the watch goes on";
  EXPECT_EQ(informer_->stats().failures, 0U);
  broken = false;
  watch([&] { kube_.put(nodes(), node("b")); });
  EXPECT_EQ(take_changes(), (Names{"+b"}));
}

TEST_F(InformerTest, TellsWhatItHasKeptOfAListThatEndsForWantOfMemory) {
  for (const char* name : {"a", "b", "c"}) kube_.put(nodes(), node(name));
  bool scarce = true;
  make({.min_backoff = milliseconds(1000), .trim = [&](Json& object) {
          if (scarce && object.text({"metadata", "name"}) == "b") throw std::bad_alloc();
        }});
  EXPECT_EQ(step(), milliseconds(500));
  EXPECT_FALSE(informer_->synced());
  EXPECT_EQ(take_changes(), (Names{"+a"}));
  scarce = false;
  step();
  EXPECT_EQ(take_changes(), (Names{"+b", "+c"})) << "nobody is left out, and nobody told twice";
  EXPECT_TRUE(informer_->synced());
}

TEST_F(InformerTest, ReadsOfALargeObjectWhatItIsToldTo) {
  InformerOptions options;
  options.read_only([](const codec::JsonView& object) {
    Json out{Json::Object{}};
    for (const std::string_view name : {"name", "resourceVersion"}) {
      out["metadata"][name] = object.text({"metadata", name});
    }
    return out;
  });
  Json large = node("a");
  large["metadata"]["annotations"]["x"] = std::string(5 * 1024 * 1024, 'x');
  kube_.put(nodes(), large);
  Informer& informer = make(options);
  step();
  EXPECT_EQ(take_changes(), (Names{"+a"}));
  large["metadata"]["labels"]["changed"] = "yes";
  watch([&] { kube_.put(nodes(), large); });
  EXPECT_EQ(take_changes(), (Names{"~a"}));
  EXPECT_EQ(informer.find("a")->find_path({"metadata", "annotations"}), nullptr);
  EXPECT_EQ(informer.stats().unreadable, 0U);
}

TEST_F(InformerTest, ForgetsAnObjectThatCanNoLongerBeRead) {
  kube_.put(nodes(), node("a"));
  kube_.put(nodes(), node("b"));
  Informer& informer = make({.max_object_bytes = 2000});
  step();
  take_changes();
  Json large = node("a");
  large["metadata"]["annotations"]["x"] = std::string(3000, 'x');
  watch([&] { kube_.put(nodes(), large); }, [] {});
  EXPECT_EQ(informer.stats().unreadable, 1U);
  step();  // the list
  EXPECT_EQ(take_changes(), (Names{"-a"}));
  EXPECT_EQ(informer.find("a"), nullptr);
  ASSERT_NE(informer.find("b"), nullptr);
  EXPECT_TRUE(informer.synced());
  watch([&] { kube_.put(nodes(), node("a")); });
  EXPECT_EQ(take_changes(), (Names{"+a"}));
}

TEST_F(InformerTest, ListsAgainAfterALineThatIsNoEvent) {
  for (const char* line : {"{", "null", R"({"type":"NEW","object":{}})",
                           R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"9"}}})",
                           R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})"}) {
    make();
    step();
    watch([&] { kube_.send_line(line); }, [] {});
    EXPECT_EQ(informer_->find("x"), nullptr);
    step();
    EXPECT_EQ(informer_->stats().lists, 2U) << line;
  }
}

TEST_F(InformerTest, ListsAgainAfterAnyErrorEvent) {
  make({.min_backoff = milliseconds(1000)});
  step();
  const auto delay = watch(
      [&] {
        kube_.send_line(
            R"({"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}})");
      },
      [] {});
  EXPECT_EQ(delay, milliseconds(500));
  step();
  EXPECT_EQ(informer_->stats().lists, 2U);
}

TEST_F(InformerTest, IsNotSyncedWhenThereAreMoreObjectsThanItsLimit) {
  kube_.put(nodes(), node("a"));
  kube_.put(nodes(), node("b"));
  Informer& informer = make({.max_objects = 2});
  step();
  EXPECT_TRUE(informer.synced());
  watch([&] { kube_.put(nodes(), node("c")); }, [] {});
  EXPECT_FALSE(informer.synced());
  EXPECT_EQ(informer.size(), 2U);
  step();
  EXPECT_FALSE(informer.synced());
  kube_.erase(nodes(), "a");
  step();
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(informer.size(), 2U);
}

TEST_F(InformerTest, IgnoresAnEventThatItHasSeen) {
  make();
  step();
  const Json stored = kube_.put(nodes(), node("a"));
  watch([&] {
    Json event;
    event["type"] = "MODIFIED";
    event["object"] = stored;
    kube_.send_line(codec::to_json(event));
  });
  EXPECT_EQ(take_changes(), (Names{"+a"}));
}

TEST_F(InformerTest, RunsOnItsOwnThreadAndStopsInTheMiddleOfAWatch) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make();
  informer.start();
  kube_.await_watches(1);
  EXPECT_TRUE(informer.synced());
  informer.stop();
  EXPECT_EQ(kube_.open_watches(), 0U);
  EXPECT_EQ(take_changes(), (Names{"+a"}));
  EXPECT_TRUE(problems_.empty());
}

TEST_F(InformerTest, StopsInTheMiddleOfABackOff) {
  Informer& informer = make();
  kube_.set_down(true);
  informer.start();
  clock_.await_waiters(1);
  informer.stop();  // without the clock moving
  EXPECT_FALSE(informer.synced());
}

TEST_F(InformerTest, ComesBackByItselfWhenTheServerDoes) {
  kube_.put(nodes(), node("a"));
  Informer& informer = make();
  kube_.set_down(true);
  informer.start();
  clock_.await_waiters(1);
  kube_.set_down(false);
  clock_.advance(seconds(1));
  kube_.await_watches(1);
  EXPECT_TRUE(informer.synced());
  informer.stop();
}

}  // namespace
}  // namespace avouch::kube
