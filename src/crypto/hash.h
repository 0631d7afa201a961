#pragma once

// Digests and keyed digests (OpenSSL).

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::crypto {

enum class HashAlgorithm : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };

std::size_t digest_size(HashAlgorithm algorithm);
std::string_view hash_name(HashAlgorithm algorithm);  // "sha1", "sha256", "sha384", "sha512"
Result<HashAlgorithm> parse_hash_name(std::string_view name);  // exactly those four

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(ByteView data);
Sha256 sha256(std::string_view data);
Sha256 sha256_of_two(std::uint8_t prefix, ByteView left,
                     ByteView right);  // prefix || left || right
Bytes hash(HashAlgorithm algorithm, ByteView data);
// The digest of the parts in order, into the first digest_size(algorithm) bytes of `out`, which may
// overlap them.
void hash_into(HashAlgorithm algorithm, std::initializer_list<ByteView> parts,
               std::span<std::uint8_t> out);

// Streaming. One owner; not thread-safe. finish() resets it for a new message.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(ByteView data);
  Bytes finish();
  Bytes digest_so_far() const;  // without ending the message

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 hmac_sha256(ByteView key, ByteView data);

// Equal length and equal bytes, in time that depends on the length only.
bool constant_time_equal(ByteView a, ByteView b);

}  // namespace avouch::crypto
