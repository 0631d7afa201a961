#pragma once

// OpenSSL objects that free themselves, and the end of the process for calls that cannot fail on
// any input. Private to crypto/.

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace avouch::crypto {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_clear_free>>;
using BignumCtxPtr = std::unique_ptr<BN_CTX, OpensslFree<BN_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;

// For calls whose failure means a broken library or no memory, never a bad input: carrying on
// could give a weak key or a wrong digest.
inline void ensure(bool succeeded, const char* what) {
  if (succeeded) return;
  std::fprintf(stderr, "avouch: OpenSSL failed in %s (error %lu): ending the process\n", what,
               ERR_peek_last_error());
  std::abort();
}

// The newest reason on OpenSSL's error queue, for the end of a message; empties the queue.
inline std::string take_openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

}  // namespace avouch::crypto
