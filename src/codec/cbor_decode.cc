#include <algorithm>

#include "codec/cbor.h"
#include "codec/cbor_head.h"
#include "codec/utf8.h"

namespace avouch::codec {
namespace {

using Kind = CborHead::Kind;

// A container whose elements are being read. A map counts keys and values.
struct Open {
  CborHead head;
  std::uint64_t missing = 0;
  Cbor::Array elements;
  std::size_t element_start = 0;
  ByteView last_key;
};

class Decoder {
 public:
  Decoder(ByteView input, const CborLimits& limits) : input_(input), limits_(limits) {}

  Result<Cbor> run() {
    if (input_.size() > limits_.bytes) {
      return rejected("CBOR of " + std::to_string(input_.size()) + " bytes: at most " +
                      std::to_string(limits_.bytes) + " are accepted");
    }
    auto value = read_value();
    if (!value.has_value()) {
      return with_context(std::move(value).error(), "CBOR offset " + std::to_string(offset_));
    }
    if (offset_ != input_.size()) {
      return rejected("CBOR offset " + std::to_string(offset_) + ": " +
                      std::to_string(input_.size() - offset_) + " trailing bytes");
    }
    return value;
  }

 private:
  Result<Cbor> read_value() {
    while (true) {
      AVOUCH_TRY(const CborHead head, read_cbor_head(input_.subspan(offset_)));
      if (++items_ > limits_.items) {
        return rejected("more than " + std::to_string(limits_.items) + " values");
      }
      if (head.kind == Kind::kArray || head.kind == Kind::kMap || head.kind == Kind::kTag) {
        AVOUCH_CHECK(open(head));
      } else {
        AVOUCH_TRY(Cbor leaf, make_leaf(head));
        offset_ += head.size;
        AVOUCH_CHECK(add(std::move(leaf)));
      }
      AVOUCH_CHECK(close_what_is_full());
      if (open_.empty()) return std::move(root_);
    }
  }

  static Result<Cbor> make_leaf(const CborHead& head) {
    constexpr auto kLargest = static_cast<std::uint64_t>(INT64_MAX);
    const bool is_number = head.kind == Kind::kUnsigned || head.kind == Kind::kNegative;
    if (is_number && head.argument > kLargest) {
      return rejected("an integer that does not fit 64 bits with sign");
    }
    const auto number = static_cast<std::int64_t>(head.argument);
    if (head.kind == Kind::kUnsigned) return Cbor::integer(number);
    if (head.kind == Kind::kNegative) return Cbor::integer(-1 - number);
    if (head.kind == Kind::kBoolean) return Cbor::boolean(head.argument != 0);
    if (head.kind == Kind::kBytes) return Cbor::bytes(head.content);
    if (head.kind == Kind::kNull) return Cbor();
    const std::string_view text = as_text(head.content);
    if (!is_utf8(text)) return rejected("a text that is not valid UTF-8");
    return Cbor::text(text);
  }

  Result<void> open(const CborHead& head) {
    if (open_.size() >= limits_.depth) {
      return rejected("nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    const std::uint64_t left = input_.size() - offset_ - head.size;
    const std::uint64_t size_of_each = head.kind == Kind::kMap ? 2 : 1;
    if (head.kind != Kind::kTag && head.argument > left / size_of_each) {
      return rejected("claims " + std::to_string(head.argument) + " elements, only " +
                      std::to_string(left) + " bytes are left");
    }
    offset_ += head.size;
    const std::uint64_t missing = head.kind == Kind::kTag ? 1 : head.argument * size_of_each;
    open_.push_back({head, missing, {}, offset_, {}});
    return {};
  }

  Result<void> add(Cbor value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return {};
    }
    Open& parent = open_.back();
    const bool is_key = parent.head.kind == Kind::kMap && parent.missing % 2 == 0;
    if (is_key) AVOUCH_CHECK(check_order(parent));
    parent.elements.push_back(std::move(value));
    parent.element_start = offset_;
    --parent.missing;
    return {};
  }

  // The input is deterministic so far, so a key's bytes are its encoding.
  Result<void> check_order(Open& map) {
    const ByteView key = input_.subspan(map.element_start, offset_ - map.element_start);
    const bool ascending = map.last_key.empty() ||
                           std::lexicographical_compare(map.last_key.begin(), map.last_key.end(),
                                                        key.begin(), key.end());
    if (!ascending) return rejected("a map with a key that is repeated or out of order");
    map.last_key = key;
    return {};
  }

  Result<void> close_what_is_full() {
    while (!open_.empty() && open_.back().missing == 0) {
      Open full = std::move(open_.back());
      open_.pop_back();
      AVOUCH_CHECK(add(assemble(std::move(full))));
    }
    return {};
  }

  static Cbor assemble(Open full) {
    if (full.head.kind == Kind::kArray) return Cbor::array(std::move(full.elements));
    if (full.head.kind == Kind::kTag) {
      return Cbor::tagged(full.head.argument, std::move(full.elements.front()));
    }
    Cbor::Map map;
    map.reserve(full.elements.size() / 2);
    for (std::size_t i = 0; i + 1 < full.elements.size(); i += 2) {
      map.emplace_back(std::move(full.elements[i]), std::move(full.elements[i + 1]));
    }
    return Cbor::map(std::move(map));
  }

  ByteView input_;
  const CborLimits& limits_;
  std::size_t offset_ = 0;
  std::size_t items_ = 0;
  std::vector<Open> open_;
  Cbor root_;
};

}  // namespace

Result<Cbor> parse_cbor(ByteView input, const CborLimits& limits) {
  return Decoder(input, limits).run();
}

}  // namespace avouch::codec
