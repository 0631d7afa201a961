#include "log/server_key.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "adapters/files.h"
#include "adapters/log_engine.h"

namespace avouch::logprogram {
namespace {

constexpr std::size_t kMaxServerKeyBytes = 16 * 1024;

Result<crypto::PrivateKey> read_server_key(const std::string& file, crypto::KeyType type) {
  AVOUCH_TRY(const std::optional<Bytes> pem, adapters::read_file(file, kMaxServerKeyBytes));
  if (!pem) {
    return rejected(file +
                    ": there is no such file; for a new log, `avouch-log serve keygen` makes "
                    "it. The key of a log that was begun is put back from its backup");
  }
  auto key = crypto::PrivateKey::from_pem(as_text(*pem));
  if (!key.has_value()) return with_context(std::move(key).error(), file);
  if (key->type() == type) return key;
  return rejected(file + ": is a key of type " + std::string(crypto::key_type_name(key->type())) +
                  ", expected " + std::string(crypto::key_type_name(type)));
}

Result<void> check_no_key(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  return rejected(file + ": there is a file already; a key is never overwritten");
}

}  // namespace

Result<LogServerKeys> read_server_keys(const config::LogServerConfig& config) {
  AVOUCH_TRY(const crypto::PrivateKey log, read_server_key(config.key, crypto::KeyType::kEd25519));
  std::optional<tlog::NoteSigner> next;
  if (!config.next_key.empty()) {
    AVOUCH_TRY(const crypto::PrivateKey key,
               read_server_key(config.next_key, crypto::KeyType::kEd25519));
    if (key.public_key() == log.public_key()) {
      return rejected(config.next_key + ": is the key of " + config.key +
                      " again; expected another one, or no nextKey once it has taken its place");
    }
    AVOUCH_TRY(next, tlog::NoteSigner::make(config.origin, key));
  }
  AVOUCH_TRY(crypto::PrivateKey receipt,
             read_server_key(config.receipt_key, crypto::KeyType::kEcP256));
  AVOUCH_TRY(tlog::NoteSigner signer, tlog::NoteSigner::make(config.origin, log));
  return LogServerKeys{std::move(signer), std::move(next), std::move(receipt)};
}

Result<std::string> server_vkey(const config::LogServerConfig& config) {
  AVOUCH_TRY(const LogServerKeys keys, read_server_keys(config));
  std::string out = tlog::format_vkey(keys.log.verifier());
  if (keys.next) out += "\n" + tlog::format_vkey(keys.next->verifier());
  return out;
}

Result<std::string> make_server_keys(const config::LogServerConfig& config) {
  AVOUCH_CHECK(check_no_key(config.key));
  AVOUCH_CHECK(check_no_key(config.receipt_key));
  AVOUCH_TRY(const std::optional<std::string> place,
             adapters::place_of_log(config.engine, config.directory, config.head_file));
  if (place) {
    return rejected("there is a log already, " + *place +
                    ", and it belongs to the key that signed it: put that back, or name another "
                    "place and another headFile");
  }
  const auto log = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const auto receipt = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  AVOUCH_TRY(const tlog::NoteSigner signer, tlog::NoteSigner::make(config.origin, log));
  AVOUCH_CHECK(adapters::create_file(config.key, as_bytes(log.pem())));
  if (const auto made = adapters::create_file(config.receipt_key, as_bytes(receipt.pem()));
      !made.has_value()) {
    std::error_code ignored;
    std::filesystem::remove(config.key, ignored);  // nothing has been signed by it
    return made.error();
  }
  return tlog::format_vkey(signer.verifier());
}

}  // namespace avouch::logprogram
