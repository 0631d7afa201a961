#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "crypto/keys.h"

namespace avouch::testing {

// RSASSA-PSS with SHA-256 and a salt of that length (or RSA_PSS_SALTLEN_MAX).
inline Bytes sign_pss(const crypto::PrivateKey& key, ByteView message, int salt_length) {
  const std::string pem = key.pem();
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> evp(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* options = nullptr;
  std::size_t size = 1024;
  Bytes out(size);
  const bool ok =
      EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, evp.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt_length) == 1 &&
      EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1;
  if (!ok) throw std::runtime_error("RSASSA-PSS");
  out.resize(size);
  return out;
}

}  // namespace avouch::testing
