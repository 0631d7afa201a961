// Signatures of other parties: what stock cosign sent, each thing that is refused, and that an
// entry has one form.

#include "tlog/hashed_rekord.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "base/hex.h"
#include "codec/json.h"
#include "support/log_vectors.h"
#include "support/rekords.h"
#include "tlog/checkpoint.h"
#include "tlog/entry.h"
#include "tlog/rekor_answer.h"
#include "tlog/signed_statement.h"

namespace avouch::tlog {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using testing::LogVectors;
using testing::make_rekord;
using testing::rekord_request;
using Fault = HashedRekordRefusal::Fault;

constexpr const char* kSigner = "hashedRekordRequestV002.signature.verifier";

class HashedRekordTest : public ::testing::Test {
 protected:
  // Why it is refused; nothing where it is taken.
  std::optional<HashedRekordRefusal> refusal(std::string_view request) const {
    const auto verdict = check_hashed_rekord(request, std::span(&listed, 1));
    const auto* refused = std::get_if<HashedRekordRefusal>(&verdict);
    return refused == nullptr ? std::nullopt : std::optional(*refused);
  }
  void expect_refused(std::string_view request, Fault fault, std::string_view says,
                      const std::string& name) const {
    const auto refused = refusal(request);
    ASSERT_TRUE(refused.has_value()) << name;
    EXPECT_EQ(refused->fault, fault) << name << ": " << refused->what;
    EXPECT_THAT(refused->what, HasSubstr(std::string(says))) << name;
  }

  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PublicKey listed = key.public_key();
  const UnverifiedHashedRekord good = make_rekord(key, "what is signed");
  const std::string sent = rekord_request(good);
};

// cosign's own requests, and the entries that tests/vectors/tlog/generate.py makes of them, with no
// code of this project.
TEST_F(HashedRekordTest, WhatCosignSendsBecomesTheEntryThatItsVerifierMakesAgain) {
  const LogVectors vectors("rekords.txt");
  for (const std::string name : {"p256", "p384"}) {
    const std::string& request = vectors.text(name + "-request");
    const std::string& entry = vectors.text(name + "-entry");
    const auto parsed = parse_hashed_rekord_request_unverified(request);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    const auto signer = verify_hashed_rekord(*parsed);
    ASSERT_TRUE(signer.has_value()) << signer.error().message;
    const auto verdict = check_hashed_rekord(request, std::span(&*signer, 1));
    const auto* taken = std::get_if<RegistrableHashedRekord>(&verdict);
    ASSERT_NE(taken, nullptr) << std::get<HashedRekordRefusal>(verdict).what;
    EXPECT_EQ(as_text(taken->entry), entry) << name;
    EXPECT_EQ(taken->digest, parsed->digest);
    EXPECT_EQ(taken->key_digest, crypto::sha256(signer->spki_der()));
    const auto read = parse_hashed_rekord_unverified(as_bytes(entry));
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, *parsed) << name;
    // So that the other tests send what cosign does.
    EXPECT_EQ(rekord_request(*read), request) << name;
  }
}

// The answer of P-256 is one that stock cosign has verified.
TEST_F(HashedRekordTest, TheAnswerIsTheOneThatCosignVerifies) {
  const LogVectors vectors("rekords.txt");
  const NoteVerifier log_key = parse_vkey(vectors.text("vkey")).value();
  for (const std::string name : {"p256", "p384"}) {
    const std::string& wanted = vectors.text(name + "-answer");
    const Json answer = codec::parse_json(wanted).value();
    const Json& proof = *answer.find("inclusionProof");
    std::vector<Hash> path;
    for (const Json& each : *proof.find("hashes")->as_array()) {
      const Bytes bytes = codec::from_base64(*each.as_string()).value();
      std::copy(bytes.begin(), bytes.end(), path.emplace_back().begin());
    }
    const std::string note(proof.text({"checkpoint", "envelope"}));
    const Bytes entry = to_bytes(vectors.text(name + "-entry"));
    const auto checkpoint = verify_checkpoint(note, std::span(&log_key, 1), "log.example.org");
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    EXPECT_TRUE(verify_inclusion(3, checkpoint->size(), leaf_hash(entry), path, checkpoint->root())
                    .has_value());
    EXPECT_EQ(
        format_rekor_answer(
            entry,
            {.log_id = rekor_log_id(log_key), .index = 3, .path = path, .checkpoint = *checkpoint}),
        wanted);
  }
}

