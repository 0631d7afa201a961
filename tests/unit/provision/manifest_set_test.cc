#include "provision/manifest_set.h"

#include <gtest/gtest.h>

#include "reference/digest_list.h"
#include "reference/dsse.h"
#include "tests/support/memory_digest_lists.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::provision {
namespace {

using codec::Json;
using reference::digest_text;
using reference::sha;

const SystemTime kSetMade = reference::at("2026-11-28T00:00:00Z");

Json manifest_object(const std::string& name, Json spec) {
  Json out = Json::Object{{"apiVersion", "avouch.dev/v1alpha1"},
                          {"kind", "ReferenceManifest"},
                          {"metadata", Json::Object{{"name", name}}}};
  out["spec"] = std::move(spec);
  return out;
}

Json revoking(std::string_view what) { return reference::revoking(what); }

std::vector<reference::ManifestWithList> read(const std::vector<Json>& objects,
                                              reference::SharedDigestLists* lists = nullptr) {
  auto out = read_manifests(objects, lists);
  EXPECT_TRUE(out.has_value()) << (out.has_value() ? "" : out.error().message);
  return out.has_value() ? *out : std::vector<reference::ManifestWithList>{};
}

std::string set_refusal(const std::vector<Json>& objects,
                        reference::SharedDigestLists* lists = nullptr) {
  const auto out = read_manifests(objects, lists);
  return out.has_value() ? "accepted" : out.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(SignManifests, MakesSignaturesThatVerify) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const std::vector<Json> objects = {manifest_object("a", revoking("x")),
                                     manifest_object("b", revoking("y"))};
  const auto signed_ones = sign_manifests(objects, key);
  ASSERT_TRUE(signed_ones.has_value()) << signed_ones.error().message;
  const auto set = read(*signed_ones);
  const std::vector trusted = {key.public_key()}, untrusted = {other.public_key()};
  EXPECT_TRUE(check_manifests(set, trusted, kSetMade, false).all_good);
  const auto check = check_manifests(set, untrusted, kSetMade, false);
  EXPECT_FALSE(check.all_good);
  EXPECT_TRUE(has(check.text, "FAILED ReferenceManifest \"a\"")) << check.text;
}

TEST(SignManifests, ReplacesTheSameKeysSignatureAndKeepsOthers) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  std::vector<Json> objects = {manifest_object("a", revoking("x"))};
  objects = sign_manifests(objects, key).value();
  objects = sign_manifests(objects, other).value();
  objects = sign_manifests(objects, key).value();
  const auto set = read(objects);
  EXPECT_EQ(set[0].manifest->signatures.size(), 2U);
  for (const auto& each : {key.public_key(), other.public_key()}) {
    EXPECT_TRUE(check_manifests(set, std::vector{each}, kSetMade, false).all_good);
  }
}

TEST(SignManifests, AChangeAfterwardsShows) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  auto objects = sign_manifests({manifest_object("a", revoking("x"))}, key).value();
  objects[0]["spec"]["provider"] = "someone else";
  EXPECT_FALSE(
      check_manifests(read(objects), std::vector{key.public_key()}, kSetMade, false).all_good);
}

TEST(SignManifests, RefusesWhatIsNoManifest) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  EXPECT_FALSE(sign_manifests({}, key).has_value());
  EXPECT_FALSE(sign_manifests({manifest_object("a", Json::Object{})}, key).has_value());
  EXPECT_FALSE(sign_manifests({manifest_object("a", Json("text"))}, key).has_value());
}

TEST(ReadManifests, NamesEveryProblemWithItsManifestAndField) {
  Json policy = manifest_object("p", Json::Object{});
  policy["kind"] = "AttestationPolicy";
  Json old = manifest_object("old", revoking("x"));
  old["apiVersion"] = "avouch.dev/v1";
  const std::string all = set_refusal(
      {policy, old, manifest_object("", revoking("x")), manifest_object("\x1b[2J", revoking("x")),
       manifest_object("a", revoking("x")), manifest_object("a", revoking("y")),
       manifest_object("b", Json::Object{{"revoked", Json::Array{"sha256:zz"}}})});
  for (const char* part :
       {"AttestationPolicy", "\"old\": apiVersion", "metadata.name is missing",
        "\"?[2J\": metadata.name", "\"a\": is given twice", "\"b\": spec.revoked[0]"}) {
    EXPECT_TRUE(has(all, part)) << part << " in " << all;
  }
  EXPECT_TRUE(has(set_refusal({}), "holds no ReferenceManifest"));
}

TEST(ReadManifests, FindsListsInConfigMapsAndByDigest) {
  const std::string list = digest_text(sha("env")) + "\n";
  const Json config_map =
      Json::Object{{"apiVersion", "v1"},
                   {"kind", "ConfigMap"},
                   {"metadata", Json::Object{{"name", "m"}, {"namespace", "n"}}},
                   {"data", Json::Object{{"digests", list}}}};
  const Json by_map = manifest_object(
      "a",
      reference::json(R"({"ima": {"source": {"configMap": {"namespace": "n", "name": "m"}}}})"));
  EXPECT_TRUE(read({config_map, by_map})[0].list->contains(sha("env")));
  EXPECT_EQ(read({by_map})[0].list, nullptr);

  testing::MemoryDigestLists source;
  reference::SharedDigestLists lists(source);
  const auto digest = attest::digest_text(source.add(list));
  const Json by_digest =
      manifest_object("b", reference::json(R"({"ima": {"source": {"blob": ")" + digest + "\"}}}"));
  EXPECT_TRUE(read({by_digest}, &lists)[0].list->contains(sha("env")));
  source.replace(crypto::sha256(list), "other");
  reference::SharedDigestLists anew(source);
  EXPECT_TRUE(has(set_refusal({by_digest}, &anew), "\"b\": spec.ima.source"));
}

