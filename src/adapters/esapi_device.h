#pragma once

// The node's TPM through tpm2-tss ESAPI.

#include <tss2/tss2_esys.h>

#include <optional>
#include <string>

#include "adapters/esapi_connection.h"
#include "tpm/device.h"

namespace avouch::adapters {

// As tpm::Device says. Opens the TPM for each operation and leaves nothing behind in it. The loaded
// attestation key is kept as a saved context between operations, so that a heartbeat costs no key
// derivation; a TPM reset makes the context unusable and the key is loaded afresh.
class EsapiDevice final : public tpm::Device {
 public:
  explicit EsapiDevice(std::string tcti) : tcti_(std::move(tcti)) {}

  Result<tpm::DeviceState> state() override;
  Result<tpm::Endorsement> endorsement() override;
  Result<tpm::WrappedKey> create_attestation_key() override;
  Result<Bytes> activate(const tpm::WrappedKey& key, ByteView blob,
                         ByteView encrypted_secret) override;
  Result<tpm::SignedQuote> quote(const tpm::WrappedKey& key, ByteView qualifying,
                                 const tpm::PcrSelection& selection) override;
  Result<tpm::PcrValues> read_pcrs(const tpm::PcrSelection& selection) override;

 private:
  // The endorsement key that this TPM has, and how it is authorised.
  struct EkPlan {
    const tpm::EkSlot* slot = nullptr;
    Bytes inside_template;  // TPM2B_PUBLIC for CreatePrimary
    std::string template_name;
    std::vector<Bytes> certificates;
  };
  Result<EkPlan> find_ek(const EsapiConnection& tpm);
  Result<const EkPlan*> ek_plan(const EsapiConnection& tpm);
  Result<EsapiHandle> make_ek(const EsapiConnection& tpm, const EkPlan& plan, Bytes* public_area);
  Result<EsapiHandle> load(const EsapiConnection& tpm, const tpm::WrappedKey& key);

  std::string tcti_;
  std::optional<EkPlan> plan_;

  struct SavedKey {
    Bytes private_area;
    TPMS_CONTEXT context;
  };
  std::optional<SavedKey> saved_;
};

}  // namespace avouch::adapters
