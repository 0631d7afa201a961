#include <gtest/gtest.h>

#include "base/time_text.h"
#include "crypto/x509.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

Certificate real(const std::string& file) {
  return Certificate::from_der(as_bytes(read_vector("corpus/cases/" + file))).value();
}

std::map<std::string, Certificate>& made() {
  static auto certificates = read_named_certificates("x509/paths.pem");
  return certificates;
}

TEST(Certificate, OfATpmIsReadAsItIs) {
  const Certificate rsa = real("01-good-baseline/ek_cert.der");
  EXPECT_EQ(rsa.subject(), "CN=A");
  EXPECT_EQ(rsa.issuer(), "CN=swtpm-localca");
  EXPECT_EQ(to_rfc3339(rsa.not_before()), "2026-11-21T02:19:55Z");
  EXPECT_EQ(to_rfc3339(rsa.not_after()), "9999-12-31T23:59:59Z");
  EXPECT_FALSE(rsa.is_ca());
  EXPECT_EQ(rsa.public_key()->type(), KeyType::kRsa2048);
  // The modulus ends the TPM2B_PUBLIC of this key.
  const std::string ek_public = read_vector("corpus/cases/01-good-baseline/ek.pub");
  EXPECT_TRUE(*rsa.public_key() ==
              *PublicKey::rsa_from_modulus(as_bytes(ek_public).last(256), 65537));
  EXPECT_TRUE(rsa.has_extended_key_usage("2.23.133.8.1"));
  EXPECT_FALSE(rsa.has_extended_key_usage("2.23.133.8.2"));
  EXPECT_FALSE(rsa.has_extended_key_usage("2.23.133.8"));
  EXPECT_TRUE(rsa.has_key_usage("keyEncipherment"));
  EXPECT_FALSE(rsa.has_key_usage("keyAgreement"));
  EXPECT_FALSE(rsa.has_key_usage("digitalSignature"));
  EXPECT_FALSE(rsa.has_key_usage("anything"));
  EXPECT_TRUE(rsa.unhandled_critical_extensions().empty());

  const Certificate ecc = real("01-good-baseline/ek_cert_ecc384.der");
  EXPECT_EQ(ecc.public_key()->type(), KeyType::kEcP384);
  EXPECT_TRUE(ecc.has_key_usage("keyAgreement"));
  EXPECT_FALSE(ecc.has_key_usage("keyEncipherment"));
}

TEST(Certificate, GivesTheTpmsMakerOfItsAlternativeName) {
  for (const char* file : {"ek_cert.der", "ek_cert_ecc384.der"}) {
    const auto name = real("01-good-baseline/" + std::string(file)).subject_alternative_name();
    ASSERT_TRUE(name.has_value() && name->has_value()) << file;
    EXPECT_TRUE((*name)->critical);
    std::map<std::string, std::string> values;
    for (const NameAttribute& each : (*name)->attributes) values[each.oid] = each.value;
    EXPECT_EQ(values, (std::map<std::string, std::string>{{"2.23.133.2.1", "id:00001014"},
                                                          {"2.23.133.2.2", "swtpm"},
                                                          {"2.23.133.2.3", "id:20191023"}}));
  }
  const auto none = made().at("root").subject_alternative_name();
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->has_value());
}

TEST(Certificate, IsDerWhereItIsWhatDerAllows) {
  for (const auto& [name, certificate] : made()) EXPECT_TRUE(certificate.is_der()) << name;
  EXPECT_TRUE(real("01-good-baseline/ek_cert.der").is_der());
  // The outer length in three bytes: OpenSSL reads it.
  const std::string der = read_vector("corpus/cases/01-good-baseline/ek_cert.der");
  std::string ber = der.substr(0, 1) + std::string("\x83\x00", 2) + der.substr(2);
  const auto odd = Certificate::from_der(as_bytes(ber));
  ASSERT_TRUE(odd.has_value()) << odd.error().message;
  EXPECT_FALSE(odd->is_der());
}

TEST(Certificate, SaysWhetherItHasSubjectAndBasicConstraints) {
  EXPECT_TRUE(made().at("root").has_basic_constraints());
  EXPECT_TRUE(made().at("root").has_subject());
  EXPECT_TRUE(real("01-good-baseline/ek_cert.der").has_subject());
}

TEST(Certificate, RoundTripsThroughDerAndPem) {
  const std::string der = read_vector("corpus/cases/01-good-baseline/ek_cert.der");
  const Certificate one = Certificate::from_der(as_bytes(der)).value();
  EXPECT_EQ(one.der(), to_bytes(der));
  EXPECT_EQ(one.fingerprint(), sha256(der));
  const auto again = Certificate::list_from_pem(one.pem()).value();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].der(), to_bytes(der));
}

TEST(Certificate, IsRefusedAtEveryTruncationAndWithTrailingBytes) {
  const std::string der = read_vector("corpus/cases/01-good-baseline/ek_cert_ecc384.der");
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(Certificate::from_der(as_bytes(der.substr(0, size))).has_value()) << size;
  }
  const auto trailing = Certificate::from_der(as_bytes(der + std::string(3, '\xff')));
  ASSERT_FALSE(trailing.has_value());
  EXPECT_EQ(trailing.error().message,
            "certificate has 3 trailing bytes after its " + std::to_string(der.size()));
  EXPECT_FALSE(Certificate::from_der(Bytes(16 * 1024 + 1, 0x30)).has_value());
}

