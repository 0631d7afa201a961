#pragma once

// PCR values for keeping: a fourth of the memory, and copies share it.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "tpm/types.h"

namespace avouch::tpm {

class PackedPcrs {
 public:
  PackedPcrs() = default;  // no values
  // Throws std::length_error for a value of more than 255 bytes: no hash has so many.
  explicit PackedPcrs(const PcrValues& values);

  PcrValues unpack() const;

  ByteView packed() const { return {bytes_.get(), size_}; }
  // Of what packed() gave. Throws std::invalid_argument where they cannot be that.
  static PackedPcrs of_packed(ByteView packed);

 private:
  // By bank, then index: u8 bank, u8 index, u8 size, value.
  std::shared_ptr<const std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace avouch::tpm
