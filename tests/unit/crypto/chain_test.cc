// verify_chain: real_authority endorsement certificates, then one certificate for each rule.

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/time_text.h"
#include "crypto/x509.h"
#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

const SystemTime kJudgedAt = from_rfc3339("2028-01-01T00:00:00Z").value();

Certificate authority(const std::string& name) {
  return Certificate::list_from_pem(read_vector("corpus/ca/" + name + ".pem")).value().front();
}
Certificate real_authority(const std::string& file) {
  return Certificate::from_der(as_bytes(read_vector("corpus/cases/" + file))).value();
}

std::vector<Certificate> made_certificate(const std::vector<std::string>& names) {
  static const auto certificates = read_named_certificates("x509/paths.pem");
  std::vector<Certificate> out;
  out.reserve(names.size());
  for (const std::string& name : names) out.push_back(certificates.at(name));
  return out;
}

using Names = std::vector<std::string>;

Result<std::vector<Certificate>> verify(const std::string& leaf, const Names& intermediates,
                                        const Names& roots, SystemTime now = kJudgedAt) {
  return verify_chain(made_certificate({leaf}).front(), made_certificate(intermediates),
                      made_certificate(roots), now);
}

std::string outcome(const Result<std::vector<Certificate>>& path) {
  if (!path.has_value()) return path.error().message;
  std::string out;
  for (const Certificate& one : *path)
    out += (out.empty() ? "" : " < ") + (one.subject().empty() ? "()" : one.subject());
  return out;
}

TEST(EndorsementChain, IsFoundForBothKeysOfARealTpm) {
  for (const std::string file : {"ek_cert.der", "ek_cert_ecc384.der"}) {
    const auto path = verify_chain(real_authority("01-good-baseline/" + file),
                                   {authority("ca1-issuer")}, {authority("ca1-rootca")}, kJudgedAt);
    EXPECT_EQ(outcome(path), "CN=A < CN=swtpm-localca < CN=swtpm-localca-rootca");
  }
}

TEST(EndorsementChain, MayEndAtAnIntermediateOfTheBundle) {
  const auto path = verify_chain(real_authority("01-good-baseline/ek_cert.der"), {},
                                 {authority("ca1-issuer")}, kJudgedAt);
  EXPECT_EQ(outcome(path), "CN=A < CN=swtpm-localca");
}

TEST(EndorsementChain, IsFoundAmongAuthoritiesOfTheSameNames) {
  const std::vector<Certificate> roots = {authority("ca3-rootca"), authority("ca2-rootca"),
                                          authority("ca1-rootca")};
  const std::vector<Certificate> issuers = {authority("ca2-issuer"), authority("ca3-issuer"),
                                            authority("ca1-issuer")};
  const auto path =
      verify_chain(real_authority("01-good-baseline/ek_cert.der"), issuers, roots, kJudgedAt);
  ASSERT_TRUE(path.has_value()) << path.error().message;
  EXPECT_EQ((*path)[1].der(), authority("ca1-issuer").der());
  EXPECT_EQ((*path)[2].der(), authority("ca1-rootca").der());
}

TEST(EndorsementChain, IsRefusedWhenOnlyTheNamesFit) {
  for (const std::string other : {"ca2", "ca3"}) {
    const auto path =
        verify_chain(real_authority("01-good-baseline/ek_cert.der"), {authority(other + "-issuer")},
                     {authority(other + "-rootca")}, kJudgedAt);
    ASSERT_FALSE(path.has_value()) << other;
    EXPECT_NE(path.error().message.find("the signature is not by its key"), std::string::npos)
        << path.error().message;
  }
  EXPECT_FALSE(verify_chain(real_authority("09b-untrusted-ca/ek_cert.der"),
                            {authority("ca1-issuer")}, {authority("ca1-rootca")}, kJudgedAt)
                   .has_value());
}

TEST(EndorsementChain, IsRefusedWithAFlippedBitInTheSignature) {
  EXPECT_FALSE(verify_chain(real_authority("12-ekcert-sigbit/ek_cert.der"),
                            {authority("ca1-issuer")}, {authority("ca1-rootca")}, kJudgedAt)
                   .has_value());
}

