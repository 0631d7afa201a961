#include "adapters/rest_transport.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "adapters/system_clock.h"
#include "crypto/x509.h"
#include "support/process.h"
#include "support/tls_server.h"

namespace avouch::adapters {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::chunk;
using testing::chunked_head;
using testing::http_answer;
using testing::kLastChunk;
using testing::TempDir;
using testing::TlsConnection;
using testing::TlsServer;
using testing::TlsServerOptions;

crypto::CertifiedKey make_ca(const std::string& name) {
  const SystemTime now = SystemClock().now();
  return crypto::make_ca(name, now - std::chrono::hours(1), now + std::chrono::hours(24));
}

TlsServerOptions serving(const crypto::CertifiedKey& ca, const std::string& ip) {
  const SystemTime now = SystemClock().now();
  const auto issued =
      crypto::issue_server_certificate(ca, {.dns = {"server.test"}, .ip = {ip}},
                                       now - std::chrono::minutes(1), now + std::chrono::hours(1));
  return {.certificate_pem = issued.value().certificate_pem,
          .key_pem = issued.value().key_pem,
          .client_ca_pem = {}};
}

// Writes FOLDER/tls.crt and FOLDER/tls.key.
void issue_client_certificate(const crypto::CertifiedKey& ca, const std::string& name,
                              const TempDir& dir) {
  testing::write_text(dir / "ca.crt", ca.certificate_pem);
  testing::write_text(dir / "ca.key", ca.key_pem);
  testing::write_text(dir / "ext", "extendedKeyUsage=clientAuth\n");
  ASSERT_TRUE(testing::run_command({"openssl", "req", "-newkey", "ec", "-pkeyopt",
                                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                                    "-keyout", dir / "tls.key", "-out", dir / "csr"})
                  .has_value());
  ASSERT_TRUE(testing::run_command({"openssl", "x509", "-req", "-in", dir / "csr", "-CA",
                                    dir / "ca.crt", "-CAkey", dir / "ca.key", "-CAcreateserial",
                                    "-days", "1", "-extfile", dir / "ext", "-out", dir / "tls.crt"})
                  .has_value());
}

HttpRequest get(const std::string& path) {
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  return request;
}

class RestTransportTest : public ::testing::Test {
 protected:
  void serve(TlsServer::Serve what) {
    server_ = std::make_unique<TlsServer>(serving(ca_, "127.0.0.1"), std::move(what));
    options_.base_url = server_->url();
  }
  // Each request gets this answer.
  void answer(const std::string& text) {
    serve([text](TlsConnection& connection) {
      while (!connection.read_request().empty() && connection.write(text)) {
      }
    });
  }

  RestTransport& transport() {
    if (!transport_) transport_ = RestTransport::create(options_).value();
    return *transport_;
  }
  Result<HttpResponse> send(const HttpRequest& request, milliseconds timeout = seconds(20)) {
    return transport().send(request, timeout, stop_.get_token());
  }
  Result<HttpResponse> stream(const kube::Transport::OnLine& on_line,
                              kube::StreamLimits limits = {}) {
    return transport().stream(get("/watch"), limits, on_line, stop_.get_token());
  }
  Result<HttpResponse> collect(kube::StreamLimits limits = {}) {
    return stream(
        [this](std::string_view line) {
          lines_.emplace_back(line);
          return Result<void>();
        },
        limits);
  }

  // Shared by all tests: making keys is slow.
  static inline const crypto::CertifiedKey ca_ = make_ca("ca");
  static inline const crypto::CertifiedKey other_ca_ = make_ca("other");

