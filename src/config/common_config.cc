#include "config/common_config.h"

#include <algorithm>

namespace avouch::config {
namespace {

bool is_dns_label(std::string_view text) {
  const auto inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), inner);
}

// Stays empty where it is not given.
void read_optional_path(Section& section, std::string_view key, std::string& out) {
  if (section.has(key)) {
    section.absolute_path(key, out);
  } else {
    section.string(key, out);
  }
}

}  // namespace

void read_dns_label(Section& parent, std::string_view key, std::string& out) {
  std::string text = out;
  parent.string(key, text);
  if (!is_dns_label(text)) {
    return parent.error(key,
                        "expected a DNS label: 1 to 63 of a-z, 0-9 and -, "
                        "with no - at either end");
  }
  out = text;
}

void read_release(Section parent, Release& out) {
  read_dns_label(parent, "name", out.name);
  read_dns_label(parent, "namespace", out.name_space);
  parent.finish();
}

void read_controller_access(Section parent, ControllerAccess& out) {
  parent.https_url("url", out.url);
  while (out.url.ends_with('/')) out.url.pop_back();
  parent.absolute_path("tokenFile", out.token_file);
  parent.finish();
}

void read_log_level(Section& parent, std::string& out) {
  parent.one_of("logLevel", out, {"debug", "info", "warn", "error"});
}

void read_service_account(Section parent, std::string& out) {
  read_dns_label(parent, "serviceAccount", out);
  parent.finish();
}

void read_serving_tls(Section parent, ServingTls& out) {
  read_optional_path(parent, "certificate", out.certificate);
  read_optional_path(parent, "key", out.key);
  if (out.certificate.empty() != out.key.empty()) {
    parent.error("", "expected both certificate and key, or neither");
  }
  parent.finish();
}

bool is_loopback(std::string_view listen) {
  return listen.starts_with("127.") || listen.starts_with("[::1]:");
}

Result<YamlNode> parse_config(std::string_view text, std::string_view file) {
  return parse_yaml(text, file);
}

Result<void> finish_config(Section& root, const ConfigErrors& errors) {
  root.finish();
  if (errors.empty()) return {};
  return rejected(errors.text());
}

}  // namespace avouch::config
