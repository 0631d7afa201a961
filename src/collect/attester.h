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

// What of a beacon a quote needs. Not verified: whoever appraises the quote knows its own beacons.
struct UnverifiedBeacon {
  std::string note_text;  // what was signed
  attest::BeaconReference reference;
};

// kRejected for anything but a signed note whose text is a checkpoint.
Result<UnverifiedBeacon> parse_beacon_unverified(std::string_view note);

// One owner thread. Errors are those of tpm::Device and KeyStore.
class Attester {
 public:
  Attester(tpm::Device& device, KeyStore& keys) : device_(device), keys_(keys) {}

  // Reads the endorsement and loads or makes the attestation key; remembers both. A stored key that
  // is damaged is replaced. A key that cannot be stored (folder full or read-only) is used all the
  // same, and storing it is tried again in each call: storage_trouble().
  Result<attest::UnverifiedIdentity> identity();

  // Why the present key would not outlive a restart of the agent.
  const std::optional<Error>& storage_trouble() const { return storage_trouble_; }

  // Of the TPM, as far as it has been asked: informative.
  attest::AgentInfo info(std::string_view version) const;

  // The proof that this TPM could read the challenge's secret. kRejected where the challenge was
  // made for other keys.
  Result<attest::ActivationAnswer> activate(const ActivationRequest& request,
                                            std::string_view node_uid);

  // A quote over all PCRs of every active bank for `beacon`, and the values that it covers.
  // kRejected where the TPM cannot load the key (it is another TPM, or the stored key is damaged):
  // key and endorsement are dropped, and identity() reads and makes them anew. A TPM that was reset
  // loads the same key again. kRetryable where PCRs change faster than they can be read.
  Result<Measurement> measure(const UnverifiedBeacon& beacon, std::string_view node_uid);

 private:
  Result<void> prepare();
  void store();

  tpm::Device& device_;
  KeyStore& keys_;
  std::optional<tpm::DeviceState> state_;
  std::optional<tpm::Endorsement> endorsement_;
  std::optional<tpm::WrappedKey> key_;
  bool stored_key_unusable_ = false;
  bool stored_ = true;  // key_ is in the key store
  std::optional<Error> storage_trouble_;
};

}  // namespace avouch::collect
