#include "adapters/file_material.h"

#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

std::string manifest(const std::string& version) {
  return "apiVersion: " + version +
         "\nkind: ReferenceManifest\nmetadata: {name: a}\n"
         "spec: {provider: p, ima: {digests: [\"sha256:" +
         std::string(64, '0') + "\"]}}\n";
}
std::string config_map(const std::string& version) {
  return "apiVersion: " + version +
         "\nkind: ConfigMap\nmetadata: {name: c, namespace: n}\ndata: {}\n";
}

// What is wrong with a folder that holds this.
std::string problem_of(const std::string& content) {
  const ScratchFolder scratch;
  scratch.write("objects.yaml", content);
  FileMaterial material;
  const auto added = material.add_folder(scratch.path());
  return added.has_value() ? "" : added.error().message;
}

TEST(FileMaterial, TakesObjectsOfTheVersionsThatItReads) {
  EXPECT_EQ(problem_of(manifest("avouch.dev/v1alpha1") + "---\n" + config_map("v1")), "");
}

TEST(FileMaterial, RefusesObjectsOfAnyOtherVersion) {
  for (const char* version : {"avouch.dev/v1", "avouch.dev/v1alpha2", "v1"}) {
    const std::string said = problem_of(manifest(version));
    EXPECT_NE(said.find("ReferenceManifest \"a\": apiVersion"), std::string::npos) << said;
    EXPECT_NE(said.find("expected avouch.dev/v1alpha1"), std::string::npos) << said;
  }
  for (const char* version : {"v2", "avouch.dev/v1alpha1"}) {
    const std::string said = problem_of(config_map(version));
    EXPECT_NE(said.find("ConfigMap \"c\": apiVersion"), std::string::npos) << said;
    EXPECT_NE(said.find("expected v1"), std::string::npos) << said;
  }
}

TEST(FileMaterial, APolicyOfAnotherVersionIsNone) {
  const ScratchFolder scratch;
  const auto file = scratch.write("policy.yaml",
                                  "apiVersion: avouch.dev/v1\nkind: AttestationPolicy\n"
                                  "metadata: {name: p}\nspec: {}\n");
  const auto policy = read_policy_file(file);
  ASSERT_FALSE(policy.has_value());
  EXPECT_NE(policy.error().message.find("apiVersion: expected avouch.dev/v1alpha1"),
            std::string::npos)
      << policy.error().message;
}

}  // namespace
}  // namespace avouch::adapters
