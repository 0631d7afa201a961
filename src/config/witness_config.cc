#include "config/witness_config.h"

#include <algorithm>

namespace avouch::config {
namespace {

void read_rate(Section section, WitnessConfig::Rate& out) {
  section.size("burst", out.burst, 1, 1'000'000);
  section.size("perSecond", out.per_second, 1, 1'000'000);
  section.finish();
}

// Segments of letters, digits and -._ only, so that it has one spelling.
void read_prefix(Section& root, std::string& out) {
  std::string prefix;
  root.string("prefix", prefix, 0, 256);
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '/';
  };
  if (prefix.empty()) return;
  if (!prefix.starts_with('/') || prefix.ends_with('/') || prefix.find("//") != std::string::npos ||
      !std::all_of(prefix.begin(), prefix.end(), is_plain)) {
    return root.error("prefix",
                      "expected a path such as /witness: a slash in front and none at the "
                      "end, of letters, digits and -._/");
  }
  out = prefix;
}

}  // namespace

Result<WitnessConfig> parse_witness_config(std::string_view text, std::string_view file) {
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  WitnessConfig config;
  root.string("name", config.name, 1, 255);
  if (config.name.empty()) {
    root.error("name",
               "expected the witness' name, such as witness.example.org/w1: without a "
               "scheme, spaces or '+'");
  }
  root.absolute_path("key", config.key);
  root.absolute_path("stateDir", config.state_dir);
  root.absolute_path("policy", config.policy);
  root.listen_address("listen", config.listen);
  root.listen_address("health", config.health);
  read_prefix(root, config.prefix);
  root.boolean("plainHTTP", config.plain_http);
  read_serving_tls(root.section("tls"), config.tls);
  if (config.tls.is_plain() && !config.plain_http && !is_loopback(config.listen)) {
    root.error("listen",
               "no tls, and not a loopback address: give tls a certificate and a key, or say "
               "plainHTTP: true. Cosignatures prove themselves, but over plain HTTP anybody on the "
               "way can withhold answers or make up refusals");
  }
  Section limits = root.section("limits");
  read_rate(limits.section("log"), config.limits.log);
  read_rate(limits.section("network"), config.limits.network);
  limits.finish();
  read_log_level(root, config.log_level);
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
