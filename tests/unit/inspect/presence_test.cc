#include "inspect/presence.h"

#include <gmock/gmock.h>

#include "inspect/nodes.h"
#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using ::testing::AllOf;
using testing::AnsweringTransport;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using State = PartReport::State;

const ReleaseName kGuard{.name = "guard", .ns = "guard-system"};
const SystemTime kToday = SystemTime(std::chrono::seconds(1'800'000'000));  // 2027-01-15T08:00:00Z

constexpr std::string_view kConfiguration =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/guard";
constexpr std::string_view kEndpoints = "/api/v1/namespaces/guard-system/endpoints/guard-webhook";
constexpr std::string_view kDeployment =
    "/apis/apps/v1/namespaces/guard-system/deployments/guard-webhook";
constexpr std::string_view kStatefulSet =
    "/apis/apps/v1/namespaces/guard-system/statefulsets/guard-controller";
constexpr std::string_view kLease =
    "/apis/coordination.k8s.io/v1/namespaces/guard-system/leases/guard-controller";

std::string lease(std::string_view renewed, std::string_view holder = "guard-controller-0") {
  return R"({"spec":{"holderIdentity":")" + std::string(holder) +
         R"(","leaseDurationSeconds":15,"renewTime":")" + std::string(renewed) + R"("}})";
}

// A release whose every part works.
AnsweringTransport whole() {
  AnsweringTransport out;
  out.answer(std::string(kConfiguration), R"({"metadata":{"name":"guard"}})");
  out.answer(std::string(kEndpoints),
             R"({"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]}]})");
  out.answer(std::string(kDeployment), R"({"spec":{"replicas":2},"status":{"readyReplicas":2}})");
  out.answer(std::string(kStatefulSet), R"({"spec":{"replicas":1},"status":{"readyReplicas":1}})");
  out.answer(std::string(kLease), lease("2027-01-15T07:59:58.000000Z"));
  return out;
}

HttpResponse status_of(int status, std::string_view reason) {
  return {.status = status,
          .content_type = "application/json",
          .body = R"({"kind":"Status","code":)" + std::to_string(status) + R"(,"reason":")" +
                  std::string(reason) + R"(","message":"User \"bob\" cannot get it"})"};
}
void lose(AnsweringTransport& transport, std::string_view path) {
  transport.on(std::string(path), [](const HttpRequest&) { return status_of(404, "NotFound"); });
}
void forbid(AnsweringTransport& transport, std::string_view path) {
  transport.on(std::string(path), [](const HttpRequest&) { return status_of(403, "Forbidden"); });
}

PresenceReport report(AnsweringTransport& transport, SystemTime now = kToday) {
  return report_presence(kube::Client(transport), kGuard, now);
}
std::string lines(AnsweringTransport& transport, SystemTime now = kToday) {
  return presence_lines(report(transport, now), kGuard);
}

TEST(Presence, SaysNothingOfAReleaseThatIsThereAndWorks) {
  AnsweringTransport transport = whole();
  EXPECT_EQ(lines(transport), "");
  EXPECT_EQ(codec::to_json(presence_json(report(transport), kGuard)),
            R"({"controller":{"found":"Lease guard-system/guard-controller is renewed",)"
            R"("state":"Working"},"name":"guard","namespace":"guard-system",)"
            R"("webhook":{"found":"Endpoints guard-system/guard-webhook has 2 that are ready",)"
            R"("state":"Working"},"webhookConfiguration":{"found":)"
            R"("ValidatingWebhookConfiguration guard is there","state":"Working"}})");
}

