#pragma once

// Seam: what the agent needs from its TPM. Values only; no handle leaves the implementation, which
// keeps, loads and flushes its objects itself.
//
// The caller uses one thread. Every method may be called again after kRetryable (TPM busy, resource
// manager restarting, device gone for now). kRejected: this TPM will never do it (say what it
// lacks). Nothing is written to NV, no authorisation is changed, no other user's object is touched.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tpm/ek_template.h"
#include "tpm/types.h"

namespace avouch::tpm {

struct Endorsement {
  Bytes ek_public;                     // TPM2B_PUBLIC
  std::vector<Bytes> ek_certificates;  // of that EK, then others of its chain, each as NV holds it,
                                       // padding included; empty where NV has none
  std::string template_name;           // EkSlot::name, or "NV template"
};

// A key that only this TPM can load again, under its EK. Both parts may be stored in plain.
struct WrappedKey {
  Bytes public_area;   // TPM2B_PUBLIC
  Bytes private_area;  // TPM2B_PRIVATE
};

struct SignedQuote {
  Bytes message;    // TPMS_ATTEST, without a size
  Bytes signature;  // TPMT_SIGNATURE
};

struct DeviceState {
  ClockInfo clock;
  std::vector<crypto::HashAlgorithm> active_banks;  // with at least one PCR allocated
  std::string manufacturer;                         // TPM2_PT_MANUFACTURER, e.g. "IBM"
  std::uint64_t firmware_version = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  virtual Result<DeviceState> state() = 0;

  // The first EK of kEkSlots whose certificate NV has, else the first that this TPM can make.
  virtual Result<Endorsement> endorsement() = 0;

  // A new attestation key, child of that EK (so that quotes carry counters in plain and the quote's
  // qualified name binds the EK): restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin,
  // userWithAuth; ECDSA P-256 with SHA-256, or RSASSA-2048 with SHA-256 where the TPM has no ECC.
  virtual Result<WrappedKey> create_attestation_key() = 0;

  // TPM2_ActivateCredential: the secret. kRejected where the credential was not made for this pair
  // of keys. `blob` and `encrypted_secret` carry their sizes (credential.h).
  virtual Result<Bytes> activate(const WrappedKey& key, ByteView blob,
                                 ByteView encrypted_secret) = 0;

  // kRejected only where `key` cannot be loaded by this TPM, whatever is tried: make a new one and
  // enrol again. A TPM that was reset, is locked out or fails otherwise is kRetryable: the key
  // stays.
  virtual Result<SignedQuote> quote(const WrappedKey& key, ByteView qualifying,
                                    const PcrSelection& selection) = 0;

  // Not atomic with quote(): compare with the quote's digest, and read again where they differ.
  // kRejected where a bank of the selection is not active; quote() leaves such a bank out.
  virtual Result<PcrValues> read_pcrs(const PcrSelection& selection) = 0;
};

}  // namespace avouch::tpm
