#include "config/log_server_config.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "base/hex.h"

namespace avouch::config {
namespace {

void read_writers(Section& root, std::vector<LogServerConfig::Writer>& out) {
  std::set<std::string> names;
  std::set<crypto::Sha256> tokens;
  for (Section each : root.sections("writers", LogServerConfig::kMaxWriters)) {
    LogServerConfig::Writer writer;
    std::string digest;
    each.string("name", writer.name, 1, 128);
    each.string("tokenSHA256", digest, 1, 1024);
    if (!each.has("name")) each.error("name", "expected a name for lines of log, such as ci");
    const auto bytes = from_hex(digest);
    if (!bytes.has_value() || bytes->size() != writer.token_sha256.size()) {
      each.error("tokenSHA256",
                 "expected 64 hexadecimal digits: the SHA-256 of the writer's token, as of "
                 "printf %s \"$TOKEN\" | sha256sum");
    } else {
      std::copy(bytes->begin(), bytes->end(), writer.token_sha256.begin());
      if (!tokens.insert(writer.token_sha256).second) {
        each.error("tokenSHA256", "is another writer's too; expected a token for each");
      }
    }
    if (!writer.name.empty() && !names.insert(writer.name).second) {
      each.error("name", "is another writer's too; expected a name for each");
    }
    each.finish();
    out.push_back(std::move(writer));
  }
}

bool is_below(const std::filesystem::path& file, const std::filesystem::path& directory) {
  const std::filesystem::path path = file.lexically_normal();
  std::filesystem::path above = directory.lexically_normal();
  if (!above.has_filename()) above = above.parent_path();
  const auto [end, unused] = std::mismatch(above.begin(), above.end(), path.begin(), path.end());
  return end == above.end();
}

}  // namespace

Result<LogServerConfig> parse_log_server_config(std::string_view text, std::string_view file) {
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  LogServerConfig config;
  read_log_origin(root, config.origin);
  if (config.origin.empty()) {
    root.error("origin", "expected the log's name for good, such as log.example.org");
  }
  root.absolute_path("key", config.key);
  if (root.has("nextKey")) root.absolute_path("nextKey", config.next_key);
  root.absolute_path("receiptKey", config.receipt_key);
  if (config.key == config.receipt_key) {
    root.error("receiptKey", "expected another file than key: they are keys of two kinds");
  }
  if (config.next_key == config.key || config.next_key == config.receipt_key) {
    root.error("nextKey", "expected another file than key and receiptKey");
  }
  read_log_engine(root, config.engine);
  const bool in_database = config.engine.is_in_database();
  if (in_database && root.has("directory")) {
    root.error("directory", "expected none, or engine: files");
  }
  root.absolute_path("directory", config.directory);
  root.absolute_path("headFile", config.head_file);
  if (!in_database && is_below(config.head_file, config.directory)) {
    root.error("headFile", "expected a file outside of directory (" + config.directory +
                               "), so that a backup of one is none of the other");
  }
  read_publish_within(root, config.publish_within);
  read_log_registration(root.section("registration"), config.registration);
  read_writers(root, config.writers);
  if (config.writers.empty() != config.registration.issuers.empty()) {
    root.error(config.writers.empty() ? "registration" : "writers",
               "expected both registration.issuers (whose statements are taken) and writers (who "
               "may send them), or neither");
  }
  read_log_witnesses(root.section("witnesses"), config.witnesses);
  root.listen_address("listen", config.listen);
  root.listen_address("health", config.health);
  read_serving_tls(root.section("tls"), config.tls);
  if (config.tls.is_plain() && !is_loopback(config.listen)) {
    root.error("listen",
               "no tls, and not a loopback address: give tls a certificate and a key. Over plain "
               "HTTP anybody on the way reads the writers' tokens");
  }
  read_log_level(root, config.log_level);
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
