#include "config/log_config.h"

#include <string_view>
#include <utility>

namespace avouch::config {
namespace {

using namespace std::chrono_literals;

// The keys in PEM of member `name`.
std::vector<crypto::PublicKey> read_keys(Section& section, std::string_view name,
                                         std::string_view pem) {
  auto parsed = crypto::PublicKey::list_from_pem(pem);
  if (parsed.has_value()) return *std::move(parsed);
  section.error(name, "expected public keys in PEM: " + parsed.error().message);
  return {};
}

}  // namespace

void read_log_origin(Section& log, std::string& out) {
  log.string("origin", out, 0, 255);
  if (out.find_first_of(" \t\n+") != std::string::npos) {
    log.error("origin", "expected a name without spaces and without +, such as example.org/log");
  }
}

void read_log_engine(Section& log, LogEngine& out) {
  std::string engine = "files";
  log.one_of("engine", engine, {"files", "postgres"});
  if (engine == "postgres") out.engine = LogEngine::Engine::kPostgres;
  const bool has_file = log.has("connectionFile");
  if (has_file) log.absolute_path("connectionFile", out.connection_file);
  if (out.is_in_database() && !has_file) {
    log.error("connectionFile",
              "expected the file that holds the connection string of the database");
  }
  if (!out.is_in_database() && has_file) {
    log.error("connectionFile", "expected none, or engine: postgres");
  }
}

void read_publish_within(Section& log, std::chrono::milliseconds& out) {
  log.duration("publishWithin", out, 10ms, 1min);
}

void read_log_witnesses(Section section, LogWitnesses& out) {
  if (section.has("policyFile")) section.absolute_path("policyFile", out.policy_file);
  if (section.has("caFile")) section.absolute_path("caFile", out.ca_file);
  section.duration("every", out.every, 100ms, 1h);
  if (out.policy_file.empty() && !out.ca_file.empty()) {
    section.error("caFile", "expected policyFile too: without one no witness is asked");
  }
  section.finish();
}

void read_log_registration(Section section, LogRegistration& out) {
  section.size("maxBytes", out.max_bytes, 256, 65'535);
  for (Section each : section.sections("issuers", 64)) {
    LogRegistration::Issuer issuer;
    std::string keys;
    each.string("issuer", issuer.name, 1, 512);
    each.string("keys", keys, 1, 16 * 1024);
    each.strings("kinds", issuer.kinds, 32, 127);
    if (!each.has("issuer")) each.error("issuer", "expected the claim iss of its statements");
    if (!each.has("kinds")) {
      each.error("kinds", "expected media types, such as [application/spdx+json]");
    }
    issuer.keys = read_keys(each, "keys", keys);
    each.finish();
    out.issuers.push_back(std::move(issuer));
  }
  std::string rekor_keys;
  section.string("rekorKeys", rekor_keys, 0, 16 * 1024);
  if (!rekor_keys.empty()) out.rekor_keys = read_keys(section, "rekorKeys", rekor_keys);
  section.finish();
}

}  // namespace avouch::config
