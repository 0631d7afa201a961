#pragma once

// Byte strings, and a bounds-checked reader over them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace avouch {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;  // for parameters; never stored

ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);  // no check of encoding; lives as long as `bytes`
Bytes to_bytes(std::string_view text);

void append(Bytes& out, ByteView more);
void append(Bytes& out, std::string_view more);
void append_u8(Bytes& out, std::uint8_t value);
void append_be16(Bytes& out, std::uint16_t value);
void append_be32(Bytes& out, std::uint32_t value);
void append_be64(Bytes& out, std::uint64_t value);

bool equal(ByteView a, ByteView b);  // not constant time: crypto/ has one that is

// Reads fixed-size integers and byte runs from the front of `input`, which must
// outlive it. Every read past the end is kRejected, names `what` and the offset,
// and consumes nothing.
class ByteReader {
 public:
  explicit ByteReader(ByteView input) : input_(input) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t remaining() const { return input_.size() - offset_; }
  [[nodiscard]] bool at_end() const { return remaining() == 0; }

  Result<std::uint8_t> u8(std::string_view what);
  Result<std::uint16_t> be16(std::string_view what);
  Result<std::uint32_t> be32(std::string_view what);
  Result<std::uint64_t> be64(std::string_view what);
  Result<std::uint16_t> le16(std::string_view what);
  Result<std::uint32_t> le32(std::string_view what);
  Result<std::uint64_t> le64(std::string_view what);
  Result<ByteView> take(std::size_t count, std::string_view what);
  Result<void> expect_end(std::string_view what) const;  // kRejected on trailing bytes

 private:
  ByteView input_;
  std::size_t offset_ = 0;
};

}  // namespace avouch
