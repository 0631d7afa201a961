#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch {

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);

// Strict: an even number of digits 0-9 a-f A-F, nothing else. Empty gives empty.
Result<Bytes> from_hex(std::string_view text);

}  // namespace avouch
