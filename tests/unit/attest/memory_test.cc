// What the evidence of a node costs in memory, and what people write beside it: at most 64 KiB and
// four times its size, whatever it holds.

#include <gtest/gtest.h>

#include <algorithm>

#include "attest/enrolment.h"
#include "attest/policy.h"
#include "attest/token.h"
#include "base/hex.h"
#include "codec/cose.h"
#include "tests/support/counted_memory.h"
#include "tests/support/ek_authority.h"
#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using codec::Cbor;
using codec::Json;
using crypto::HashAlgorithm;
using testing::EkAuthority;
using testing::EkCertificateFields;
using testing::expect_bounded;

std::size_t size_of(const Presented& presented) {
  std::size_t size = presented.quote.message.size() + presented.quote.signature.size();
  for (const auto& [id, digest] : presented.pcrs) size += 2 + digest.size();
  return size;
}

TEST(Memory, OfAnyQuoteIsBoundedByItsSize) {
  TestNode node;
  const auto bounded = [&](const std::string& name, const Presented& presented) {
    expect_bounded(name, size_of(presented), [&] { (void)node.verify(presented); });
  };
  const Presented good = node.present();
  ASSERT_EQ(node.code(good), "");
  bounded("a good one", good);
  for (const std::size_t size : {0U, 1U, 100U, 1024U, 1025U, 1'000'000U}) {
    Presented other = good;
    other.quote.message.resize(size);
    bounded("a message of another size", other);
    other = good;
    other.quote.signature.resize(size);
    bounded("a signature of another size", other);
    if (size > 1024) continue;
    bounded("any message", node.present_message(Bytes(size, 0xff)));
  }
  Presented many = good;
  for (const HashAlgorithm bank :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    for (std::uint8_t index = 0; index < tpm::kPcrCount; ++index)
      many.pcrs[{bank, index}] = Bytes(crypto::digest_size(bank), 1);
  }
  bounded("values of every bank", many);
  many.pcrs[{HashAlgorithm::kSha256, 0}] = Bytes(1'000'000, 1);
  bounded("a huge value", many);
}

// Every shape that is small in text and large in a tree.
std::vector<std::string> costly_json(std::size_t size) {
  const auto repeated = [&](const std::string& begin, const std::string& each,
                            const std::string& end) {
    std::string out = begin;
    while (out.size() + each.size() + end.size() <= size) out += each;
    return out + end;
  };
  std::string members = "{";
  for (int i = 0; members.size() + 16 <= size; ++i) members += "\"" + std::to_string(i) + "\":1,";
  members += "\"\":1}";
  std::string nested;
  for (std::size_t i = 0; i < size / 2; ++i) nested += "[";
  return {repeated("[", "1,", "1]"),
          repeated("[", "[],", "[]]"),
          repeated("[", "[[1]],", "1]"),
          repeated("[", "{\"a\":{}},", "1]"),
          repeated("[", "\"0123456789abcdef\",", "1]"),
          members,
          nested,
          repeated("\"", "a", "\""),
          repeated("\"", "\\u20ac", "\""),
          repeated("{\"quote\":{\"message\":\"", "A", "\"}}"),
          repeated("{\"nodeUID\":\"u\",\"pcrs\":[", "{},", "{}]}"),
          repeated("{\"nodeUID\":\"u\",\"pcrs\":[", "1,", "1]}"),
          repeated("{\"nodeUID\":\"u\",\"pcrs\":[", "{\"x\":1,\"y\":[]},", "{}]}")};
}

UnverifiedEvidence large_heartbeat() {
  UnverifiedEvidence out;
  out.node_uid = std::string(kMaxNodeUidBytes, 'u');
  out.quote = UnverifiedQuote{Bytes(1024, 6), Bytes(1024, 7), {std::string(255, 'o'), 42}};
  for (const HashAlgorithm bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
                                   HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    for (std::uint8_t index = 0; index < tpm::kPcrCount; ++index)
      out.pcrs[{bank, index}] = Bytes(crypto::digest_size(bank), 8);
  }
  out.boot_log = BootLogReference{crypto::sha256("boot"), 40960};
  out.runtime_log = RuntimeLogReference{10482, crypto::sha256("ima"), 123};
  out.agent = {std::string(128, 'a'), std::string(128, 'b'), std::string(128, 'c')};
  return out;
}

