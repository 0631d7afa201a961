#pragma once

// Bytes that are kept outside the heap for as long as this process lives. The store promises
// nothing about what comes back: ColdItem (cold_item.h) takes nothing but what it put.

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::control {

// Seam. Thread-safe.
class ColdStore {
 public:
  // Where something is kept; only its store knows what that means.
  struct Place {
    std::uint64_t at = 0;
    std::uint32_t size = 0;
  };

  virtual ~ColdStore() = default;

  // Keeps a copy. Whatever the error is, nothing is kept, and the caller still has its bytes.
  virtual Result<Place> put(ByteView bytes) = 0;
  // `place.size` bytes. kRetryable: could not be read, or not all of them.
  virtual Result<Bytes> get(const Place& place) = 0;
  // Once for each put().
  virtual void drop(const Place& place) noexcept = 0;
};

}  // namespace avouch::control
