#pragma once

// How far a boot's runtime log is proven: of constant size, whatever the log's. The controller
// keeps one of these for each node; everything before `offset` was covered by a quote.

#include <array>
#include <cstdint>

#include "attest/quote.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/resumable_sha256.h"
#include "tpm/types.h"

namespace avouch::runtimelog {

// What differs from boot to boot and from TPM to TPM, and stays while the machine is up (a TPM
// resume does not change it): SHA-256("avouch/boot/v1\n" || u32be(len(akName)) || akName ||
// u32be(resetCount)). Only a verified quote says so; a node cannot claim a boot.
using BootIdentity = crypto::Sha256;
BootIdentity boot_identity(ByteView ak_name, std::uint32_t reset_count);
BootIdentity boot_identity(const attest::VerifiedQuote& quote);

// What a kernel extends into a bank that is not SHA-1's. Its kind stays the same for a boot; the
// quote tells which it is.
enum class Extends : std::uint8_t {
  kUndecided,
  kOwnHash,     // the template data's hash under the bank's algorithm
  kPaddedSha1,  // the template data's SHA-1 and zeros: kernels before 5.8 in every bank, later ones
                // in banks whose hash they have no code for. No stronger than SHA-1.
};

class ReplayState {
 public:
  ReplayState() = default;  // of no boot: nothing continues it
  // The start of a boot's log. `banks` are those whose PCR 10 the quotes cover.
  static ReplayState start(const BootIdentity& boot, const tpm::PcrValues& quoted);

  const BootIdentity& boot() const { return boot_; }
  std::uint64_t offset() const { return log_.size(); }  // bytes proven: where the log is read on
  std::uint64_t entries() const { return entries_; }
  crypto::Sha256 log_digest() const { return log_.digest_so_far(); }  // of those bytes
  bool has_bank(crypto::HashAlgorithm bank) const;
  Extends extends(crypto::HashAlgorithm bank) const;  // of SHA-1: kOwnHash
  // Some bank other than SHA-1's is known to hold hashes of its own.
  bool is_strong() const;

  // kEncodedSize bytes, one encoding. decode: kRejected for any other.
  static constexpr std::size_t kEncodedSize =
      8 + 32 + 8 + 1 + 4 + 164 + 144 + crypto::ResumableSha256::kEncodedSize;
  Bytes encode() const;
  static Result<ReplayState> decode(ByteView encoded);

  bool operator==(const ReplayState&) const = default;

 private:
  friend class Replay;
  BootIdentity boot_{};
  std::uint64_t entries_ = 0;
  std::uint8_t banks_ = 0;  // bit: crypto::HashAlgorithm
  std::array<Extends, 4> extends_{};
  std::array<std::uint8_t, 164> own_{};     // PCR 10 by bank, had each been of kOwnHash
  std::array<std::uint8_t, 144> padded_{};  // and of kPaddedSha1 (not of SHA-1)
  crypto::ResumableSha256 log_;
};

}  // namespace avouch::runtimelog