TEST(Presence, SaysInOneLineThatThereIsNoRelease) {
  AnsweringTransport transport;
  transport.answer(std::string(kLease),
                   lease("2027-01-15T07:59:58Z", ""));  // it outlives a release
  EXPECT_TRUE(report(transport).gone());
  EXPECT_THAT(lines(transport), AllOf(StartsWith("NOT INSTALLED: there is no release guard in "
                                                 "namespace guard-system"),
                                      HasSubstr("NO pod is gated"), HasSubstr("helm install")));
  // With the right to see two of three no more is said than is known.
  forbid(transport, kStatefulSet);
  forbid(transport, kLease);
  EXPECT_FALSE(report(transport).gone());
  EXPECT_THAT(lines(transport), AllOf(HasSubstr("WEBHOOK CONFIGURATION ABSENT"),
                                      HasSubstr("\nWEBHOOK ABSENT"), HasSubstr("\nCANNOT TELL")));
}

TEST(Presence, SaysThatNothingIsGatedWithoutAWebhookConfiguration) {
  AnsweringTransport transport = whole();
  lose(transport, kConfiguration);
  EXPECT_EQ(report(transport).configuration.state, State::kAbsent);
  EXPECT_EQ(lines(transport),
            "WEBHOOK CONFIGURATION ABSENT: ValidatingWebhookConfiguration guard is not there.\n"
            "  It means: NO pod is gated and no admission is recorded, whatever the policies say.\n"
            "  To do: helm upgrade of release guard puts it back.\n");
}

TEST(Presence, SaysWhyNoWebhookAnswersAndWhatThatDenies) {
  struct Case {
    const char *name, *endpoints, *deployment, *found, *remedy;
    State state;
  };
  const Case cases[] = {
      {"scaled down", R"({"subsets":[]})", R"({"spec":{"replicas":0}})",
       "Deployment guard-system/guard-webhook is scaled to 0",
       "kubectl -n guard-system scale deployment guard-webhook --replicas=2", State::kDown},
      {"none ready", R"({"subsets":[{"notReadyAddresses":[{"ip":"10.0.0.1"}]}]})",
       R"({"spec":{"replicas":2},"status":{"replicas":2}})",
       "Endpoints guard-system/guard-webhook has none that is ready, Deployment "
       "guard-system/guard-webhook has 0 of 2 pods ready",
       "describe pods -l app.kubernetes.io/component=webhook", State::kDown},
      {"no endpoints yet", "{}", R"({"spec":{"replicas":1},"status":{"readyReplicas":1}})",
       "has none that is ready", "describe pods", State::kDown},
      {"no Deployment", "{}", nullptr, "Deployment guard-system/guard-webhook is not there",
       "helm upgrade of release guard puts it back", State::kAbsent},
      {"no Service", nullptr, R"({"spec":{"replicas":2},"status":{"readyReplicas":2}})",
       "there is no Service guard-system/guard-webhook", "helm upgrade", State::kDown},
  };
  for (const Case& one : cases) {
    AnsweringTransport transport = whole();
    lose(transport, kEndpoints);
    lose(transport, kDeployment);
    if (one.endpoints != nullptr) transport.answer(std::string(kEndpoints), one.endpoints);
    if (one.deployment != nullptr) transport.answer(std::string(kDeployment), one.deployment);
    const PartReport webhook = report(transport).webhook;
    EXPECT_EQ(webhook.state, one.state) << one.name;
    EXPECT_THAT(webhook.found, HasSubstr(one.found)) << one.name;
    EXPECT_THAT(webhook.remedy, HasSubstr(one.remedy)) << one.name;
    EXPECT_THAT(webhook.effect, StartsWith("pods are denied wherever a policy in Enforce"))
        << one.name;
    lose(transport, kConfiguration);
    EXPECT_THAT(report(transport).webhook.effect, StartsWith("nothing while there is no webhook"))
        << one.name;
    forbid(transport, kConfiguration);
    EXPECT_THAT(report(transport).webhook.effect, StartsWith("if there is a webhook configuration"))
        << one.name;
  }
}