  RestOptions options_ = [] {
    RestOptions options;
    options.ca_pem = ca_.certificate_pem;
    return options;
  }();
  std::stop_source stop_;
  std::vector<std::string> lines_;
  std::unique_ptr<TlsServer> server_;
  std::unique_ptr<RestTransport> transport_;
};

TEST_F(RestTransportTest, SendsARequestAsItIsAndReturnsTheAnswer) {
  std::promise<std::string> request_seen;  // by the server's thread
  serve([&](TlsConnection& connection) {
    request_seen.set_value(connection.read_request());
    connection.write(
        http_answer(201, "{\"a\":1}", "content-type: application/json\r\nRetry-After: 3\r\n"));
    connection.await_close();
  });
  options_.token = "secret-token";
  HttpRequest request = get("/apis/x/y%20z");
  request.method = "PATCH";
  request.query = "a=b%2Cc&force=true";
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/merge-patch+json");
  request.body = "{}";
  const auto response = send(request);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_EQ(response->headers.find("retry-after"), "3");
  EXPECT_EQ(response->body, "{\"a\":1}");
  const std::string seen = request_seen.get_future().get();
  EXPECT_TRUE(seen.starts_with("PATCH /apis/x/y%20z?a=b%2Cc&force=true HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("\r\nAuthorization:Bearer secret-token\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nContent-Type:application/merge-patch+json\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nHost: 127.0.0.1:" + std::to_string(server_->port()) + "\r\n"),
            std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{}"));
}

TEST_F(RestTransportTest, KeepsThePrefixOfItsUrl) {
  std::promise<std::string> request_seen;  // by the server's thread
  serve([&](TlsConnection& connection) {
    request_seen.set_value(connection.read_request());
    connection.write(http_answer(200, ""));
    connection.await_close();
  });
  options_.base_url += "/prefix";
  ASSERT_TRUE(send(get("/api")).has_value());
  const std::string seen = request_seen.get_future().get();
  EXPECT_TRUE(seen.starts_with("GET /prefix/api HTTP/1.1")) << seen;
}

TEST_F(RestTransportTest, ReturnsEveryStatusAsAValue) {
  for (const int status : {204, 301, 304, 400, 404, 409, 410, 429, 500, 503}) {
    transport_.reset();
    serve([status](TlsConnection& connection) {
      while (!connection.read_request().empty()) {
        const bool has_body = status != 204 && status != 304;
        connection.write(has_body ? http_answer(status, "x")
                                  : "HTTP/1.1 " + std::to_string(status) + " X\r\n\r\n");
      }
    });
    const auto response = send(get("/"));
    ASSERT_TRUE(response.has_value()) << status << response.error().message;
    EXPECT_EQ(response->status, status);
  }
}

TEST_F(RestTransportTest, FollowsNoRedirect) {
  options_.token = "secret";
  std::atomic<int> requests = 0;
  serve([&](TlsConnection& connection) {
    while (!connection.read_request().empty()) {
      ++requests;
      connection.write(http_answer(302, "", "Location: " + server_->url() + "/elsewhere\r\n"));
    }
  });
  EXPECT_EQ(send(get("/"))->status, 302);
  EXPECT_EQ(requests, 1);
}

TEST_F(RestTransportTest, TrustsOnlyTheGivenCa) {
  answer(http_answer(200, "ok"));
  options_.ca_pem = other_ca_.certificate_pem;
  // Not even where the system trusts it.
  const TempDir dir;
  testing::write_text(dir / "system.pem", ca_.certificate_pem);
  setenv("SSL_CERT_FILE", (dir / "system.pem").c_str(), 1);
  const auto response = send(get("/"));
  unsetenv("SSL_CERT_FILE");
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(response.error().message.find("certificate verify failed"), std::string::npos)
      << response.error().message;
}

TEST_F(RestTransportTest, RefusesACertificateForAnotherHost) {
  server_ = std::make_unique<TlsServer>(
      serving(ca_, "127.0.0.9"), [](TlsConnection& connection) { connection.await_close(); });
  options_.base_url = server_->url();
  EXPECT_FALSE(send(get("/")).has_value());
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(RestTransportTest, ChangesItsCaAndDropsOldConnections) {
  answer(http_answer(200, "ok"));
  ASSERT_TRUE(send(get("/")).has_value());
  EXPECT_FALSE(transport().replace_ca("no certificate").has_value());
  ASSERT_TRUE(send(get("/")).has_value());
  ASSERT_TRUE(transport().replace_ca(other_ca_.certificate_pem).has_value());
  EXPECT_FALSE(send(get("/")).has_value());
  ASSERT_TRUE(transport().replace_ca(other_ca_.certificate_pem + ca_.certificate_pem).has_value());
  EXPECT_TRUE(send(get("/")).has_value());
  // The old connection, a new one, and perhaps one more: a connection is returned to the pool a
  // moment after its answer.
  EXPECT_GE(server_->connections(), 2);
}

TEST_F(RestTransportTest, ShowsItsClientCertificate) {
  TlsServerOptions demanding = serving(ca_, "127.0.0.1");
  demanding.client_ca_pem = ca_.certificate_pem;
  server_ = std::make_unique<TlsServer>(demanding, [](TlsConnection& connection) {
    if (!connection.read_request().empty()) {
      connection.write(http_answer(200, connection.client_name()));
    }
  });
  options_.base_url = server_->url();
  EXPECT_FALSE(send(get("/")).has_value());

  const TempDir dir;
  options_.client_certificate_file = dir / "tls.crt";
  options_.client_key_file = dir / "tls.key";
  issue_client_certificate(ca_, "first", dir);
  transport_.reset();
  EXPECT_EQ(send(get("/"))->body, "first");
  // The server closes each connection, so the next one reads the files anew.
  issue_client_certificate(ca_, "second", dir);
  EXPECT_EQ(send(get("/"))->body, "second");

  issue_client_certificate(ca_, "third", dir);
  options_.client_certificate_pem = testing::read_text(dir / "tls.crt");
  options_.client_key_pem = testing::read_text(dir / "tls.key");
  options_.client_certificate_file.clear();
  options_.client_key_file.clear();
  transport_.reset();
  EXPECT_EQ(send(get("/"))->body, "third");
}

// On a machine without an IPv6 loopback the server cannot listen: then the client has to say which
// address it did not reach.
TEST_F(RestTransportTest, ReachesAnIpv6Address) {
  options_.base_url = "https://[::1]:" + std::to_string(testing::free_port());
  try {
    TlsServerOptions options = serving(ca_, "::1");
    options.ipv6 = true;
    server_ = std::make_unique<TlsServer>(options, [](TlsConnection& connection) {
      connection.read_request();
      connection.write(http_answer(200, "six"));
    });
    options_.base_url = server_->url();
  } catch (const std::exception&) {
    server_.reset();
  }
  const auto response = send(get("/"));
  if (server_) {
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body, "six");
  } else {
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(response.error().message.find("[::1]"), std::string::npos)
        << response.error().message;
  }
}

TEST_F(RestTransportTest, SaysThatNobodyAnswers) {
  options_.base_url = "https://127.0.0.1:" + std::to_string(testing::free_port());
  const auto response = send(get("/"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(response.error().message.find("refused"), std::string::npos)
      << response.error().message;
  EXPECT_NE(response.error().message.find(options_.base_url), std::string::npos);
}

TEST_F(RestTransportTest, SaysThatAnAnswerBreaksOff) {
  for (const std::string& text :
       {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Le"),
        std::string("nonsense\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        chunked_head() + "64\r\nshort", chunked_head() + chunk("whole"),
        chunked_head() + "zz\r\n"}) {
    transport_.reset();
    serve([text](TlsConnection& connection) {
      connection.read_request();
      connection.write(text);
    });
    const auto response = send(get("/"));
    ASSERT_FALSE(response.has_value()) << text;
    EXPECT_EQ(response.error().kind, ErrorKind::kRetryable) << text;
  }
}

TEST_F(RestTransportTest, WaitsNoLongerThanItsTimeout) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.await_close();
  });
  const auto begun = steady_clock::now();
  const auto response = send(get("/"), milliseconds(100));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_GE(steady_clock::now() - begun, milliseconds(100));
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
}

TEST_F(RestTransportTest, CountsTheBodyIntoItsTimeout) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head());
    while (connection.write(chunk("x"))) std::this_thread::sleep_for(milliseconds(10));
  });
  EXPECT_FALSE(send(get("/"), milliseconds(300)).has_value());
}

