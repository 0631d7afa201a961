#include "crypto/symmetric.h"

#include <array>
#include <limits>

#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

constexpr std::uint8_t kNothing = 0;

const std::uint8_t* never_null(ByteView bytes) { return bytes.empty() ? &kNothing : bytes.data(); }

const char* openssl_digest(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return "SHA1";
    case HashAlgorithm::kSha256:
      return "SHA2-256";
    case HashAlgorithm::kSha384:
      return "SHA2-384";
    case HashAlgorithm::kSha512:
      return "SHA2-512";
  }
  return "";
}

using CipherPtr = std::unique_ptr<EVP_CIPHER, OpensslFree<EVP_CIPHER_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, OpensslFree<EVP_CIPHER_CTX_free>>;

Result<Bytes> aes_cfb(ByteView key, ByteView input, int encrypt) {
  if (key.size() != 16 && key.size() != 32) {
    return rejected("AES key: has " + std::to_string(key.size()) + " bytes, expected 16 or 32");
  }
  if (input.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return rejected("AES-CFB: the message is too long");
  }
  if (input.empty()) return Bytes{};
  const CipherPtr cipher(
      EVP_CIPHER_fetch(nullptr, key.size() == 16 ? "AES-128-CFB" : "AES-256-CFB", nullptr));
  ensure(cipher != nullptr, "EVP_CIPHER_fetch");
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  ensure(context != nullptr, "EVP_CIPHER_CTX_new");
  constexpr std::array<std::uint8_t, 16> kZeroIv{};
  Bytes output(input.size());
  int size = 0;
  int rest = 0;
  ensure(EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), kZeroIv.data(), encrypt,
                            nullptr) == 1 &&
             EVP_CipherUpdate(context.get(), output.data(), &size, input.data(),
                              static_cast<int>(input.size())) == 1 &&
             static_cast<std::size_t>(size) == output.size() &&
             EVP_CipherFinal_ex(context.get(), output.data() + size, &rest) == 1 && rest == 0,
         "AES-CFB");
  return output;
}

}  // namespace

Bytes hmac(HashAlgorithm algorithm, ByteView key, ByteView data) {
  Bytes out(digest_size(algorithm));
  std::size_t size = 0;
  const unsigned char* made =
      EVP_Q_mac(nullptr, "HMAC", nullptr, openssl_digest(algorithm), nullptr, never_null(key),
                key.size(), never_null(data), data.size(), out.data(), out.size(), &size);
  ensure(made != nullptr && size == out.size(), "EVP_Q_mac");
  return out;
}

Result<Bytes> aes_cfb_encrypt(ByteView key, ByteView plaintext) {
  return aes_cfb(key, plaintext, 1);
}

Result<Bytes> aes_cfb_decrypt(ByteView key, ByteView ciphertext) {
  return aes_cfb(key, ciphertext, 0);
}

}  // namespace avouch::crypto
