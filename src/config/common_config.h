#pragma once

// What the three programs' files have in common (docs/interfaces.md, "Configuration files").

#include <string>
#include <string_view>

#include "config/reader.h"

namespace avouch::config {

struct Release {
  std::string name = "avouch";
  std::string name_space = "avouch-system";

  std::string object(std::string_view suffix) const { return name + "-" + std::string(suffix); }
};

struct ControllerAccess {
  std::string url = "https://avouch-controller.avouch-system.svc";  // no trailing slash
  std::string token_file = "/var/run/secrets/avouch/token";
};

// Of the log's programs, which run apart from a cluster.
struct ServingTls {
  std::string certificate, key;  // PEM files; both empty: plain HTTP
  bool is_plain() const { return certificate.empty(); }
};

// Part readers; errors go into the section's collection.
void read_release(Section parent, Release& out);
void read_controller_access(Section parent, ControllerAccess& out);
void read_log_level(Section& parent, std::string& out);
void read_dns_label(Section& parent, std::string_view key, std::string& out);
// A map with one key, `serviceAccount`.
void read_service_account(Section parent, std::string& out);
void read_serving_tls(Section parent, ServingTls& out);

// Whether that address of a listener is reached from this machine alone.
bool is_loopback(std::string_view listen);

// Parses `text` and lets `read` fill the struct; all errors of both are in one message.
Result<YamlNode> parse_config(std::string_view text, std::string_view file);
Result<void> finish_config(Section& root, const ConfigErrors& errors);

}  // namespace avouch::config
