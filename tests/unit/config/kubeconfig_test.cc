#include "config/kubeconfig.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/process.h"

namespace avouch::config {
namespace {

using testing::TempDir;
using testing::write_text;

const std::string kGood = R"(apiVersion: v1
kind: Config
current-context: main
preferences: {}
clusters:
- name: c1
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0E=
- name: c2
  cluster: {server: "https://[fd00::1]:6443/prefix/", certificate-authority-data: Q0Ey}
users:
- name: admin
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
- name: robot
  user: {token: secret}
contexts:
- name: main
  context: {cluster: c1, user: admin, namespace: avouch-system}
- name: other
  context: {cluster: c2, user: robot}
- name: nobody
  context: {cluster: c1}
)";

TEST(ParseKubeconfig, ResolvesTheCurrentContext) {
  const auto context = parse_kubeconfig(kGood, "");
  ASSERT_TRUE(context.has_value()) << context.error().message;
  EXPECT_EQ(context->name, "main");
  EXPECT_EQ(context->server, "https://10.0.0.1:6443");
  EXPECT_EQ(context->ns, "avouch-system");
  EXPECT_EQ(context->ca_pem, "CA");
  EXPECT_EQ(context->client_certificate_pem, "CERT");
  EXPECT_EQ(context->client_key_pem, "KEY");
  EXPECT_EQ(context->token, "");
}

TEST(ParseKubeconfig, ResolvesANamedContext) {
  const auto context = parse_kubeconfig(kGood, "", "other");
  ASSERT_TRUE(context.has_value()) << context.error().message;
  EXPECT_EQ(context->server, "https://[fd00::1]:6443/prefix");
  EXPECT_EQ(context->ca_pem, "CA2");
  EXPECT_EQ(context->token, "secret");
  EXPECT_TRUE(parse_kubeconfig(kGood, "", "nobody").has_value());
}

TEST(ParseKubeconfig, ReadsFilesBesideItself) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "pki");
  write_text(dir / "pki/ca.crt", "CA FILE");
  write_text(dir / "config", R"(
current-context: m
clusters: [{name: c, cluster: {server: "https://h:1", certificate-authority: pki/ca.crt}}]
users: [{name: u, user: {client-certificate: pki/a.crt, client-key: /abs/a.key, tokenFile: t}}]
contexts: [{name: m, context: {cluster: c, user: u}}]
)");
  const auto context = load_kubeconfig(dir / "config");
  ASSERT_TRUE(context.has_value()) << context.error().message;
  EXPECT_EQ(context->ca_pem, "CA FILE");
  EXPECT_EQ(context->client_certificate_file, dir / "pki/a.crt");
  EXPECT_EQ(context->client_key_file, "/abs/a.key");
  EXPECT_EQ(context->token_file, dir / "t");
}

TEST(ParseKubeconfig, SaysEverythingThatIsWrongAtOnceWithItsLine) {
  const auto context = parse_kubeconfig(R"(current-context: m
clusters:
- name: c
  cluster:
    server: http://h:1
    insecure-skip-tls-verify: true
    certificate-authority-data: "***"
users:
- name: u
  user:
    client-certificate-data: Q0E=
    exec: {command: aws}
contexts:
- {name: m, context: {cluster: c, user: u}}
)",
                                        "");
  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().kind, ErrorKind::kRejected);
  for (const char* part :
       {"kubeconfig:5: server", "kubeconfig:6: insecure-skip-tls-verify",
        "kubeconfig:7: certificate-authority-data", "client-key", "kubeconfig:12: exec"}) {
    EXPECT_NE(context.error().message.find(part), std::string::npos) << part << "\n"
                                                                     << context.error().message;
  }
}

TEST(ParseKubeconfig, RefusesWhatItCannotResolve) {
  for (const char* text :
       {"", "[]", "a: [", "current-context: m", "current-context: {}",
        "current-context: m\ncontexts: [{name: x, context: {}}]",
        "current-context: m\ncontexts: [{name: m}]",
        "current-context: m\ncontexts: [{name: m, context: {cluster: c}}]",
        "current-context: m\ncontexts: [{name: m, context: {cluster: c}}]\nclusters: [{name: c}]",
        "current-context: m\ncontexts: [{name: m, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://h'}}]"}) {
    EXPECT_FALSE(parse_kubeconfig(text, "").has_value()) << text;
  }
  EXPECT_FALSE(parse_kubeconfig(kGood, "", "missing").has_value());
}

TEST(ParseKubeconfig, AcceptsNothingElseThanItWasToldToIgnore) {
  for (const char* key : {"proxy-url", "tls-server-name", "insecure-skip-tls-verify"}) {
    std::string text = kGood;
    text.replace(text.find("    server: https://10"), 0, "    " + std::string(key) + ": x\n");
    EXPECT_FALSE(parse_kubeconfig(text, "").has_value()) << key;
  }
  std::string harmless = kGood;
  harmless.replace(harmless.find("    server: https://10"), 0,
                   "    insecure-skip-tls-verify: false\n    extensions: []\n");
  EXPECT_TRUE(parse_kubeconfig(harmless, "").has_value());
  for (const char* key : {"username", "password", "as", "auth-provider", "exec"}) {
    std::string text = kGood;
    text.replace(text.find("    client-certificate-data"), 0, "    " + std::string(key) + ": x\n");
    EXPECT_FALSE(parse_kubeconfig(text, "").has_value()) << key;
  }
}

}  // namespace
}  // namespace avouch::config
