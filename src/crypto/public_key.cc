#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <array>

#include "crypto/ed25519_point.h"
#include "crypto/key_impl.h"
#include "crypto/pem.h"
#include "crypto/roca.h"
#include "crypto/spki.h"

namespace avouch::crypto {
namespace {

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslFree<OSSL_PARAM_BLD_free>>;
using X509PubkeyPtr = std::unique_ptr<X509_PUBKEY, OpensslFree<X509_PUBKEY_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslFree<OSSL_PARAM_free>>;

constexpr std::size_t kMaxSpki = 2048;
constexpr std::size_t kMaxInList = 64;

// Out of what was given in its place: a PEM text, or the label of a block.
std::string way_to_public_key(std::string_view given) {
  if (given.find("PRIVATE KEY") != std::string_view::npos) {
    return "; its public half: openssl pkey -in OLD -pubout -out NEW";
  }
  if (given.find("CERTIFICATE") != std::string_view::npos) {
    return "; its public key: openssl x509 -in OLD -noout -pubkey >NEW";
  }
  return "";
}

Result<PkeyPtr> key_from_params(const char* algorithm, OSSL_PARAM_BLD* builder,
                                const std::string& what) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  ensure(params && context && EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
  EVP_PKEY* made = nullptr;
  ERR_clear_error();
  if (EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return rejected(what + ": " + take_openssl_reason());
  }
  return PkeyPtr(made);
}

PublicKey assemble(PkeyPtr key, KeyType type, Bytes spki) {
  return PublicKey(std::make_shared<const PublicKey::Impl>(
      PublicKey::Impl{std::move(key), type, std::move(spki)}));
}

// A full test (EVP_PKEY_public_check) would search for primality, 6 ms for 2048 bits and 30 ms for
// 4096: too dear for input that anyone may send, and no defence, as a maker of an unsound modulus
// weakens a key of its own only.
Result<KeyType> check_rsa(const BIGNUM* modulus, std::uint32_t exponent) {
  if (exponent < 65537 || exponent % 2 == 0) {
    return rejected("RSA exponent " + std::to_string(exponent) +
                    ": expected an odd one of at least 65537 (a TPM writes 65537 as 0)");
  }
  const int bits = BN_num_bits(modulus);
  if (bits != 2048 && bits != 3072 && bits != 4096) {
    return rejected("RSA key of " + std::to_string(bits) + " bits: expected 2048, 3072 or 4096");
  }
  if (!BN_is_odd(modulus)) return rejected("RSA modulus is even");
  for (BN_ULONG divisor = 3; divisor < 500; divisor += 2) {
    if (BN_mod_word(modulus, divisor) == 0) {
      return rejected("RSA modulus is divisible by " + std::to_string(divisor));
    }
  }
  if (has_roca_fingerprint(modulus)) {
    return rejected(
        "RSA modulus has the fingerprint of CVE-2017-15361 (ROCA): its private key can be "
        "computed; update the TPM's firmware and make a new key");
  }
  return bits == 2048 ? KeyType::kRsa2048 : bits == 3072 ? KeyType::kRsa3072 : KeyType::kRsa4096;
}

// The cofactor of both curves is 1, so a point on the curve other than infinity is of full order.
Result<void> check_ec(EVP_PKEY* key, KeyType curve) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  ensure(context != nullptr, "EVP_PKEY_CTX_new_from_pkey");
  ERR_clear_error();
  if (EVP_PKEY_public_check_quick(context.get()) == 1) return {};
  return rejected(std::string(key_type_name(curve)) +
                  " public key is not sound: " + take_openssl_reason());
}

Result<Bytes> padded(ByteView coordinate, std::size_t size, const char* name) {
  if (coordinate.empty() || coordinate.size() > size) {
    return rejected("EC point: " + std::string(name) + " has " + std::to_string(coordinate.size()) +
                    " bytes, expected 1 to " + std::to_string(size));
  }
  Bytes out(size - coordinate.size(), 0);
  append(out, coordinate);
  return out;
}

// Says what a SubjectPublicKeyInfo of no listed kind is instead.
Error unlisted(ByteView der) {
  const std::string expected =
      ": expected EC P-256 or P-384 (named curve, uncompressed point), RSA (rsaEncryption, "
      "exponent "
      "below 2^32) or Ed25519, in DER without trailing bytes";
  const unsigned char* at = der.data();
  ERR_clear_error();
  const PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (key == nullptr) {
    return rejected("public key is not readable (" + take_openssl_reason() + ")" + expected);
  }
  if (at != der.data() + der.size()) return rejected("public key has trailing bytes" + expected);
  const char* name = EVP_PKEY_get0_type_name(key.get());
  std::array<char, 64> group{};
  const bool has_group =
      EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) == 1;
  ERR_clear_error();
  return rejected("public key of kind " + std::string(name == nullptr ? "unknown" : name) +
                  (has_group ? " " + std::string(group.data()) : "") + " in this form" + expected);
}

}  // namespace

std::string_view key_type_name(KeyType type) {
  constexpr std::array<std::string_view, 6> kNames = {"EC P-256", "EC P-384", "RSA-2048",
                                                      "RSA-3072", "RSA-4096", "Ed25519"};
  return kNames.at(static_cast<std::size_t>(type));
}

const char* group_name(KeyType type) { return type == KeyType::kEcP256 ? "P-256" : "P-384"; }