TEST_F(RestTransportTest, EndsACallThatIsStopped) {
  serve([this](TlsConnection& connection) {
    connection.read_request();
    stop_.request_stop();
    connection.await_close();
  });
  const auto begun = steady_clock::now();
  const auto response = send(get("/"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_NE(response.error().message.find("stopped"), std::string::npos);
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
}

TEST_F(RestTransportTest, RefusesABodyOverItsLimitAndReadsNoFurther) {
  options_.max_body_bytes = 1000;
  for (const bool chunked : {false, true}) {
    transport_.reset();
    std::atomic<bool> closed = false;
    serve([&](TlsConnection& connection) {
      connection.read_request();
      connection.write(chunked ? chunked_head()
                               : "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      const std::string piece(1 << 16, 'x');
      while (connection.write(chunked ? chunk(piece) : piece)) {
      }
      closed = true;
    });
    const auto response = send(get("/"));
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().kind, ErrorKind::kRejected);
    EXPECT_NE(response.error().message.find("1000 bytes"), std::string::npos);
    server_.reset();
    EXPECT_TRUE(closed);
  }
  transport_.reset();
  answer(http_answer(200, std::string(1000, 'x')));
  EXPECT_EQ(send(get("/"))->body.size(), 1000U);
}

// Closing a socket that another thread reads from breaks asio: the pieces come while calls end.
TEST_F(RestTransportTest, EndsCallsWhoseAnswersAreStillComing) {
  options_.max_body_bytes = 1000;
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(1 << 14, 'x');
    while (connection.write(piece)) {
    }
  });
  for (int i = 0; i < 60; ++i) {
    const auto response = send(get("/"));
    ASSERT_FALSE(response.has_value());
    ASSERT_EQ(response.error().kind, ErrorKind::kRejected) << response.error().message;
  }
}

