#pragma once

// The frame of entries in the kernel's binary measurement log (IMA, binary_runtime_measurements):
//
//   u32 PCR | 20 bytes template digest | u32 length, template name | u32 length, template data
//
// all little-endian (x86, arm64, and every machine booted with ima_canonical_fmt). The legacy
// template "ima" has no length for its data: 20 bytes file digest | u32 length, path.
// Kernel: Documentation/security/IMA-templates.rst, security/integrity/ima/ima_fs.c.
//
// Nothing here is believed: a framed entry is one that could be read, no more.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::runtimelog {

inline constexpr std::size_t kMaxTemplateName = 255;         // the kernel's own bound
inline constexpr std::size_t kMaxTemplateData = 256 * 1024;  // of all fields
inline constexpr std::size_t kMaxPath = 64 * 1024;           // the kernel's paths are below 4 KiB
inline constexpr std::size_t kMaxSignature = 4096;           // RSA-4096 and its header: 521
inline constexpr std::uint32_t kImaPcr = 10;
inline constexpr std::string_view kLegacyTemplate = "ima";

using TemplateDigest = std::array<std::uint8_t, 20>;

struct Entry {
  std::uint64_t number = 0;  // from 1, in the boot's whole log
  std::uint64_t offset = 0;  // of its first byte in that log
  TemplateDigest template_digest{};
  std::string_view template_name;
  ByteView data;   // the fields as they lie in the log
  ByteView bytes;  // the whole entry

  bool is_legacy() const { return template_name == kLegacyTemplate; }
  bool is_violation() const { return template_digest == TemplateDigest{}; }
};

// "entry 12 (at byte 3456)".
std::string entry_place(std::uint64_t number, std::uint64_t offset);

// Either a whole entry, or how many bytes from its beginning are needed before there can be more to
// say; `needed` is at most kMaxEntry.
struct Frame {
  std::optional<Entry> entry;
  std::size_t needed = 0;
};
inline constexpr std::size_t kMaxEntry = 4 + 20 + 4 + kMaxTemplateName + 4 + kMaxTemplateData;

// The entry at the front of `bytes`, a view into them. kRejected names entry, offset and what was
// expected: a PCR other than 10, a length of zero or beyond its bound, a name that is not printable
// ASCII. What the fields mean is read_fields()' matter.
Result<Frame> frame_entry(ByteView bytes, std::uint64_t number, std::uint64_t offset);

}  // namespace avouch::runtimelog
