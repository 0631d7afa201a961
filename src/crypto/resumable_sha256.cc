// OpenSSL's SHA256_CTX is the only one of its interfaces whose state can be taken out and put back;
// EVP has none for it. It is deprecated, not removed.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/resumable_sha256.h"

#include <openssl/sha.h>

#include <algorithm>

#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

constexpr std::size_t kBlock = 64;

SHA256_CTX at_block(const std::array<std::uint32_t, 8>& chain, std::uint64_t whole_blocks_bytes) {
  SHA256_CTX context{};
  ensure(SHA256_Init(&context) == 1, "SHA256_Init");
  std::copy(chain.begin(), chain.end(), std::begin(context.h));
  const std::uint64_t bits = whole_blocks_bytes * 8;
  context.Nl = static_cast<SHA_LONG>(bits);
  context.Nh = static_cast<SHA_LONG>(bits >> 32);
  return context;
}

}  // namespace

void ResumableSha256::update(ByteView data) {
  const std::size_t used = size_ % kBlock;
  const std::uint64_t hashed = size_ - used;
  size_ += data.size();
  if (data.size() < kBlock - used) {
    std::copy(data.begin(), data.end(), block_.begin() + static_cast<std::ptrdiff_t>(used));
    return;
  }
  SHA256_CTX context = at_block(chain_, hashed);
  const std::size_t tail = size_ % kBlock;
  const ByteView blocks = data.first(data.size() - tail);
  ensure(SHA256_Update(&context, block_.data(), used) == 1 &&
             SHA256_Update(&context, blocks.data(), blocks.size()) == 1 && context.num == 0,
         "SHA256_Update");
  std::copy(std::begin(context.h), std::end(context.h), chain_.begin());
  block_.fill(0);
  std::copy_n(data.end() - static_cast<std::ptrdiff_t>(tail), tail, block_.begin());
}

Sha256 ResumableSha256::digest_so_far() const {
  const std::size_t used = size_ % kBlock;
  SHA256_CTX context = at_block(chain_, size_ - used);
  Sha256 out{};
  ensure(
      SHA256_Update(&context, block_.data(), used) == 1 && SHA256_Final(out.data(), &context) == 1,
      "SHA256_Final");
  return out;
}

Bytes ResumableSha256::encode() const {
  Bytes out;
  out.reserve(kEncodedSize);
  for (const std::uint32_t word : chain_) append_be32(out, word);
  append_be64(out, size_);
  append(out, ByteView(block_));
  return out;
}

Result<ResumableSha256> ResumableSha256::decode(ByteView encoded) {
  if (encoded.size() != kEncodedSize) {
    return rejected("SHA-256 state of " + std::to_string(encoded.size()) + " bytes: expected " +
                    std::to_string(kEncodedSize));
  }
  ByteReader reader(encoded);
  ResumableSha256 out;
  for (std::uint32_t& word : out.chain_) {
    AVOUCH_TRY(word, reader.be32("SHA-256 chaining value"));
  }
  AVOUCH_TRY(out.size_, reader.be64("SHA-256 size"));
  AVOUCH_TRY(const ByteView block, reader.take(kBlock, "SHA-256 block"));
  std::copy(block.begin(), block.end(), out.block_.begin());
  const auto used = static_cast<std::ptrdiff_t>(out.size_ % kBlock);
  if (out.size_ >= (std::uint64_t{1} << 61) ||
      std::any_of(out.block_.begin() + used, out.block_.end(), [](auto b) { return b != 0; })) {
    return rejected("SHA-256 state: a size of 2^61 or more, or bytes after the last block's");
  }
  return out;
}

}  // namespace avouch::crypto
