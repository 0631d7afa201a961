// A controller as a process on a real API server, with a registration policy: a statement of
// another party becomes an entry for who may send one, and for nobody else.

#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>

#include "adapters/rest_transport.h"
#include "integration/operator/running.h"
#include "kube/auth.h"
#include "kube/client.h"
#include "support/log_vectors.h"
#include "support/paths.h"
#include "support/real_apiserver.h"
#include "tlog/receipt.h"

namespace avouch::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using testing::kNamespace;
constexpr const char* kMaySend =
    R"([{"op":"replace","path":"/rules/0","value":{"apiGroups":["avouch.dev"],)"
    R"("resources":["statements"],"verbs":["create"]}}])";

// The answer to a request over TLS, head and body.
std::string ask_with(const std::string& address, const std::string& head, const std::string& body) {
  asio::io_context io;
  asio::ssl::context context(asio::ssl::context::tls_client);
  asio::ssl::stream<tcp::socket> stream(io, context);
  stream.lowest_layer().connect(endpoint_of(address));
  stream.handshake(asio::ssl::stream_base::client);
  boost::system::error_code failed;
  asio::write(stream,
              asio::buffer(head + "Host: pod\r\nConnection: close\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body),
              failed);
  std::string answer;
  asio::read(stream, asio::dynamic_buffer(answer), failed);
  return answer;
}

class Registration : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = RealApiserver::start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server_ = *std::move(started);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"apply", "-f", (vectors_dir() / "../../crds").string()},
          {"create", "namespace", kNamespace},
          {"-n", kNamespace, "create", "serviceaccount", "sender"},
          {"-n", kNamespace, "create", "serviceaccount", "stranger"},
          {"create", "clusterrole", "senders", "--verb=create", "--resource=pods"},
          {"patch", "clusterrole", "senders", "--type=json", "-p", kMaySend},
          {"create", "clusterrolebinding", "senders", "--clusterrole=senders",
           std::string("--serviceaccount=") + kNamespace + ":sender"}}) {
      const auto ran = server_->kubectl(command);
      ASSERT_TRUE(ran.has_value()) << ran.error().message;
    }
    auto options =
        adapters::kubeconfig_options(server_->write_kubeconfig(server_->admin())).value();
    transport_ = adapters::RestTransport::create(std::move(options)).value();
    client_ = std::make_unique<kube::Client>(*transport_);
    ASSERT_TRUE(run_command({"mkdir", "-m", "0700", dir_ / "data"}).has_value());
  }

  void configure(const std::string& registration) {
    write_text(dir_ / "config.yaml",
               "release: {name: avouch, namespace: avouch-system}\nlisten: 127.0.0.1:0\n"
               "health: 127.0.0.1:0\ndataDir: " +
                   (dir_ / "data") + "\nlog: {cadence: 1s, registration: " + registration + "}\n" +
                   kPatientLeases);
  }
  void start() {
    log_file_ = dir_ / ("log" + std::to_string(++starts_));
    controller_ = ChildProcess::start({"/usr/bin/env", "POD_NAME=controller",
                                       "POD_UID=uid" + std::to_string(starts_), AVOUCH_OPERATOR,
                                       "--config", dir_ / "config.yaml", "--kubeconfig",
                                       server_->write_kubeconfig(server_->admin())},
                                      log_file_)
                      .value();
    ASSERT_TRUE(eventually([&] {
      return get(serving_address(log(), "health"), "/readyz").starts_with("HTTP/1.1 200");
    })) << log();
  }
  void stop() {
    controller_.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return !controller_.running(); })) << log();
  }
  std::string log() const { return read_text(log_file_); }
  std::string token(const std::string& account) {
    kube::TokenRequest request;
    request.account.ns = kNamespace;
    request.account.name = account;
    request.audiences = {"avouch.dev/controller"};
    const auto issued = kube::request_token(*client_, request);
    EXPECT_TRUE(issued.has_value()) << issued.error().message;
    return issued.has_value() ? issued->token : "";
  }
  std::string send(const std::string& authorization, ByteView statement) {
    return ask_with(serving_address(log(), "server"),
                    "POST /entries HTTP/1.1\r\nContent-Type: application/cose\r\n" + authorization,
                    std::string(as_text(statement)));
  }
  std::string bearer(const std::string& account) {
    return "Authorization: Bearer " + token(account) + "\r\n";
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
  }

  TempDir dir_;
  std::unique_ptr<RealApiserver> server_;
  std::unique_ptr<adapters::RestTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  ChildProcess controller_;
  std::string log_file_;
  int starts_ = 0;
};

