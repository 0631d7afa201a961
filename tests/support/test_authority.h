#pragma once

// An authority of a test's own, and certificates by it of servers on 127.0.0.1.

#include <chrono>
#include <string>

#include "adapters/system_clock.h"
#include "crypto/x509.h"

namespace avouch::testing {

class TestAuthority {
 public:
  const std::string& pem() const { return ca_.certificate_pem; }

  crypto::CertifiedKey issue(const std::string& dns) const {
    const SystemTime now = adapters::SystemClock().now();
    return crypto::issue_server_certificate(ca_, {.dns = {dns}, .ip = {"127.0.0.1"}},
                                            now - std::chrono::minutes(1),
                                            now + std::chrono::hours(1))
        .value();
  }

 private:
  const crypto::CertifiedKey ca_ =
      crypto::make_ca("authority", adapters::SystemClock().now() - std::chrono::hours(1),
                      adapters::SystemClock().now() + std::chrono::hours(24));
};

}  // namespace avouch::testing