TEST_F(HashedRekordTest, ADefaultVerdictAndAnEmptyListRefuse) {
  EXPECT_TRUE(std::holds_alternative<HashedRekordRefusal>(HashedRekordVerdict{}));
  EXPECT_FALSE(refusal(sent).has_value());
  const auto verdict = check_hashed_rekord(sent, {});
  ASSERT_TRUE(std::holds_alternative<HashedRekordRefusal>(verdict));
  EXPECT_EQ(std::get<HashedRekordRefusal>(verdict).fault, Fault::kUnknownKey);
}

TEST_F(HashedRekordTest, OnlyListedKeysSign) {
  const crypto::PrivateKey other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto by_other = make_rekord(other, "what is signed");
  expect_refused(rekord_request(by_other), Fault::kUnknownKey, to_hex(crypto::sha256(by_other.key)),
                 "another key");
  auto with_listed_key = by_other;
  with_listed_key.key = good.key;
  expect_refused(rekord_request(with_listed_key), Fault::kBadSignature, "signature.content",
                 "the listed key, signed by another");
  // Not even its form is looked at.
  auto no_key = good;
  no_key.key = to_bytes("no key");
  expect_refused(rekord_request(no_key), Fault::kUnknownKey, "none that the registration policy",
                 "no key");
}

TEST_F(HashedRekordTest, AnyOtherBitOfSignatureDigestOrKeyIsRefused) {
  const auto flip_each = [&](Bytes UnverifiedHashedRekord::*member, const char* name) {
    for (std::size_t bit = 0; bit < (good.*member).size() * 8; ++bit) {
      auto changed = good;
      (changed.*member)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto refused = refusal(rekord_request(changed));
      ASSERT_TRUE(refused.has_value()) << name << " " << bit;
      EXPECT_NE(refused->fault, Fault::kMalformed) << name << " " << bit << ": " << refused->what;
    }
  };
  flip_each(&UnverifiedHashedRekord::signature, "signature");
  flip_each(&UnverifiedHashedRekord::digest, "digest");
  flip_each(&UnverifiedHashedRekord::key, "key");
}

TEST_F(HashedRekordTest, ASignatureIsInDerAndNothingElse) {
  auto changed = good;
  changed.signature.push_back(0);
  expect_refused(rekord_request(changed), Fault::kBadSignature, "signature.content", "trailing");
  changed.signature = crypto::ecdsa_signature_from_der(key.type(), good.signature).value();
  expect_refused(rekord_request(changed), Fault::kBadSignature, "signature.content", "r || s");
  changed = good;
  changed.digest = crypto::hash(crypto::HashAlgorithm::kSha256, as_bytes("something else"));
  expect_refused(rekord_request(changed), Fault::kBadSignature, "over digest", "another message");
  // A key of one curve under the name of the other.
  changed = good;
  changed.key_type = crypto::KeyType::kEcP384;
  changed.digest = crypto::hash(crypto::HashAlgorithm::kSha384, as_bytes("what is signed"));
  expect_refused(rekord_request(changed), Fault::kBadSignature, "keyDetails", "another curve");
}

