#include "crypto/keys.h"

#include <gtest/gtest.h>

#include "crypto/pem.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

constexpr KeyType kEveryType[] = {KeyType::kEcP256,  KeyType::kEcP384,  KeyType::kRsa2048,
                                  KeyType::kRsa3072, KeyType::kRsa4096, KeyType::kEd25519};

const char* const kP256X = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";
const char* const kP256Y = "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299";

template <typename T>
std::string message_of(const Result<T>& result) {
  return result.has_value() ? "accepted" : result.error().message;
}

TEST(PublicKey, RoundTripsThroughEveryForm) {
  for (const KeyType type : kEveryType) {
    const PrivateKey& made = test_key(type);
    const PublicKey key = made.public_key();
    EXPECT_EQ(key.type(), type);
    EXPECT_EQ(made.type(), type);
    EXPECT_TRUE(PublicKey::from_spki_der(key.spki_der()).value() == key) << key_type_name(type);
    EXPECT_TRUE(PublicKey::from_pem(key.pem()).value() == key) << key_type_name(type);
    const auto again = PrivateKey::from_pem(made.pem());
    ASSERT_TRUE(again.has_value()) << key_type_name(type) << ": " << message_of(again);
    EXPECT_TRUE(again->public_key() == key);
  }
}

// `openssl pkey -pubin` wrote this one from the key of RFC 8410, 10.3.
TEST(PublicKey, ReadsTheKeyOfRfc8410) {
  const auto key = PublicKey::from_pem(
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_TRUE(key.has_value()) << message_of(key);
  EXPECT_EQ(to_hex(key->ed25519_raw().value()),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
}

TEST(PublicKey, EqualsItselfOnly) {
  for (const KeyType type : kEveryType) {
    for (const KeyType other : kEveryType) {
      EXPECT_EQ(test_key(type).public_key() == test_key(other).public_key(), type == other);
    }
  }
  EXPECT_FALSE(PrivateKey::generate(KeyType::kEcP256).public_key() ==
               test_key(KeyType::kEcP256).public_key());
}

TEST(PublicKey, RefusesEveryTruncationAndTrailingByte) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048, KeyType::kEd25519}) {
    Bytes der = test_key(type).public_key().spki_der();
    for (std::size_t size = 0; size < der.size(); ++size) {
      EXPECT_FALSE(PublicKey::from_spki_der(ByteView(der).first(size)).has_value()) << size;
    }
    der.push_back(0);
    EXPECT_FALSE(PublicKey::from_spki_der(der).has_value());
  }
}

// A flipped bit is refused or gives another key, never the same one in another encoding.
TEST(PublicKey, HasOneEncodingOnly) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kRsa2048, KeyType::kEd25519}) {
    const PublicKey key = test_key(type).public_key();
    for (std::size_t bit = 0; bit < key.spki_der().size() * 8; ++bit) {
      Bytes der = key.spki_der();
      der[bit / 8] = static_cast<std::uint8_t>(der[bit / 8] ^ 1U << bit % 8);
      const auto other = PublicKey::from_spki_der(der);
      if (!other.has_value()) continue;
      EXPECT_EQ(other->spki_der(), der) << bit;
      EXPECT_FALSE(*other == key) << bit;
    }
  }
}

TEST(PublicKey, RefusesOtherKindsAndFormsAndNamesThem) {
  struct Case {
    const char *name, *der, *expected;
  };
  const Case cases[] = {
      {"secp256k1",
       "3056301006072a8648ce3d020106052b8104000a03420004"
       "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
       "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
       "secp256k1"},
      {"P-256, compressed point",
       "3039301306072a8648ce3d020106082a8648ce3d030107032200"
       "0260fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
       "uncompressed"},
      {"X25519",
       "302a300506032b656e032100de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
       "X25519"},
      {"empty", "", "not readable"},
      {"a sequence of nothing", "3000", "not readable"},
  };
  for (const Case& one : cases) {
    const auto key = PublicKey::from_spki_der(unhex(one.der));
    ASSERT_FALSE(key.has_value()) << one.name;
    EXPECT_EQ(key.error().kind, ErrorKind::kRejected);
    EXPECT_NE(key.error().message.find(one.expected), std::string::npos)
        << one.name << ": " << key.error().message;
  }
  EXPECT_FALSE(PublicKey::from_spki_der(Bytes(1 << 20, 0x30)).has_value());
}

TEST(EcPoint, MayLackLeadingZeros) {
  for (int i = 0; i < 5000; ++i) {
    const PublicKey key = PrivateKey::generate(KeyType::kEcP256).public_key();
    const auto [x, y] = key.ec_point().value();
    if (x[0] != 0) continue;
    const auto shorter = PublicKey::ec_from_point(KeyType::kEcP256, ByteView(x).subspan(1), y);
    ASSERT_TRUE(shorter.has_value()) << message_of(shorter);
    EXPECT_TRUE(*shorter == key);
    EXPECT_EQ(shorter->ec_point()->first.size(), 32U);
    return;
  }
  FAIL() << "no key with a short x among 5000";
}

