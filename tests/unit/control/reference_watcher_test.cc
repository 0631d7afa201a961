// ConfigMaps that policies refer to, and what is said of those that cannot be read.

#include "control/reference_watcher.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using namespace std::chrono_literals;

class References : public ::testing::Test {
 protected:
  // Blocks until the watcher has called back `times` times.
  void await(int times) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return changes >= times; });
  }
  void forbid() {
    server.answer_next(
        testing::status_answer(403, "Forbidden", "configmaps is forbidden: User cannot list"));
  }

  testing::FakeKube server;
  testing::ManualClock clock;
  kube::Client client{server};
  std::mutex mutex;
  std::condition_variable changed;
  int changes = 0;
  ReferenceWatcher watcher{client, clock, crypto::system_random(), "avouch-system", [this] {
                             const std::lock_guard lock(mutex);
                             ++changes;
                             changed.notify_all();
                           }};
};

TEST_F(References, OfANamespaceThatIsNotListedNameTheChartsValue) {
  const attest::ConfigMapName name{"tenants", "makers"};
  forbid();
  watcher.watch({name});
  await(1);
  const auto early = watcher.data(name);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().kind, ErrorKind::kRetryable);
  clock.advance(11s);
  const auto data = watcher.data(name);
  ASSERT_FALSE(data.has_value());
  EXPECT_EQ(data.error().kind, ErrorKind::kRejected);
  EXPECT_NE(data.error().message.find("configmaps is forbidden"), std::string::npos);
  EXPECT_NE(data.error().message.find("controller.referenceNamespaces: is \"tenants\" among them?"),
            std::string::npos)
      << data.error().message;
}

TEST_F(References, OfTheReleasesOwnNamespaceDoNot) {
  const attest::ConfigMapName name{"avouch-system", "makers"};
  forbid();
  watcher.watch({name});
  await(1);
  clock.advance(11s);
  const auto data = watcher.data(name);
  ASSERT_FALSE(data.has_value());
  EXPECT_EQ(data.error().message.find("referenceNamespaces"), std::string::npos)
      << data.error().message;
}

TEST_F(References, AreReadWhereTheyAreThere) {
  codec::Json map;
  map["metadata"]["name"] = "makers";
  map["metadata"]["namespace"] = "avouch-system";
  map["data"]["ca.pem"] = "pem";
  server.put(kube::config_maps("avouch-system"), map);
  const attest::ConfigMapName name{"avouch-system", "makers"};
  watcher.watch({name});
  await(2);  // the object, and that all is read
  const auto data = watcher.data(name);
  ASSERT_TRUE(data.has_value()) << data.error().message;
  EXPECT_EQ(data->at("ca.pem"), "pem");
}

// kubectl puts a certificate in DER there.
TEST_F(References, WithABinaryEntryAreRefusedAsItWouldBeLeftOutWithoutAWord) {
  codec::Json map;
  map["metadata"]["name"] = "makers";
  map["metadata"]["namespace"] = "avouch-system";
  map["data"]["ca.pem"] = "pem";
  map["binaryData"]["maker.cer"] = "MIIB";
  server.put(kube::config_maps("avouch-system"), map);
  const attest::ConfigMapName name{"avouch-system", "makers"};
  watcher.watch({name});
  await(2);
  const auto data = watcher.data(name);
  ASSERT_FALSE(data.has_value());
  EXPECT_EQ(data.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(
      data.error().message,
      "has \"maker.cer\" in binaryData, as what is not text: expected text, in data; convert a "
      "certificate in DER to PEM, openssl x509 -inform DER -in FILE -out FILE.pem, and put that "
      "in its place");
}

}  // namespace
}  // namespace avouch::control
