#include "adapters/kubectl_trouble.h"

#include <gtest/gtest.h>

namespace avouch::adapters {
namespace {

using Kind = ServerTrouble::Kind;

HttpResponse answer(int status, const std::string& body, HttpHeaders headers = {}) {
  return {
      .status = status, .content_type = "text/plain", .headers = std::move(headers), .body = body};
}

TEST(KubectlTrouble, IsWhatKubectlSaysItself) {
  const auto silent = trouble_in(answer(500, "dial tcp 10.0.0.1:6443: connect: refused\n"));
  ASSERT_TRUE(silent.has_value());
  EXPECT_EQ(silent->kind, Kind::kSilent);
  EXPECT_EQ(silent->words, "dial tcp 10.0.0.1:6443: connect: refused");
  // Older ones say nothing but 502.
  const auto mute = trouble_in(answer(502, ""));
  ASSERT_TRUE(mute.has_value());
  EXPECT_EQ(mute->kind, Kind::kSilent);
  EXPECT_FALSE(mute->words.empty());
}

TEST(KubectlTrouble, TellsWhatNoLaterTryMends) {
  for (const char* words :
       {"getting credentials: exec: executable a not found\n\nIt looks like",
        "x509: certificate has expired",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "remote error: tls: bad certificate"}) {
    const auto found = trouble_in(answer(500, words));
    ASSERT_TRUE(found.has_value()) << words;
    EXPECT_EQ(found->kind, Kind::kNoTrust) << words;
    EXPECT_EQ(found->words.find('\n'), std::string::npos) << words;
  }
}

TEST(KubectlTrouble, IsAnApiServersRefusalOfTheLoginButNotAServices) {
  const auto refused = trouble_in(
      answer(401, R"({"kind":"Status","reason":"Unauthorized","message":"Unauthorized"})"));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->kind, Kind::kNoLogin);
  EXPECT_EQ(refused->words, "Unauthorized");
  EXPECT_FALSE(trouble_in(answer(401, R"({"code":"NoToken","detail":"no"})")).has_value());
}

TEST(KubectlTrouble, IsNothingThatAnApiServerOrAServiceSaid) {
  const std::string words = "dial tcp 10.0.0.1:8443: connect: refused";
  EXPECT_FALSE(trouble_in(answer(200, words)).has_value());
  EXPECT_FALSE(trouble_in(answer(403, words)).has_value());
  EXPECT_FALSE(trouble_in(answer(503, "Error trying to reach service: " + words)).has_value());
  EXPECT_FALSE(trouble_in(answer(500, words, {{"Audit-Id", "a"}})).has_value());
  EXPECT_FALSE(trouble_in(answer(502, words, {{"audit-id", "a"}})).has_value());
  EXPECT_FALSE(
      trouble_in(answer(500, words, {{"X-Kubernetes-Pf-Flowschema-Uid", "a"}})).has_value());
  EXPECT_FALSE(trouble_in(answer(500, R"({"kind":"Status","message":"etcd"})")).has_value());
  EXPECT_FALSE(trouble_in(answer(500, R"({"code":"Internal"})")).has_value());
}

}  // namespace
}  // namespace avouch::adapters