TEST(Presence, TakesAControllerForGoneWhenItsLeaseIsHalfAMinuteOverdue) {
  AnsweringTransport transport = whole();
  transport.answer(std::string(kLease), lease("2027-01-15T08:00:00.000000Z"));
  for (const auto& [seconds, state] :
       {std::pair(-600, State::kWorking), std::pair(0, State::kWorking),
        std::pair(45, State::kWorking), std::pair(46, State::kDown)}) {
    EXPECT_EQ(report(transport, kToday + std::chrono::seconds(seconds)).controller.state, state)
        << seconds;
  }
  EXPECT_THAT(lines(transport, kToday + std::chrono::seconds(400)),
              AllOf(StartsWith("CONTROLLER DOWN: Lease guard-system/guard-controller was last "
                               "renewed at 2027-01-15T08:00:00Z, 400 s ago by the clock of this "
                               "machine; StatefulSet guard-system/guard-controller has 1 of 1 pods "
                               "ready.\n  It means: no verdict is made or renewed"),
                    HasSubstr("gated pods are denied there"),
                    HasSubstr("describe pods -l app.kubernetes.io/component=controller")));
  // Nobody denies anything without a webhook configuration.
  lose(transport, kConfiguration);
  EXPECT_THAT(report(transport, kToday + std::chrono::seconds(400)).controller.effect,
              Not(HasSubstr("denied")));
}

