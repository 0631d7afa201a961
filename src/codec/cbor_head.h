#pragma once

// One data item head of CBOR, read by libcbor's streaming decoder. Private to codec/.

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::codec {

struct CborHead {
  enum class Kind { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kBoolean, kNull };
  Kind kind = Kind::kNull;
  std::uint64_t argument = 0;  // value (negative: -1 - value), length, count or tag; boolean: 0, 1
  ByteView content;            // of kBytes and kText; points into the input
  std::size_t size = 0;        // bytes of head and content
};

// kRejected: truncated or malformed, not the shortest form, or a kind that deterministic encoding
// here does not use: indefinite lengths, floats, undefined, other simple values.
Result<CborHead> read_cbor_head(ByteView input);

}  // namespace avouch::codec
