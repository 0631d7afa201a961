#pragma once

// The agent's seams on POSIX files: its key, and the kernel's measurement logs.

#include <filesystem>
#include <optional>

#include "adapters/files.h"
#include "collect/key_store.h"
#include "collect/log_source.h"

namespace avouch::adapters {

// `<dir>/attestation-key`: "avouch-key-1\n", then TPM2B_PUBLIC and TPM2B_PRIVATE. Both are useless
// outside this TPM.
class KeyFile final : public collect::KeyStore {
 public:
  explicit KeyFile(const std::filesystem::path& dir) : path_(dir / "attestation-key") {}
  Result<std::optional<tpm::WrappedKey>> load() override;
  Result<void> save(const tpm::WrappedKey& key) override;

 private:
  std::filesystem::path path_;
};

// The kernel writes its runtime log anew for whoever opens it, from the start to where it is read:
// the file stays open, and what follows the last reading costs only itself. It is opened again when
// another file has taken its place.
class KernelLogs final : public collect::LogSource {
 public:
  KernelLogs(std::filesystem::path boot_log, std::filesystem::path runtime_log)
      : boot_log_(std::move(boot_log)), runtime_log_(std::move(runtime_log)) {}
  Result<std::optional<Bytes>> boot_log() override;
  Result<std::optional<Bytes>> runtime_log(std::uint64_t offset, std::size_t max) override;

 private:
  std::filesystem::path boot_log_;
  std::filesystem::path runtime_log_;
  std::optional<OpenFile> open_;
};

}  // namespace avouch::adapters
