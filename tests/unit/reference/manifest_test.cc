#include "reference/manifest.h"

#include "support/contains.h"
#include "tests/unit/reference/manifests.h"

namespace avouch::reference {
namespace {

using codec::Json;
using testing::contains;

codec::Json full() {
  Json spec = json(R"({"provider": "Debian", "notBefore": "2026-01-01T00:00:00Z",
                       "notAfter": "2027-01-01T00:00:00Z"})");
  spec["bootComponents"] = Json::Array{component("shim", "shim", ""), component("grub", "g", "p"),
                                       component("grub.cfg", "", "cfg")};
  spec["secureBootCertificates"] = Json::Array{base64_of(some_certificate("Debian CA"))};
  spec["ima"]["digests"] = Json::Array{digest_text(sha("ls")), "sha512:" + std::string(128, 'a')};
  spec["ima"]["source"] = json(R"({"configMap": {"namespace": "ns", "name": "files"}})");
  spec["ima"]["signers"] = Json::Array{base64_of(some_certificate("IMA"))};
  spec["revoked"] = Json::Array{digest_text(sha("old shim"))};
  return spec;
}

std::string errors_of(const Json& spec) {
  const auto parsed = parse_manifest("m", spec);
  return parsed.has_value() ? "" : parsed.error().message;
}

// The error of the full manifest with one member at a path set to `value`.
std::string errors_with(std::initializer_list<const char*> path, std::string_view value) {
  Json spec = full();
  Json* at = &spec;
  for (const char* name : path) at = &(*at)[name];
  *at = json(value);
  return errors_of(spec);
}

TEST(ParseManifest, ReadsEveryField) {
  const auto parsed = manifest("m", full());
  EXPECT_EQ(parsed->name, "m");
  EXPECT_EQ(parsed->provider, "Debian");
  EXPECT_EQ(parsed->not_before, at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(parsed->not_after, at("2027-01-01T00:00:00Z"));
  ASSERT_EQ(parsed->boot_components.size(), 3U);
  EXPECT_EQ(parsed->boot_components[0].name, "shim");
  EXPECT_EQ(parsed->boot_components[0].authenticode, sha("shim"));
  EXPECT_FALSE(parsed->boot_components[0].digest.has_value());
  EXPECT_EQ(parsed->boot_components[1].digest, sha("p"));
  EXPECT_FALSE(parsed->boot_components[2].authenticode.has_value());
  EXPECT_EQ(parsed->secure_boot_certificates.size(), 1U);
  ASSERT_NE(parsed->ima_digests, nullptr);
  EXPECT_EQ(parsed->ima_digests->size(), 2U);
  EXPECT_TRUE(parsed->ima_digests->contains(sha("ls")));
  EXPECT_EQ(parsed->ima_source, ListSource(attest::ConfigMapName{"ns", "files"}));
  EXPECT_EQ(parsed->ima_signers.size(), 1U);
  EXPECT_EQ(parsed->revoked, std::vector<Digest>{sha("old shim")});
  EXPECT_TRUE(parsed->signatures.empty());
}

TEST(ParseManifest, ReadsABlobAsTheSource) {
  Json spec = full();
  spec["ima"]["source"] = json(R"({"blob": ")" + digest_text(sha("list")) + "\"}");
  EXPECT_EQ(manifest("m", spec)->ima_source, ListSource(crypto::sha256("list")));
}

TEST(ParseManifest, NamesASignersKeyAsTheKernelDoes) {
  const auto signer = ima_signer(some_certificate("IMA")).value();
  const Bytes identifier = signer.certificate.subject_key_identifier();
  ASSERT_EQ(identifier.size(), 20U);
  EXPECT_TRUE(std::equal(signer.key_id.begin(), signer.key_id.end(), identifier.end() - 4));
}

TEST(ParseManifest, DigestsTheSpecWhateverItsOrderAndSpaces) {
  const Json a = json(R"({"provider": "x", "revoked": [")" + digest_text(sha("a")) + "\"]}");
  const Json b = json(R"({"revoked":[")" + digest_text(sha("a")) + R"("],"provider":"x"})");
  EXPECT_EQ(manifest("m", a)->digest, crypto::sha256(codec::canonical_json(a).value()));
  EXPECT_EQ(manifest("m", a)->digest, manifest("n", b)->digest);
  EXPECT_NE(manifest("m", a)->digest, manifest("m", revoking("a"))->digest);
}