TEST_F(HashedRekordTest, EveryMemberIsAsItMustBe) {
  const auto with = [&](const std::function<void(Json&)>& change) {
    Json document = codec::parse_json(sent).value();
    change(document["hashedRekordRequestV002"]);
    return codec::to_json(document);
  };
  const auto put = [&](std::vector<std::string> path, const Json& value) {
    return with([&](Json& member) {
      Json* at = &member;
      for (const std::string& name : path) at = &(*at)[name];
      *at = value;
    });
  };
  const auto take = [&](std::vector<std::string> path) {
    return with([&](Json& member) {
      Json* at = &member;
      for (std::size_t i = 0; i + 1 < path.size(); ++i) at = &(*at)[path[i]];
      at->as_object()->erase(path.back());
    });
  };
  const auto sized = [](std::size_t size) { return codec::to_base64(Bytes(size, 1)); };
  const std::string digest = codec::to_base64(good.digest);
  std::string twice = sent, loose = digest, url = digest;
  twice.insert(twice.find(R"("digest")"), R"("digest":"AA==",)");
  loose[loose.size() - 2] = loose[loose.size() - 2] == 'B' ? 'F' : 'B';  // unused bits
  url[0] = '-';
  const std::string deep = R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}";
  const struct {
    const char* name;
    std::string request;
    std::string says;
  } cases[] = {
      {"nothing", "", "the request"},
      {"no JSON", "hashedrekord", "the request"},
      {"a list", "[]", "the document"},
      {"an empty object", "{}", "hashedRekordRequestV002: is required"},
      {"bytes after it", sent + "x", "the request"},
      {"a member twice", twice, "digest"},
      {"deep nesting", deep, "the request"},
      {"no UTF-8", "{\"\xff\":1}", "the request"},
      {"another kind of request", R"({"other":{}})", "unknown field \"other\""},
      {"a request of no object", R"({"hashedRekordRequestV002":[]})", "hashedRekordRequestV002: "},
      {"protobuf's own names", R"({"hashed_rekord_request_v002":{}})",
       "unknown field \"hashed_rekord_request_v002\""},
      {"an envelope", R"({"dsseRequestV002":{}})", "dsseRequestV002: envelopes are not taken"},
      {"one more member", put({"more"}, 1), "hashedRekordRequestV002: unknown field \"more\""},
      {"no digest", take({"digest"}), "hashedRekordRequestV002.digest: is required"},
      {"a digest that is null", put({"digest"}, nullptr), ".digest: is required"},
      {"an empty digest", put({"digest"}, ""), ".digest: must not be empty"},
      {"a digest that is a number", put({"digest"}, 7), ".digest: "},
      {"a digest in hexadecimal", put({"digest"}, to_hex(good.digest)), ".digest: "},
      {"a digest without padding", put({"digest"}, digest.substr(0, digest.size() - 1)), ".digest"},
      {"a digest with loose bits", put({"digest"}, loose), ".digest: "},
      {"a digest in the alphabet of URLs", put({"digest"}, url), ".digest: "},
      {"a digest with a line break", put({"digest"}, digest + "\n"), ".digest: "},
      {"a short digest", put({"digest"}, sized(31)), ".digest: has 31 bytes; expected 32"},
      {"SHA-384 by P-256", put({"digest"}, sized(48)), ".digest: has 48 bytes; expected 32"},
      {"a long digest", put({"digest"}, sized(65)), ".digest: "},
      {"no signature", take({"signature"}), ".signature: is required"},
      {"a signature that is text", put({"signature"}, "AA=="), ".signature: "},
      {"one more member of the signature", put({"signature", "more"}, 1),
       ".signature: unknown field \"more\""},
      {"no content", take({"signature", "content"}), ".signature.content: is required"},
      {"no bytes in content", put({"signature", "content"}, ""), ".content: must not be empty"},
      {"a long signature", put({"signature", "content"}, sized(129)), ".signature.content: "},
      {"no verifier", take({"signature", "verifier"}), ".signature.verifier: is required"},
      {"one more member of the verifier", put({"signature", "verifier", "more"}, 1),
       std::string(kSigner) + ": unknown field \"more\""},
      {"no key", take({"signature", "verifier", "publicKey"}),
       std::string(kSigner) + ".publicKey: is required"},
      {"a key of no bytes", put({"signature", "verifier", "publicKey", "rawBytes"}, ""),
       ".publicKey.rawBytes: must not be empty"},
      {"a long key", put({"signature", "verifier", "publicKey", "rawBytes"}, sized(257)),
       ".publicKey.rawBytes: "},
      {"one more member of the key", put({"signature", "verifier", "publicKey", "more"}, 1),
       ".publicKey: unknown field \"more\""},
      {"a certificate beside the key",
       put({"signature", "verifier", "x509Certificate", "rawBytes"}, "AA=="),
       ".x509Certificate: certificates are not taken"},
      {"no type of the key", take({"signature", "verifier", "keyDetails"}),
       ".keyDetails: is required"},
      {"a type by its number", put({"signature", "verifier", "keyDetails"}, 5), ".keyDetails: "},
      {"Ed25519", put({"signature", "verifier", "keyDetails"}, "PKIX_ED25519_PH"),
       "\"PKIX_ED25519_PH\" is not accepted"},
      {"RSA", put({"signature", "verifier", "keyDetails"}, "PKIX_RSA_PKCS1V15_2048_SHA256"),
       "PKIX_ECDSA_P256_SHA_256"},
  };
  for (const auto& each : cases) {
    expect_refused(each.request, Fault::kMalformed, each.says, each.name);
  }
}

TEST_F(HashedRekordTest, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < sent.size(); ++size) {
    const auto refused = refusal(std::string_view(sent).substr(0, size));
    ASSERT_TRUE(refused.has_value()) << size;
    EXPECT_EQ(refused->fault, Fault::kMalformed) << size;
  }
}