// Anybody who may write Leases of the namespace can keep the controller from leading.
TEST(Presence, BelievesNoLeaseOfATimeToCome) {
  AnsweringTransport transport = whole();
  EXPECT_FALSE(report(transport).wrong_lease.has_value());
  transport.answer(std::string(kLease), lease("2027-01-15T08:10:00Z", "evil"));
  EXPECT_EQ(lines(transport), "") << "clocks that differ";
  transport.answer(std::string(kLease), lease("2100-01-01T00:00:00Z", "e\\u001b[31mvil"));
  const PresenceReport evil = report(transport);
  EXPECT_EQ(evil.controller.state, State::kWorking) << "its pod is ready";
  EXPECT_THAT(evil.controller.found, HasSubstr("has 1 of 1 pods ready"));
  EXPECT_THAT(
      lines(transport),
      AllOf(StartsWith("LEASE WRONG: Lease guard-system/guard-controller says that \"e"),
            HasSubstr("vil\" holds it, renewed at 2100-01-01T00:00:00Z, and by the clock of "
                      "this machine it is 2027-01-15T08:00:00Z.\n  It means: a clock is "
                      "wrong, or somebody wrote it who is no controller"),
            HasSubstr("\n  To do: compare date -u"),
            HasSubstr("kubectl -n guard-system get lease guard-controller -o yaml "
                      "--show-managed-fields says who wrote it"),
            Not(HasSubstr("\x1b")), Not(HasSubstr("is renewed"))));
  EXPECT_THAT(codec::to_json(presence_json(evil, kGuard)),
              HasSubstr(R"("wrongLease":{"effect":"a clock is wrong)"));
  transport.answer(std::string(kStatefulSet), R"({"spec":{"replicas":1},"status":{}})");
  EXPECT_THAT(lines(transport), AllOf(StartsWith("CONTROLLER DOWN: "), HasSubstr("LEASE WRONG: ")));
  forbid(transport, kStatefulSet);
  EXPECT_EQ(report(transport).controller.state, State::kUnknown);
  // Also where it says of the beginning alone what cannot be.
  transport.answer(
      std::string(kLease),
      R"({"spec":{"renewTime":"2027-01-15T08:00:00Z","acquireTime":"2100-01-01T00:00:00Z"}})");
  EXPECT_THAT(lines(transport), HasSubstr("says that nobody holds it, since 2100-01-01T00:00:00Z"));
}

TEST(Presence, SaysWhyNoControllerLeads) {
  struct Case {
    const char *name, *set, *found;
    std::string lease;
    State state;
  };
  const std::string fresh = lease("2027-01-15T07:59:58Z");
  const Case cases[] = {
      {"gone", nullptr, "StatefulSet guard-system/guard-controller is not there", fresh,
       State::kAbsent},
      {"scaled down", R"({"spec":{"replicas":0}})", "is scaled to 0", fresh, State::kDown},
      {"not ready", R"({"spec":{"replicas":1},"status":{}})", "has 0 of 1 pods ready", fresh,
       State::kDown},
      {"never led", R"({"spec":{"replicas":1},"status":{"readyReplicas":1}})",
       "no controller has ever led", "", State::kDown},
      {"gave it up", R"({"spec":{"replicas":1},"status":{}})",
       "was given up at 2027-01-15T07:59:58Z, 2 s ago", lease("2027-01-15T07:59:58Z", ""),
       State::kDown},
      {"no time", R"({"spec":{"replicas":1},"status":{"readyReplicas":1}})",
       "says not when it was renewed", R"({"spec":{"holderIdentity":"x"}})", State::kDown},
  };
  for (const Case& one : cases) {
    AnsweringTransport transport = whole();
    lose(transport, kStatefulSet);
    lose(transport, kLease);
    if (one.set != nullptr) transport.answer(std::string(kStatefulSet), one.set);
    if (!one.lease.empty()) transport.answer(std::string(kLease), one.lease);
    const PartReport controller = report(transport).controller;
    EXPECT_EQ(controller.state, one.state) << one.name;
    EXPECT_THAT(controller.found, HasSubstr(one.found)) << one.name;
    EXPECT_THAT(controller.effect, HasSubstr("no verdict is made or renewed")) << one.name;
  }
}

TEST(Presence, SaysWhatItMayNotReadAndWhichRoleMay) {
  AnsweringTransport transport;
  for (const std::string_view path :
       {kConfiguration, kEndpoints, kDeployment, kStatefulSet, kLease}) {
    forbid(transport, path);
  }
  const PresenceReport all = report(transport);
  for (const PartReport& part : {all.configuration, all.webhook, all.controller}) {
    EXPECT_EQ(part.state, State::kUnknown);
    EXPECT_THAT(part.found, HasSubstr("ClusterRole guard-node-viewer grants it: kubectl create "
                                      "clusterrolebinding guard-node-viewer-bob"));
  }
  const std::string text = lines(transport);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_THAT(text, AllOf(HasSubstr("CANNOT TELL whether there is a ValidatingWebhookConfiguration "
                                    "guard: "),
                          HasSubstr("CANNOT TELL whether a webhook answers: "),
                          HasSubstr("CANNOT TELL whether a controller leads: ")));
}

// What one object says is enough where the other may not be read.
TEST(Presence, TellsFromOneObjectWhatItCan) {
  AnsweringTransport transport = whole();
  forbid(transport, kDeployment);
  forbid(transport, kStatefulSet);
  EXPECT_EQ(lines(transport), "");
  forbid(transport, kLease);
  EXPECT_EQ(report(transport).controller.state, State::kUnknown);
  transport.answer(std::string(kStatefulSet), R"({"status":{"readyReplicas":1}})");
  EXPECT_EQ(report(transport).controller.state, State::kWorking);
  transport.answer(std::string(kEndpoints), "{}");
  EXPECT_EQ(report(transport).webhook.state, State::kDown);
  forbid(transport, kEndpoints);
  transport.answer(std::string(kDeployment), R"({"status":{"readyReplicas":1}})");
  EXPECT_EQ(report(transport).webhook.state, State::kUnknown);
  transport.answer(std::string(kDeployment), R"({"status":{}})");
  EXPECT_EQ(report(transport).webhook.state, State::kDown);
}

TEST(Presence, SaysThatTheServerIsAwayAsThatAndObeysNoEscapeSequence) {
  AnsweringTransport transport;
  transport.otherwise([](const HttpRequest&) {
    return HttpResponse{.status = 503,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","message":"etcd \u001b[2J is away"})"};
  });
  EXPECT_EQ(report(transport).webhook.state, State::kUnknown);
  EXPECT_THAT(lines(transport), AllOf(HasSubstr("etcd  [2J is away"), Not(HasSubstr("\x1b")),
                                      Not(HasSubstr("grants it"))));
}

TEST(Presence, TellsAVerdictThatEndedUnderAControllerThatLeads) {
  AnsweringTransport transport = whole();
  NodeReport fine, ended, just, none;
  fine.name = "fine";
  fine.expires = kToday + std::chrono::seconds(60);
  ended.name = "ended";
  ended.expires = kToday - std::chrono::seconds(30);
  just.name = "just";
  just.expires = kToday - std::chrono::seconds(29);
  none.name = "none";
  const auto told = unwritten_nodes(report(transport), {fine, ended, just, none}, kToday);
  EXPECT_EQ(told, std::vector<std::string>{"ended"});
  EXPECT_THAT(unwritten_line(told, kGuard),
              AllOf(StartsWith("NOT WRITTEN: a controller leads, but the verdicts of 1 node ended"),
                    HasSubstr(": ended. "), HasSubstr("logs guard-controller-0 | grep problem")));
  EXPECT_EQ(unwritten_line({}, kGuard), "");
  // Without a controller that is said of it, and explains the rest.
  lose(transport, kStatefulSet);
  EXPECT_TRUE(unwritten_nodes(report(transport), {ended}, kToday).empty());
}

TEST(Presence, HasWhatTheLeaseSaysOfTheLog) {
  AnsweringTransport transport = whole();
  EXPECT_FALSE(report(transport).recorded.has_value()) << "a controller that says nothing";
  const auto saying = [&](std::string_view said) {
    codec::Json object = codec::parse_json(lease("2027-01-15T07:59:58.000000Z")).value();
    object["metadata"]["annotations"]["avouch.dev/recorded"] = said;
    transport.answer(std::string(kLease), codec::to_json(object));
    return report(transport).recorded;
  };
  const auto told = saying(
      R"({"type":"Recorded","status":"False","reason":"LogReadOnly","message":"it is damaged"})");
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->status, "False");
  EXPECT_EQ(told->reason, "LogReadOnly");
  EXPECT_EQ(told->message, "it is damaged");
  const std::string long_text(20'000, 'x');
  for (const std::string& bad : {std::string("no JSON"), std::string("[]"), std::string("{}"),
                                 std::string(R"({"type":"Ready","status":"False"})"),
                                 R"({"type":"Recorded","message":")" + long_text + "\"}"}) {
    EXPECT_FALSE(saying(bad).has_value()) << bad.substr(0, 40);
  }
  forbid(transport, kLease);
  EXPECT_FALSE(report(transport).recorded.has_value());
}

TEST(Presence, TheAbsentConfigurationIsToldOnce) {
  PolicyReport policy{.name = "p",
                      .mode = "Enforce",
                      .guarded = "False",
                      .reason = "ConfigurationAbsent",
                      .message = "it does not exist"};
  EXPECT_EQ(guard_lines({policy}), "NOT GUARDED: ConfigurationAbsent: it does not exist\n");
  EXPECT_EQ(guard_lines({policy}, true), "");
  EXPECT_FALSE(is_guarded({policy}));
  policy.reason = "ConfigurationChanged";
  EXPECT_THAT(guard_lines({policy}, true), HasSubstr("ConfigurationChanged"));
  EXPECT_FALSE(is_guarded({policy}));
  for (const char* status : {"True", ""}) {
    policy.guarded = status;
    EXPECT_TRUE(is_guarded({policy})) << status;
  }
  policy.guarded = "Unknown";
  EXPECT_FALSE(is_guarded({policy})) << "GUARDED?";
  EXPECT_TRUE(is_guarded({}));
}

}  // namespace
}  // namespace avouch::inspect
