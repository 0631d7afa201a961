#include "appraisal/policy_in_force.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "tests/unit/appraisal/files.h"

namespace avouch::appraisal {
namespace {

const SystemTime kMidYear = must_value(from_rfc3339("2026-06-01T00:00:00Z"));
const std::string kDigest = "sha256:" + std::string(64, 'a');
const char* const kBoth =
    R"("bootLog": {"references": [{"name": "boot"}]},
       "runtime": {"references": [{"name": "files"}], "exclude": ["/var/log/.*"]})";

MemoryMaterial complete() {
  MemoryMaterial out = with_makers();
  out.manifests["boot"] =
      R"({"bootComponents": [{"name": "shim", "authenticode": ")" + kDigest + "\"}]}";
  out.manifests["files"] =
      R"({"ima": {"source": {"configMap": {"namespace": "ns", "name": "l"}}}})";
  out.maps["l"] = {{"a", std::string(64, 'b') + "  /bin/b\n"}, {"c", std::string(64, 'c')}};
  return out;
}
PolicyInForce in_force(MemoryMaterial material, const std::string& members = kBoth,
                       SystemTime now = kMidYear) {
  return resolve(policy_of(members), material, now);
}

TEST(PolicyInForce, HasAllThatItRefersTo) {
  const PolicyInForce policy = in_force(complete());
  EXPECT_EQ(policy.problems, std::vector<std::string>{});
  EXPECT_EQ(policy.endorsement.trust_anchors.size(), 2U);
  ASSERT_NE(policy.boot_references, nullptr);
  EXPECT_EQ(policy.boot_references->boot_components().size(), 1U);
  ASSERT_NE(policy.runtime, nullptr);
  EXPECT_TRUE(policy.runtime->is_reference(crypto::HashAlgorithm::kSha256, Bytes(32, 0xbb)));
  EXPECT_TRUE(policy.runtime->is_reference(crypto::HashAlgorithm::kSha256, Bytes(32, 0xcc)));
  EXPECT_FALSE(policy.runtime->is_reference(crypto::HashAlgorithm::kSha256, Bytes(32, 0xaa)));
  EXPECT_TRUE(policy.runtime->is_excluded("/var/log/x"));
}

TEST(PolicyInForce, NamesEachThingThatIsMissingOrCannotBeUsed) {
  const auto problem = [](const std::function<void(MemoryMaterial&)>& change) {
    MemoryMaterial material = complete();
    change(material);
    const auto problems = in_force(material).problems;
    return problems.empty() ? "" : problems.front();
  };
  EXPECT_EQ(problem([](auto& m) { m.maps.erase("makers"); }),
            "trust bundle ConfigMap \"ns/makers\": does not exist");
  EXPECT_EQ(problem([](auto& m) { m.manifests.erase("boot"); }),
            "bootLog: ReferenceManifest \"boot\": does not exist");
  EXPECT_EQ(problem([](auto& m) { m.manifests.erase("files"); }),
            "runtime: ReferenceManifest \"files\": does not exist");
  EXPECT_NE(problem([](auto& m) { m.maps.erase("l"); }).find("ConfigMap \"ns/l\""),
            std::string::npos);
  EXPECT_NE(problem([](auto& m) { m.maps["l"]["a"] = "\n\nnonsense"; }).find("data.a: line 3"),
            std::string::npos);
}

TEST(PolicyInForce, HasAnotherDigestWhateverChangesThatItRefersTo) {
  const auto digest = [](const std::function<void(MemoryMaterial&)>& change) {
    MemoryMaterial material = complete();
    change(material);
    return in_force(material).digest;
  };
  std::set<crypto::Sha256> digests;
  digests.insert(digest([](auto&) {}));
  digests.insert(digest([](auto& m) { m.maps["makers"]["more"] = ""; }));
  digests.insert(digest([](auto& m) { m.maps["l"]["c"] += "\n"; }));
  digests.insert(digest([](auto& m) { m.maps.erase("l"); }));
  digests.insert(digest([](auto& m) { m.manifests.erase("boot"); }));
  digests.insert(digest([](auto& m) {
    m.manifests["boot"] = R"({"revoked": ["sha256:)" + std::string(64, '1') + "\"]}";
  }));
  EXPECT_EQ(digests.size(), 6U);
}