TEST(EcPoint, IsRefusedOffTheCurve) {
  const Bytes x = unhex(kP256X);
  const Bytes y = unhex(kP256Y);
  ASSERT_TRUE(PublicKey::ec_from_point(KeyType::kEcP256, x, y).has_value());
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Bytes wrong = y;
    wrong[bit / 8] = static_cast<std::uint8_t>(wrong[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(PublicKey::ec_from_point(KeyType::kEcP256, x, wrong).has_value()) << bit;
  }
}

TEST(EcPoint, IsRefusedOutOfRangeOrOfAnotherCurve) {
  const Bytes x = unhex(kP256X);
  const Bytes y = unhex(kP256Y);
  const Bytes zero(32, 0);
  const Bytes prime = unhex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
  Bytes longer = {0};
  append(longer, x);
  const auto is_accepted = [](KeyType curve, ByteView a, ByteView b) {
    return PublicKey::ec_from_point(curve, a, b).has_value();
  };
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, zero, zero));
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, prime, y));
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, x, prime));
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, {}, y));
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, x, {}));
  EXPECT_FALSE(is_accepted(KeyType::kEcP256, longer, y));
  EXPECT_FALSE(is_accepted(KeyType::kEcP384, x, y));
  EXPECT_FALSE(is_accepted(KeyType::kEd25519, x, y));
  EXPECT_FALSE(is_accepted(KeyType::kRsa2048, x, y));
}

// x = 0 is on P-256 and written with one byte: the square root of the curve's b is its y.
TEST(EcPoint, MayHaveAnXOfZero) {
  const Bytes y = unhex("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
  EXPECT_TRUE(PublicKey::ec_from_point(KeyType::kEcP256, Bytes{0}, y).has_value());
}

TEST(Ed25519Key, IsRefusedWithALowOrder) {
  // Every encoding of a point of order 1, 2, 4 or 8, the non-canonical ones too.
  const char* const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  };
  for (const char* const point : points) {
    EXPECT_FALSE(PublicKey::ed25519_from_raw(unhex(point)).has_value()) << point;
  }
}

TEST(Ed25519Key, IsRefusedOffTheCurveOrNotCanonical) {
  // Of y = 2 to 9, these are on the curve: computed from its equation.
  for (int y = 2; y <= 9; ++y) {
    Bytes raw(32, 0);
    raw[0] = static_cast<std::uint8_t>(y);
    const bool is_on_curve = y == 3 || y == 4 || y == 5 || y == 6 || y == 9;
    EXPECT_EQ(PublicKey::ed25519_from_raw(raw).has_value(), is_on_curve) << y;
  }
  // 3 + p, 2^255 - 1 and the rest up to it are other names of small numbers.
  for (int low = 0xed; low <= 0xff; ++low) {
    Bytes raw(32, 0xff);
    raw[0] = static_cast<std::uint8_t>(low);
    raw[31] = 0x7f;
    EXPECT_FALSE(PublicKey::ed25519_from_raw(raw).has_value()) << low;
  }
  for (std::size_t size = 0; size < 64; ++size) {
    EXPECT_EQ(PublicKey::ed25519_from_raw(Bytes(size, 3)).has_value(), size == 32) << size;
  }
}

TEST(RsaKey, IsRefusedWithTheRocaFingerprint) {
  const auto vectors = read_hex_vectors("crypto/rsa.txt");
  for (const std::string name : {"roca2048", "roca3072", "roca4096"}) {
    const auto key = PublicKey::rsa_from_modulus(vectors.at(name + ".modulus"), 65537);
    EXPECT_NE(message_of(key).find("CVE-2017-15361"), std::string::npos) << message_of(key);
  }
  for (const std::string name : {"rsa2048", "rsa3072", "rsa4096"}) {
    EXPECT_TRUE(PublicKey::rsa_from_modulus(vectors.at(name + ".modulus"), 65537).has_value());
  }
}

