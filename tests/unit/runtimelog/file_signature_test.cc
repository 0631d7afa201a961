// Signatures of files: made here as the kernel defines them, and those of a real boot
// (corpus_test.cc).

#include "runtimelog/file_signature.h"

#include <openssl/evp.h>

#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::PrivateKey;
using testing::digest_field;
using testing::path_field;

// Those of distributions are RSA-4096 as a rule.
constexpr std::initializer_list<KeyType> kSignerKinds = {
    KeyType::kEcP256, KeyType::kEcP384, KeyType::kRsa2048, KeyType::kRsa3072, KeyType::kRsa4096};

const PrivateKey& key_of(KeyType type) {
  static const auto keys = [] {
    std::map<KeyType, PrivateKey> out;
    for (const KeyType each : kSignerKinds) {
      out.emplace(each, PrivateKey::generate(each));
    }
    return out;
  }();
  return keys.at(type);
}

// PKCS#1 v1.5 or DER ECDSA over `digest`, by OpenSSL.
Bytes sign_digest(const PrivateKey& key, HashAlgorithm hash, ByteView digest) {
  const testing::EvpKey evp = testing::evp_of(key);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(evp.get(), nullptr), &EVP_PKEY_CTX_free);
  const std::string name(crypto::hash_name(hash));
  Bytes out(1024);
  std::size_t size = out.size();
  testing::must(
      EVP_PKEY_sign_init(context.get()) == 1 &&
          EVP_PKEY_CTX_set_signature_md(context.get(), EVP_get_digestbyname(name.c_str())) == 1 &&
          EVP_PKEY_sign(context.get(), out.data(), &size, digest.data(), digest.size()) == 1,
      "EVP_PKEY_sign");
  out.resize(size);
  return out;
}

struct Attribute {
  std::uint8_t type = 3, version = 2, hash = 4;
  Bytes key_id;
  Bytes signature;
  Bytes bytes() const {
    Bytes out = {type, version, hash};
    append(out, key_id);
    append_be16(out, static_cast<std::uint16_t>(signature.size()));
    append(out, signature);
    return out;
  }
};

Bytes short_id(const crypto::PublicKey& key) {
  const Bytes id = key.key_identifier();
  return {id.end() - 4, id.end()};
}

Attribute attribute(KeyType type, std::string_view content, std::uint8_t kind = 3,
                    std::uint8_t version = 2) {
  const PrivateKey& key = key_of(type);
  Bytes digest = testing::openssl_digest(HashAlgorithm::kSha256, as_bytes(content));
  if (version == 3) {
    Bytes file_id = {kind, 4};
    append(file_id, digest);
    digest = testing::openssl_digest(HashAlgorithm::kSha256, file_id);
  }
  return {kind, version, 4, short_id(key.public_key()),
          sign_digest(key, HashAlgorithm::kSha256, digest)};
}

Rules keyring_rules(std::initializer_list<KeyType> types) {
  RuleInput input = good_input();
  for (const KeyType type : types) {
    testing::must(input.keys.add(key_of(type).public_key()).has_value(), "add");
  }
  return rules_of(std::move(input));
}

std::set<std::string> codes_of(const ImaEntry& entry, const Rules& rules) {
  ImaMachine machine = good_machine();
  machine.measure(entry);
  return appraise(machine.log, machine.pcrs, rules).codes();
}
std::set<std::string> codes_of(const Bytes& signature, const Rules& rules) {
  return codes_of(ima_signed_file("/usr/bin/signed", "signed", signature), rules);
}
const std::set<std::string> kAccepted;

// The only reason, which is that the key is in no keyring.
std::string message_of(const Bytes& signature, const Rules& rules) {
  ImaMachine machine = good_machine();
  machine.measure(ima_signed_file("/usr/bin/signed", "signed", signature));
  const Appraised found = appraise(machine.log, machine.pcrs, rules);
  EXPECT_EQ(found.codes(), only(code::kSignatureKeyUnknown));
  return found.result.reasons.empty() ? "" : found.result.reasons.front().message;
}

TEST(R5, AcceptsSignaturesOfEachKindOfKeyAndVersion) {
  const Rules rules = keyring_rules(kSignerKinds);
  for (const KeyType type : kSignerKinds) {
    for (const std::uint8_t version : {std::uint8_t{2}, std::uint8_t{3}}) {
      EXPECT_EQ(codes_of(attribute(type, "signed", 3, version).bytes(), rules), kAccepted)
          << crypto::key_type_name(type) << " " << int{version};
    }
  }
}

