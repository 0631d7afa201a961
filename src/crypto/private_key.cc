#include <array>

#include "crypto/key_impl.h"
#include "crypto/pem.h"

namespace avouch::crypto {
namespace {

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, OpensslFree<PKCS8_PRIV_KEY_INFO_free>>;

EVP_PKEY* generate_key(KeyType type) {
  switch (type) {
    case KeyType::kEcP256:
    case KeyType::kEcP384:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group_name(type));
    case KeyType::kRsa2048:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
    case KeyType::kRsa3072:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072});
    case KeyType::kRsa4096:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{4096});
    case KeyType::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  return nullptr;
}

Bytes encode_public_half(const EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  ensure(size > 0, "i2d_PUBKEY");
  Bytes out(encoded, encoded + size);
  OPENSSL_free(encoded);
  return out;
}

Result<PrivateKey> with_public_half(PkeyPtr key) {
  AVOUCH_TRY(PublicKey public_key, PublicKey::from_spki_der(encode_public_half(key.get())));
  return PrivateKey(std::make_shared<const PrivateKey::Impl>(
      PrivateKey::Impl{std::move(key), std::move(public_key)}));
}

Result<PkeyPtr> parse_pkcs8(ByteView der) {
  const unsigned char* at = der.data();
  ERR_clear_error();
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (info == nullptr || at != der.data() + der.size()) {
    return rejected("private key is not PKCS#8: " + take_openssl_reason());
  }
  PkeyPtr key(EVP_PKCS82PKEY(info.get()));
  if (key == nullptr) return rejected("private key is not readable: " + take_openssl_reason());
  return key;
}

// The halves belong together, and an EC scalar is in range. The primes of an RSA key are not
// tested.
Result<void> check_halves(EVP_PKEY* key, KeyType type) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  ensure(context != nullptr, "EVP_PKEY_CTX_new_from_pkey");
  const int sound =
      is_ec(type) ? EVP_PKEY_check(context.get()) : EVP_PKEY_pairwise_check(context.get());
  if (sound == 1) return {};
  return rejected(std::string(key_type_name(type)) +
                  " private key is not sound: " + take_openssl_reason());
}

}  // namespace

PrivateKey::PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

PrivateKey PrivateKey::generate(KeyType type) {
  PkeyPtr key(generate_key(type));
  ensure(key != nullptr, "EVP_PKEY_Q_keygen");
  auto made = with_public_half(std::move(key));
  ensure(made.has_value(), "the check of a generated key");
  return std::move(made).value();
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pkcs8_pem) {
  auto der = read_one_pem(pkcs8_pem, "PRIVATE KEY", "private key");
  if (!der.has_value()) {
    const bool has_none = pkcs8_pem.find("PUBLIC KEY-----") != std::string_view::npos ||
                          pkcs8_pem.find("CERTIFICATE-----") != std::string_view::npos;
    return rejected(der.error().message +
                    (has_none ? "; give the file with the private key: nothing else has it"
                              : "; convert with: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW"));
  }
  auto parsed = parse_pkcs8(*der);
  OPENSSL_cleanse(der->data(), der->size());
  AVOUCH_TRY(PkeyPtr key, std::move(parsed));
  AVOUCH_TRY(PrivateKey made, with_public_half(std::move(key)));
  AVOUCH_CHECK(check_halves(made.impl().key.get(), made.type()));
  return made;
}

std::string PrivateKey::pem() const {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(impl_->key.get()));
  unsigned char* encoded = nullptr;
  const int size = info == nullptr ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info.get(), &encoded);
  ensure(size > 0, "i2d_PKCS8_PRIV_KEY_INFO");
  std::string text = write_pem("PRIVATE KEY", {encoded, static_cast<std::size_t>(size)});
  OPENSSL_clear_free(encoded, static_cast<std::size_t>(size));
  return text;
}

PublicKey PrivateKey::public_key() const { return impl_->public_key; }
KeyType PrivateKey::type() const { return impl_->public_key.type(); }

}  // namespace avouch::crypto
