#include "kube/lease.h"

#include <gtest/gtest.h>

#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeKube;
using testing::ManualClock;

// A process that stands for election: it shares the server with others, not the clock's reading of
// when it may run.
struct Candidate {
  Candidate(FakeKube& kube, Clock& clock, const std::string& identity)
      : client(kube),
        elector(client, clock, {.ns = "avouch-system", .name = "l", .identity = identity}) {
    elector.on_elected([this] { ++elected; });
    elector.on_lost([this] { ++lost; });
    elector.on_problem([this](const std::string&) { ++problems; });
    elector.on_other([this](const std::string& who) { others.push_back(who); });
  }

  Client client;
  LeaderElector elector;
  int elected = 0, lost = 0, problems = 0;
  std::vector<std::string> others;
};

class LeaseTest : public ::testing::Test {
 protected:
  std::string holder() {
    return std::string(kube_.peek(leases("avouch-system"), "l")->text({"spec", "holderIdentity"}));
  }
  // What somebody else makes of the Lease.
  void rewrite(const std::string& spec) {
    kube_.put(leases("avouch-system"),
              *codec::parse_json(R"({"metadata":{"name":"l"},"spec":)" + spec + "}"));
  }

  FakeKube kube_;
  ManualClock clock_;
  Candidate a_{kube_, clock_, "a"};
  Candidate b_{kube_, clock_, "b"};
};

bool is_put(const HttpRequest& request) { return request.method == "PUT"; }

TEST_F(LeaseTest, MakesTheLeaseWhereThereIsNone) {
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(a_.elector.step(), seconds(2));
  EXPECT_TRUE(a_.elector.is_leader());
  EXPECT_EQ(a_.elector.term(), 1);
  EXPECT_EQ(a_.elected, 1);
  const Json lease = *kube_.peek(leases("avouch-system"), "l");
  EXPECT_EQ(lease.text({"spec", "holderIdentity"}), "a");
  EXPECT_EQ(*lease.find_path({"spec", "leaseDurationSeconds"})->as_int(), 15);
  EXPECT_EQ(lease.text({"spec", "renewTime"}), "2027-01-15T08:00:00.000000Z");
  EXPECT_EQ(lease.text({"spec", "acquireTime"}), "2027-01-15T08:00:00.000000Z");
}

TEST_F(LeaseTest, HasOneLeaderAsLongAsItRenews) {
  a_.elector.step();
  b_.elector.step();
  for (int i = 0; i < 60; ++i) {
    clock_.advance(seconds(2));
    a_.elector.step();
    b_.elector.step();
    EXPECT_TRUE(a_.elector.is_leader()) << i;
    EXPECT_FALSE(b_.elector.is_leader()) << i;
  }
  EXPECT_EQ(b_.elector.holder(), "a");
  EXPECT_EQ(a_.elector.term(), 1);
  EXPECT_EQ(a_.elected, 1);
  EXPECT_EQ(a_.lost, 0);
}

