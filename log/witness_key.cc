#include "log/witness_key.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "adapters/files.h"
#include "adapters/witness_files.h"
#include "crypto/keys.h"

namespace avouch::logprogram {
namespace {

constexpr std::size_t kMaxKeyBytes = 16 * 1024;

}  // namespace

Result<tlog::Cosigner> read_witness_key(const config::WitnessConfig& config) {
  AVOUCH_TRY(const std::optional<Bytes> pem, adapters::read_file(config.key, kMaxKeyBytes));
  if (!pem) {
    return rejected(config.key +
                    ": there is no such file; for a new witness, `avouch-log witness "
                    "keygen` makes it");
  }
  const auto key = crypto::PrivateKey::from_pem(as_text(*pem));
  if (!key.has_value()) return with_context(key.error(), config.key);
  auto cosigner = tlog::Cosigner::make(config.name, *key);
  if (!cosigner.has_value()) return with_context(std::move(cosigner).error(), config.key);
  return cosigner;
}

Result<std::string> witness_vkey(const config::WitnessConfig& config) {
  AVOUCH_TRY(const tlog::Cosigner cosigner, read_witness_key(config));
  return tlog::format_cosigner_vkey(cosigner.key());
}

Result<std::string> make_witness_key(const config::WitnessConfig& config) {
  std::error_code ignored;
  if (std::filesystem::exists(config.key, ignored)) {
    return rejected(config.key + ": there is a file already; a key is never overwritten");
  }
  if (adapters::has_witness_files(config.state_dir)) {
    return rejected(config.state_dir +
                    ": there is a witness' state already, and it belongs to the key that cosigned "
                    "it; name another stateDir");
  }
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  AVOUCH_TRY(const tlog::Cosigner cosigner, tlog::Cosigner::make(config.name, key));
  AVOUCH_CHECK(adapters::create_file(config.key, as_bytes(key.pem())));
  AVOUCH_CHECK(adapters::make_witness_files(config.state_dir));
  return tlog::format_cosigner_vkey(cosigner.key());
}

}  // namespace avouch::logprogram
