#pragma once

// Small checks that several readers of JSON share. Private to attest/.

#include <string_view>

#include "base/result.h"
#include "codec/fields.h"
#include "crypto/hash.h"

namespace avouch::attest {

inline constexpr std::int64_t kMaxJsonInteger = (std::int64_t{1} << 53) - 1;  // RFC 8259, 6

// Printable ASCII without spaces: fit for messages, log lines and file names' neighbourhood.
bool is_plain_text(std::string_view text);

// A member of the form "sha256:HEX"; zeros and an error where it is not.
crypto::Sha256 read_digest(codec::Fields& fields, std::string_view name);

// Records "is required" where the member is missing; the same for an object.
void require(codec::Fields& fields, std::string_view name, std::string_view expected);

}  // namespace avouch::attest