TEST_F(LeaseTest, EndsALeadershipAtItsDeadlineWithoutAnyThreadRunning) {
  a_.elector.step();
  clock_.advance(milliseconds(9'999));
  EXPECT_TRUE(a_.elector.is_leader());
  clock_.advance(milliseconds(1));
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(a_.elector.leading_until(), std::nullopt);
}

TEST_F(LeaseTest, IsNeverLedByTwo) {
  // Every interleaving of who runs when, over all places in which the leader may fall silent.
  for (int silent_from = 0; silent_from < 12; ++silent_from) {
    FakeKube kube;
    ManualClock clock;
    Candidate a(kube, clock, "a");
    Candidate b(kube, clock, "b");
    a.elector.step();
    for (int second = 0; second < 60; ++second) {
      clock.advance(milliseconds(500));
      EXPECT_FALSE(a.elector.is_leader() && b.elector.is_leader()) << silent_from << " " << second;
      if (second < silent_from) a.elector.step();
      b.elector.step();
      EXPECT_FALSE(a.elector.is_leader() && b.elector.is_leader()) << silent_from << " " << second;
    }
    EXPECT_TRUE(b.elector.is_leader());
    EXPECT_EQ(b.elector.term(), 2);
  }
}

TEST_F(LeaseTest, TakesOverOnlyAfterTheWholeDurationByItsOwnClock) {
  a_.elector.step();
  clock_.step_wall_clock(std::chrono::hours(24));  // wall clocks decide nothing
  b_.elector.step();
  clock_.advance(milliseconds(14'999));
  b_.elector.step();
  EXPECT_FALSE(b_.elector.is_leader());
  clock_.advance(milliseconds(1));
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  EXPECT_EQ(holder(), "b");
}

TEST_F(LeaseTest, CountsTheDurationAnewAfterEachRenewalThatItSees) {
  a_.elector.step();
  b_.elector.step();
  clock_.advance(seconds(14));
  a_.elector.step();  // late, but nobody has taken over
  b_.elector.step();
  clock_.advance(seconds(14));
  b_.elector.step();
  EXPECT_FALSE(b_.elector.is_leader());
  clock_.advance(seconds(1));
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
}

TEST_F(LeaseTest, LetsAWokenLeaderKnowThatItHasLost) {
  a_.elector.step();
  b_.elector.step();
  clock_.advance(seconds(15));  // a is stopped meanwhile
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  EXPECT_FALSE(a_.elector.is_leader());  // before a's loop has run
  a_.elector.step();
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(a_.lost, 1);
  EXPECT_EQ(holder(), "b");
}

TEST_F(LeaseTest, StartsANewTermAfterABreakEvenForTheSameProcess) {
  a_.elector.step();
  clock_.advance(seconds(12));  // past its own deadline, nobody else there
  a_.elector.step();
  EXPECT_TRUE(a_.elector.is_leader());
  EXPECT_EQ(a_.elector.term(), 2);
  EXPECT_EQ(a_.lost, 1);
  EXPECT_EQ(a_.elected, 2);
}

TEST_F(LeaseTest, CountsItsDeadlineFromTheBeginningOfTheRenewal) {
  a_.elector.step();
  clock_.advance(seconds(4));
  // The renewal takes three seconds.
  kube_.fail_next(retryable("never"), [&](const HttpRequest& request) {
    if (is_put(request)) clock_.advance(seconds(3));
    return false;
  });
  const SteadyTime begun = clock_.steady_now();
  a_.elector.step();
  EXPECT_EQ(a_.elector.leading_until(), begun + seconds(10));
}

TEST_F(LeaseTest, KeepsItsOldDeadlineWhenARenewalsAnswerIsLost) {
  a_.elector.step();
  const auto until = a_.elector.leading_until();
  clock_.advance(seconds(2));
  kube_.lose_next_answer(retryable("connection reset"), is_put);
  a_.elector.step();
  EXPECT_EQ(a_.elector.leading_until(), until);
  EXPECT_EQ(a_.problems, 1);
  clock_.advance(seconds(2));
  a_.elector.step();  // still the holder: the next renewal succeeds
  EXPECT_GT(a_.elector.leading_until(), until);
  EXPECT_EQ(a_.elector.term(), 1);
}

TEST_F(LeaseTest, LosesTheLeadershipWhileTheServerCannotBeReached) {
  a_.elector.step();
  kube_.set_down(true);
  for (int i = 0; i < 5; ++i) {
    clock_.advance(seconds(2));
    a_.elector.step();
  }
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(a_.lost, 1);
  kube_.set_down(false);
  clock_.advance(seconds(2));
  a_.elector.step();
  EXPECT_TRUE(a_.elector.is_leader());
  EXPECT_EQ(a_.elected, 2);
}

TEST_F(LeaseTest, LooksAgainBeforeItsDeadlinePasses) {
  a_.elector.step();
  kube_.set_down(true);
  clock_.advance(seconds(9));
  EXPECT_EQ(a_.elector.step(), seconds(1));
}

TEST_F(LeaseTest, GivesWayWhenAnotherIsFaster) {
  kube_.put(leases("avouch-system"), *codec::parse_json(R"({"metadata":{"name":"l"},"spec":{}})"));
  kube_.answer_next(testing::status_answer(409, "Conflict", "the object has been modified"),
                    is_put);
  a_.elector.step();
  EXPECT_FALSE(a_.elector.is_leader());
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
}

TEST_F(LeaseTest, HandsOverAtOnceWhenItStops) {
  a_.elector.step();
  b_.elector.step();
  a_.elector.release();
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(a_.lost, 1);
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  EXPECT_EQ(b_.elector.term(), 2);
}

TEST_F(LeaseTest, SaysWhatItsLeaderSaysAndNothingOfTheOneBefore) {
  const auto speaker = [&](const std::string& identity) {
    return LeaseOptions{
        .ns = "avouch-system", .name = "l", .identity = identity, .annotation = "example.com/said"};
  };
  const auto said = [&] {
    return std::string(kube_.peek(leases("avouch-system"), "l")
                           ->text({"metadata", "annotations", "example.com/said"}));
  };
  const Client client(kube_);
  LeaderElector first(client, clock_, speaker("first"));
  first.step();
  EXPECT_EQ(said(), "");
  first.say("one");
  EXPECT_EQ(said(), "") << "until it renews";
  first.step();
  EXPECT_EQ(said(), "one");
  first.say("two");
  clock_.advance(seconds(2));
  first.step();
  EXPECT_EQ(said(), "two");
  LeaderElector second(client, clock_, speaker("second"));
  second.step();
  clock_.advance(seconds(15));
  second.step();
  ASSERT_TRUE(second.is_leader());
  EXPECT_EQ(said(), "") << "that was of another's leadership";
  second.say("three");
  second.step();
  EXPECT_EQ(said(), "three");
  // Who was told no key leaves what is there as it is.
  second.release();
  a_.elector.say("four");
  a_.elector.step();
  ASSERT_TRUE(a_.elector.is_leader());
  EXPECT_EQ(said(), "three");
}

TEST_F(LeaseTest, TakesNobodyElsesLeaseAwayWhenItStops) {
  a_.elector.step();
  b_.elector.step();
  clock_.advance(seconds(15));
  b_.elector.step();
  a_.elector.release();
  EXPECT_EQ(holder(), "b");
}

TEST_F(LeaseTest, BelievesNoLeaseOfStrangeDuration) {
  for (const char* duration : {"-5", "0", "99999999999", "\"x\"", "null"}) {
    FakeKube kube;
    ManualClock clock;
    kube.put(leases("avouch-system"),
             *codec::parse_json(std::string(R"({"metadata":{"name":"l"},"spec":{"holderIdentity":)"
                                            R"("x","leaseDurationSeconds":)") +
                                duration + "}}"));
    Candidate a(kube, clock, "a");
    a.elector.step();
    clock.advance(milliseconds(14'999));
    a.elector.step();
    EXPECT_FALSE(a.elector.is_leader()) << duration;  // no less than its own
    clock.advance(kLongestLease - milliseconds(14'999));
    a.elector.step();
    EXPECT_TRUE(a.elector.is_leader()) << duration;
  }
}

TEST_F(LeaseTest, IsNotStoppedByALeaseOfTheFuture) {
  a_.elector.step();
  rewrite(R"({"holderIdentity":"nobody","leaseDurationSeconds":1000000000,)"
          R"("renewTime":"2999-01-01T00:00:00.000000Z","acquireTime":"2999-01-01T00:00:00Z"})");
  clock_.advance(seconds(2));
  a_.elector.step();
  EXPECT_FALSE(a_.elector.is_leader()) << "it does not know who else believes that";
  EXPECT_EQ(a_.elector.who_leads(),
            "\"nobody\" is written on Lease avouch-system/l as who leads since "
            "2999-01-01T00:00:00Z, and it is 2027-01-15T08:00:02Z here: a clock is wrong, or no "
            "controller wrote it (kubectl -n avouch-system get lease l -o yaml "
            "--show-managed-fields says who did); it is taken over once it has not changed for "
            "120 s");
  EXPECT_EQ(a_.lost, 1);
  b_.elector.step();
  clock_.advance(kLongestLease - milliseconds(1));
  b_.elector.step();
  EXPECT_FALSE(b_.elector.is_leader());
  clock_.advance(milliseconds(1));
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  EXPECT_EQ(holder(), "b");
}

TEST_F(LeaseTest, AClockThatIsAheadByTenMinutesIsNoLieAboutWhoLeads) {
  rewrite(R"({"holderIdentity":"x","acquireTime":"2027-01-15T08:10:00Z"})");
  a_.elector.step();
  EXPECT_EQ(a_.elector.who_leads().find("\"x\" leads since 2027-01-15T08:10:00Z by Lease"), 0U)
      << a_.elector.who_leads();
  rewrite(R"({"holderIdentity":"x","acquireTime":"2027-01-15T08:10:01Z"})");
  a_.elector.step();
  EXPECT_EQ(a_.elector.who_leads().find("\"x\" is written on Lease"), 0U) << a_.elector.who_leads();
}

TEST_F(LeaseTest, IsNeverLedByTwoWhenSomebodyShortensIt) {
  a_.elector.step();
  b_.elector.step();
  rewrite(R"({"holderIdentity":"x","leaseDurationSeconds":1})");
  // a hangs: only its own deadline ends what it believes.
  for (int i = 0; i < 40; ++i) {
    b_.elector.step();
    EXPECT_FALSE(a_.elector.is_leader() && b_.elector.is_leader()) << i;
    clock_.advance(milliseconds(500));
  }
  EXPECT_TRUE(b_.elector.is_leader());
}

TEST_F(LeaseTest, IsNeverLedByTwoWhenItIsDeleted) {
  a_.elector.step();
  b_.elector.step();
  kube_.erase(leases("avouch-system"), "l");
  for (int i = 0; i < 29; ++i) {
    b_.elector.step();
    EXPECT_FALSE(b_.elector.is_leader()) << i;
    clock_.advance(milliseconds(500));
  }
  EXPECT_NE(b_.elector.who_leads().find("which \"a\" held, is gone"), std::string::npos)
      << b_.elector.who_leads();
  clock_.advance(milliseconds(500));
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  // Who held it makes it anew without waiting.
  kube_.erase(leases("avouch-system"), "l");
  b_.elector.step();
  EXPECT_TRUE(b_.elector.is_leader());
  EXPECT_EQ(b_.lost, 0);
  EXPECT_EQ(holder(), "b");
}

TEST_F(LeaseTest, CountsTransitionsNoFurtherThanTheServerTakes) {
  rewrite(R"({"holderIdentity":"","leaseTransitions":2147483647})");
  a_.elector.step();
  ASSERT_TRUE(a_.elector.is_leader());
  EXPECT_EQ(a_.elector.term(), 2147483647);
  EXPECT_EQ(
      *kube_.peek(leases("avouch-system"), "l")->find_path({"spec", "leaseTransitions"})->as_int(),
      2147483647);
}

TEST_F(LeaseTest, TellsOnceWhoElseLeadsAndWhenThatChanges) {
  EXPECT_EQ(b_.elector.who_leads(),
            "it is not known who leads: Lease avouch-system/l was not read yet");
  a_.elector.step();
  EXPECT_TRUE(a_.others.empty());
  for (int i = 0; i < 3; ++i) {
    b_.elector.step();
    clock_.advance(seconds(2));
    a_.elector.step();
  }
  const std::string first =
      "\"a\" leads since 2027-01-15T08:00:00Z by Lease avouch-system/l, which is taken over once "
      "it has not changed for 15 s";
  EXPECT_EQ(b_.others, std::vector{first});
  EXPECT_EQ(b_.elector.who_leads(), first);
  rewrite(R"({"holderIdentity":"x\ny","leaseDurationSeconds":999,"acquireTime":"soon"})");
  b_.elector.step();
  b_.elector.step();
  ASSERT_EQ(b_.others.size(), 2U);
  EXPECT_EQ(b_.others.back(),
            "\"x?y\" leads by Lease avouch-system/l, which is taken over once it has not changed "
            "for 120 s");
  a_.elector.step();
  EXPECT_EQ(a_.others, std::vector{b_.others.back()});
}

TEST_F(LeaseTest, RunsOnItsOwnThreadAndReleasesWhenStopped) {
  a_.elector.start();
  clock_.await_waiters(1);
  EXPECT_TRUE(a_.elector.is_leader());
  for (int i = 0; i < 20; ++i) {
    const auto until = a_.elector.leading_until();
    // Only a thread that waits for its next renewal can be woken at the right time.
    SteadyTime due = clock_.next_deadline();
    while (due == SteadyTime::max() || due <= clock_.steady_now()) {
      std::this_thread::yield();
      due = clock_.next_deadline();
    }
    clock_.advance(due - clock_.steady_now());
    while (a_.elector.leading_until() == until) std::this_thread::yield();
  }
  EXPECT_EQ(a_.elector.term(), 1);
  a_.elector.stop();
  EXPECT_FALSE(a_.elector.is_leader());
  EXPECT_EQ(holder(), "");
  EXPECT_EQ(a_.lost, 1);
}

TEST(CheckLeaseOptions, ListsEveryBrokenRule) {
  const LeaseOptions good{.ns = "a", .name = "b", .identity = "c"};
  EXPECT_TRUE(check_lease_options(good).has_value());
  EXPECT_FALSE(check_lease_options({}).has_value());
  const auto broken = [&](auto change) {
    LeaseOptions options = good;
    change(options);
    return !check_lease_options(options).has_value();
  };
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.name = ""; }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.identity = ""; }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.lease_duration = o.renew_deadline; }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.lease_duration = milliseconds(15'500); }));
  EXPECT_FALSE(broken([](LeaseOptions& o) { o.lease_duration = kLongestLease; }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.lease_duration = kLongestLease + seconds(1); }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.retry_period = o.renew_deadline; }));
  EXPECT_TRUE(broken([](LeaseOptions& o) { o.retry_period = milliseconds(0); }));
  const auto all = check_lease_options({.lease_duration = seconds(0)});
  EXPECT_NE(all.error().message.find("namespace"), std::string::npos);
  EXPECT_NE(all.error().message.find("identity"), std::string::npos);
  EXPECT_NE(all.error().message.find("renewDeadline"), std::string::npos);
}

}  // namespace
}  // namespace avouch::kube
