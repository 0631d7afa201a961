#pragma once

// What of a log may be believed: the PCRs that a quote proves, and of their events those whose data
// is what was hashed. A replay proves digests, never data: type, text and order between PCRs are
// whatever the sender of the log wrote.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "tpm/types.h"

namespace avouch::bootlog {

// Which bytes an event's digests are of. In every quoted bank the same.
enum class Binding : std::uint8_t {
  kNone,       // none that is known: the digest speaks for itself, the data for nothing
  kData,       // the data as it is logged
  kTextOnly,   // without its closing NUL
  kNoPrefix,   // GRUB, PCR 8: the text after "grub_cmd: " or "kernel_cmdline: ", without the NUL.
               // The prefix is not covered: which of the two it is, nobody vouches for
  kNulAdded,   // with a NUL that is not logged (systemd-boot before 247)
  kValueOnly,  // UEFI_VARIABLE_DATA: the variable's value alone
  kOldShim,    // without its last byte: what shim before 15.3 logs of an authority
};
std::string_view binding_name(Binding binding);

// What a quote says of a PCR of the log.
enum class PcrState : std::uint8_t {
  kNotQuoted,
  kWeak,     // SHA-1's bank alone is quoted, in which other events can be made to fit
  kDiffers,  // the replay gives another value in one of the quoted banks, or there is no replay
  kProven,   // the same value in every quoted bank, not all of which are SHA-1's
};

// Immutable; shares the log.
class BoundLog {
 public:
  const BootLog& log() const { return log_; }

  PcrState state(std::uint32_t pcr) const;
  bool is_proven(std::uint32_t pcr) const { return state(pcr) == PcrState::kProven; }
  // Event `number` is extended into a proven PCR.
  bool is_proven(const Event& event) const;
  Binding binding(std::size_t number) const { return bindings_[number]; }
  // The bytes that are proven; empty where the event is not bound.
  ByteView proven_data(std::size_t number) const;

  // The event's digests in the banks in which its PCR is quoted and proven, SHA-1's last; none
  // where it is not proven.
  struct BankDigest {
    crypto::HashAlgorithm bank = crypto::HashAlgorithm::kSha256;
    ByteView digest;
  };
  class BankDigests {
   public:
    const BankDigest* begin() const { return all_.data(); }
    const BankDigest* end() const { return all_.data() + size_; }
    bool empty() const { return size_ == 0; }

   private:
    friend class BoundLog;
    std::array<BankDigest, kAlgorithmCount> all_;
    std::size_t size_ = 0;
  };
  BankDigests digests(const Event& event) const;
  // Whether all of them are that of `data`; never where there are none.
  bool is_digest_of(const Event& event, ByteView data) const;

 private:
  friend BoundLog bind(const BootLog&, std::span<const ReplayedBank>, const tpm::PcrValues&);
  explicit BoundLog(BootLog log) : log_(std::move(log)) {}
  Binding find(const Event& event) const;
  Binding find_of_variable(const Event& event, ByteView data) const;

  BootLog log_;
  std::uint32_t strong_ = 0, differs_ = 0;               // bit n is PCR n
  std::array<std::uint32_t, kAlgorithmCount> quoted_{};  // the same, by crypto::HashAlgorithm
  std::vector<Binding> bindings_;
};

// `replayed` is replay(log). Costs at most four hashes of an event's data in each bank.
BoundLog bind(const BootLog& log, std::span<const ReplayedBank> replayed,
              const tpm::PcrValues& quoted);

}  // namespace avouch::bootlog
