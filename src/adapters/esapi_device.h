#pragma once

// The node's TPM through tpm2-tss ESAPI.

#include <tss2/tss2_esys.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "adapters/esapi_connection.h"
#include "adapters/esapi_endorsement.h"
#include "tpm/device.h"

namespace avouch::adapters {

// As tpm::Device says. Opens the TPM for each operation and leaves nothing behind in it. The loaded
// attestation key is kept as a saved context between operations, so that a heartbeat costs no key
// derivation; a TPM reset makes the context unusable and the key is loaded afresh.
class EsapiDevice final : public tpm::Device {
 public:
  static constexpr std::chrono::milliseconds kDeadline{120'000};

  // A command may take no longer than `deadline`, where the TCTI can be polled (esapi_tcti.h); the
  // slowest TPMs make an RSA key in a minute.
  explicit EsapiDevice(std::string tcti, std::chrono::milliseconds deadline = kDeadline)
      : tcti_(std::move(tcti)), deadline_(deadline) {}

  Result<tpm::DeviceState> state() override;
  Result<tpm::Endorsement> endorsement() override;
  Result<tpm::WrappedKey> create_attestation_key() override;
  Result<Bytes> activate(const tpm::WrappedKey& key, ByteView blob,
                         ByteView encrypted_secret) override;
  Result<tpm::SignedQuote> quote(const tpm::WrappedKey& key, ByteView qualifying,
                                 const tpm::PcrSelection& selection) override;
  Result<tpm::PcrValues> read_pcrs(const tpm::PcrSelection& selection) override;

 private:
  Result<const EkPlan*> ek_plan(const EsapiConnection& tpm);
  template <typename Operation>
  auto with_keys(Operation operation)
      -> decltype(operation(std::declval<const EsapiConnection&>(), std::declval<const EkPlan&>()));
  Result<EsapiHandle> load(const EsapiConnection& tpm, const EkPlan& plan,
                           const tpm::WrappedKey& key);

  const std::string tcti_;
  const std::chrono::milliseconds deadline_;
  std::optional<EkPlan> plan_;

  struct SavedKey {
    Bytes private_area;
    TPMS_CONTEXT context;
  };
  std::optional<SavedKey> saved_;
};

}  // namespace avouch::adapters
