// The data of boot-log events, by type. Input: u32 type (little-endian), u8 PCR, then the data.
// Whatever it is: it is described in few printable characters, bound to its own digest, and read
// without more than a problem.

#include <cstdint>
#include <cstdlib>

#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/meaning.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::event_data_target {
namespace {

namespace bootlog = avouch::bootlog;
namespace crypto = avouch::crypto;
using avouch::Bytes;
using avouch::ByteView;

void require(bool holds) {
  if (!holds) std::abort();
}

void put(Bytes& out, std::size_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// A log of this event alone, in the SHA-256 bank.
Bytes log_of(ByteView head, std::uint8_t pcr, ByteView data) {
  Bytes out(4);
  put(out, bootlog::kNoAction, 4);
  out.resize(28);
  put(out, 33, 4);
  for (const char c : std::string_view("Spec ID Event03\0", 16)) {
    out.push_back(static_cast<std::uint8_t>(c));
  }
  for (const std::uint8_t byte : Bytes{0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0b, 0, 32, 0, 0}) {
    out.push_back(byte);
  }
  put(out, pcr, 4);
  avouch::append(out, head);
  put(out, 1, 4);
  put(out, 0x0b, 2);
  avouch::append(out, crypto::hash(crypto::HashAlgorithm::kSha256, data));
  put(out, data.size(), 4);
  avouch::append(out, data);
  return out;
}

}  // namespace

AVOUCH_FUZZ_TARGET("event_data_fuzz") {
  if (size < 5 || size > 64 * 1024) return 0;
  const ByteView content(data + 5, size - 5);
  const std::uint8_t pcr = data[4] % 24;
  const auto log = bootlog::read_log(log_of({data, 4}, pcr, content));
  if (!log.has_value()) return 0;  // a false H-CRTM event, or StartupLocality
  const bootlog::Event& event = log.value().events().at(1);
  for (const auto& field : bootlog::describe(log.value(), event)) {
    for (const char c : field.value) require(c >= 0x20 && c < 0x7f);
    require(!field.name.empty() && field.value.size() <= 4096);
  }
  const auto banks = bootlog::replay(log.value());
  avouch::tpm::PcrValues quoted;
  for (std::uint8_t each = 0; each < avouch::tpm::kPcrCount; ++each) {
    const ByteView value = banks.at(0).value(each);
    quoted[{crypto::HashAlgorithm::kSha256, each}] = Bytes(value.begin(), value.end());
  }
  const auto bound = bootlog::bind(log.value(), banks, quoted);
  const bool image =
      event.type == bootlog::kBootServicesApplication ||
      event.type == bootlog::kBootServicesDriver || event.type == bootlog::kRuntimeServicesDriver ||
      event.type == bootlog::kPlatformFirmwareBlob ||
      event.type == bootlog::kPlatformFirmwareBlob2 || event.type == bootlog::kNoAction;
  // GRUB's texts are measured without their prefix, if at all.
  require(image || bound.binding(1) == bootlog::Binding::kData);
  std::vector<std::string> quirks;
  for (const std::string_view each : bootlog::known_quirks()) quirks.emplace_back(each);
  const auto meaning = bootlog::read_meaning(bound, quirks);
  require(meaning.variables.size() <= 1 && meaning.command_lines.size() <= 1);
  for (const auto& line : meaning.command_lines) {
    for (const char c : line.text) require(c >= 0x20 && c < 0x7f);
  }
  return 0;
}

}  // namespace avouch::fuzzing::event_data_target