TEST(R5, RefusesASignatureOverAnotherFileOrByAnotherKeyOfThatNumber) {
  const Rules rules = keyring_rules(kSignerKinds);
  for (const KeyType type : kSignerKinds) {
    EXPECT_EQ(codes_of(attribute(type, "another").bytes(), rules), only(code::kSignatureInvalid));
    Attribute relabelled = attribute(type, "signed");
    relabelled.key_id = short_id(key_of(KeyType::kEcP256).public_key());
    const bool same = type == KeyType::kEcP256;
    EXPECT_EQ(codes_of(relabelled.bytes(), rules),
              same ? kAccepted : only(code::kSignatureInvalid));
  }
}

TEST(R5, RefusesAKeyThatIsInNoKeyring) {
  const Rules rules = keyring_rules({KeyType::kEcP256});
  EXPECT_EQ(codes_of(attribute(KeyType::kRsa2048, "signed").bytes(), rules),
            only(code::kSignatureKeyUnknown));
}

TEST(R5, RefusesAKeyThatIsRevokedAndSaysSo) {
  RuleInput input = good_input();
  testing::must(input.revoked_keys.add(key_of(KeyType::kEcP256).public_key()).has_value(), "add");
  const Rules rules = rules_of(std::move(input));
  const std::string complaint = message_of(attribute(KeyType::kEcP256, "signed").bytes(), rules);
  EXPECT_NE(complaint.find(", which a ReferenceManifest revokes"), std::string::npos) << complaint;
  const std::string other = message_of(attribute(KeyType::kRsa2048, "signed").bytes(), rules);
  EXPECT_NE(other.find(", which is in none of the keyrings"), std::string::npos) << other;
}

TEST(R5, RefusesEveryFlippedBitAndTruncationOfASignature) {
  const Rules rules = keyring_rules({KeyType::kEcP256});
  const Bytes good = attribute(KeyType::kEcP256, "signed").bytes();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    EXPECT_NE(codes_of(bad, rules), kAccepted) << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(
        codes_of(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)), rules),
        kAccepted);
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(codes_of(longer, rules), only(code::kSignatureMalformed));
}

TEST(R5, RefusesOtherTypesVersionsAndHashes) {
  const Rules rules = keyring_rules({KeyType::kEcP256});
  const auto with = [&](std::uint8_t type, std::uint8_t version, std::uint8_t hash) {
    Attribute out = attribute(KeyType::kEcP256, "signed");
    out.type = type;
    out.version = version;
    out.hash = hash;
    return codes_of(out.bytes(), rules);
  };
  EXPECT_EQ(with(3, 2, 4), kAccepted);
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<std::uint8_t>(byte);
    if (value != 3) {
      EXPECT_NE(with(value, 2, 4), kAccepted) << byte;
    }
    if (value != 2) {
      EXPECT_NE(with(3, value, 4), kAccepted) << byte;
    }
    if (value != 4) {
      EXPECT_NE(with(3, 2, value), kAccepted) << byte;
    }
  }
}

TEST(R5, KeepsDigestsOfFsVerityAndOfContentApart) {
  const Rules rules = keyring_rules({KeyType::kEcP256});
  const Bytes digest = testing::openssl_digest(HashAlgorithm::kSha256, as_bytes("signed"));
  const auto typed = [&](const char* prefix, const Attribute& attribute) {
    return codes_of(
        ima_entry("ima-sigv2", {digest_field(prefix, digest), path_field("/x"), attribute.bytes()}),
        rules);
  };
  const Attribute content2 = attribute(KeyType::kEcP256, "signed", 3, 2);
  const Attribute content3 = attribute(KeyType::kEcP256, "signed", 3, 3);
  const Attribute verity = attribute(KeyType::kEcP256, "signed", 6, 3);
  EXPECT_EQ(typed("ima:sha256:", content2), kAccepted);
  EXPECT_EQ(typed("ima:sha256:", content3), kAccepted);
  EXPECT_EQ(typed("verity:sha256:", verity), kAccepted);
  EXPECT_EQ(typed("ima:sha256:", verity), only(code::kSignatureMalformed));
  EXPECT_EQ(typed("verity:sha256:", content2), only(code::kSignatureMalformed));
  EXPECT_EQ(typed("verity:sha256:", content3), only(code::kSignatureMalformed));
  Attribute retyped = content3;  // the type is under the signature
  retyped.type = 6;
  EXPECT_EQ(typed("verity:sha256:", retyped), only(code::kSignatureInvalid));
}