TEST_F(RestTransportTest, ReusesItsConnection) {
  answer(http_answer(200, "ok"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(send(get("/")).has_value());
  EXPECT_LE(server_->connections(), 3);  // one goes back to the pool a moment after its answer
}

TEST_F(RestTransportTest, TakesANewConnectionWhereTheServerHasClosedTheOld) {
  std::atomic<int> served = 0;
  serve([&](TlsConnection& connection) {
    connection.read_request();
    ++served;  // before the client can know
    connection.write(http_answer(200, "ok"));
  });
  for (int i = 0; i < 5; ++i) {
    HttpRequest request = get("/");
    request.method = "POST";
    request.body = "body";
    const auto response = send(request);
    // A request that meets the closing itself may fail: then as a passing fault.
    if (!response.has_value()) {
      EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
    }
  }
  EXPECT_GE(served, 3);
}

TEST_F(RestTransportTest, ServesManyThreads) {
  answer(http_answer(200, std::string(10000, 'x')));
  transport();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        const auto response = send(get("/"));
        if (response.has_value() && response->body.size() == 10000) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
}

TEST_F(RestTransportTest, SendsNoRequestThatIsNotWellFormed) {
  answer(http_answer(200, "ok"));
  std::vector<HttpRequest> bad(7, get("/"));
  bad[0].path = "";
  bad[1].path = "api";
  bad[2].path = "/a b";
  bad[3].path = "/a\r\nX: y";
  bad[4].query = "a=b\r\nX: y";
  bad[5].headers.add("X", "y\r\nZ: 1");
  bad[6].headers.add("X: y", "z");
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const auto response = send(bad[i]);
    ASSERT_FALSE(response.has_value()) << i;
    EXPECT_EQ(response.error().kind, ErrorKind::kRejected) << i;
  }
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(RestTransportTest, ReadsARotatedTokenWithinASecondOrTwo) {
  serve([](TlsConnection& connection) {
    for (std::string request; !(request = connection.read_request()).empty();) {
      const std::size_t at = request.find("Bearer ") + 7;
      connection.write(http_answer(200, request.substr(at, request.find("\r\n", at) - at)));
    }
  });
  const TempDir dir;
  testing::write_text(dir / "token", "first\n");
  options_.token_file = dir / "token";
  EXPECT_EQ(send(get("/"))->body, "first");
  testing::write_text(dir / "token", "second\n");
  const auto deadline = steady_clock::now() + seconds(10);
  std::string used;
  while (used != "second" && steady_clock::now() < deadline) used = send(get("/"))->body;
  EXPECT_EQ(used, "second");
}

TEST_F(RestTransportTest, CutsAStreamIntoLines) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("one\ntw") + chunk("o\n\n\nthree\n"));
    connection.write(chunk(std::string(100000, 'x') + "\nunfinished") + kLastChunk);
  });
  const auto response = collect();
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two", "three", std::string(100000, 'x')}));
}