PublicKey::PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<PublicKey> PublicKey::from_spki_der(ByteView der) {
  if (der.size() > kMaxSpki) {
    return rejected("public key of " + std::to_string(der.size()) + " bytes, at most " +
                    std::to_string(kMaxSpki) + " are accepted");
  }
  if (const auto point = ec_of_spki(der)) return ec_from_point(point->curve, point->x, point->y);
  if (const auto rsa = rsa_of_spki(der)) return rsa_from_modulus(rsa->modulus, rsa->exponent);
  if (const auto raw = ed25519_of_spki(der)) return ed25519_from_raw(*raw);
  return unlisted(der);
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const auto der = read_one_pem(pem, "PUBLIC KEY", "public key");
  if (!der.has_value()) return rejected(der.error().message + way_to_public_key(pem));
  return from_spki_der(*der);
}

Result<std::vector<PublicKey>> PublicKey::list_from_pem(std::string_view pem) {
  AVOUCH_TRY(const std::vector<PemBlock> blocks, read_pem(pem, kMaxInList, "public keys"));
  std::vector<PublicKey> out;
  out.reserve(blocks.size());
  for (const PemBlock& block : blocks) {
    const std::string where = "PEM block " + std::to_string(out.size() + 1);
    if (block.label != "PUBLIC KEY") {
      return rejected(where + ": found \"BEGIN " + block.label.substr(0, 40) +
                      "\", expected \"BEGIN PUBLIC KEY\"" + way_to_public_key(block.label));
    }
    auto key = from_spki_der(block.der);
    if (!key.has_value()) return with_context(std::move(key).error(), where);
    out.push_back(std::move(key).value());
  }
  return out;
}

Result<PublicKey> PublicKey::ec_from_point(KeyType curve, ByteView x, ByteView y) {
  if (!is_ec(curve)) {
    return rejected(std::string(key_type_name(curve)) + " is not an elliptic curve");
  }
  AVOUCH_TRY(const Bytes padded_x, padded(x, field_size(curve), "x"));
  AVOUCH_TRY(const Bytes padded_y, padded(y, field_size(curve), "y"));
  Bytes point = {4};  // uncompressed
  append(point, padded_x);
  append(point, padded_y);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  ensure(builder &&
             OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                             group_name(curve), 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                              point.size()) == 1,
         "OSSL_PARAM_BLD_push");
  AVOUCH_TRY(PkeyPtr key, key_from_params("EC", builder.get(),
                                          "not a point on " + std::string(group_name(curve))));
  AVOUCH_CHECK(check_ec(key.get(), curve));
  return assemble(std::move(key), curve, ec_spki(curve, padded_x, padded_y));
}

Result<PublicKey> PublicKey::rsa_from_modulus(ByteView modulus, std::uint32_t exponent) {
  if (modulus.size() > 512) {
    return rejected("RSA modulus of " + std::to_string(modulus.size()) +
                    " bytes, at most 512 are accepted");
  }
  const BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const BignumPtr e(BN_new());
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  ensure(n && e && builder && BN_set_word(e.get(), exponent) == 1, "BN_bin2bn");
  AVOUCH_TRY(const KeyType type, check_rsa(n.get(), exponent));
  ensure(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
             OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
         "OSSL_PARAM_BLD_push");
  AVOUCH_TRY(PkeyPtr key, key_from_params("RSA", builder.get(), "not an RSA public key"));
  return assemble(std::move(key), type, rsa_spki(modulus, exponent));
}

Result<PublicKey> PublicKey::ed25519_from_raw(ByteView raw32) {
  AVOUCH_CHECK(check_ed25519_point(raw32));
  PkeyPtr key(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, raw32.data(), raw32.size()));
  ensure(key != nullptr, "EVP_PKEY_new_raw_public_key_ex");
  return assemble(std::move(key), KeyType::kEd25519, ed25519_spki(raw32));
}

KeyType PublicKey::type() const { return impl_->type; }
Bytes PublicKey::spki_der() const { return impl_->spki; }
std::string PublicKey::pem() const { return write_pem("PUBLIC KEY", impl_->spki); }

Result<Bytes> PublicKey::ed25519_raw() const {
  if (type() != KeyType::kEd25519) {
    return rejected("not an Ed25519 key but " + std::string(key_type_name(type())));
  }
  return Bytes(impl_->spki.end() - 32, impl_->spki.end());
}

Result<std::pair<Bytes, Bytes>> PublicKey::ec_point() const {
  if (!is_ec(type())) return rejected("not an EC key but " + std::string(key_type_name(type())));
  const auto size = static_cast<std::ptrdiff_t>(field_size(type()));
  const auto end = impl_->spki.end();
  return std::pair(Bytes(end - 2 * size, end - size), Bytes(end - size, end));
}

Bytes PublicKey::key_identifier() const {
  const unsigned char* at = impl_->spki.data();
  const X509PubkeyPtr key(d2i_X509_PUBKEY(nullptr, &at, static_cast<long>(impl_->spki.size())));
  const unsigned char* bits = nullptr;
  int size = 0;
  ensure(key != nullptr && X509_PUBKEY_get0_param(nullptr, &bits, &size, nullptr, key.get()) == 1,
         "X509_PUBKEY_get0_param");
  return hash(HashAlgorithm::kSha1, {bits, static_cast<std::size_t>(size)});
}

bool PublicKey::operator==(const PublicKey& other) const {
  return impl_->spki == other.impl_->spki;
}

}  // namespace avouch::crypto