TEST_F(Registration, IsForThoseWhoMayAndOutlastsARestart) {
  const LogVectors vectors("statements.txt");
  const Bytes statement = vectors.bytes("es256");
  std::string pem = crypto::PublicKey::from_spki_der(vectors.bytes("p256-spki")).value().pem();
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  configure(R"({issuers: [{issuer: "https://vendor.example", kinds: [application/spdx+json], )"
            "keys: \"" +
            pem + "\"}]}");
  start();

  const std::string nobody = send("", statement);
  EXPECT_TRUE(nobody.starts_with("HTTP/1.1 401")) << nobody;
  const std::string stranger = send(bearer("stranger"), statement);
  EXPECT_TRUE(stranger.starts_with("HTTP/1.1 403")) << stranger;
  const std::string sender = bearer("sender");
  const std::string garbage = send(sender, to_bytes("garbage"));
  EXPECT_TRUE(garbage.starts_with("HTTP/1.1 400")) << garbage;
  const std::string other = send(sender, vectors.bytes("es384-with-all"));
  EXPECT_TRUE(other.starts_with("HTTP/1.1 400")) << other;
  EXPECT_EQ(header(other, "Content-Type"), "application/concise-problem-details+cbor");

  const std::string taken = send(sender, statement);
  ASSERT_TRUE(taken.starts_with("HTTP/1.1 201")) << taken << log();
  const std::string place = header(taken, "Location");
  const std::string policy = header(taken, "Avouch-Registration-Policy");
  EXPECT_FALSE(policy.empty());
  const auto map = client_->get(kube::config_maps(kNamespace), "avouch-trust");
  ASSERT_TRUE(map.has_value());
  const auto keys =
      crypto::PublicKey::list_from_pem(map->text({"data", "verifier-keys.pem"})).value();
  const std::string origin(map->text({"data", "log.origin"}));
  const auto verify = [&](const std::string& answer) {
    const Bytes body = to_bytes(answer.substr(answer.find("\r\n\r\n") + 4));
    const auto receipt = tlog::verify_receipt(body, tlog::leaf_hash(statement), keys, origin);
    EXPECT_TRUE(receipt.has_value()) << receipt.error().message;
    return receipt.has_value() ? "/entries/" + std::to_string(receipt->inclusion().index) : "";
  };
  EXPECT_EQ(verify(taken), place);

  // The same policy and the same statement are the same entries after a restart.
  stop();
  start();
  const std::string again = send(bearer("sender"), statement);
  ASSERT_TRUE(again.starts_with("HTTP/1.1 201")) << again << log();
  EXPECT_EQ(header(again, "Location"), place);
  EXPECT_EQ(header(again, "Avouch-Registration-Policy"), policy);
  EXPECT_EQ(
      verify(ask_with(serving_address(log(), "server"), "GET " + place + " HTTP/1.1\r\n", "")),
      place);
  stop();

  // Where the policy is taken away nobody's are taken, and what is there stays.
  configure("{}");
  start();
  const std::string closed = send(bearer("sender"), statement);
  EXPECT_TRUE(closed.starts_with("HTTP/1.1 405")) << closed;
  EXPECT_EQ(
      verify(ask_with(serving_address(log(), "server"), "GET " + place + " HTTP/1.1\r\n", "")),
      place);
}

}  // namespace
}  // namespace avouch::testing