TEST(PolicyInForce, ChangesByItselfWhenAManifestBeginsOrEnds) {
  MemoryMaterial material = complete();
  material.manifests["boot"] = R"({"notAfter": "2026-07-01T00:00:00Z", "bootComponents": [
    {"name": "shim", "authenticode": ")" +
                               kDigest + "\"}]}";
  const PolicyInForce before = in_force(material);
  ASSERT_TRUE(before.changes_at.has_value());
  EXPECT_EQ(before.boot_references->boot_components().size(), 1U);
  const PolicyInForce after = in_force(material, kBoth, *before.changes_at);
  EXPECT_EQ(after.boot_references->boot_components().size(), 0U);
  EXPECT_TRUE(after.problems.empty());
  EXPECT_EQ(after.digest, before.digest);
  EXPECT_NE(after.rules_digest, before.rules_digest);
  EXPECT_EQ(after.notices.size(), 1U);
}

TEST(PolicyInForce, WantsSignaturesWhereItNamesKeysAndHasAProblemWithoutThem) {
  const std::string members =
      std::string(kBoth) +
      R"(, "referenceKeys": [{"configMap": {"namespace": "ns", "name": "k"}}])";
  MemoryMaterial material = complete();
  EXPECT_FALSE(in_force(material, members).problems.empty());  // no such ConfigMap
  material.maps["k"] = {
      {"p", crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key().pem()}};
  const auto problems = in_force(material, members).problems;
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems.front().find("is not signed"), std::string::npos) << problems.front();
}

// What the policy names the manifest for that revokes is of no matter.
TEST(PolicyInForce, RevokesWhateverAnyManifestThatItNamesRevokes) {
  const auto members = [](const std::string& boot, const std::string& files,
                          const std::string& signers) {
    const auto list = [](const std::string& first, const std::string& more) {
      return "[" + first + (first.empty() || more.empty() ? "" : ", ") + more + "]";
    };
    return R"("bootLog": {"references": )" + list(R"({"name": "boot"})", boot) +
           R"(}, "runtime": {"references": )" + list(R"({"name": "files"})", files) +
           R"(, "keyrings": )" + list("", signers) + "}";
  };
  const std::string bad = R"({"name": "bad"})";
  MemoryMaterial material = complete();
  material.manifests["bad"] =
      R"({"revoked": [")" + kDigest + R"(", "sha256:)" + std::string(64, 'b') + R"("]})";
  for (const std::string& named :
       {members(bad, "", ""), members("", bad, ""), members("", "", bad)}) {
    const PolicyInForce policy = in_force(material, named);
    EXPECT_EQ(policy.problems, std::vector<std::string>{}) << named;
    ASSERT_NE(policy.boot_references, nullptr);
    ASSERT_NE(policy.runtime, nullptr);
    const auto shim = policy.boot_references->boot_image(
        must_value(reference::make_digest(crypto::HashAlgorithm::kSha256, Bytes(32, 0xaa))));
    EXPECT_EQ(shim.standing, reference::Standing::kRevoked) << named;
    EXPECT_EQ(shim.manifest, "bad");
    EXPECT_TRUE(policy.runtime->is_revoked(crypto::HashAlgorithm::kSha256, Bytes(32, 0xbb)))
        << named;
    EXPECT_FALSE(policy.runtime->is_revoked(crypto::HashAlgorithm::kSha256, Bytes(32, 0xcc)));
  }
  const PolicyInForce for_files = in_force(
      material, R"("bootLog": {}, "runtime": {"references": [{"name": "files"}, )" + bad + "]}");
  EXPECT_EQ(for_files.boot_references, nullptr) << "nothing need be known";
  ASSERT_NE(for_files.boot_revocations, nullptr);
  EXPECT_EQ(for_files.boot_revocations
                ->boot_image(must_value(
                    reference::make_digest(crypto::HashAlgorithm::kSha256, Bytes(32, 0xaa))))
                .standing,
            reference::Standing::kRevoked);
  const PolicyInForce without = in_force(material, members("", "", ""));
  EXPECT_FALSE(without.runtime->is_revoked(crypto::HashAlgorithm::kSha256, Bytes(32, 0xbb)));
}

TEST(PolicyInForce, WithoutReferencesNothingSaysWhatMayBoot) {
  const PolicyInForce policy = in_force(with_makers(), R"("bootLog": {})");
  EXPECT_EQ(policy.boot_references, nullptr);
  EXPECT_EQ(policy.boot_revocations, nullptr);
  EXPECT_EQ(policy.runtime, nullptr);
  EXPECT_TRUE(policy.problems.empty());
}

}  // namespace
}  // namespace avouch::appraisal
