#include "codec/cbor_head.h"

#include <cbor/callbacks.h>
#include <cbor/streaming.h>

#include <array>

namespace avouch::codec {
namespace {

using Kind = CborHead::Kind;

struct Seen {
  CborHead head;
  const char* refusal = nullptr;
};

void see(void* seen, Kind kind, std::uint64_t argument) {
  static_cast<Seen*>(seen)->head.kind = kind;
  static_cast<Seen*>(seen)->head.argument = argument;
}

template <Kind kKind, typename Value>
void on_number(void* seen, Value value) {
  see(seen, kKind, static_cast<std::uint64_t>(value));
}

template <Kind kKind>
void on_content(void* seen, cbor_data data, std::size_t size) {
  see(seen, kKind, size);
  static_cast<Seen*>(seen)->head.content = ByteView(data, size);
}

void refuse(void* seen, const char* why) { static_cast<Seen*>(seen)->refusal = why; }

void on_indefinite(void* seen) { refuse(seen, "an indefinite length or its end"); }

template <typename Value>
void on_float(void* seen, Value) {
  refuse(seen, "a floating-point number");
}

cbor_callbacks make_callbacks() {
  cbor_callbacks on = cbor_empty_callbacks;
  on.uint8 = on_number<Kind::kUnsigned, std::uint8_t>;
  on.uint16 = on_number<Kind::kUnsigned, std::uint16_t>;
  on.uint32 = on_number<Kind::kUnsigned, std::uint32_t>;
  on.uint64 = on_number<Kind::kUnsigned, std::uint64_t>;
  on.negint8 = on_number<Kind::kNegative, std::uint8_t>;
  on.negint16 = on_number<Kind::kNegative, std::uint16_t>;
  on.negint32 = on_number<Kind::kNegative, std::uint32_t>;
  on.negint64 = on_number<Kind::kNegative, std::uint64_t>;
  on.byte_string = on_content<Kind::kBytes>;
  on.string = on_content<Kind::kText>;
  on.array_start = on_number<Kind::kArray, std::size_t>;
  on.map_start = on_number<Kind::kMap, std::size_t>;
  on.tag = on_number<Kind::kTag, std::uint64_t>;
  on.boolean = on_number<Kind::kBoolean, bool>;
  on.null = [](void* seen) { see(seen, Kind::kNull, 0); };
  on.undefined = [](void* seen) { refuse(seen, "the value undefined"); };
  on.byte_string_start = on_indefinite;
  on.string_start = on_indefinite;
  on.indef_array_start = on_indefinite;
  on.indef_map_start = on_indefinite;
  on.indef_break = on_indefinite;
  on.float2 = on_float<float>;
  on.float4 = on_float<float>;
  on.float8 = on_float<double>;
  return on;
}

std::size_t shortest_head(const CborHead& head) {
  if (head.kind == Kind::kBoolean || head.kind == Kind::kNull || head.argument < 24) return 1;
  if (head.argument <= 0xff) return 2;
  if (head.argument <= 0xffff) return 3;
  return head.argument <= 0xffffffff ? 5 : 9;
}

// libcbor 0.8 takes the tags 6 to 20 in their one-byte form for unassigned, tag 18 of COSE among
// them; it reads the same tag in the two-byte form.
bool is_short_tag_unknown_to_library(std::uint8_t first) { return first >= 0xc6 && first <= 0xd4; }

}  // namespace

Result<CborHead> read_cbor_head(ByteView input) {
  static const cbor_callbacks callbacks = make_callbacks();
  if (input.empty()) return rejected("ends where a value was expected");
  Seen seen;
  cbor_decoder_result result{};
  if (is_short_tag_unknown_to_library(input[0])) {
    const std::array<std::uint8_t, 2> longer = {0xd8, static_cast<std::uint8_t>(input[0] - 0xc0)};
    result = cbor_stream_decode(longer.data(), longer.size(), &callbacks, &seen);
    result.read -= 1;
  } else {
    result = cbor_stream_decode(input.data(), input.size(), &callbacks, &seen);
  }
  if (result.status == CBOR_DECODER_NEDATA) {
    return rejected("ends within a value that needs at least " + std::to_string(result.required) +
                    " bytes, " + std::to_string(input.size()) + " are left");
  }
  if (result.status != CBOR_DECODER_FINISHED) {
    return rejected("a reserved or unassigned initial byte " + std::to_string(input[0]));
  }
  if (seen.refusal != nullptr) {
    return rejected(std::string(seen.refusal) + ", which is not accepted here");
  }
  seen.head.size = result.read;
  if (result.read != shortest_head(seen.head) + seen.head.content.size()) {
    return rejected("not the shortest form: deterministic encoding (RFC 8949, 4.2.1) is expected");
  }
  return seen.head;
}

}  // namespace avouch::codec