TEST_F(RestTransportTest, HandsALineOverAsSoonAsItIsThere) {
  std::atomic<bool> taken = false;
  serve([&](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("first\n"));
    while (!taken) std::this_thread::yield();
    connection.write(chunk("second\n") + kLastChunk);
  });
  std::vector<std::string> seen;
  const auto response = stream([&](std::string_view line) {
    seen.emplace_back(line);
    taken = true;
    return Result<void>();
  });
  EXPECT_TRUE(response.has_value());
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(RestTransportTest, ReturnsARefusedStreamWithItsBody) {
  answer(http_answer(403, "{\"kind\":\"Status\"}\nsecond line"));
  const auto response = collect();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->body, "{\"kind\":\"Status\"}\nsecond line");
  EXPECT_TRUE(lines_.empty());
}

TEST_F(RestTransportTest, RefusesALineOverTheLimitFinishedOrNot) {
  for (const char* end : {"\n", ""}) {
    for (const std::size_t size : {100U, 101U}) {
      transport_.reset();
      lines_.clear();
      serve([=](TlsConnection& connection) {
        connection.read_request();
        connection.write(chunked_head() + chunk("ok\n") + chunk(std::string(size, 'x') + end) +
                         kLastChunk);
        connection.await_close();
      });
      kube::StreamLimits limits;
      limits.line_bytes = 100;
      const auto response = collect(limits);
      EXPECT_EQ(response.has_value(), size == 100) << size;
      if (!response.has_value()) {
        EXPECT_EQ(response.error().kind, ErrorKind::kRejected);
      }
      EXPECT_EQ(lines_[0], "ok");
    }
  }
}

TEST_F(RestTransportTest, EndsAStreamWithTheErrorOfItsReader) {
  std::atomic<bool> closed = false;
  serve([&](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("one\ntwo\n"));
    connection.await_close();
    closed = true;
  });
  int count = 0;
  const auto response = stream([&](std::string_view) -> Result<void> {
    ++count;
    return rejected("enough");
  });
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message, "enough");
  EXPECT_EQ(count, 1);
  EXPECT_THROW(
      (void)stream([](std::string_view) -> Result<void> { throw std::runtime_error("x"); }),
      std::runtime_error);
  server_.reset();
  EXPECT_TRUE(closed);
}

TEST_F(RestTransportTest, EndsASilentStreamAtItsReadTimeout) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("one\n"));
    connection.await_close();
  });
  kube::StreamLimits limits;
  limits.read_timeout = seconds(1);
  const auto begun = steady_clock::now();
  const auto response = collect(limits);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
}

TEST_F(RestTransportTest, EndsALongStreamAtItsTotalTimeout) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head());
    while (connection.write(chunk("tick\n"))) std::this_thread::sleep_for(milliseconds(5));
  });
  kube::StreamLimits limits;
  // Enough for the handshake on a busy machine too.
  limits.total_timeout = seconds(2);
  const auto response = collect(limits);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, ErrorKind::kRetryable);
  EXPECT_GE(lines_.size(), 1U);
}

TEST_F(RestTransportTest, EndsAStreamWhoseHeadDoesNotCome) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.await_close();
  });
  kube::StreamLimits limits;
  limits.head_timeout = milliseconds(100);
  EXPECT_FALSE(collect(limits).has_value());
}

