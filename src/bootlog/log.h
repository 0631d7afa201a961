#pragma once

// A measured-boot log as the kernel gives it (binary_bios_measurements): crypto-agile (TCG
// PFP 1.06, section 10, little-endian) or of the SHA-1 era (TCG EFI Protocol 1.22). Well-formed, no
// more: nothing in it is believed before replay() and bind().

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/reason.h"
#include "base/bytes.h"
#include "crypto/hash.h"

namespace avouch::bootlog {

// Reason codes.
namespace code {
inline constexpr std::string_view kMalformed = "BootLogMalformed";
}  // namespace code

struct Limits {
  std::size_t bytes = 16 * 1024 * 1024;
  std::size_t events = 100'000;
};

inline constexpr std::size_t kAlgorithmCount = 4;  // crypto::HashAlgorithm
inline constexpr std::uint32_t kNowhere = 0xffffffff;

// Places in the log's bytes.
struct Event {
  std::uint32_t pcr = 0;     // below 24; of EV_NO_ACTION anything
  std::uint32_t type = 0;    // event.h
  std::uint32_t offset = 0;  // of the record
  std::uint32_t data_offset = 0;
  std::uint32_t data_size = 0;
  std::array<std::uint32_t, kAlgorithmCount> digest_offset{kNowhere, kNowhere, kNowhere, kNowhere};
};

// One algorithm that the log has digests of. Banks of algorithms that this library cannot compute
// (SM3, SHA-3) are kept by their number: they cannot be replayed, and a quote of them is refused.
struct LogBank {
  std::uint16_t tpm_id = 0;
  std::uint16_t size = 0;
  std::optional<crypto::HashAlgorithm> algorithm;
  // Whether every event that is extended has a digest of it. Some firmware names all algorithms of
  // its TPM in the header and logs those of the active banks alone.
  bool complete = true;
};

// Immutable; copies share the bytes. Thread-safe.
class BootLog {
 public:
  const std::vector<Event>& events() const { return content_->events; }
  const std::vector<LogBank>& banks() const { return content_->banks; }
  bool crypto_agile() const { return content_->crypto_agile; }
  bool has_bank(crypto::HashAlgorithm algorithm) const;  // and a complete one
  // Start of PCR 0: the locality of TPM2_Startup, where the log has it (checked by read_log: in PCR
  // 0, before anything is extended there, once, 0, 3 or 4).
  std::uint8_t startup_locality() const { return content_->locality; }

  // The views live as long as the log (or a copy of it).
  ByteView data(const Event& event) const;
  // Empty where the event has no digest of this algorithm (only EV_NO_ACTION may lack one).
  ByteView digest(const Event& event, crypto::HashAlgorithm algorithm) const;
  ByteView bytes() const { return content_->bytes; }

 private:
  friend class LogReader;
  struct Content {
    Bytes bytes;
    std::vector<Event> events;
    std::vector<LogBank> banks;
    bool crypto_agile = false;
    std::uint8_t locality = 0;
  };
  explicit BootLog(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

// BootLogMalformed, with number and offset of the event, what is there and what was expected:
//   * empty, or over a limit
//   * crypto-agile header: not "Spec ID Event03", version other than 2.0, no algorithm, one twice,
//     one of unknown size or with a size that is not its own, lengths that do not add up; a second
//     header
//   * an event that goes beyond the end, of a PCR that is not there, with a digest twice or of an
//     algorithm that the header does not name, or without any (EV_NO_ACTION, which is never
//     extended, may have none)
//   * StartupLocality not of 17 bytes, not in PCR 0, repeated, late, or another than 0, 3 or 4; an
//     H-CRTM event that is not PCR 0's first, or without locality 4
//   * zeros after the last event, or anything else
// Memory: the bytes, and at most 36/32 of them for the table of events.
attest::Checked<BootLog> read_log(ByteView log, const Limits& limits = {});

}  // namespace avouch::bootlog
