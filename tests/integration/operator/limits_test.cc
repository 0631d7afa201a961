// A controller as a process on a real API server, at its limits: more bodies than it has memory
// for, and a volume that takes nothing more.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <memory>

#include "integration/operator/controller_scene.h"

namespace avouch::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::seconds;

class TlsClient {
 public:
  explicit TlsClient(const std::string& address)
      : context_(asio::ssl::context::tls_client), stream_(io_, context_) {
    stream_.lowest_layer().connect(endpoint_of(address));
    stream_.handshake(asio::ssl::stream_base::client, failed_);
  }
  void write(const std::string& bytes) { asio::write(stream_, asio::buffer(bytes), failed_); }
  std::string ask(const std::string& request) {
    write(request);
    std::string text;
    asio::read_until(stream_, asio::dynamic_buffer(text), "\r\n\r\n", failed_);
    return text;
  }
  // The server has ended it; does not wait.
  bool ended() {
    if (failed_) return true;
    stream_.lowest_layer().non_blocking(true);
    char byte = 0;
    stream_.read_some(asio::buffer(&byte, 1), failed_);
    if (failed_ == asio::error::would_block) failed_ = {};
    return static_cast<bool>(failed_);
  }

 private:
  asio::io_context io_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  boost::system::error_code failed_;
};

class Limits : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_account("avouch-webhook"));
    configure("");
    // Writing beyond a limit is an error then, not the end.
    controller_.launch(kubeconfig_, {"--ignore-signal=XFSZ"});
    ASSERT_NO_FATAL_FAILURE(controller_.await_ready());
  }

  std::string readyz() const { return controller_.health("/readyz"); }

  // How many bytes a file of the controller may have; RLIM_INFINITY as at first.
  void limit_files(rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ASSERT_EQ(::prlimit(controller_.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  }
};

// 80 MB that the webhook's account has begun to send: over the controller's 64 MiB, far below what
// a server keeps by default. A body that is not whole within a minute is ended anyhow.
TEST_F(Limits, KeepsNoMoreBodiesThanItHasMemoryFor) {
  const std::string address = controller_.address();
  const std::string head =
      "POST /v1/log/entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      bearer("avouch-webhook") + "Content-Length: 1040000\r\n\r\n";
  // Who calls is asked of the API server first.
  ASSERT_TRUE(eventually([&] {
    TlsClient client(address);
    client.write(head);
    return client.ask(std::string(1'040'000, ' ')).starts_with("HTTP/1.1 400");
  })) << log();
  const std::string half(1'000'000, ' ');
  std::vector<std::unique_ptr<TlsClient>> held;
  for (int i = 0; i < 80; ++i) {
    held.push_back(std::make_unique<TlsClient>(address));
    held.back()->write(head + half);
  }
  std::ptrdiff_t ended = 0;
  EXPECT_TRUE(eventually(
      [&] {
        ended = std::count_if(held.begin(), held.end(), [](auto& one) { return one->ended(); });
        return ended >= 12;  // 67 of a million bytes fit into 64 MiB
      },
      seconds(20)))
      << ended << " were ended";
  EXPECT_TRUE(TlsClient(address)
                  .ask("GET /log/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
                  .starts_with("HTTP/1.1 200"));
}

TEST_F(Limits, ReadsNoBodyInChunksWithoutAToken) {
  const std::string chunks =
      "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
  for (const char* target :
       {"POST /v1/log/entries", "POST /v1/nodes/n1/runtime-log", "POST /v1/nodes/n1/evidence"}) {
    const std::string answer = TlsClient(controller_.address())
                                   .ask(std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + chunks);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << target << ": " << answer;
  }
}

TEST_F(Limits, SaysByReadinessThatItsVolumeTakesNoEntries) {
  EXPECT_NE(readyz().find("[+] log-volume ok"), std::string::npos) << readyz();
  limit_files(1);
  std::string said;
  EXPECT_TRUE(eventually([&] {
    said = readyz();
    return said.starts_with("HTTP/1.1 503") &&
           said.find("[-] log-volume: the log takes no entries: ") != std::string::npos;
  })) << said;
  // "... bytes and ... files (inodes) are left", where the file system has a number of files.
  const std::size_t bytes = said.find(" bytes ");
  ASSERT_NE(bytes, std::string::npos) << said;
  EXPECT_NE(said.find("are left. Make the volume larger", bytes), std::string::npos) << said;
  limit_files(RLIM_INFINITY);
  EXPECT_TRUE(eventually([&] { return controller_.is_ready(); })) << readyz();
}

}  // namespace
}  // namespace avouch::testing
