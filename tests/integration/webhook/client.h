#pragma once

// A client of the webhook over real TLS, a log in memory, and the fixture of this folder's tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/spool_files.h"
#include "integration/webhook/serving.h"

namespace avouch::webhook {

namespace asio = boost::asio;
using admission::binding;
using admission::Json;
using admission::json;
using admission::pod_on;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::TempDir;

// A log in memory that recognises repeated ids; it can hang or fail.
class MemoryLog final : public admission::LogEndpoint {
 public:
  Result<admission::LogPlaces> append(std::span<const admission::LogRecord> records) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !hangs_ || cancelled_; });
    if (down_ || cancelled_) return retryable("no route to the log");
    admission::LogPlaces indices;
    for (const auto& record : records) {
      auto at = std::find(ids_.begin(), ids_.end(), record.id);
      if (at == ids_.end()) {
        at = ids_.insert(ids_.end(), record.id);
        payloads_.push_back(record.payload);
      }
      indices.emplace_back(static_cast<std::uint64_t>(at - ids_.begin()));
    }
    changed_.notify_all();
    return indices;
  }
  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  void set(bool down, bool hangs) {
    const std::lock_guard lock(mutex_);
    down_ = down;
    hangs_ = hangs;
    changed_.notify_all();
  }
  std::vector<std::string> await_records(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ids_.size() >= count; });
    return ids_;
  }

  // What was logged of review `id`; it must have been.
  codec::Cbor payload(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto at = std::find(ids_.begin(), ids_.end(), id);
    return codec::parse_cbor(payloads_.at(static_cast<std::size_t>(at - ids_.begin()))).value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool down_ = false, hangs_ = false, cancelled_ = false;
  std::vector<std::string> ids_;
  std::vector<Bytes> payloads_;  // as ids_
};

// One connection. Every call ends within the socket's time-out.
class Client {
 public:
  struct Identity {
    std::string certificate_file, key_file;
  };
  explicit Client(std::uint16_t port, const Identity& identity = {},
                  const std::string& from = "127.0.0.1")
      : context_(asio::ssl::context::tls_client), stream_(io_, context_) {
    if (!identity.certificate_file.empty()) {
      context_.use_certificate_chain_file(identity.certificate_file);
      context_.use_private_key_file(identity.key_file, asio::ssl::context::pem);
      // The stream's SSL object was made before.
      SSL_use_certificate_file(stream_.native_handle(), identity.certificate_file.c_str(),
                               SSL_FILETYPE_PEM);
      SSL_use_PrivateKey_file(stream_.native_handle(), identity.key_file.c_str(), SSL_FILETYPE_PEM);
    }
    stream_.lowest_layer().open(tcp::v4());
    stream_.lowest_layer().bind({asio::ip::make_address(from), 0});
    stream_.lowest_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval limit{20, 0};
    ::setsockopt(stream_.lowest_layer().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit,
                 sizeof limit);
    stream_.handshake(asio::ssl::stream_base::client, failed_);
  }

  bool write(const std::string& bytes) {
    asio::write(stream_, asio::buffer(bytes), failed_);
    return !failed_;
  }
  // Head and body; "" where the server closed instead.
  std::string read() {
    std::string text;
    const std::size_t head =
        asio::read_until(stream_, asio::dynamic_buffer(text), "\r\n\r\n", failed_);
    if (failed_) return text;
    const std::size_t at = text.find("Content-Length: ");
    const std::size_t whole = head + (at > head ? 0 : std::stoul(text.substr(at + 16)));
    while (text.size() < whole && !failed_) {
      asio::read(stream_, asio::dynamic_buffer(text), asio::transfer_exactly(whole - text.size()),
                 failed_);
    }
    return text;
  }
  std::string ask(const std::string& request) {
    write(request);
    return read();
  }
  bool failed() const { return static_cast<bool>(failed_); }
  std::string serial() {
    X509* peer = SSL_get1_peer_certificate(stream_.native_handle());
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(peer), nullptr);
    char* text = BN_bn2hex(number);
    std::string out = text;
    OPENSSL_free(text);
    BN_free(number);
    X509_free(peer);
    return out;
  }

 private:
  asio::io_context io_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  boost::system::error_code failed_;
};

inline std::string post(const std::string& body,
                        const std::string& target = "/admit/pods?timeout=3s") {
  return "POST " + target +
         " HTTP/1.1\r\nHost: webhook.test\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string post(const Json& review, const std::string& target = "/admit/pods?timeout=3s") {
  return post(codec::to_json(review), target);
}

inline int status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
}
inline Json response_of(const std::string& answer) {
  EXPECT_EQ(status_of(answer), 200) << answer;
  return *json(answer.substr(answer.find("\r\n\r\n") + 4)).find("response");
}
inline bool allowed(const std::string& answer) {
  return *response_of(answer).find("allowed")->as_bool();
}

class WebhookServer : public ::testing::Test {
 protected:
  void start(adapters::HttpServerOptions options = {}, milliseconds deadline = milliseconds(2'500),
             std::size_t spool_bytes = admission::RecorderOptions().spool_bytes) {
    spool_ = adapters::open_spool_files({.directory = dir_ / "spool"}).value().spool;
    if (!options.tls) options.tls = files_.source();
    webhook_ =
        std::make_unique<ServingWebhook>(log_, *spool_, std::move(options), deadline, spool_bytes);
    webhook_->facts.set(present_world());
  }
  std::uint16_t port() const { return webhook_->server->port(); }
  std::string ask(const std::string& request) const { return Client(port()).ask(request); }

  TempDir dir_;
  crypto::CertifiedKey authority_ = make_authority("webhook test");
  ServingFiles files_{authority_};
  MemoryLog log_;
  std::unique_ptr<admission::Spool> spool_;
  std::unique_ptr<ServingWebhook> webhook_;
};

}  // namespace avouch::webhook
