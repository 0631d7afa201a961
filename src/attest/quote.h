#pragma once

// Verification of a quote, in the order of THREATS.md. Does not say that the PCR values are good:
// that is appraise().

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attest/beacon.h"
#include "attest/enrolment.h"
#include "attest/evidence.h"
#include "attest/reason.h"
#include "base/clock.h"
#include "tpm/packed_pcrs.h"
#include "tpm/types.h"

namespace avouch::attest {

// What the last accepted quote of this enrolment said of its TPM.
struct TpmState {
  tpm::ClockInfo clock;
  std::uint64_t firmware_version = 0;
  bool operator==(const TpmState&) const = default;
};

enum class Boot {
  kFirst,    // no earlier quote is known
  kSame,     // the same boot
  kResumed,  // the same boot, after a TPM resume (restartCount rose)
  kNew,      // resetCount rose: boot log and runtime log start anew
};

// What one policy needs from a quote.
struct QuoteNeed {
  std::string policy;
  tpm::PcrSelection selection;
};

struct QuoteContext {
  const NodeKeys& keys;       // enrolled
  std::string_view node_uid;  // of the enrolled node, as the API server says
  const BeaconWindow& beacons;
  std::chrono::milliseconds max_beacon_age;  // the shortest maxAge of the node's policies
  std::span<const QuoteNeed> needs;
  std::optional<TpmState> previous;
  std::span<const std::uint64_t> allowed_firmware;  // besides that of `previous`
  SystemTime now;
};

// Only verify_quote makes one (and quote_seal.h gives it back).
class VerifiedQuote {
 public:
  tpm::PcrValues pcrs() const { return pcrs_.unpack(); }
  const tpm::PackedPcrs& packed_pcrs() const { return pcrs_; }
  const tpm::PcrSelection& selection() const { return selection_; }
  const TpmState& state() const { return state_; }
  Boot boot() const { return boot_; }
  const BeaconReference& beacon() const { return beacon_; }
  // When the beacon was published: the quote is not older. Its freshness counts from here.
  SystemTime not_older_than() const { return not_older_than_; }
  const crypto::Sha256& digest() const { return digest_; }  // quote_digest()
  const Bytes& ak_name() const { return ak_name_; }
  const std::string& node_uid() const { return node_uid_; }

 private:
  friend class QuoteVerification;
  friend class QuoteSeal;  // gives back one that was verified
  VerifiedQuote() = default;

  tpm::PackedPcrs pcrs_;
  tpm::PcrSelection selection_;
  TpmState state_;
  Boot boot_ = Boot::kFirst;
  BeaconReference beacon_;
  SystemTime not_older_than_{};
  crypto::Sha256 digest_{};
  Bytes ak_name_;
  std::string node_uid_;
};

// The first check that fails names the reason:
//    1. sizes                                    QuoteMalformed
//    2. structure, no trailing bytes             QuoteMalformed
//    3. magic and type                           QuoteNotAQuote
//    4. signature by the enrolled AK, with its own scheme        SignatureInvalid
//    5. qualified signer                         QualifiedSignerMismatch
//    6. beacon, challenge                        BeaconUnknown, BeaconExpired, ChallengeMismatch
//    7. selection: not empty, covers at least one of `needs`     SelectionInsufficient
//       (a policy whose need is not covered is contraindicated by appraise() on its own, so that
//       one policy's need cannot silence the others')
//    8. claimed values are the quoted ones, no fewer, no more    PcrDigestMismatch
//    9. clock                                    ClockUnsafe, ClockWentBack
//   10. firmware                                 FirmwareChanged
// A refused quote changes no verdict. The same quote may be given again (it comes by the intake and
// in the custom resource): its clock equals `previous`, which is no step back.
// Pure, thread-safe, throws nothing but std::bad_alloc; bounded by the sizes of evidence.h.
Checked<VerifiedQuote> verify_quote(const UnverifiedQuote& quote, const tpm::PcrValues& claimed,
                                    const QuoteContext& context);

// Stored evidence, judged again: the same checks, but for 6 that extraData is `extra_data`. When
// the quote was made is the caller's word (`not_older_than`); context.beacons is not used, and no
// token can be issued, for there is no beacon in it.
Checked<VerifiedQuote> verify_stored_quote(const UnverifiedQuote& quote,
                                           const tpm::PcrValues& claimed, ByteView extra_data,
                                           SystemTime not_older_than, const QuoteContext& context);

}  // namespace avouch::attest
