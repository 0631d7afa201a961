#include "tpm/credential.h"

#include "crypto/symmetric.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

// Annex B.10.3 and C.6.3: the label of the secret exchange; its zero byte is part of OAEP's label.
constexpr std::string_view kIdentity = "IDENTITY";
constexpr std::size_t kMaxIdObject = 256;

struct Seed {
  Bytes value;
  Bytes encrypted;  // contents of TPM2B_ENCRYPTED_SECRET
};

unsigned hash_bits(const Public& ek) {
  return static_cast<unsigned>(crypto::digest_size(ek.name_hash) * 8);
}

Result<Seed> rsa_seed(const Public& ek, crypto::Random& random) {
  Seed seed;
  seed.value = crypto::random_bytes(random, crypto::digest_size(ek.name_hash));
  Bytes label = to_bytes(kIdentity);
  append_u8(label, 0);
  AVOUCH_TRY(seed.encrypted, ek.key.rsa_oaep_encrypt(ek.name_hash, label, seed.value));
  return seed;
}

Result<Seed> ecc_seed(const Public& ek) {
  AVOUCH_TRY(const auto agreement, ek.key.ecdh_ephemeral());
  AVOUCH_TRY(const auto ek_point, ek.key.ec_point());
  Seed seed;
  seed.value = kdf_e(ek.name_hash, agreement.shared_x, kIdentity, agreement.ephemeral_x,
                     ek_point.first, hash_bits(ek));
  append(seed.encrypted, to_sized(agreement.ephemeral_x));
  append(seed.encrypted, to_sized(agreement.ephemeral_y));
  return seed;
}

Result<void> check_ek(const Public& ek) {
  if ((ek.attributes & (kRestricted | kDecrypt)) == (kRestricted | kDecrypt) &&
      ek.symmetric_bits != 0) {
    return {};
  }
  return rejected(
      "EK: not a restricted decryption key with AES: expected one of the templates of the TCG EK "
      "Credential Profile");
}

struct Keys {
  Bytes encryption;
  Bytes integrity;
};

Keys derive(const Public& ek, ByteView object_name, ByteView seed) {
  return {kdf_a(ek.name_hash, seed, "STORAGE", object_name, {}, ek.symmetric_bits),
          kdf_a(ek.name_hash, seed, "INTEGRITY", {}, {}, hash_bits(ek))};
}

Bytes outer_hmac(const Public& ek, const Keys& keys, ByteView encrypted, ByteView object_name) {
  Bytes covered(encrypted.begin(), encrypted.end());
  append(covered, object_name);
  return crypto::hmac(ek.name_hash, keys.integrity, covered);
}

}  // namespace

Result<Credential> make_credential(const Public& ek, ByteView object_name, ByteView secret,
                                   crypto::Random& random) {
  AVOUCH_CHECK(check_ek(ek));
  if (secret.empty() || secret.size() > crypto::digest_size(ek.name_hash)) {
    return rejected("credential: a secret of " + std::to_string(secret.size()) +
                    " bytes, expected 1 to " + std::to_string(crypto::digest_size(ek.name_hash)));
  }
  const bool is_ecc =
      ek.key.type() == crypto::KeyType::kEcP256 || ek.key.type() == crypto::KeyType::kEcP384;
  AVOUCH_TRY(const Seed seed, is_ecc ? ecc_seed(ek) : rsa_seed(ek, random));
  const Keys keys = derive(ek, object_name, seed.value);
  AVOUCH_TRY(const Bytes encrypted, crypto::aes_cfb_encrypt(keys.encryption, to_sized(secret)));
  Bytes id_object = to_sized(outer_hmac(ek, keys, encrypted, object_name));
  append(id_object, encrypted);
  return Credential{to_sized(id_object), to_sized(seed.encrypted)};
}

Result<Bytes> open_credential(const Public& ek, ByteView object_name, ByteView seed,
                              ByteView tpm2b_id_object) {
  AVOUCH_CHECK(check_ek(ek));
  AVOUCH_TRY(const Bytes id_object, parse_sized(tpm2b_id_object, kMaxIdObject));
  ByteReader reader(id_object);
  AVOUCH_TRY(const std::uint16_t hmac_size, reader.be16("integrity size"));
  AVOUCH_TRY(const ByteView hmac, reader.take(hmac_size, "integrity"));
  AVOUCH_TRY(const ByteView encrypted, reader.take(reader.remaining(), "identity"));
  const Keys keys = derive(ek, object_name, seed);
  if (!crypto::constant_time_equal(hmac, outer_hmac(ek, keys, encrypted, object_name))) {
    return rejected("credential: not made for this key and object (integrity value differs)");
  }
  AVOUCH_TRY(const Bytes sized, crypto::aes_cfb_decrypt(keys.encryption, encrypted));
  return parse_sized(sized, crypto::digest_size(ek.name_hash));
}

}  // namespace avouch::tpm