TEST(Memory, OfAnyHeartbeatIsBoundedByItsSize) {
  const auto bounded = [](const std::string& name, const std::string& body) {
    expect_bounded(name, body.size(), [&] { (void)parse_heartbeat(body); });
  };
  const std::string largest = codec::to_json(to_heartbeat(large_heartbeat()));
  ASSERT_TRUE(parse_heartbeat(largest).has_value()) << parse_heartbeat(largest).error().message;
  bounded("the largest that is accepted", largest);
  for (const std::size_t size : {100U, 2'000U, 8'000U, 32'000U, 33'000U, 65'536U, 1'000'000U}) {
    for (const std::string& body : costly_json(size)) bounded(body.substr(0, 40), body);
  }
}

// Two steps, of which each is bounded: the object's tree, and what is read from it. Expressions
// (RE2) are apart: one takes up to 1 MiB once it is compiled, whoever writes it, and is bounded so.
TEST(Memory, OfAnyPolicyIsBoundedByItsSize) {
  const auto bounded = [](const std::string& name, const Json& spec) {
    const std::string text = codec::to_json(spec);
    expect_bounded(name + ", its tree", text.size(), [&] { (void)codec::parse_json(text); });
    expect_bounded(name, text.size(), [&] { (void)parse_policy("p", spec); });
  };
  const auto with = [](std::size_t pcrs, std::size_t values) {
    Json spec = testing::must_value(codec::parse_json(R"({"nodeSelector": {}, "workloads": {},
        "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": "makers"}}],
                        "enrollment": "TrustOnFirstUse"},
        "pcrs": {"banks": ["sha256", "sha384", "sha512"]}})"));
    Json::Array exact;
    for (std::size_t pcr = 0; pcr < pcrs; ++pcr) {
      Json one;
      one["index"] = static_cast<std::int64_t>(pcr);
      for (const HashAlgorithm bank :
           {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        Json::Array accepted;
        for (std::size_t i = 0; i < values; ++i)
          accepted.emplace_back(to_hex(crypto::hash(bank, as_bytes(std::to_string(i)))));
        one[crypto::hash_name(bank)] = accepted;
      }
      exact.push_back(one);
    }
    spec["pcrs"]["exact"] = exact;
    return spec;
  };
  for (const std::size_t pcrs : {1U, 9U, 24U}) {
    for (const std::size_t values : {1U, 33U, 64U, 65U, 500U}) {
      const Json spec = with(pcrs, values);
      ASSERT_EQ(parse_policy("p", spec).has_value(), values <= 64);
      bounded(std::to_string(values) + " values of each of " + std::to_string(pcrs), spec);
    }
  }
  Json wrong = with(1, 1);
  for (int i = 0; i < 5'000; ++i) wrong["no member " + std::to_string(i)] = i;
  expect_bounded("members that nobody knows", codec::to_json(wrong).size(),
                 [&] { (void)parse_policy("p", wrong); });
  wrong = with(1, 1);
  wrong["nodeSelector"]["matchLabels"]["a"] = std::string(1'000'000, 'x');
  bounded("a huge label", wrong);
}

TEST(Memory, OfAnyCertificatesIsBoundedByTheirSize) {
  const testing::SoftwareTpm device;
  const auto ak = device.make_key(crypto::KeyType::kEcP256, kEcdsaSha256);
  const NodeKeys keys = TestNode::keys_of(device, ak);
  const EkAuthority maker;
  EndorsementRules rules;
  rules.trust_anchors = {maker.root()};
  rules.enrollment = Enrollment::kTrustOnFirstUse;
  rules.keys = {{crypto::KeyType::kEcP256, kEcdsaSha256}};
  const auto bounded = [&](const std::string& name, const std::vector<Bytes>& certificates,
                           std::size_t times = 4) {
    const UnverifiedIdentity identity{certificates, device.ek_public(), ak.public_area};
    std::size_t size = identity.ek_public.size() + identity.ak_public.size();
    for (const Bytes& each : certificates) size += each.size();
    const auto check = [&] {
      (void)check_keys(identity);
      (void)check_endorsement(keys, identity, "node-1", rules, kNow);
    };
    expect_bounded(name, size, check, times);
  };
  const Bytes good = maker.issue(device.ek().public_key());
  bounded("a good one", {good});
  bounded("none", {});
  bounded("no certificate", {Bytes(kMaxEkCertificateBytes, 0x30)});
  bounded("too large", {Bytes(1'000'000, 0x30)});
  EkCertificateFields fields;
  fields.tpm_attributes.clear();
  for (int i = 0; i < 32; ++i) fields.tpm_attributes.emplace_back("2.23.133.2.1", "id:0");
  bounded("many names", {maker.issue(device.ek().public_key(), fields)});
  for (int i = 0; i < 150; ++i) fields.tpm_attributes.emplace_back("2.23.133.2.1", "i");
  // OpenSSL makes of each part of a name, of 11 bytes and more, an object of its own. There are
  // eight certificates of 4 KiB at most.
  constexpr std::size_t kOfNames = 48;
  const Bytes names = maker.issue(device.ek().public_key(), fields);
  bounded("too many names", {names}, kOfNames);
  bounded("eight with too many names", std::vector<Bytes>(8, names), kOfNames);
  fields.tpm_attributes = {{"2.23.133.2.1", std::string(3000, 'a')}};
  bounded("a long name", {maker.issue(device.ek().public_key(), fields)});
  // Authorities with one name and other keys: each is tried.
  std::vector<Bytes> chain = {good};
  while (chain.size() < kMaxEkCertificates) chain.push_back(EkAuthority().root_der());
  bounded("authorities of one name", chain);
  EkAuthority last = maker;
  std::vector<Bytes> path;
  while (path.size() < kMaxEkCertificates - 1) {
    last = last.subordinate("authority " + std::to_string(path.size()));
    path.insert(path.begin(), last.root_der());
  }
  path.insert(path.begin(), last.issue(device.ek().public_key()));
  bounded("the longest path", path);
}

