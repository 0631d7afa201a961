#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/common_config.h"

namespace avouch::config {

struct WebhookConfig {
  Release release;
  std::string listen = "0.0.0.0:9443";
  std::string health = "0.0.0.0:8081";

  struct Tls {
    std::string certificate = "/etc/avouch/tls/tls.crt";
    std::string key = "/etc/avouch/tls/tls.key";
    std::string client_ca;         // empty: callers need no certificate
    std::string client_ca_source;  // where that file comes from, for people; may be empty
  } tls;

  ControllerAccess controller;
  std::vector<std::string> exempt_namespaces = {"avouch-system", "kube-system", "kube-node-lease"};

  struct ExemptionAdmins {
    std::vector<std::string> users;
    std::vector<std::string> groups = {"system:masters"};
  } exemption_admins;

  std::string agent_service_account = "avouch-agent";

  struct Spool {
    std::string dir = "/var/lib/avouch-webhook/spool";
    std::size_t bytes = 64U * 1024 * 1024;
    std::chrono::milliseconds age = std::chrono::hours(1);
  } spool;

  // Denials that are recorded one by one, of one namespace and of all.
  struct Denials {
    std::size_t burst = 200, per_second = 1;
    std::size_t burst_of_all = 2'000, per_second_of_all = 10;
  } denials;

  std::chrono::milliseconds deadline{2'500};
  std::chrono::milliseconds max_staleness{60'000};
  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected.
Result<WebhookConfig> parse_webhook_config(std::string_view text, std::string_view file);

}  // namespace avouch::config