Json in_config_map(const std::string& list_digest) {
  Json spec = reference::json(R"({"notAfter": "2026-01-01T00:00:00Z",
      "ima": {"source": {"configMap": {"namespace": "n", "name": "m"}}}})");
  if (!list_digest.empty()) spec["ima"]["source"]["digest"] = list_digest;
  return manifest_object("a", spec);
}

Json config_map_of(const std::string& list) {
  return Json::Object{{"apiVersion", "v1"},
                      {"kind", "ConfigMap"},
                      {"metadata", Json::Object{{"name", "m"}, {"namespace", "n"}}},
                      {"data", Json::Object{{"digests", list}}}};
}

TEST(CheckManifests, WantTheListOfAConfigMapToBeTheOneThatWasSigned) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::vector trusted = {key.public_key()};
  const std::string list = digest_text(sha("env")) + "\n";
  const auto digest =
      attest::digest_text(reference::read_digest_list(as_bytes(list))->set->binary_digest());
  const auto check = [&](const Json& manifest, const std::string& content) {
    return check_manifests(read(sign_manifests({config_map_of(content), manifest}, key).value()),
                           trusted, kSetMade, false);
  };
  EXPECT_TRUE(check(in_config_map(digest), list).all_good);
  EXPECT_TRUE(check(in_config_map(digest), "# as another text\n" + list).all_good);
  EXPECT_TRUE(has(check(in_config_map(""), list).text, "does not cover"));
  const auto changed = check(in_config_map(digest), list + digest_text(sha("implant")) + "\n");
  EXPECT_FALSE(changed.all_good);
  EXPECT_TRUE(has(changed.text, "is not the one")) << changed.text;
}

TEST(CheckManifests, TellOfTimesAndWantListsWhereAsked) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::vector trusted = {key.public_key()};
  const auto objects =
      sign_manifests({in_config_map(attest::digest_text(crypto::sha256("x")))}, key).value();
  const auto check = check_manifests(read(objects), trusted, kSetMade, false);
  EXPECT_TRUE(check.all_good) << check.text;
  EXPECT_TRUE(has(check.text, "ended at 2026-01-01")) << check.text;
  EXPECT_FALSE(check_manifests(read(objects), trusted, kSetMade, true).all_good);
  EXPECT_FALSE(check_manifests({}, trusted, kSetMade, false).all_good);
}

TEST(DiffManifests, SaysWhatChanged) {
  const auto old_one =
      read({manifest_object("a", reference::json(R"({"provider": "one", "ima": {"digests": [")" +
                                                 digest_text(sha("env")) + R"(", ")" +
                                                 digest_text(sha("sh")) + "\"]}}"))});
  const auto new_one =
      read({manifest_object("a", reference::json(R"({"provider": "two", "ima": {"digests": [")" +
                                                 digest_text(sha("env")) + R"(", ")" +
                                                 digest_text(sha("ls")) + "\"]}}"))});
  EXPECT_EQ(diff_manifests(old_one, new_one),
            (std::vector<std::string>{"ReferenceManifest \"a\":", "- provider: one",
                                      "+ provider: two", "- ima file: " + digest_text(sha("sh")),
                                      "+ ima file: " + digest_text(sha("ls"))}));
  EXPECT_TRUE(diff_manifests(old_one, old_one).empty());
}

// Names come from logs and other people's files.
TEST(DiffManifests, IsNotMisledByNames) {
  const auto component = [](const std::string& name, const std::string& more) {
    return read({manifest_object(
        "a", reference::json(R"({"bootComponents": [{"name": ")" + name + R"(", "digest": ")" +
                             digest_text(sha("x")) + "\"" + more + "}]}"))});
  };
  const std::string other = digest_text(sha("y"));
  const auto in_name = component("grub, authenticode " + other, ""),
             in_field = component("grub", R"(, "authenticode": ")" + other + "\"");
  EXPECT_EQ(diff_manifests(in_name, in_field).size(), 3U);
  EXPECT_EQ(diff_manifests(component("caf\u00e9", ""), component("caf\u00e8", "")).size(), 3U);
  EXPECT_TRUE(diff_manifests(in_field, in_field).empty());
}

TEST(DiffManifests, ComparesByNameWhereThereAreSeveral) {
  const auto a = read({manifest_object("a", revoking("x")), manifest_object("b", revoking("y"))});
  const auto b = read({manifest_object("b", revoking("y")), manifest_object("c", revoking("z"))});
  EXPECT_EQ(diff_manifests(a, b),
            (std::vector<std::string>{"- ReferenceManifest \"a\"", "+ ReferenceManifest \"c\""}));
}

TEST(DiffManifests, ComparesListsByWhatTheyHold) {
  testing::MemoryDigestLists source;
  reference::SharedDigestLists lists(source);
  const std::string one = digest_text(sha("env")) + "\n";
  const auto of = [&](const std::string& list) {
    const auto digest = attest::digest_text(source.add(list));
    return read({manifest_object(
                    "a", reference::json(R"({"ima": {"source": {"blob": ")" + digest + "\"}}}"))},
                &lists);
  };
  const auto lines = diff_manifests(of(one), of(one + digest_text(sha("ls")) + "\n"));
  ASSERT_EQ(lines.size(), 4U);  // the manifest, the two names of the lists, and the file
  EXPECT_EQ(lines[3], "+ ima file: " + digest_text(sha("ls")));
}

}  // namespace
}  // namespace avouch::provision