TEST_F(RestTransportTest, EndsAStreamThatIsStopped) {
  serve([this](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("one\n"));
    stop_.request_stop();
    connection.await_close();
  });
  const auto begun = steady_clock::now();
  EXPECT_FALSE(collect().has_value());
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
}

TEST_F(RestTransportTest, MakesTheServerWaitForASlowReader) {
  std::atomic<std::size_t> sent = 0;
  std::atomic<bool> stalled = false;
  serve([&](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head());
    const std::string piece = chunk(std::string(65535, 'x') + "\n");
    for (int i = 0; i < 2000 && connection.write(piece); ++i) sent += piece.size();
    connection.write(kLastChunk);
  });
  std::size_t lines = 0;
  std::size_t sent_while_stalled = 0;
  const auto response = stream([&](std::string_view) {
    if (++lines == 1) {
      // Until the server has made no headway for a while.
      for (std::size_t last = 0; last != sent || last == 0;) {
        last = sent;
        std::this_thread::sleep_for(milliseconds(300));
      }
      sent_while_stalled = sent;
      stalled = true;
    }
    return Result<void>();
  });
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(lines, 2000U);
  EXPECT_LT(sent_while_stalled, 32U * 1024 * 1024);  // of 125 MiB; socket buffers are in it
}

TEST_F(RestTransportTest, LeavesNoDescriptorBehind) {
  serve([](TlsConnection& connection) {
    connection.read_request();
    connection.write(chunked_head() + chunk("one\n"));
    connection.await_close();
  });
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto abandon_one = [&] {
    EXPECT_FALSE(
        stream([](std::string_view) -> Result<void> { return rejected("x"); }).has_value());
  };
  abandon_one();
  const auto before = open_files();
  for (int i = 0; i < 50; ++i) abandon_one();
  const auto deadline = steady_clock::now() + seconds(10);
  while (open_files() > before + 5 && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_LE(open_files(), before + 5);
}

TEST(RestTransportOptions, AreCheckedBeforeTheFirstRequest) {
  const crypto::CertifiedKey ca = make_ca("ca");
  const auto refused = [&](auto change) {
    RestOptions options;
    options.base_url = "https://127.0.0.1:1";
    options.ca_pem = ca.certificate_pem;
    change(options);
    return !RestTransport::create(options).has_value();
  };
  EXPECT_FALSE(refused([](RestOptions&) {}));
  for (const char* url : {"", "http://127.0.0.1:1", "https://", "127.0.0.1:1", "https://u:p@h/",
                          "https://h/?q", "https://h/#f", "ftp://h", "https://h:port"}) {
    EXPECT_TRUE(refused([&](RestOptions& options) { options.base_url = url; })) << url;
  }
  EXPECT_TRUE(refused([](RestOptions& options) { options.ca_pem = ""; }));
  EXPECT_TRUE(refused([](RestOptions& options) { options.ca_pem = "x"; }));
  EXPECT_TRUE(refused([](RestOptions& options) { options.client_key_pem = "x"; }));
  EXPECT_TRUE(refused([](RestOptions& options) {
    options.client_certificate_pem = "x";
    options.client_key_pem = "x";
  }));
  EXPECT_TRUE(refused([](RestOptions& options) {
    options.client_certificate_file = "/no/such/file";
    options.client_key_file = "/no/such/file";
  }));
  EXPECT_TRUE(refused([](RestOptions& options) { options.token = "two words"; }));
  EXPECT_FALSE(refused([](RestOptions& options) { options.base_url = "https://[::1]:1/x"; }));
}

TEST(InClusterOptions, NeedTheVariablesOfAPod) {
  unsetenv("KUBERNETES_SERVICE_HOST");
  const auto options = in_cluster_options();
  ASSERT_FALSE(options.has_value());
  EXPECT_NE(options.error().message.find("--kubeconfig"), std::string::npos);
}

}  // namespace
}  // namespace avouch::adapters