TEST(Memory, OfAnyTokenIsBoundedByItsSize) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PublicKey keys[] = {key.public_key()};
  const auto bounded = [&](const std::string& name, const Bytes& token, std::size_t times = 4) {
    expect_bounded(
        name, token.size(), [&] { (void)verify_token(token, keys, "log"); }, times);
  };
  TokenClaims claims;
  claims.issuer = "log";
  claims.issued_at = kNow;
  claims.expires_at = kNow + std::chrono::minutes(5);
  claims.verifier_build = "avouch-controller 0.1.0";
  claims.status = Status::kAffirming;
  claims.vector[Claim::kInstanceIdentity] = kGenuine;
  claims.node_uid = "uid";
  claims.node_name = "worker-1";
  claims.ak_name = Bytes(34, 0x0b);
  claims.beacon = {"log", 42};
  claims.quote = crypto::sha256("quote");
  auto signer = testing::must_value(KeySigner::make(key));
  for (std::size_t count = 1; count <= kMaxTokenPolicies; count += 21) {
    claims.policies.clear();
    for (std::size_t i = 0; i < count; ++i) {
      claims.policies.push_back({std::to_string(i) + std::string(80, 'p'), crypto::sha256("spec"),
                                 crypto::sha256("digest"), Status::kAffirming});
    }
    std::sort(claims.policies.begin(), claims.policies.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const Bytes token = testing::must_value(issue_token(claims, signer));
    ASSERT_TRUE(verify_token(token, keys, "log").has_value());
    bounded(std::to_string(count) + " policies", token);
  }
  // A tree of anything is larger than its bytes, of which there are 24 KiB at most. No node sends
  // one, and what a signature is right of is what we have signed.
  constexpr std::size_t kOfAnything = 64;
  const Cbor::Map header = {{Cbor::integer(3), Cbor::text("application/eat+cwt")},
                            {Cbor::integer(4), Cbor::bytes(codec::key_id(keys[0]))}};
  const auto signed_by_us = [&](ByteView payload) {
    return testing::must_value(codec::sign1(key, header, payload));
  };
  for (const std::size_t size : {100U, 2'000U, 8'000U, 23'000U}) {
    Bytes ones = {0x99, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
    ones.resize(3 + size, 1);
    Bytes map = {0xb9, static_cast<std::uint8_t>(size / 4 >> 8),
                 static_cast<std::uint8_t>(size / 4)};
    for (std::size_t i = 0; i < size / 4; ++i)
      append(map, Bytes{0x19, static_cast<std::uint8_t>((i + 256) >> 8),
                        static_cast<std::uint8_t>(i + 256), 1});
    for (const Bytes& payload : {ones, map, Bytes(size, 0x81), Bytes(size, 0xff)}) {
      bounded("a payload of anything", signed_by_us(payload), kOfAnything);
      bounded("no token", payload, kOfAnything);
    }
  }
  bounded("too large", Bytes(1'000'000, 0x01));
}

}  // namespace
}  // namespace avouch::attest
