#pragma once

// What an entry says, by its template. Every template is a list of fields, each a u32 length and so
// many bytes, but for the legacy one (entry.h).
//
//   ima      20 bytes digest, path
//   ima-ng   d-ng   n-ng                 d-ng:   "ALGORITHM:" NUL digest
//   ima-sig  d-ng   n-ng  sig            d-ngv2: "TYPE:ALGORITHM:" NUL digest, TYPE ima or verity
//   ima-buf  d-ng   n-ng  buf            n-ng:   path NUL
//   ima-ngv2 d-ngv2 n-ng                 sig:    security.ima (file_signature.h), or empty
//   ima-sigv2 d-ngv2 n-ng sig            buf:    what was measured in place of a file
//
// ima-modsig and formats of an administrator's own (ima_template_fmt) are unknown.

#include <optional>
#include <string_view>

#include "crypto/hash.h"
#include "runtimelog/entry.h"

namespace avouch::runtimelog {

enum class Template { kUnknown, kIma, kImaNg, kImaSig, kImaBuf, kImaNgV2, kImaSigV2 };
Template template_of(std::string_view name);

enum class DigestOf {
  kContent,  // of the file's bytes
  kVerity,   // fs-verity's digest of the file: another value for the same bytes
};

// Views into the entry.
struct Fields {
  Template kind = Template::kUnknown;
  DigestOf of = DigestOf::kContent;
  std::string_view algorithm;                  // as the kernel names it
  std::optional<crypto::HashAlgorithm> known;  // nothing: none of those four
  ByteView digest;
  std::string_view path;  // or what it is a measurement of: "boot_aggregate", "kexec-cmdline"
  ByteView signature;     // empty: the file has none
  ByteView buffer;
};

// "sha256:" and hexadecimal digits, with "verity:" in front for kVerity.
std::string digest_text(const Fields& fields);

// kRejected says which field is wrong and how: unknown template, too few or too many fields, a
// digest whose size is not its algorithm's, a path without its NUL, with one within, or longer than
// kMaxPath, a signature longer than kMaxSignature. In an entry that records a violation the digest
// is zeros, of its algorithm's size or of 20 bytes.
Result<Fields> read_fields(const Entry& entry);

}  // namespace avouch::runtimelog