TEST(ParseManifest, RefusesWhatSaysNothing) {
  EXPECT_TRUE(contains(errors_of(json("{}")), "says nothing"));
  EXPECT_TRUE(contains(errors_of(json(R"({"provider": "x"})")), "says nothing"));
  EXPECT_TRUE(contains(errors_with({"ima"}, "{}"), "spec.ima: says nothing"));
  for (const char* list : {"bootComponents", "secureBootCertificates", "revoked"}) {
    EXPECT_TRUE(contains(errors_with({list}, "[]"), "expected at least one")) << list;
  }
  EXPECT_TRUE(contains(errors_with({"ima", "digests"}, "[]"), "expected at least one"));
  EXPECT_TRUE(contains(errors_with({"ima", "signers"}, "[]"), "expected at least one"));
  for (const char* none : {"null", "[]", "1", "\"x\""}) EXPECT_NE(errors_of(json(none)), "");
}

TEST(ParseManifest, RefusesUnknownMembersAnywhere) {
  EXPECT_TRUE(contains(errors_with({"more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"ima", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"ima", "source", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"ima", "source", "configMap", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"bootComponents"}, R"([{"name": "x", "sha256": "y"}])"),
                       "spec.bootComponents[0]: unknown field \"sha256\""));
}

TEST(ParseManifest, NamesTheElementThatIsWrong) {
  const std::string good = "\"" + digest_text(sha("a")) + "\"";
  EXPECT_TRUE(
      contains(errors_with({"revoked"}, "[" + good + ", \"sha256:0\"]"), "spec.revoked[1]"));
  EXPECT_TRUE(contains(errors_with({"revoked"}, "[" + good + ", " + good + "]"),
                       "spec.revoked[1]: is given twice"));
  EXPECT_TRUE(contains(errors_with({"ima", "digests"}, R"(["sha1:)" + std::string(40, 'a') + "\"]"),
                       "spec.ima.digests[0]"));
  EXPECT_TRUE(contains(errors_with({"secureBootCertificates"}, R"(["AAAA"])"),
                       "spec.secureBootCertificates[0]"));
  EXPECT_TRUE(contains(errors_with({"ima", "signers"}, R"(["?"])"), "spec.ima.signers[0]"));
  EXPECT_TRUE(contains(errors_with({"bootComponents"}, R"([{"name": "x"}])"),
                       "spec.bootComponents[0]: expected authenticode or digest"));
  EXPECT_TRUE(contains(errors_with({"bootComponents"}, "[{\"digest\": " + good + "}]"),
                       "spec.bootComponents[0].name: is required"));
  EXPECT_TRUE(contains(errors_with({"notAfter"}, "\"tomorrow\""), "spec.notAfter"));
}

TEST(ParseManifest, RefusesATimeSpanThatIsEmpty) {
  EXPECT_TRUE(contains(errors_with({"notAfter"}, "\"2026-01-01T00:00:00Z\""),
                       "spec.notAfter: expected a time after notBefore"));
}

TEST(ParseManifest, WantsOneSourceAndNotTwo) {
  EXPECT_TRUE(contains(errors_with({"ima", "source"}, "{}"), "exactly one of configMap and blob"));
  EXPECT_TRUE(contains(errors_with({"ima", "source", "blob"}, "\"" + digest_text(sha("a")) + "\""),
                       "exactly one of configMap and blob"));
  EXPECT_TRUE(contains(errors_with({"ima", "source"}, R"({"blob": "sha512:00"})"), "blob"));
  EXPECT_TRUE(contains(errors_with({"ima", "source", "digest"}, "\"sha256:00\""), "digest"));
  const std::string two =
      R"({"blob": ")" + digest_text(sha("a")) + R"(", "digest": ")" + digest_text(sha("a")) + "\"}";
  EXPECT_TRUE(contains(errors_with({"ima", "source"}, two), "blob is a digest itself"));
}

TEST(ParseManifest, ListsAllErrorsAtOnce) {
  const std::string errors =
      errors_of(json(R"({"notAfter": 1, "revoked": ["x"], "ima": {"digests": ["y"]}, "more": 0})"));
  for (const char* path : {"spec.notAfter", "spec.revoked[0]", "spec.ima.digests[0]", "\"more\""}) {
    EXPECT_TRUE(contains(errors, path)) << path << " in " << errors;
  }
}

TEST(ParseManifest, BoundsEveryList) {
  std::string many = "[";
  for (int i = 0; i < 4097; ++i) {
    many += (i == 0 ? "\"" : ",\"") + digest_text(sha(std::to_string(i))) + "\"";
  }
  EXPECT_TRUE(contains(errors_with({"revoked"}, many + "]"), "spec.revoked"));
}

}  // namespace
}  // namespace avouch::reference