TEST(Certificate, WithAnOaepOnlyKeyGivesAPlainRsaKey) {
  const auto key = made().at("leaf-oaep").public_key();
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(key->type(), KeyType::kRsa2048);
  EXPECT_TRUE(*PublicKey::from_spki_der(key->spki_der()) == *key);
  EXPECT_TRUE(made().at("leaf-oaep").has_oaep_only_key());
  EXPECT_FALSE(made().at("leaf").has_oaep_only_key());
}

TEST(Certificate, WithAWeakKeyIsReadButItsKeyIsNotGiven) {
  const auto key = made().at("weak").public_key();
  ASSERT_FALSE(key.has_value());
  EXPECT_NE(key.error().message.find("1024 bits"), std::string::npos) << key.error().message;
}

TEST(Certificate, NamesCriticalExtensionsThatNobodyHandles) {
  const std::vector<std::string> unknown = {"1.3.6.1.4.1.99999.1"};
  EXPECT_EQ(made().at("leaf-unknown-critical").unhandled_critical_extensions(), unknown);
  EXPECT_TRUE(made().at("leaf-unknown-harmless").unhandled_critical_extensions().empty());
  EXPECT_TRUE(made().at("leaf-tpm").unhandled_critical_extensions().empty());
}

TEST(Certificate, IsAnAuthorityByBasicConstraintsOnly) {
  EXPECT_TRUE(made().at("root").is_ca());
  EXPECT_TRUE(made().at("root").has_key_usage("keyCertSign"));
  EXPECT_FALSE(made().at("root-without-basic").is_ca());
  EXPECT_FALSE(made().at("middle-not-ca").is_ca());
  EXPECT_FALSE(made().at("root-without-usage").has_key_usage("keyCertSign"));
}

TEST(CertificateList, KeepsTheOrderAndSkipsText) {
  const std::string root = made().at("root").pem();
  const std::string leaf = made().at("leaf").pem();
  const auto list =
      Certificate::list_from_pem("# A maker's root\n" + root + "\nand a leaf:\n" + leaf);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].subject(), "CN=root");
  EXPECT_EQ((*list)[1].subject(), "CN=leaf");
}

TEST(CertificateList, NamesTheBlockThatIsWrong) {
  const std::string sound = made().at("root").pem();
  std::string broken = sound;
  broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
  struct Case {
    const char* name;
    std::string pem, expected;
  };
  const Case cases[] = {
      {"nothing", "", "no PEM block"},
      {"text only", "a bundle without certificates\n", "no PEM block"},
      {"a broken second one", sound + broken, "PEM block 2"},
      {"not base64", sound + "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
       "PEM block 2"},
      {"an end that is missing", sound + sound.substr(0, sound.size() - 20), "PEM block 2"},
      {"a key", sound + PrivateKey::generate(KeyType::kEd25519).pem(), "BEGIN PRIVATE KEY"},
      {"a damaged beginning", "-----BEGIN CERTIFICATE----\n" + sound.substr(sound.find('\n')),
       "PEM block 1"},
  };
  for (const Case& one : cases) {
    const auto list = Certificate::list_from_pem(one.pem);
    ASSERT_FALSE(list.has_value()) << one.name;
    EXPECT_EQ(list.error().kind, ErrorKind::kRejected);
    EXPECT_NE(list.error().message.find(one.expected), std::string::npos)
        << one.name << ": " << list.error().message;
  }
}

TEST(CertificateList, SaysHowToMakePemOfDerAndOfBareBase64) {
  const Bytes der = made().at("root").der();
  const auto message = [](std::string_view text) {
    const auto list = Certificate::list_from_pem(text);
    return list.has_value() ? std::string("taken") : list.error().message;
  };
  const std::string of_der =
      "certificates: in DER, which is binary; expected PEM, which is text: convert it, openssl "
      "x509 "
      "-inform DER -in FILE -out FILE.pem";
  EXPECT_EQ(message(as_text(der)), of_der);
  EXPECT_EQ(message(as_text(der).substr(0, 100)), of_der) << "also of one that is cut off";
  EXPECT_EQ(message("0\xef\xbf\xbd\x02"), of_der) << "and of one that was taken for text";
  // What stands between the lines of PEM.
  const std::string pem = made().at("root").pem();
  const std::size_t begin = pem.find('\n') + 1;
  const std::string bare = pem.substr(begin, pem.rfind("-----END") - begin);
  EXPECT_EQ(
      message("\n" + bare),
      "certificates: base64 without the lines around it; expected PEM, from \"-----BEGIN "
      "CERTIFICATE-----\" to \"-----END CERTIFICATE-----\": add them, or convert it, base64 -d "
      "FILE | openssl x509 -inform DER -out FILE.pem");
  for (const char* other : {"0", "01", "MI, a maker", "Mi"}) {
    EXPECT_NE(message(other).find("no PEM block"), std::string::npos) << other;
  }
}

TEST(CertificateList, HoldsAtMostAThousand) {
  std::string pem;
  for (int i = 0; i < 1000; ++i) pem += made().at("root").pem();
  EXPECT_EQ(Certificate::list_from_pem(pem)->size(), 1000U);
  EXPECT_FALSE(Certificate::list_from_pem(pem + made().at("root").pem()).has_value());
}

}  // namespace
}  // namespace avouch::crypto