TEST(R5, RefusesASignatureOverAnotherHashThanTheEntrys) {
  const Rules rules = keyring_rules({KeyType::kEcP256});
  const Bytes digest = testing::openssl_digest(HashAlgorithm::kSha384, as_bytes("signed"));
  Attribute over = attribute(KeyType::kEcP256, "signed");
  const ImaEntry entry =
      ima_entry("ima-sig", {digest_field("sha384:", digest), path_field("/x"), over.bytes()});
  EXPECT_EQ(codes_of(entry, rules), only(code::kSignatureMalformed));
  over.hash = 5;
  over.signature = sign_digest(key_of(KeyType::kEcP256), HashAlgorithm::kSha384, digest);
  EXPECT_EQ(codes_of(ima_entry("ima-sig",
                               {digest_field("sha384:", digest), path_field("/x"), over.bytes()}),
                     rules),
            kAccepted);
}

TEST(R5, NeedsNoSignatureOfAFileWhoseDigestIsKnown) {
  const Rules rules = good_rules();
  EXPECT_EQ(codes_of(ima_signed_file("/x", "good", to_bytes("no signature")), rules), kAccepted);
}

TEST(Keyring, FindsAKeyByItsCertificatesIdentifierToo) {
  const auto authority =
      crypto::make_ca("signer", SystemTime{}, SystemTime{} + std::chrono::hours(24));
  const auto certificate =
      crypto::Certificate::list_from_pem(authority.certificate_pem).value().at(0);
  Keyring keyring;
  ASSERT_TRUE(keyring.add(certificate).has_value());
  const Bytes id = certificate.subject_key_identifier();
  ByteReader reader(ByteView(id).last(4));
  EXPECT_EQ(keyring.find(reader.be32("id").value()).size(), 1U);
  EXPECT_TRUE(keyring.holds(certificate.public_key().value()));
  EXPECT_FALSE(keyring.holds(key_of(KeyType::kEcP256).public_key()));
}

TEST(Keyring, RefusesEd25519AndMoreKeysThanItsBound) {
  Keyring keyring;
  EXPECT_FALSE(keyring.add(PrivateKey::generate(KeyType::kEd25519).public_key()).has_value());
  for (std::size_t i = 0; i < kMaxKeyringKeys; ++i) {
    ASSERT_TRUE(keyring.add(PrivateKey::generate(KeyType::kEcP256).public_key()).has_value());
  }
  EXPECT_FALSE(keyring.add(PrivateKey::generate(KeyType::kEcP256).public_key()).has_value());
}

// No hash covers the template's name: a file whose signature is its own content would pass.
TEST(Buffers, ThatMayBeSignaturesAreJudgedAsFiles) {
  RuleInput input = good_input();
  input.buffers = {"kexec-cmdline"};
  const Rules rules = rules_of(std::move(input));
  for (const std::string first : {"\x03", "\x05", "\x06"}) {
    EXPECT_EQ(codes_of(ima_buffer("kexec-cmdline", first + "\nrm -rf /"), rules).size(), 1U);
  }
  EXPECT_EQ(codes_of(ima_buffer("kexec-cmdline", "\x04"), rules), kAccepted);
}

