// The two ways in which MakeCredential transports its seed: RSA-OAEP and ephemeral ECDH.

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <array>

#include "crypto/key_impl.h"

namespace avouch::crypto {

Result<Bytes> PublicKey::rsa_oaep_encrypt(HashAlgorithm hash, ByteView label,
                                          ByteView plaintext) const {
  if (!is_rsa(type())) return rejected("not an RSA key but " + std::string(key_type_name(type())));
  if (hash == HashAlgorithm::kSha1) {
    return rejected("RSA-OAEP with SHA-1 is not accepted: expected SHA-256, SHA-384 or SHA-512");
  }
  std::string digest(hash_name(hash));
  Bytes label_copy(label.begin(), label.end());
  label_copy.push_back(0);  // never an empty buffer; not part of the label
  std::string padding = OSSL_PKEY_RSA_PAD_MODE_OAEP;
  const std::array params = {
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, padding.data(), 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, label_copy.data(),
                                        label.size()),
      OSSL_PARAM_construct_end()};
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, impl_->key.get(), nullptr));
  ensure(context && EVP_PKEY_encrypt_init_ex(context.get(), params.data()) == 1,
         "EVP_PKEY_encrypt_init_ex");
  std::size_t size = 0;
  ensure(EVP_PKEY_encrypt(context.get(), nullptr, &size, plaintext.data(), plaintext.size()) == 1,
         "EVP_PKEY_encrypt");
  Bytes out(size);
  ERR_clear_error();
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, plaintext.data(), plaintext.size()) != 1) {
    return rejected("RSA-OAEP encryption of " + std::to_string(plaintext.size()) +
                    " bytes: " + take_openssl_reason());
  }
  out.resize(size);
  return out;
}

Result<PublicKey::EphemeralAgreement> PublicKey::ecdh_ephemeral() const {
  AVOUCH_CHECK(ec_point());
  const PrivateKey ephemeral = PrivateKey::generate(type());
  const PkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, ephemeral.impl().key.get(), nullptr));
  ensure(context && EVP_PKEY_derive_init(context.get()) == 1 &&
             EVP_PKEY_derive_set_peer(context.get(), impl_->key.get()) == 1,
         "EVP_PKEY_derive_init");
  Bytes shared(field_size(type()));
  std::size_t size = shared.size();
  ensure(EVP_PKEY_derive(context.get(), shared.data(), &size) == 1 && size == shared.size(),
         "EVP_PKEY_derive");
  AVOUCH_TRY(auto point, ephemeral.public_key().ec_point());
  return EphemeralAgreement{std::move(shared), std::move(point.first), std::move(point.second)};
}

}  // namespace avouch::crypto