TEST(EndorsementChain, HoldsFromItsFirstSecondToTheYear9999) {
  const Certificate leaf = real_authority("01-good-baseline/ek_cert.der");
  const auto holds_at = [&](const char* time) {
    return verify_chain(leaf, {authority("ca1-issuer")}, {authority("ca1-rootca")},
                        from_rfc3339(time).value())
        .has_value();
  };
  EXPECT_FALSE(holds_at("2026-11-21T02:19:54Z"));
  EXPECT_TRUE(holds_at("2026-11-21T02:19:55Z"));
  EXPECT_TRUE(holds_at("2038-01-19T03:14:08Z"));  // beyond 32 bits
  EXPECT_TRUE(holds_at("2051-01-01T00:00:00Z"));  // beyond UTCTime
  EXPECT_TRUE(holds_at("9999-12-31T23:59:59Z"));
}

TEST(Chain, IsReturnedLeafFirst) {
  EXPECT_EQ(outcome(verify("leaf", {"middle"}, {"root"})), "CN=leaf < CN=middle < CN=root");
  EXPECT_EQ(outcome(verify("leaf-of-root", {}, {"root"})), "CN=leaf < CN=root");
  EXPECT_EQ(outcome(verify("leaf-of-lower", {"lower", "middle"}, {"root"})),
            "CN=leaf < CN=lower < CN=middle < CN=root");
}

TEST(Chain, AcceptsWhatIsUnusualButSound) {
  EXPECT_EQ(outcome(verify("leaf-tpm", {}, {"root"})), "() < CN=root");
  EXPECT_EQ(outcome(verify("leaf-oaep", {}, {"root"})), "CN=leaf < CN=root");
  EXPECT_EQ(outcome(verify("leaf-unknown-harmless", {}, {"root"})), "CN=leaf < CN=root");
  EXPECT_EQ(outcome(verify("leaf-of-root", {}, {"root-without-usage"})), "CN=leaf < CN=root");
  EXPECT_EQ(outcome(verify("leaf", {}, {"middle-length-0"})), "CN=leaf < CN=middle");
  // A key rolled over: the new key of `middle`, certified by its old one.
  EXPECT_EQ(outcome(verify("leaf-of-new-key", {"middle-rolled", "middle"}, {"root"})),
            "CN=leaf < CN=middle < CN=middle < CN=root");
}

TEST(Chain, DoesNotCountSelfIssuedAuthoritiesForThePathLength) {
  EXPECT_EQ(outcome(verify("leaf-of-new-key", {"middle-rolled", "middle-length-0"}, {"root"})),
            "CN=leaf < CN=middle < CN=middle < CN=root");
}

TEST(Chain, TriesEveryCandidateOfTheName) {
  EXPECT_TRUE(verify("leaf-of-root", {}, {"root-twin", "root-expired", "root"}).has_value());
  EXPECT_TRUE(verify("leaf", {"middle-expired", "middle-not-ca", "middle"}, {"root"}).has_value());
  // Both certify the same key; only one of the ways up ends in the bundle.
  EXPECT_EQ(outcome(verify("leaf", {"middle-of-twin", "middle"}, {"root"})),
            "CN=leaf < CN=middle < CN=root");
  EXPECT_EQ(outcome(verify("leaf", {"middle-of-twin", "middle"}, {"root-twin"})),
            "CN=leaf < CN=middle < CN=root");
}

struct ChainRefusal {
  const char* name;
  std::string leaf;
  Names intermediates, roots;
  std::string expected;
};

