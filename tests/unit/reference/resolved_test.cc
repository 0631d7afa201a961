#include "reference/resolved.h"

#include "reference/dsse.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::reference {
namespace {

using codec::Json;

constexpr std::string_view kNow = "2026-06-01T00:00:00Z";

using Resolved = std::shared_ptr<const ResolvedReferences>;

Resolved resolve(const std::vector<std::shared_ptr<const Manifest>>& manifests,
                 std::string_view now = kNow) {
  std::vector<ManifestWithList> with_lists;
  for (const auto& each : manifests) with_lists.push_back({each, nullptr});
  auto resolved = ResolvedReferences::resolve(with_lists, {}, at(now));
  EXPECT_TRUE(resolved.has_value()) << (resolved.has_value() ? "" : resolved.error().message);
  return *resolved;
}

Json components(std::initializer_list<Json> list) {
  Json spec = Json::Object{};
  spec["bootComponents"] = Json::Array(list);
  return spec;
}

Json files(std::initializer_list<const char*> texts) {
  Json spec = Json::Object{};
  Json::Array digests;
  for (const char* text : texts) digests.emplace_back(digest_text(sha(text)));
  spec["ima"]["digests"] = digests;
  return spec;
}

Finding file(const Resolved& resolved, const char* text) {
  const Digest digest = sha(text);
  return resolved->ima_file(digest.algorithm, digest.view());
}

TEST(ResolvedReferences, SaysWhichManifestAcceptsAndWhatItCallsIt) {
  const auto resolved = resolve({manifest("a", components({component("shim", "s", "")})),
                                 manifest("b", components({component("grub", "g", "p")})),
                                 manifest("c", files({"ls"}))});
  const Finding shim = resolved->boot_image(sha("s"));
  EXPECT_EQ(shim.standing, Standing::kAccepted);
  EXPECT_EQ(shim.manifest, "a");
  EXPECT_EQ(shim.name, "shim");
  const Finding grub = resolved->boot_file(sha("p"));
  EXPECT_EQ(grub.manifest, "b");
  EXPECT_EQ(grub.name, "grub");
  EXPECT_EQ(file(resolved, "ls").standing, Standing::kAccepted);
  EXPECT_EQ(file(resolved, "ls").manifest, "c");
  EXPECT_EQ(resolved->ima_digest_count(), 1U);
  EXPECT_EQ(resolved->boot_components().size(), 2U);
}

TEST(ResolvedReferences, OfNothingAcceptsNothing) {
  const auto resolved = resolve({});
  EXPECT_EQ(resolved->boot_image(sha("s")).standing, Standing::kUnknown);
  EXPECT_EQ(resolved->boot_file(sha("s")).standing, Standing::kUnknown);
  EXPECT_EQ(file(resolved, "s").standing, Standing::kUnknown);
  EXPECT_EQ(resolved->secure_boot_certificate({}).standing, Standing::kUnknown);
}

// A digest of one kind says nothing of another.
TEST(ResolvedReferences, KeepsImagesFilesAndMeasuredFilesApart) {
  const auto resolved = resolve({manifest("a", components({component("x", "image", "plain")})),
                                 manifest("b", files({"measured"}))});
  EXPECT_EQ(resolved->boot_image(sha("plain")).standing, Standing::kUnknown);
  EXPECT_EQ(resolved->boot_image(sha("measured")).standing, Standing::kUnknown);
  EXPECT_EQ(resolved->boot_file(sha("image")).standing, Standing::kUnknown);
  EXPECT_EQ(resolved->boot_file(sha("measured")).standing, Standing::kUnknown);
  EXPECT_EQ(file(resolved, "image").standing, Standing::kUnknown);
  EXPECT_EQ(file(resolved, "plain").standing, Standing::kUnknown);
}

TEST(ResolvedReferences, LetRevocationWinInWhateverOrder) {
  const auto good = manifest("good", files({"x", "y"}));
  const auto bad = manifest("bad", revoking("x"));
  for (const auto& order : {std::vector{good, bad}, std::vector{bad, good}}) {
    const auto resolved = resolve(order);
    EXPECT_EQ(file(resolved, "x").standing, Standing::kRevoked);
    EXPECT_EQ(file(resolved, "x").manifest, "bad");
    EXPECT_EQ(file(resolved, "y").standing, Standing::kAccepted);
    EXPECT_EQ(resolved->boot_image(sha("x")).standing, Standing::kRevoked);
    EXPECT_EQ(resolved->revocation(sha("x").algorithm, sha("x").view()).standing,
              Standing::kRevoked);
  }
}

TEST(ResolvedReferences, RevokeAComponentByEitherDigest) {
  for (const char* revoked : {"s", "p"}) {
    const auto resolved = resolve(
        {manifest("good", components({component("shim", "s", "p"), component("g", "g", "")})),
         manifest("bad", revoking(revoked))});
    EXPECT_EQ(resolved->boot_image(sha("s")).standing, Standing::kRevoked) << revoked;
    EXPECT_EQ(resolved->boot_file(sha("p")).standing, Standing::kRevoked) << revoked;
    EXPECT_EQ(resolved->boot_file(sha("p")).manifest, "bad") << revoked;
    EXPECT_EQ(resolved->boot_image(sha("g")).standing, Standing::kAccepted);
    ASSERT_EQ(resolved->boot_components().size(), 1U);
    EXPECT_EQ(resolved->boot_components()[0].component->name, "g");
  }
}

// That both digests are one component is known from a manifest that has ended, or that the policy
// names for something else.
TEST(ResolvedReferences, RevokeAComponentOfAnEndedManifestByEitherDigest) {
  Json pair = components({component("shim", "s", "p")});
  pair["notAfter"] = "2026-02-01T00:00:00Z";
  const auto ended = manifest("ended", pair);
  const auto bad = manifest("bad", revoking("p"));
  const auto other = manifest("other", components({component("x", "s", "")}));
  const auto together = resolve({ended, bad, other});
  EXPECT_EQ(together->boot_image(sha("s")).standing, Standing::kRevoked);
  const std::vector<ManifestWithList> own = {{other, nullptr}};
  const std::vector<ManifestWithList> all = {{ended, nullptr}, {bad, nullptr}, {other, nullptr}};
  const auto apart = ResolvedReferences::resolve(own, {}, at(kNow), all);
  ASSERT_TRUE(apart.has_value());
  EXPECT_EQ((*apart)->boot_image(sha("s")).standing, Standing::kRevoked);
  EXPECT_EQ((*apart)->boot_image(sha("s")).manifest, "bad");
  EXPECT_EQ((*apart)->boot_file(sha("q")).standing, Standing::kUnknown);
}

// Else every certificate would be good from the second on at which the manifest ends.
TEST(ResolvedReferences, ListCertificatesThoughTheManifestThatHasThemHasEnded) {
  Json spec = Json::Object{};
  spec["secureBootCertificates"] = Json::Array{base64_of(some_certificate("CA"))};
  spec["notAfter"] = "2026-02-01T00:00:00Z";
  const auto resolved = resolve({manifest("ended", spec)});
  EXPECT_TRUE(resolved->lists_certificates());
  EXPECT_EQ(resolved->secure_boot_certificate(some_certificate("CA").fingerprint()).standing,
            Standing::kUnknown);
  EXPECT_FALSE(
      resolve({manifest("g", components({component("g", "g", "")}))})->lists_certificates());
}

TEST(ResolvedReferences, RevokeACertificateByItsFingerprint) {
  const auto certificate = some_certificate("CA");
  Json spec = Json::Object{};
  spec["secureBootCertificates"] = Json::Array{base64_of(certificate)};
  spec["ima"]["signers"] = Json::Array{base64_of(certificate)};
  const auto good = manifest("good", spec);
  Json revoking_it = Json::Object{};
  revoking_it["revoked"] = Json::Array{digest_text(make_digest(certificate.fingerprint()))};

  const auto before = resolve({good});
  EXPECT_EQ(before->secure_boot_certificate(certificate.fingerprint()).standing,
            Standing::kAccepted);
  ASSERT_EQ(before->ima_signers().size(), 1U);
  EXPECT_EQ(before->ima_signers()[0].manifest, "good");
  const auto after = resolve({good, manifest("bad", revoking_it)});
  EXPECT_EQ(after->secure_boot_certificate(certificate.fingerprint()).standing, Standing::kRevoked);
  EXPECT_TRUE(after->ima_signers().empty());
  EXPECT_TRUE(before->revoked_signers().empty());
  ASSERT_EQ(after->revoked_signers().size(), 1U);
  EXPECT_EQ(after->revoked_signers()[0].manifest, "bad");
}

TEST(ResolvedReferences, CountOnlyFromNotBeforeToNotAfter) {
  Json spec = files({"x"});
  spec["notBefore"] = std::string("2026-01-01T00:00:00Z");
  spec["notAfter"] = std::string("2026-02-01T00:00:00Z");
  const auto one = manifest("m", spec);
  const auto standing = [&](std::string_view now) {
    return file(resolve({one}, now), "x").standing;
  };
  EXPECT_EQ(standing("2025-12-31T23:59:59.999Z"), Standing::kUnknown);
  EXPECT_EQ(standing("2026-01-01T00:00:00Z"), Standing::kAccepted);
  EXPECT_EQ(standing("2026-02-01T00:00:00Z"), Standing::kAccepted);
  EXPECT_EQ(standing("2026-02-01T00:00:00.001Z"), Standing::kUnknown);

  const auto early = resolve({one}, "2025-12-31T00:00:00Z");
  EXPECT_EQ(early->notices(), std::vector<std::string>{"m: begins at 2026-01-01T00:00:00Z"});
  EXPECT_EQ(early->changes_at(), at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(resolve({one}, "2026-01-15T00:00:00Z")->changes_at(), at("2026-02-01T00:00:00.001Z"));
  EXPECT_TRUE(resolve({one}, "2026-01-15T00:00:00Z")->notices().empty());
  const auto late = resolve({one}, "2026-03-01T00:00:00Z");
  EXPECT_EQ(late->notices(), std::vector<std::string>{"m: ended at 2026-02-01T00:00:00Z"});
  EXPECT_FALSE(late->changes_at().has_value());
}

TEST(ResolvedReferences, ChangeAtTheEarliestTimeOfAll) {
  Json a = files({"x"});
  a["notAfter"] = std::string("2026-12-01T00:00:00Z");
  Json b = files({"y"});
  b["notBefore"] = std::string("2026-07-01T00:00:00Z");
  EXPECT_EQ(resolve({manifest("a", a), manifest("b", b)})->changes_at(),
            at("2026-07-01T00:00:00Z"));
  EXPECT_EQ(resolve({manifest("b", b), manifest("a", a)})->changes_at(),
            at("2026-07-01T00:00:00Z"));
}

TEST(ResolvedReferences, KeepARevocationAfterItsManifestHasEnded) {
  Json spec = revoking("x");
  spec["notBefore"] = std::string("2026-01-01T00:00:00Z");
  spec["notAfter"] = std::string("2026-02-01T00:00:00Z");
  const auto all = std::vector{manifest("good", files({"x"})), manifest("bad", spec)};
  EXPECT_EQ(file(resolve(all, "2025-06-01T00:00:00Z"), "x").standing, Standing::kAccepted);
  EXPECT_EQ(file(resolve(all, "2026-01-15T00:00:00Z"), "x").standing, Standing::kRevoked);
  EXPECT_EQ(file(resolve(all, "2030-01-01T00:00:00Z"), "x").standing, Standing::kRevoked);
}

TEST(ResolvedReferences, TakeTheListOfASource) {
  Json spec = Json::Object{};
  spec["ima"]["source"]["blob"] = digest_text(sha("list"));
  DigestSetBuilder builder;
  ASSERT_TRUE(builder.add(sha("from the list")).has_value());
  const std::vector<ManifestWithList> with = {{manifest("m", spec), std::move(builder).finish()}};
  const auto resolved = ResolvedReferences::resolve(with, {}, at(kNow));
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(file(*resolved, "from the list").standing, Standing::kAccepted);
  EXPECT_EQ(file(*resolved, "from the list").manifest, "m");

  const std::vector<ManifestWithList> without = {{manifest("m", spec), nullptr}};
  const auto refused = ResolvedReferences::resolve(without, {}, at(kNow));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("\"m\": the list of ima.source"), std::string::npos);
}

TEST(ResolvedReferences, WantTheListOfAConfigMapToBeTheOneThatTheManifestSays) {
  const auto set_of = [](std::string_view text) {
    DigestSetBuilder builder;
    EXPECT_TRUE(builder.add(sha(text)).has_value());
    return std::move(builder).finish();
  };
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const std::vector<crypto::PublicKey> trusted = {key.public_key()};
  const auto signed_with = [&](const std::string& list_digest) {
    Json spec = Json::Object{};
    spec["ima"]["source"] = json(R"({"configMap": {"namespace": "n", "name": "m"}})");
    if (!list_digest.empty()) spec["ima"]["source"]["digest"] = list_digest;
    Json one = Json::Object{};
    one["sig"] = codec::to_base64(
        dsse_sign(key, dsse_pae(kManifestPayloadType, signed_payload(spec).value())).value());
    spec["signature"]["payloadType"] = std::string(kManifestPayloadType);
    spec["signature"]["signatures"] = Json::Array{one};
    return manifest("m", spec);
  };
  const auto problem = [&](const std::string& digest, std::string_view list,
                           std::span<const crypto::PublicKey> keys) {
    const std::vector<ManifestWithList> all = {{signed_with(digest), set_of(list)}};
    const auto resolved = ResolvedReferences::resolve(all, keys, at(kNow));
    return resolved.has_value() ? std::string() : resolved.error().message;
  };
  const std::string good = attest::digest_text(set_of("good")->binary_digest());
  EXPECT_EQ(problem(good, "good", trusted), "");
  EXPECT_EQ(problem("", "good", {}), "");  // nothing need be signed
  EXPECT_NE(problem(good, "implant", trusted).find("is not the one"), std::string::npos);
  EXPECT_NE(problem(good, "implant", {}).find("is not the one"), std::string::npos);
  EXPECT_NE(problem("", "good", trusted).find("does not cover"), std::string::npos);
}

TEST(ResolvedReferences, WantEveryManifestSignedWhereKeysAreNamed) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const std::vector<crypto::PublicKey> trusted = {key.public_key()};
  Json spec = files({"x"});
  Json one = Json::Object{};
  one["sig"] = codec::to_base64(
      dsse_sign(key, dsse_pae(kManifestPayloadType, signed_payload(spec).value())).value());
  spec["signature"]["payloadType"] = std::string(kManifestPayloadType);
  spec["signature"]["signatures"] = Json::Array{one};
  const ManifestWithList with_signature{manifest("signed", spec), nullptr};
  const ManifestWithList without{manifest("unsigned", files({"y"})), nullptr};
  const ManifestWithList revocation{manifest("revocation", revoking("x")), nullptr};

  const std::vector<ManifestWithList> good = {with_signature};
  ASSERT_TRUE(ResolvedReferences::resolve(good, trusted, at(kNow)).has_value());
  const std::vector<ManifestWithList> mixed = {with_signature, without, revocation};
  ASSERT_TRUE(ResolvedReferences::resolve(mixed, {}, at(kNow)).has_value());
  const auto refused = ResolvedReferences::resolve(mixed, trusted, at(kNow));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("\"unsigned\""), std::string::npos);
  EXPECT_NE(refused.error().message.find("\"revocation\""), std::string::npos);
}

}  // namespace
}  // namespace avouch::reference
