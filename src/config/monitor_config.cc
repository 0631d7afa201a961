#include "config/monitor_config.h"

#include <algorithm>

namespace avouch::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxPolicies = 64;

void read_disputes(Section section, MonitorConfig::Disputes& out) {
  section.string("url", out.url, 1, 2048);
  section.string("origin", out.origin, 1, 512);
  if (section.has("tokenFile")) section.absolute_path("tokenFile", out.token_file);
  if (section.has("authorities")) section.absolute_path("authorities", out.authorities);
  const bool is_whole = !out.url.empty() && !out.origin.empty() && !out.token_file.empty();
  const bool is_absent =
      out.url.empty() && out.origin.empty() && out.token_file.empty() && out.authorities.empty();
  if (!is_whole && !is_absent) {
    section.error("",
                  "expected url (of a controller), origin (of its log) and tokenFile together, or "
                  "none of them");
  }
  section.finish();
}

}  // namespace

Result<MonitorConfig> parse_monitor_config(std::string_view text, std::string_view file) {
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  MonitorConfig config;
  root.strings("policies", config.policies, kMaxPolicies, 4096);
  const bool are_paths = std::all_of(config.policies.begin(), config.policies.end(),
                                     [](const std::string& path) { return path.starts_with('/'); });
  if (config.policies.empty() || !are_paths) {
    root.error("policies", "expected the absolute paths of 1 to " + std::to_string(kMaxPolicies) +
                               " tlog-policy files, which say what logs are followed");
  }
  if (root.has("authorities")) root.absolute_path("authorities", config.authorities);
  root.absolute_path("stateDir", config.state_dir);
  root.listen_address("health", config.health);
  root.duration("interval", config.interval, 1s, 1h);
  root.duration("shownWithin", config.shown_within, 0s, 8784h);
  root.duration("growthWithin", config.growth_within, 0s, 8784h);
  root.duration("quorumWithin", config.quorum_within, 0s, 8784h);
  read_disputes(root.section("disputes"), config.disputes);
  read_log_level(root, config.log_level);
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
