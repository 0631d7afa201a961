#pragma once

// What of a log may be believed: the PCRs that a quote proves, and of their events those whose data
// is what was hashed. A replay proves digests, never data: type, text and order between PCRs are
// whatever the sender of the log wrote.

#include <array>
#include <cstdint>
#include <span>
#include <string>
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
  kNoPrefix,   // GRUB: the text after "grub_cmd: " or "kernel_cmdline: ", without the NUL. The
               // prefix is not covered: which of the two it is, nobody vouches for
  kNulAdded,   // with a NUL that is not logged (systemd-boot before 247)
  kValueOnly,  // UEFI_VARIABLE_DATA: the variable's value alone
};
std::string_view binding_name(Binding binding);

// Immutable; shares the log.
class BoundLog {
 public:
  const BootLog& log() const { return log_; }

  // Whether the replay of this PCR gives the quoted value, in every bank in which it is quoted, and
  // at least one of them is not SHA-1's.
  bool is_proven(std::uint32_t pcr) const { return pcr < 32 && ((proven_ >> pcr) & 1U) != 0; }
  // Event `number` is extended into a proven PCR.
  bool is_proven(const Event& event) const;
  Binding binding(std::size_t number) const { return bindings_[number]; }
  // The bytes that are proven; empty where the event is not bound.
  ByteView proven_data(std::size_t number) const;

  // The event's digests in the banks in which its PCR is quoted and proven, SHA-1's last; none
  // where it is not proven.
  struct BankDigest {
    crypto::HashAlgorithm bank;
    ByteView digest;
  };
  std::vector<BankDigest> digests(const Event& event) const;
  // Whether all of them are that of `data`; never where there are none.
  bool is_digest_of(const Event& event, ByteView data) const;

 private:
  friend BoundLog bind(const BootLog&, std::span<const ReplayedBank>, const tpm::PcrValues&);
  explicit BoundLog(BootLog log) : log_(std::move(log)) {}
  Binding find(const Event& event) const;

  BootLog log_;
  std::uint32_t proven_ = 0;
  std::array<std::uint32_t, kAlgorithmCount> quoted_{};  // PCRs by crypto::HashAlgorithm
  std::vector<Binding> bindings_;
};

// `replayed` is replay(log). Costs at most four hashes of an event's data in each bank.
BoundLog bind(const BootLog& log, std::span<const ReplayedBank> replayed,
              const tpm::PcrValues& quoted);

}  // namespace avouch::bootlog