TEST(RsaKey, IsRefusedWithAnotherSizeOrAnUnsoundNumber) {
  const auto vectors = read_hex_vectors("crypto/rsa.txt");
  const Bytes& sound = vectors.at("rsa2048.modulus");
  const auto why = [](const Bytes& modulus, std::uint32_t exponent) {
    return message_of(PublicKey::rsa_from_modulus(modulus, exponent));
  };
  EXPECT_EQ(why(sound, 65537), "accepted");
  EXPECT_EQ(why(sound, 65539), "accepted");
  EXPECT_EQ(why(sound, 0xffffffff), "accepted");
  for (const std::uint32_t exponent : {0U, 1U, 3U, 17U, 65535U, 65536U, 65538U, 0xfffffffeU}) {
    EXPECT_NE(why(sound, exponent).find("exponent"), std::string::npos) << exponent;
  }
  EXPECT_NE(why(vectors.at("rsa1024.modulus"), 65537).find("1024 bits"), std::string::npos);
  EXPECT_NE(why(vectors.at("rsa2056.modulus"), 65537).find("2056 bits"), std::string::npos);
  EXPECT_NE(why({}, 65537).find("0 bits"), std::string::npos);
  EXPECT_NE(why(Bytes(513, 0xff), 65537).find("513 bytes"), std::string::npos);
  EXPECT_NE(why(Bytes(256, 0xff), 65537).find("divisible by 3"), std::string::npos);
  Bytes even = sound;
  even.back() &= 0xfe;
  EXPECT_NE(why(even, 65537).find("even"), std::string::npos);
  Bytes padded = {0};
  append(padded, sound);
  EXPECT_TRUE(PublicKey::rsa_from_modulus(padded, 65537).value() ==
              PublicKey::rsa_from_modulus(sound, 65537).value());
}

TEST(Accessors, RefuseKeysOfAnotherType) {
  const PublicKey ec = PrivateKey::generate(KeyType::kEcP256).public_key();
  const PublicKey ed = PrivateKey::generate(KeyType::kEd25519).public_key();
  EXPECT_FALSE(ec.ed25519_raw().has_value());
  EXPECT_FALSE(ed.ec_point().has_value());
  EXPECT_FALSE(ed.ecdh_ephemeral().has_value());
  EXPECT_FALSE(ec.rsa_oaep_encrypt(HashAlgorithm::kSha256, {}, {}).has_value());
}

TEST(PrivateKeyPem, IsRefusedInOtherFormsWithTheRemedy) {
  const std::string sound = PrivateKey::generate(KeyType::kEcP256).pem();
  ASSERT_TRUE(PrivateKey::from_pem(sound).has_value());
  std::string ec_label = sound;
  for (std::size_t at = ec_label.find("PRIVATE KEY"); at != std::string::npos;
       at = ec_label.find("PRIVATE KEY", at + 20)) {
    ec_label.insert(at, "EC ");
  }
  const std::string body = sound.substr(sound.find('\n'));
  const std::string cases[] = {
      "",
      "no key at all",
      ec_label,
      sound + sound,
      "-----BEGIN PRIVATE KEY-----",
      "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n" + body,
      sound.substr(0, sound.size() / 2)};
  for (const std::string& pem : cases) {
    const auto key = PrivateKey::from_pem(pem);
    ASSERT_FALSE(key.has_value()) << pem;
    EXPECT_NE(key.error().message.find("openssl pkcs8"), std::string::npos) << key.error().message;
    EXPECT_EQ(key.error().message.find(sound.substr(60, 20)), std::string::npos);
  }
  const auto of_public =
      PrivateKey::from_pem(PrivateKey::generate(KeyType::kEcP256).public_key().pem());
  ASSERT_FALSE(of_public.has_value());
  EXPECT_EQ(of_public.error().message.find("openssl pkcs8"), std::string::npos);
  EXPECT_NE(of_public.error().message.find("nothing else has it"), std::string::npos);
}

// PKCS#8 around RFC 5915: the private number and the public point.
std::string p256_pem(std::string_view number, std::string_view x, std::string_view y) {
  return write_pem("PRIVATE KEY",
                   unhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104"
                         "20" +
                         std::string(number) + "a14403420004" + std::string(x) + std::string(y)));
}

TEST(PrivateKeyPem, IsRefusedWhenItsHalvesDoNotBelongTogetherOrAreOutOfRange) {
  // RFC 6979, A.2.5.
  const std::string number = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
  const std::string order = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
  std::string other_number = number;
  other_number.back() = '2';
  const auto sound = PrivateKey::from_pem(p256_pem(number, kP256X, kP256Y));
  ASSERT_TRUE(sound.has_value()) << message_of(sound);
  EXPECT_EQ(to_hex(sound->public_key().ec_point()->first), to_hex(unhex(kP256X)));
  EXPECT_FALSE(PrivateKey::from_pem(p256_pem(other_number, kP256X, kP256Y)).has_value());
  EXPECT_FALSE(PrivateKey::from_pem(p256_pem(number, kP256Y, kP256X)).has_value());
  EXPECT_FALSE(PrivateKey::from_pem(p256_pem(std::string(64, '0'), kP256X, kP256Y)).has_value());
  EXPECT_FALSE(PrivateKey::from_pem(p256_pem(order, kP256X, kP256Y)).has_value());
}

}  // namespace
}  // namespace avouch::crypto
