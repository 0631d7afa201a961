#include "config/webhook_config.h"

namespace avouch::config {
namespace {

using namespace std::chrono_literals;

void read_webhook_tls(Section section, WebhookConfig::Tls& out) {
  section.absolute_path("certificate", out.certificate);
  section.absolute_path("key", out.key);
  if (section.has("clientCA")) {
    section.absolute_path("clientCA", out.client_ca);
  } else {
    section.string("clientCA", out.client_ca);
  }
  section.string("clientCASource", out.client_ca_source);
  section.finish();
}

void read_exemption_admins(Section section, WebhookConfig::ExemptionAdmins& out) {
  section.strings("users", out.users);
  section.strings("groups", out.groups);
  if (out.users.empty() && out.groups.empty()) {
    section.error("", "names nobody; expected at least one user or group");
  }
  section.finish();
}

void read_spool(Section section, WebhookConfig::Spool& out) {
  section.absolute_path("dir", out.dir);
  section.size("bytes", out.bytes, 64U * 1024, std::size_t{1} << 40);
  section.duration("age", out.age, 1s, 168h);
  section.finish();
}

void read_denials(Section section, WebhookConfig::Denials& out) {
  section.size("burst", out.burst, 1, 1'000'000);
  section.size("perSecond", out.per_second, 1, 10'000);
  section.size("burstOfAll", out.burst_of_all, 1, 1'000'000);
  section.size("perSecondOfAll", out.per_second_of_all, 1, 10'000);
  section.finish();
}

}  // namespace

Result<WebhookConfig> parse_webhook_config(std::string_view text, std::string_view file) {
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  WebhookConfig config;
  read_release(root.section("release"), config.release);
  config.agent_service_account = config.release.object("agent");
  root.listen_address("listen", config.listen);
  root.listen_address("health", config.health);
  read_webhook_tls(root.section("tls"), config.tls);
  read_controller_access(root.section("controller"), config.controller);
  config.exempt_namespaces = {config.release.name_space, "kube-system", "kube-node-lease"};
  root.strings("exemptNamespaces", config.exempt_namespaces, 1000, 63);
  read_exemption_admins(root.section("exemptionAdmins"), config.exemption_admins);
  read_service_account(root.section("agent"), config.agent_service_account);
  read_spool(root.section("spool"), config.spool);
  read_denials(root.section("denials"), config.denials);
  root.duration("deadline", config.deadline, 100ms, 29s);
  root.duration("maxStaleness", config.max_staleness, 5s, 1h);
  read_log_level(root, config.log_level);
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
