#pragma once

// SHA-256 whose unfinished state is a value: kept with a record, it goes on after a restart.

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::crypto {

class ResumableSha256 {
 public:
  void update(ByteView data);
  Sha256 digest_so_far() const;
  std::uint64_t size() const { return size_; }  // bytes so far

  // kEncodedSize bytes: the chaining value, the size (u64 big-endian), and the last block's bytes
  // so far, then zeros.
  static constexpr std::size_t kEncodedSize = 32 + 8 + 64;
  Bytes encode() const;
  // kRejected: another length, a size of 2^61 bytes or more, or other bytes than zeros after the
  // last block's. Any chaining value is taken: it cannot be checked.
  static Result<ResumableSha256> decode(ByteView encoded);

  bool operator==(const ResumableSha256&) const = default;

 private:
  std::array<std::uint32_t, 8> chain_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::uint64_t size_ = 0;
  std::array<std::uint8_t, 64> block_{};  // size_ % 64 bytes, then zeros
};

}  // namespace avouch::crypto
