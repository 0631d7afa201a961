#include "provision/yaml_text.h"

#include <gtest/gtest.h>

namespace avouch::provision {
namespace {

using codec::Json;

std::string yaml(const Json& object, const std::vector<std::string>& remarks = {}) {
  return to_yaml({&object, 1}, remarks);
}

TEST(ToYaml, WritesObjectsAsPeopleDo) {
  const Json object = Json::Object{
      {"kind", "ReferenceManifest"},
      {"metadata", Json::Object{{"name", "debian-12"}}},
      {"spec", Json::Object{{"components", Json::Array{Json::Object{{"digest", "sha256:ab"},
                                                                    {"name", "shim 15"}}}},
                            {"list", Json::Array{"a", "b c"}},
                            {"count", 3},
                            {"on", true},
                            {"none", Json()},
                            {"empty", Json::Array{}}}}};
  EXPECT_EQ(yaml(object),
            "kind: ReferenceManifest\n"
            "metadata:\n"
            "  name: debian-12\n"
            "spec:\n"
            "  components:\n"
            "    - digest: \"sha256:ab\"\n"
            "      name: \"shim 15\"\n"
            "  count: 3\n"
            "  empty: []\n"
            "  list:\n"
            "    - a\n"
            "    - \"b c\"\n"
            "  none: null\n"
            "  \"on\": true\n");
}

TEST(ToYaml, QuotesWhatOnlyLooksLikeText) {
  for (const char* text : {"", "true", "NULL", "Yes", "off", "1", "0x1f", "2026-01-01", "-", "~",
                           "a: b", "a #b", "*a", "&a", "'", "\"", "{}", " a", "a\tb"}) {
    EXPECT_EQ(yaml(Json::Object{{"k", text}}), "k: " + codec::to_json(Json(text)) + "\n");
  }
}

TEST(ToYaml, WritesLinesAsABlock) {
  EXPECT_EQ(yaml(Json::Object{{"data", Json::Object{{"k", "one\ntwo  x\n\nthree\n"}}}}),
            "data:\n  k: |\n    one\n    two  x\n\n    three\n");
  for (const char* text : {"\na\n", " a\nb\n", "a\nb", "a\n\n", "a\n\tb\n"}) {
    EXPECT_EQ(yaml(Json::Object{{"k", text}}), "k: " + codec::to_json(Json(text)) + "\n");
  }
}

TEST(ToYaml, KeepsRemarksInComments) {
  EXPECT_EQ(yaml(Json::Object{{"k", 1}}, {"one\ntwo: \x1b[0m", "three"}),
            "# one\n# two: ?[0m\n# three\nk: 1\n");
}

TEST(ToYaml, SeparatesDocuments) {
  const std::vector<Json> objects = {Json::Object{{"a", 1}}, Json::Object{{"b", 2}}};
  EXPECT_EQ(to_yaml(objects, {}), "a: 1\n---\nb: 2\n");
}

}  // namespace
}  // namespace avouch::provision
