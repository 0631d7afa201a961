#pragma once

// The attester's side of enrolment and quoting: what a node's TPM says, as evidence.

#include <optional>
#include <string>

#include "attest/evidence.h"
#include "base/result.h"
#include "collect/key_store.h"
#include "tpm/device.h"

namespace avouch::collect {

// The controller's challenge in status.activation.
struct ActivationRequest {
  std::string challenge_id;
  Bytes credential_blob;   // TPM2B_ID_OBJECT
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET
  bool operator==(const ActivationRequest&) const = default;
};

// What one quote measured.
struct Measurement {
  attest::UnverifiedQuote quote;
  tpm::PcrValues pcrs;  // hash to the quote's digest
  std::uint32_t reset_count = 0, restart_count = 0;
};

// One owner thread. Errors are those of tpm::Device and KeyStore.
class Attester {
 public:
  Attester(tpm::Device& device, KeyStore& keys) : device_(device), keys_(keys) {}

  // Reads the endorsement and loads or makes the attestation key; remembers both. A stored key that
  // cannot be read is replaced.
  Result<attest::UnverifiedIdentity> identity();

  // Of the TPM, as far as it has been asked: informative.
  attest::AgentInfo info(std::string_view version) const;

  // The proof that this TPM could read the challenge's secret. kRejected where the challenge was
  // made for other keys.
  Result<attest::ActivationAnswer> activate(const ActivationRequest& request,
                                            std::string_view node_uid);

  // A quote over PCR 0 to 15 of every active bank for the beacon checkpoint in `beacon_note` (a
  // signed note), and the values that it covers. A key that the TPM can no longer load is dropped,
  // so that identity() makes a new one. kRetryable where PCRs change faster than they can be read.
  Result<Measurement> measure(std::string_view beacon_note, std::string_view node_uid);

 private:
  Result<void> prepare();

  tpm::Device& device_;
  KeyStore& keys_;
  std::optional<tpm::DeviceState> state_;
  std::optional<tpm::Endorsement> endorsement_;
  std::optional<tpm::WrappedKey> key_;
  bool stored_key_unusable_ = false;
};

}  // namespace avouch::collect
