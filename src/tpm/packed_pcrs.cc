#include "tpm/packed_pcrs.h"

#include <algorithm>
#include <stdexcept>

namespace avouch::tpm {
namespace {

constexpr std::size_t kHead = 3;
constexpr std::size_t kMostValueBytes = 255;

}  // namespace

PackedPcrs::PackedPcrs(const PcrValues& values) {
  for (const auto& [id, value] : values) {
    if (value.size() > kMostValueBytes) throw std::length_error("a PCR value of over 255 bytes");
    size_ += kHead + value.size();
  }
  const auto bytes = std::make_shared<std::uint8_t[]>(size_);
  std::uint8_t* out = bytes.get();
  for (const auto& [id, value] : values) {
    *out++ = static_cast<std::uint8_t>(id.bank);
    *out++ = id.index;
    *out++ = static_cast<std::uint8_t>(value.size());
    out = std::copy(value.begin(), value.end(), out);
  }
  bytes_ = bytes;
}

PackedPcrs PackedPcrs::of_packed(ByteView packed) {
  for (ByteView rest = packed; !rest.empty(); rest = rest.subspan(kHead + rest[2])) {
    if (rest.size() < kHead || rest.size() - kHead < rest[2] ||
        rest[0] > static_cast<std::uint8_t>(crypto::HashAlgorithm::kSha512)) {
      throw std::invalid_argument("these are no packed PCR values");
    }
  }
  PackedPcrs out;
  out.size_ = packed.size();
  const auto bytes = std::make_shared<std::uint8_t[]>(out.size_);
  std::copy(packed.begin(), packed.end(), bytes.get());
  out.bytes_ = bytes;
  return out;
}

PcrValues PackedPcrs::unpack() const {
  PcrValues out;
  ByteView rest(bytes_.get(), size_);
  while (!rest.empty()) {
    const PcrId id{static_cast<crypto::HashAlgorithm>(rest[0]), rest[1]};
    const ByteView value = rest.subspan(kHead, rest[2]);
    out.emplace_hint(out.end(), id, Bytes(value.begin(), value.end()));
    rest = rest.subspan(kHead + value.size());
  }
  return out;
}

}  // namespace avouch::tpm