TEST(Buffers, AreAcceptedByReferenceNameOrKeyAndElseRefused) {
  const auto authority =
      crypto::make_ca("signer", SystemTime{}, SystemTime{} + std::chrono::hours(24));
  const auto certificate =
      crypto::Certificate::list_from_pem(authority.certificate_pem).value().at(0);
  const Bytes certificate_der = certificate.der();
  const ImaEntry key = ima_buffer(".ima", as_text(certificate_der));
  const ImaEntry line = ima_buffer("kexec-cmdline", "init=/bin/sh");
  EXPECT_EQ(codes_of(ima_buffer("kexec-cmdline", "good"), good_rules()), kAccepted);
  EXPECT_EQ(codes_of(line, good_rules()), only(code::kBufferUnknown));
  EXPECT_EQ(codes_of(key, good_rules()), only(code::kBufferUnknown));
  RuleInput input = good_input();
  ASSERT_TRUE(input.keys.add(certificate).has_value());
  input.buffers = {"kexec-cmdline"};
  const Rules rules = rules_of(std::move(input));
  EXPECT_EQ(codes_of(key, rules), kAccepted);
  EXPECT_EQ(codes_of(line, rules), kAccepted);
  EXPECT_EQ(codes_of(ima_buffer("kexec-cmdline2", "x"), rules), only(code::kBufferUnknown));
  ImaEntry forged = ima_entry(
      "ima-buf",
      {digest_field("sha256:", testing::openssl_digest(HashAlgorithm::kSha256, as_bytes("good"))),
       path_field("kexec-cmdline"), to_bytes("init=/bin/sh")});
  EXPECT_EQ(codes_of(forged, rules), only(code::kEntryMalformed));
}

Judged judged_alone(const ImaMachine& machine, const Rules& rules) {
  const ReplayState proven = replay_all(machine.log, machine.pcrs).value().state;
  return judge_from({}, rules, proven, machine.log, machine.pcrs).value();
}

TEST(R5, AGoodSignatureThatALogRepeatsIsCheckedOnceAndVouchesForNothingElse) {
  const Bytes good = attribute(KeyType::kEcP256, "signed").bytes();
  Bytes changed = good;
  changed.back() ^= 1;
  const Rules rules = keyring_rules({KeyType::kEcP256});
  ImaMachine machine = good_machine();
  for (int i = 0; i < 50; ++i) {
    machine.measure(ima_signed_file("/bin/" + std::to_string(i), "signed", good));
  }
  const Judged repeated = judged_alone(machine, rules);
  EXPECT_EQ(repeated.signature_checks, 1U);
  EXPECT_EQ(repeated.findings.counts().by_signature, 50U);
  EXPECT_EQ(repeated.findings.counts().refused, 0U);

  machine.measure(ima_signed_file("/bin/other", "another", good));
  machine.measure(ima_signed_file("/bin/signed", "signed", changed));
  const Judged others = judged_alone(machine, rules);
  EXPECT_EQ(others.signature_checks, 3U);
  EXPECT_EQ(others.findings.counts().by_signature, 50U);
  EXPECT_EQ(others.findings.counts().refused, 2U);
}

TEST(R5, OfALogThatIsRefusedAnywayNoSignatureIsCheckedNorCounted) {
  const Bytes good = attribute(KeyType::kEcP256, "signed").bytes();
  const Bytes bad = attribute(KeyType::kEcP256, "another").bytes();
  const Rules rules = keyring_rules({KeyType::kEcP256});
  ImaMachine machine = good_machine();
  for (int i = 0; i < 3; ++i) machine.measure(ima_file("/tmp/unknown", "unknown"));
  machine.measure(ima_signed_file("/bin/first", "signed", bad));  // the fourth: is checked
  for (int i = 0; i < 20; ++i) machine.measure(ima_signed_file("/bin/a", "signed", bad));
  for (int i = 0; i < 10; ++i) machine.measure(ima_signed_file("/bin/b", "signed", good));
  machine.measure(ima_signed_file("/bin/c", "signed", {1, 2, 3}));  // costs no check
  machine.measure(ima_file("/tmp/unknown", "unknown"));
  const Judged judged = judged_alone(machine, rules);
  EXPECT_EQ(judged.signature_checks, 1U);
  EXPECT_EQ(judged.findings.counts().by_signature, 0U);
  EXPECT_EQ(judged.findings.counts().not_judged, 30U);
  EXPECT_EQ(judged.findings.counts().refused, 6U);

  const RuntimeResult result = appraise(machine.log, machine.pcrs, rules).result;
  EXPECT_EQ(result.status, attest::Status::kContraindicated);
  ASSERT_EQ(result.reasons.size(), Findings::kMaxIssues + 1);
  EXPECT_EQ(result.reasons[3].code, code::kSignatureInvalid);
  EXPECT_EQ(result.reasons[4].message, "runtime log: 2 or more further entries are refused");
}

}  // namespace
}  // namespace avouch::runtimelog
