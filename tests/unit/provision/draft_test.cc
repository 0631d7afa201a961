#include "provision/draft.h"

#include <gtest/gtest.h>

#include "reference/digest_list.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::provision {
namespace {

using codec::Json;
using reference::sha;

Draft with_files(std::size_t count) {
  Draft out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "/usr/bin/" + std::to_string(i);
    EXPECT_TRUE(out.files.add(sha(name), name).has_value());
  }
  return out;
}

std::vector<std::string> kinds_and_names(const Manifests& made) {
  std::vector<std::string> out;
  for (const Json& each : made.objects) {
    out.push_back(std::string(each.text({"kind"})) + " " +
                  std::string(each.text({"metadata", "name"})));
  }
  return out;
}

std::string refusal(Draft draft, const ManifestOptions& options) {
  const auto made = make_manifests(draft, options);
  return made.has_value() ? "accepted" : made.error().message;
}

TEST(MakeManifests, SaysAllOfTheDraft) {
  Draft draft = with_files(2);
  draft.boot_components.push_back({.name = "shim", .authenticode = sha("a"), .digest = sha("b")});
  draft.secure_boot_certificates.push_back(reference::some_certificate("db"));
  draft.ima_signers.push_back(reference::some_certificate("signer"));
  const auto made = make_manifests(draft, {.name = "debian-12",
                                           .provider = "Debian",
                                           .not_before = reference::at("2026-01-01T00:00:00Z"),
                                           .not_after = reference::at("2027-01-01T00:00:00Z")});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(kinds_and_names(*made), std::vector<std::string>{"ReferenceManifest debian-12"});
  const auto manifest = reference::manifest("debian-12", *made->objects[0].find("spec"));
  EXPECT_EQ(manifest->provider, "Debian");
  EXPECT_EQ(manifest->not_before, reference::at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(manifest->not_after, reference::at("2027-01-01T00:00:00Z"));
  ASSERT_EQ(manifest->boot_components.size(), 1U);
  EXPECT_EQ(manifest->boot_components[0].authenticode, sha("a"));
  EXPECT_EQ(manifest->boot_components[0].digest, sha("b"));
  EXPECT_EQ(manifest->secure_boot_certificates.size(), 1U);
  EXPECT_EQ(manifest->ima_signers.size(), 1U);
  EXPECT_EQ(manifest->ima_digests->size(), 2U);
}

TEST(MakeManifests, SplitsWhatOneManifestCannotHold) {
  Draft draft = with_files(kMaxInlineDigests + 1);
  EXPECT_NE(refusal(draft, {.name = "files"}).find("--split"), std::string::npos);
  const auto made = make_manifests(draft, {.name = "files", .place = ListPlace::kSplit});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(kinds_and_names(*made),
            (std::vector<std::string>{"ReferenceManifest files", "ReferenceManifest files-2"}));
  std::size_t digests = 0;
  for (const Json& each : made->objects) {
    digests += reference::manifest("files", *each.find("spec"))->ima_digests->size();
  }
  EXPECT_EQ(digests, kMaxInlineDigests + 1);
}

TEST(MakeManifests, NamesAListByItsDigest) {
  Draft draft = with_files(3);
  const auto made = make_manifests(draft, {.name = "files", .place = ListPlace::kFile});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const auto list = reference::read_digest_list(as_bytes(made->list));
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->set->size(), 3U);
  EXPECT_NE(made->list.find("  /usr/bin/1\n"), std::string::npos);
  const auto manifest = reference::manifest("files", *made->objects[0].find("spec"));
  EXPECT_EQ(std::get<crypto::Sha256>(*manifest->ima_source), list->content);
}

TEST(MakeManifests, PutsListsIntoConfigMapsThatAClusterTakes) {
  Draft draft = with_files(20'000);
  const auto made = make_manifests(
      draft, {.name = "files", .place = ListPlace::kConfigMap, .list_namespace = "avouch-system"});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(kinds_and_names(*made),
            (std::vector<std::string>{"ConfigMap files-files", "ReferenceManifest files",
                                      "ConfigMap files-2-files", "ReferenceManifest files-2"}));
  std::size_t digests = 0;
  for (const std::size_t at : {0U, 2U}) {
    const std::string text(made->objects[at].text({"data", "digests"}));
    EXPECT_LE(text.size(), kMaxConfigMapBytes);
    digests += reference::read_digest_list(as_bytes(text))->set->size();
    const auto manifest = reference::manifest("files", *made->objects[at + 1].find("spec"));
    const auto& name = std::get<attest::ConfigMapName>(*manifest->ima_source);
    EXPECT_EQ(name.ns, "avouch-system");
    EXPECT_EQ(name.name, made->objects[at].text({"metadata", "name"}));
    EXPECT_EQ(manifest->ima_list_digest,
              reference::read_digest_list(as_bytes(text))->set->binary_digest());
  }
  EXPECT_EQ(digests, 20'000U);
}

TEST(MakeManifests, RefusesWhatNoClusterTakes) {
  EXPECT_NE(refusal({}, {.name = "nothing"}).find("says nothing"), std::string::npos);
  for (const char* name : {"", "Upper", "a_b", "-a", "a-", "a/b"}) {
    EXPECT_NE(refusal(with_files(1), {.name = name}).find("name of a Kubernetes object"),
              std::string::npos)
        << name;
  }
  EXPECT_NE(refusal(with_files(1), {.name = "a", .place = ListPlace::kConfigMap}).find("namespace"),
            std::string::npos);
  EXPECT_NE(refusal(with_files(1), {.name = "a",
                                    .not_before = reference::at("2027-01-01T00:00:00Z"),
                                    .not_after = reference::at("2026-01-01T00:00:00Z")})
                .find("notAfter"),
            std::string::npos);
}

TEST(FileList, IsTheSameWhateverTheOrder) {
  FileList a, b;
  for (const char* path : {"/b", "/a", "/c"}) EXPECT_TRUE(a.add(sha("same"), path).has_value());
  for (const char* path : {"/c", "/b", "/a"}) EXPECT_TRUE(b.add(sha("same"), path).has_value());
  ASSERT_EQ(a.sorted().size(), 1U);
  EXPECT_EQ(a.sorted()[0].path, "/a");
  EXPECT_EQ(b.sorted()[0].path, "/a");
}

TEST(FileList, ShowsHostilePathsAsTextOfOneLine) {
  FileList files;
  EXPECT_TRUE(files.add(sha("x"), "/a\nb\\c\x1b\xff").has_value());
  EXPECT_EQ(files.sorted()[0].path, "/a?b?c??");
  EXPECT_TRUE(reference::read_digest_list(as_bytes(list_line(files.sorted()[0]))).has_value());
}

}  // namespace
}  // namespace avouch::provision
