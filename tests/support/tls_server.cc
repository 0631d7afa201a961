#include "support/tls_server.h"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <list>
#include <mutex>
#include <thread>

namespace avouch::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Stream = asio::ssl::stream<tcp::socket>;

class Connection final : public TlsConnection {
 public:
  explicit Connection(Stream& stream) : stream_(stream) {}

  std::string read_request() override {
    boost::system::error_code error;
    const std::size_t head = asio::read_until(stream_, buffer_, "\r\n\r\n", error);
    if (error) return "";
    std::string request(asio::buffers_begin(buffer_.data()),
                        asio::buffers_begin(buffer_.data()) + static_cast<std::ptrdiff_t>(head));
    buffer_.consume(head);
    const std::size_t at = request.find("Content-Length:");
    const std::size_t wanted = at == std::string::npos ? 0 : std::stoul(request.substr(at + 15));
    if (buffer_.size() < wanted) {
      asio::read(stream_, buffer_, asio::transfer_exactly(wanted - buffer_.size()), error);
      if (error) return "";
    }
    request.append(asio::buffers_begin(buffer_.data()),
                   asio::buffers_begin(buffer_.data()) + static_cast<std::ptrdiff_t>(wanted));
    buffer_.consume(wanted);
    return request;
  }

  bool write(const std::string& bytes) override {
    boost::system::error_code error;
    asio::write(stream_, asio::buffer(bytes), error);
    return !error;
  }

  void await_close() override {
    boost::system::error_code error;
    char byte = 0;
    while (!error) asio::read(stream_, asio::buffer(&byte, 1), error);
  }

  std::string client_name() const override {
    X509* certificate = SSL_get_peer_certificate(const_cast<Stream&>(stream_).native_handle());
    if (certificate == nullptr) return "";
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    X509_free(certificate);
    return name;
  }

 private:
  Stream& stream_;
  asio::streambuf buffer_;
};

}  // namespace

struct TlsServer::Impl {
  Impl(const TlsServerOptions& options, Serve given)
      : serve(std::move(given)),
        context(asio::ssl::context::tls_server),
        acceptor(io, tcp::endpoint(asio::ip::make_address(options.ipv6 ? "::1" : "127.0.0.1"), 0)),
        host(options.ipv6 ? "[::1]" : "127.0.0.1") {
    context.use_certificate_chain(asio::buffer(options.certificate_pem));
    context.use_private_key(asio::buffer(options.key_pem), asio::ssl::context::pem);
    if (!options.client_ca_pem.empty()) {
      context.add_certificate_authority(asio::buffer(options.client_ca_pem));
      context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    port = acceptor.local_endpoint().port();
    accepting = std::thread([this] { accept(); });
  }

  ~Impl() {
    stopping = true;
    // A connection of our own wakes the blocking accept.
    boost::system::error_code ignored;
    asio::io_context own;
    tcp::socket wake(own);
    wake.connect(acceptor.local_endpoint(), ignored);
    accepting.join();
    {
      const std::lock_guard guard(mutex);
      for (Stream* stream : open)
        stream->lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
    }
    for (std::thread& thread : threads) thread.join();
  }

  void accept() {
    while (true) {
      auto stream = std::make_shared<Stream>(io, context);
      boost::system::error_code error;
      acceptor.accept(stream->lowest_layer(), error);
      if (stopping) return;
      if (error) continue;
      const std::lock_guard guard(mutex);
      open.push_back(stream.get());
      threads.emplace_back([this, stream] { run(*stream); });
    }
  }

  void run(Stream& stream) {
    boost::system::error_code error;
    stream.handshake(asio::ssl::stream_base::server, error);
    if (!error) {
      ++connections;
      Connection connection(stream);
      serve(connection);
    }
    const std::lock_guard guard(mutex);
    open.remove(&stream);
    stream.lowest_layer().shutdown(tcp::socket::shutdown_both, error);
    stream.lowest_layer().close(error);
  }

  Serve serve;
  asio::io_context io;
  asio::ssl::context context;
  tcp::acceptor acceptor;
  std::string host;
  int port = 0;
  std::atomic<bool> stopping = false;
  std::atomic<int> connections = 0;
  std::mutex mutex;
  std::list<Stream*> open;
  std::list<std::thread> threads;
  std::thread accepting;
};

TlsServer::TlsServer(const TlsServerOptions& options, Serve serve)
    : impl_(std::make_unique<Impl>(options, std::move(serve))) {}
TlsServer::~TlsServer() = default;

std::string TlsServer::url() const {
  return "https://" + impl_->host + ":" + std::to_string(impl_->port);
}
int TlsServer::port() const { return impl_->port; }
int TlsServer::connections() const { return impl_->connections; }

std::string http_answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunked_head(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string chunk(const std::string& data) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

}  // namespace avouch::testing
