#include <openssl/rsa.h>

#include "crypto/ecdsa_form.h"
#include "crypto/hash_impl.h"
#include "crypto/key_impl.h"

namespace avouch::crypto {
namespace {

Result<void> check_fit(SignatureScheme scheme, HashAlgorithm hash, KeyType type) {
  const bool fits = scheme == SignatureScheme::kEcdsa     ? is_ec(type)
                    : scheme == SignatureScheme::kEd25519 ? type == KeyType::kEd25519
                                                          : is_rsa(type);
  if (!fits) {
    return rejected("signature scheme does not fit a key of type " +
                    std::string(key_type_name(type)));
  }
  if (scheme != SignatureScheme::kEd25519 && hash == HashAlgorithm::kSha1) {
    return rejected("signatures over SHA-1 are not accepted: expected SHA-256, SHA-384 or SHA-512");
  }
  return {};
}

const EVP_MD* method_for(SignatureScheme scheme, HashAlgorithm hash) {
  return scheme == SignatureScheme::kEd25519 ? nullptr : digest_method(hash);
}

EVP_MD_CTX* fresh_thread_context() {
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  ensure(context != nullptr && EVP_MD_CTX_reset(context.get()) == 1, "EVP_MD_CTX_reset");
  return context.get();
}

void set_padding(EVP_PKEY_CTX* context, SignatureScheme scheme,
                 int salt_length = RSA_PSS_SALTLEN_DIGEST) {
  if (scheme == SignatureScheme::kRsassa) {
    ensure(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1, "RSA padding");
  } else if (scheme == SignatureScheme::kRsapss) {
    ensure(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_length) == 1,
           "RSA-PSS padding");
  }
}

enum class Outcome { kNotSigned, kSigned };

Outcome check_signature(EVP_PKEY* key, SignatureScheme scheme, HashAlgorithm hash, ByteView message,
                        ByteView signature, int salt_length) {
  EVP_MD_CTX* context = fresh_thread_context();
  EVP_PKEY_CTX* options = nullptr;
  ensure(EVP_DigestVerifyInit(context, &options, method_for(scheme, hash), nullptr, key) == 1,
         "EVP_DigestVerifyInit");
  set_padding(options, scheme, salt_length);
  if (EVP_DigestVerify(context, signature.data(), signature.size(), message.data(),
                       message.size()) == 1) {
    return Outcome::kSigned;
  }
  ERR_clear_error();
  return Outcome::kNotSigned;
}

}  // namespace

Result<void> PublicKey::verify(SignatureScheme scheme, HashAlgorithm hash, ByteView message,
                               ByteView signature, PssSalt salt) const {
  AVOUCH_CHECK(check_fit(scheme, hash, type()));
  Bytes der;
  if (scheme == SignatureScheme::kEcdsa) {
    AVOUCH_TRY(der, ecdsa_raw_to_der(signature, field_size(type())));
    signature = der;
  }
  const auto check = [&](int salt_length) {
    return check_signature(impl_->key.get(), scheme, hash, message, signature, salt_length);
  };
  Outcome outcome = check(RSA_PSS_SALTLEN_DIGEST);
  if (outcome != Outcome::kSigned && scheme == SignatureScheme::kRsapss &&
      salt == PssSalt::kDigestLengthOrLargest) {
    outcome = check(RSA_PSS_SALTLEN_MAX);
  }
  if (outcome == Outcome::kSigned) return {};
  return rejected("the signature is not one by this " + std::string(key_type_name(type())) +
                  " key over this message");
}

Result<void> PublicKey::verify_digest(SignatureScheme scheme, HashAlgorithm hash, ByteView digest,
                                      ByteView signature) const {
  AVOUCH_CHECK(check_fit(scheme, hash, type()));
  if (scheme == SignatureScheme::kEd25519) {
    return rejected("Ed25519 signs messages, not digests: expected ECDSA or RSA");
  }
  if (digest.size() != digest_size(hash)) {
    return rejected("digest of " + std::to_string(digest.size()) + " bytes: expected " +
                    std::to_string(digest_size(hash)) + " (" + std::string(hash_name(hash)) + ")");
  }
  Bytes der;
  if (scheme == SignatureScheme::kEcdsa) {
    AVOUCH_TRY(der, ecdsa_raw_to_der(signature, field_size(type())));
    signature = der;
  }
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, impl_->key.get(), nullptr));
  ensure(context != nullptr && EVP_PKEY_verify_init(context.get()) == 1, "EVP_PKEY_verify_init");
  set_padding(context.get(), scheme);
  ensure(EVP_PKEY_CTX_set_signature_md(context.get(), digest_method(hash)) == 1,
         "EVP_PKEY_CTX_set_signature_md");
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(),
                      digest.size()) == 1) {
    return {};
  }
  ERR_clear_error();
  return rejected("the signature is not one by this " + std::string(key_type_name(type())) +
                  " key over this digest");
}

Result<Bytes> ecdsa_signature_from_der(KeyType curve, ByteView der) {
  if (!is_ec(curve)) {
    return rejected(std::string(key_type_name(curve)) + " is not an elliptic curve");
  }
  return ecdsa_der_to_raw(der, field_size(curve));
}

Result<Bytes> ecdsa_signature_to_der(KeyType curve, ByteView raw) {
  if (!is_ec(curve)) {
    return rejected(std::string(key_type_name(curve)) + " is not an elliptic curve");
  }
  return ecdsa_raw_to_der(raw, field_size(curve));
}

Result<Bytes> PrivateKey::sign(SignatureScheme scheme, HashAlgorithm hash, ByteView message) const {
  AVOUCH_CHECK(check_fit(scheme, hash, type()));
  EVP_MD_CTX* context = fresh_thread_context();
  EVP_PKEY_CTX* options = nullptr;
  ensure(EVP_DigestSignInit(context, &options, method_for(scheme, hash), nullptr,
                            impl_->key.get()) == 1,
         "EVP_DigestSignInit");
  set_padding(options, scheme);
  std::size_t size = 0;
  ERR_clear_error();
  if (EVP_DigestSign(context, nullptr, &size, message.data(), message.size()) != 1) {
    return fatal("signing failed: " + take_openssl_reason());
  }
  Bytes signature(size);
  if (EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) != 1) {
    return fatal("signing failed: " + take_openssl_reason());
  }
  signature.resize(size);
  if (scheme == SignatureScheme::kEcdsa) return ecdsa_der_to_raw(signature, field_size(type()));
  return signature;
}

}  // namespace avouch::crypto
