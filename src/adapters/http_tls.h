#pragma once

// The server's TLS settings, replaceable while it runs. Internal to the server.

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <optional>

#include "adapters/http_server.h"

namespace avouch::adapters {

// Thread-safe.
class TlsStore {
 public:
  // Does nothing where `material` is in use already. kRejected leaves what is in use.
  Result<void> use(const TlsMaterial& material);

  std::shared_ptr<boost::asio::ssl::context> context() const;  // null before the first use()
  std::optional<SystemTime> not_after() const;

 private:
  mutable std::mutex mutex_;
  std::optional<TlsMaterial> material_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::optional<SystemTime> not_after_;
};

}  // namespace avouch::adapters
