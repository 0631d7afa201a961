#pragma once

// Seam: the kernel's measurement logs on this node.

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::collect {

inline constexpr std::size_t kMaxBootLogBytes =
    16 * 1024 * 1024;                                        // what the controller's intake takes
inline constexpr std::size_t kRuntimeLogPiece = 384 * 1024;  // one upload; more than one entry

// One owner thread.
class LogSource {
 public:
  virtual ~LogSource() = default;

  // binary_bios_measurements, whole; nothing where the node has none. kRejected over
  // kMaxBootLogBytes.
  virtual Result<std::optional<Bytes>> boot_log() = 0;

  // Up to `max` bytes of binary_runtime_measurements from `offset` on; empty at the end. Nothing
  // where the node has none.
  virtual Result<std::optional<Bytes>> runtime_log(std::uint64_t offset, std::size_t max) = 0;
};

}  // namespace avouch::collect
