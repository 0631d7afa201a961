#pragma once

// What files take of a volume: many small ones take far more than their bytes.

#include <cstdint>

namespace avouch::adapters {

inline constexpr std::uint64_t kDiskBlock = 4096;

// Of a file of `bytes`, in whole blocks; an empty one takes none.
constexpr std::uint64_t on_disk(std::uint64_t bytes) {
  return (bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
}

}  // namespace avouch::adapters