TEST_F(HashedRekordTest, SizeIsBoundedBeforeAnythingIsRead) {
  const std::string full = sent + std::string(kMaxHashedRekordBytes - sent.size(), ' ');
  EXPECT_FALSE(refusal(full).has_value());
  expect_refused(full + " ", Fault::kTooLarge, "8192", "one byte more");
  expect_refused(std::string(kMaxHashedRekordBytes + 1, '['), Fault::kTooLarge, "8192", "garbage");
}

TEST_F(HashedRekordTest, AnEntryHasOneForm) {
  const std::string entry(as_text(format_hashed_rekord(good)));
  ASSERT_TRUE(parse_hashed_rekord_unverified(as_bytes(entry)).has_value());
  const auto replaced = [&](std::string_view what, std::string_view by) {
    std::string out = entry;
    const std::size_t at = out.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return out.replace(at, what.size(), by);
  };
  const struct {
    const char* name;
    std::string entry;
  } cases[] = {
      {"nothing", ""},
      {"no object", "[]"},
      {"an empty object", "{}"},
      {"a space before", " " + entry},
      {"a line break after", entry + "\n"},
      {"a space inside", replaced(R"("kind":)", R"("kind": )")},
      {"an escape that is not needed", replaced("hashedrekord", "\\u0068ashedrekord")},
      {"another version", replaced("0.0.2", "0.0.1")},
      {"another kind", replaced("\"hashedrekord\"", "\"dsse\"")},
      {"another algorithm", replaced("SHA2_256", "SHA2_384")},
      {"one more member", replaced(R"({"apiVersion")", R"({"a":1,"apiVersion")")},
      {"one more member of the data", replaced(R"({"algorithm")", R"({"a":1,"algorithm")")},
      {"members in another order", replaced(R"("apiVersion":"0.0.2","kind":"hashedrekord")",
                                            R"("kind":"hashedrekord","apiVersion":"0.0.2")")},
      {"too large", "{" + std::string(kMaxHashedRekordBytes, ' ')},
  };
  for (const auto& each : cases) {
    EXPECT_FALSE(parse_hashed_rekord_unverified(as_bytes(each.entry)).has_value()) << each.name;
  }
  for (std::size_t at = 0; at < entry.size(); ++at) {
    EXPECT_FALSE(parse_hashed_rekord_unverified(as_bytes(entry.substr(0, at))).has_value()) << at;
    std::string changed = entry;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto read = parse_hashed_rekord_unverified(as_bytes(changed));
    if (!read.has_value()) continue;
    EXPECT_EQ(as_text(format_hashed_rekord(*read)), changed) << at;
    EXPECT_FALSE(verify_hashed_rekord(*read).has_value()) << at;
  }
}

// By the first byte, a reader knows what an entry can be.
TEST_F(HashedRekordTest, NoEntryIsBothThisAndAStatement) {
  const Bytes entry = format_hashed_rekord(good);
  EXPECT_TRUE(begins_as_hashed_rekord(entry));
  EXPECT_FALSE(begins_as_hashed_rekord({}));
  EXPECT_FALSE(parse_statement_unverified(entry).has_value());
  EXPECT_FALSE(parse_signed_statement_unverified(entry).has_value());
  EXPECT_FALSE(statement_of_another(entry, "log").has_value());
  const Bytes own = LogVectors("entry.txt").bytes("statement");
  const Bytes other = LogVectors("statements.txt").bytes("es256");
  for (const Bytes& statement : {own, other}) {
    EXPECT_EQ(statement.front(), 0xd2);
    EXPECT_FALSE(begins_as_hashed_rekord(statement));
    EXPECT_FALSE(parse_hashed_rekord_unverified(statement).has_value());
  }
}

TEST_F(HashedRekordTest, AnEntryIsVerifiedByTheKeyInIt) {
  const auto signer = verify_hashed_rekord(good);
  ASSERT_TRUE(signer.has_value()) << signer.error().message;
  EXPECT_EQ(*signer, listed);
  auto changed = good;
  changed.key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key().spki_der();
  EXPECT_FALSE(verify_hashed_rekord(changed).has_value());
  changed.key = to_bytes("no key");
  EXPECT_THAT(verify_hashed_rekord(changed).error().message, HasSubstr("publicKey.rawBytes"));
}

}  // namespace
}  // namespace avouch::tlog