TEST(Chain, IsRefusedWithTheReason) {
  const ChainRefusal refusals[] = {
      {"empty bundle", "leaf-of-root", {}, {}, "trust bundle is empty"},
      {"issuer missing",
       "leaf",
       {},
       {"root"},
       "the issuer of certificate \"CN=leaf\", \"CN=middle\", is neither in the trust bundle"},
      {"nobody", "leaf-of-nobody", {"middle"}, {"root"}, "\"CN=nobody\""},
      {"root not in the bundle",
       "leaf",
       {"middle", "root"},
       {"root-twin"},
       "the signature is not by its key"},
      {"self-signed leaf", "leaf-self-signed", {}, {"root"}, "is neither in the trust bundle"},
      {"self-signed leaf that vouches for itself",
       "leaf-self-signed",
       {"leaf-self-signed"},
       {"root"},
       "leads back to itself"},
      {"leaf in the bundle", "leaf-of-root", {}, {"leaf-of-root"}, "is neither"},
      {"an untrusted twin", "leaf-of-root", {}, {"root-twin"}, "the signature is not by its key"},
      {"anchor is no authority",
       "leaf-of-root",
       {},
       {"root-without-basic"},
       "is not a certificate authority"},
      {"anchor expired",
       "leaf-of-root",
       {},
       {"root-expired"},
       "certificate \"CN=root\" has expired at 2027-01-01T00:00:00Z"},
      {"issuer expired",
       "leaf",
       {"middle-expired"},
       {"root"},
       "certificate \"CN=middle\" has expired"},
      {"issuer not an authority",
       "leaf",
       {"middle-not-ca"},
       {"root"},
       "certificate \"CN=middle\" is not a certificate authority"},
      {"issuer without basicConstraints",
       "leaf",
       {"middle-without-basic"},
       {"root"},
       "is not a certificate authority"},
      {"issuer may not sign", "leaf", {"middle-may-not-sign"}, {"root"}, "keyCertSign"},
      {"issuer without keyUsage", "leaf", {"middle-without-usage"}, {"root"}, "keyCertSign"},
      {"issuer with unknown critical extension",
       "leaf",
       {"middle-unknown-critical"},
       {"root"},
       "1.3.6.1.4.1.99999.1"},
      {"issuer with name constraints",
       "leaf",
       {"middle-name-constraints"},
       {"root"},
       "name constraints"},
      {"issuer with an extension twice", "leaf", {"middle-usage-twice"}, {"root"}, "stands twice"},
      {"issuer signed over SHA-1", "leaf", {"middle-sha1"}, {"root"}, "SHA-256"},
      {"leaf signed over SHA-1", "leaf-sha1", {}, {"root"}, "SHA-256"},
      {"weak issuer", "leaf-of-weak", {"weak"}, {"root"}, "too weak"},
      {"leaf with unknown critical extension",
       "leaf-unknown-critical",
       {},
       {"root"},
       "certificate \"CN=leaf\": has a critical extension that is not handled here"},
      {"path length",
       "leaf-of-lower",
       {"lower", "middle-length-0"},
       {"root"},
       "certificate \"CN=middle\" allows 0 authorities below it, there are 1"},
      {"circle", "leaf-of-circle", {"circle-a", "circle-b"}, {"root"}, "leads back to itself"},
  };
  for (const ChainRefusal& refusal : refusals) {
    const auto path = verify(refusal.leaf, refusal.intermediates, refusal.roots);
    ASSERT_FALSE(path.has_value()) << refusal.name;
    EXPECT_EQ(path.error().kind, ErrorKind::kRejected) << refusal.name;
    EXPECT_NE(path.error().message.find(refusal.expected), std::string::npos)
        << refusal.name << ": " << path.error().message;
  }
}

TEST(Chain, RespectsAPathLengthOfOne) {
  EXPECT_TRUE(verify("leaf-of-lower", {"lower", "middle-length-1"}, {"root"}).has_value());
}

TEST(Chain, IsValidAtBothEndsOfTheLeafsTimeAndNotBeyond) {
  const auto holds_at = [](const char* time) {
    return verify("leaf-until-2027", {}, {"root"}, from_rfc3339(time).value()).has_value();
  };
  EXPECT_FALSE(holds_at("2026-03-01T11:59:59Z"));
  EXPECT_TRUE(holds_at("2026-03-01T12:00:00Z"));
  EXPECT_TRUE(holds_at("2027-03-01T12:00:00Z"));
  EXPECT_FALSE(holds_at("2027-03-01T12:00:01Z"));
}

TEST(Chain, IsAtMostEightLong) {
  Names intermediates;
  for (int i = 1; i <= 7; ++i) {
    intermediates.push_back("chain-" + std::to_string(i));
    const auto path = verify("leaf-of-" + intermediates.back(), intermediates, {"root"});
    EXPECT_EQ(path.has_value(), i <= 6) << i << ": " << outcome(path);  // leaf, i, root
    EXPECT_EQ(path.has_value() ? path->size() : 0, i <= 6 ? static_cast<std::size_t>(i) + 2 : 0);
  }
}

// Each of 300 copies leads to each of 300 others: 90,000 signatures, if nothing bounded them.
TEST(Chain, EndsSoonAmongManyCandidates) {
  Names intermediates;
  for (int i = 0; i < 300; ++i) {
    intermediates.insert(intermediates.end(), {"circle-a", "circle-b", "middle-of-twin"});
  }
  const auto path = verify("leaf-of-circle", intermediates, {"root"});
  ASSERT_FALSE(path.has_value());
  EXPECT_NE(path.error().message.find("the first 200 candidates"), std::string::npos)
      << path.error().message;
}

using EvpKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// An RSA key of any numbers: nobody has to know its primes to have it certified.
EvpKey rsa_key(int modulus_bits, int exponent_bits) {
  BIGNUM* modulus = BN_new();
  BIGNUM* exponent = BN_new();
  BN_set_bit(modulus, modulus_bits - 1);
  BN_set_bit(modulus, 0);
  BN_set_bit(exponent, exponent_bits - 1);
  BN_set_bit(exponent, 0);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  BN_free(modulus);
  BN_free(exponent);
  return {key, &EVP_PKEY_free};
}

EvpKey ec_key(const char* curve) { return {EVP_EC_gen(curve), &EVP_PKEY_free}; }

// A certificate of "authority" for `key`, or by it ("leaf"); signed by somebody else.
Certificate named(const char* name, EVP_PKEY* key) {
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
  const auto set = [](X509_NAME* to, const char* text) {
    X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  set(X509_get_subject_name(x509.get()), name);
  set(X509_get_issuer_name(x509.get()), "authority");
  ASN1_TIME_set_string(X509_getm_notBefore(x509.get()), "20260101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(x509.get()), "20400101000000Z");
  X509_set_pubkey(x509.get(), key);
  const auto extend = [&](int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (std::string_view(name) == "authority") {
    extend(NID_basic_constraints, "critical,CA:TRUE");
    extend(NID_key_usage, "critical,keyCertSign");
  }
  const EvpKey stranger = ec_key("P-256");
  X509_sign(x509.get(), stranger.get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  auto out = Certificate::from_der({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return out.value();
}

// Signatures by such keys would take a second together, or prove too little.
TEST(Chain, ChecksNoSignatureByAKeyThatIsWeakSlowOrOfAnotherKind) {
  const EvpKey own = ec_key("P-256");
  const Certificate leaf = named("leaf", own.get());
  struct Case {
    EvpKey key;
    const char* reason;
  };
  std::vector<Case> cases;
  cases.push_back({rsa_key(16384, 17), "too large"});
  cases.push_back({rsa_key(8193, 17), "too large"});
  cases.push_back({rsa_key(2048, 33), "too large"});
  cases.push_back({rsa_key(1024, 17), "too weak"});
  cases.push_back({ec_key("secp224r1"), "curve"});
  cases.push_back({ec_key("sect571r1"), "curve"});
  cases.push_back({ec_key("brainpoolP256r1"), "curve"});
  cases.push_back({EvpKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"), &EVP_PKEY_free), "kind"});
  constexpr const char* kChecked = "the signature is not by its key";
  cases.push_back({rsa_key(8192, 32), kChecked});
  cases.push_back({rsa_key(2048, 17), kChecked});
  cases.push_back({ec_key("P-521"), kChecked});
  cases.push_back(
      {EvpKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free), kChecked});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto path = verify_chain(leaf, {}, {named("authority", cases[i].key.get())}, kJudgedAt);
    ASSERT_FALSE(path.has_value()) << i;
    EXPECT_NE(path.error().message.find(cases[i].reason), std::string::npos)
        << i << ": " << path.error().message;
  }
}

// Who sends certificates chooses their keys, and what it costs to check a signature with them.
TEST(Chain, CalculatesWithNoKeyThatNobodyVouchesFor) {
  const EvpKey own = ec_key("P-256"), weak = rsa_key(1024, 17), trusted = ec_key("P-384");
  const Certificate leaf = named("leaf", own.get());
  const Certificate sent = named("authority", weak.get());
  // It leads to no anchor: that its key is too weak nobody has looked at.
  const auto nowhere = verify_chain(leaf, {sent}, made_certificate({"root"}), kJudgedAt);
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_NE(nowhere.error().message.find("leads back to itself"), std::string::npos)
      << nowhere.error().message;
  // An anchor has its name, and has not signed it.
  const auto forged = verify_chain(leaf, {sent}, {named("authority", trusted.get())}, kJudgedAt);
  ASSERT_FALSE(forged.has_value());
  EXPECT_NE(forged.error().message.find("the signature is not by its key"), std::string::npos)
      << forged.error().message;
}

}  // namespace
}  // namespace avouch::crypto
