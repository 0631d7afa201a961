#include "attest/selector.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace avouch::attest {
namespace {

using codec::parse_json;

struct Read {
  LabelSelector selector;
  std::string errors;
};

Read read(std::string_view json) {
  codec::FieldErrors errors;
  const codec::Json value = parse_json(json).value();
  Read out;
  out.selector = read_selector(codec::Fields(value, "sel", errors));
  out.errors = errors.text();
  return out;
}

bool selects(std::string_view json, const Labels& labels) {
  const Read got = read(json);
  EXPECT_EQ(got.errors, "") << json;
  const bool matched = matches(got.selector, labels);
  EXPECT_EQ(matches(got.selector, PackedLabels(labels)), matched) << json;
  return matched;
}

TEST(PackedLabels, AreFoundByTheirWholeKey) {
  const Labels labels = {{"", "empty"},
                         {"a", ""},
                         {"ab", "1"},
                         {"b", std::string(300, 'x')},
                         {std::string("n\0l", 3), "nul"}};
  const PackedLabels packed(labels);
  for (const auto& [key, value] : labels) EXPECT_EQ(packed.find(key), value) << key;
  for (const char* key : {"abc", "x", "n", "1", "empty"}) {
    EXPECT_FALSE(packed.find(key).has_value()) << key;
  }
  EXPECT_FALSE(PackedLabels().find("").has_value());
  EXPECT_TRUE(packed == PackedLabels(labels));
  EXPECT_FALSE(packed == PackedLabels());
  EXPECT_THROW(PackedLabels({{"k", std::string(0x10000, 'x')}}), std::length_error);
}

TEST(Selector, ThatIsEmptyMatchesEverything) {
  EXPECT_TRUE(selects("{}", {}));
  EXPECT_TRUE(selects("{}", {{"a", "b"}}));
  EXPECT_TRUE(read("{}").selector.selects_everything());
  EXPECT_FALSE(read(R"({"matchLabels":{"a":"b"}})").selector.selects_everything());
}

TEST(Selector, NeedsEveryMatchLabel) {
  const char* const json = R"({"matchLabels":{"pool":"production","zone":""}})";
  EXPECT_TRUE(selects(json, {{"pool", "production"}, {"zone", ""}, {"more", "x"}}));
  EXPECT_FALSE(selects(json, {{"pool", "production"}}));
  EXPECT_FALSE(selects(json, {{"pool", "test"}, {"zone", ""}}));
  EXPECT_FALSE(selects(json, {}));
}

// The semantics of k8s.io/apimachinery's labels.Requirement.Matches.
TEST(Selector, DecidesEveryOperatorAsTheApiServerDoes) {
  struct Case {
    const char* op;
    bool missing, listed, other;
  };
  const Case cases[] = {{R"("In","values":["a","b"])", false, true, false},
                        {R"("NotIn","values":["a","b"])", true, false, true},
                        {R"("Exists")", false, true, true},
                        {R"("DoesNotExist")", true, false, false}};
  for (const Case& each : cases) {
    const std::string json =
        R"({"matchExpressions":[{"key":"k","operator":)" + std::string(each.op) + "}]}";
    EXPECT_EQ(selects(json, {}), each.missing) << each.op;
    EXPECT_EQ(selects(json, {{"k", "a"}}), each.listed) << each.op;
    EXPECT_EQ(selects(json, {{"k", "c"}}), each.other) << each.op;
  }
}

TEST(Selector, NeedsEveryExpressionAndEveryLabel) {
  const char* const json = R"({"matchLabels":{"a":"1"},"matchExpressions":[
      {"key":"b","operator":"Exists"},{"key":"c","operator":"NotIn","values":["x"]}]})";
  EXPECT_TRUE(selects(json, {{"a", "1"}, {"b", ""}}));
  EXPECT_FALSE(selects(json, {{"a", "1"}, {"b", ""}, {"c", "x"}}));
  EXPECT_FALSE(selects(json, {{"a", "1"}}));
  EXPECT_FALSE(selects(json, {{"b", ""}}));
}

TEST(Selector, RefusesWhatTheApiServerRefuses) {
  const char* const refused[] = {
      R"({"matchLabels":{"":"x"}})",
      R"({"matchLabels":{"-a":"x"}})",
      R"({"matchLabels":{"a":"-"}})",
      R"({"matchLabels":{"a/b/c":"x"}})",
      R"({"matchLabels":{"UPPER.example/b":"x"}})",
      R"({"matchLabels":{"a":1}})",
      R"({"matchLabels":["a"]})",
      R"({"matchLabels":{"a":"x y"}})",
      R"({"matchExpressions":[{"operator":"Exists"}]})",
      R"({"matchExpressions":[{"key":"a"}]})",
      R"({"matchExpressions":[{"key":"a","operator":"Is"}]})",
      R"({"matchExpressions":[{"key":"a","operator":"In"}]})",
      R"({"matchExpressions":[{"key":"a","operator":"In","values":[]}]})",
      R"({"matchExpressions":[{"key":"a","operator":"NotIn","values":[]}]})",
      R"({"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]})",
      R"({"matchExpressions":[{"key":"a","operator":"DoesNotExist","values":[]}]})",
      R"({"matchExpressions":[{"key":"a","operator":"In","values":["x y"]}]})",
      R"({"matchExpressions":[{"key":"a","operator":"Exists","more":1}]})",
      R"({"matchExpressions":{"key":"a"}})",
      R"({"matchlabels":{"a":"x"}})",
  };
  for (const char* json : refused) EXPECT_NE(read(json).errors, "") << json;
}

TEST(Selector, BoundsLabelsExpressionsAndValues) {
  std::string labels;
  std::string values;
  for (int i = 0; i < 65; ++i) {
    labels += (i == 0 ? "" : ",") + ("\"k" + std::to_string(i)) + "\":\"v\"";
    values += (i == 0 ? "" : ",") + ("\"v" + std::to_string(i)) + "\"";
  }
  EXPECT_NE(read(R"({"matchLabels":{)" + labels + "}}").errors, "");
  EXPECT_NE(read(R"({"matchExpressions":[{"key":"a","operator":"In","values":[)" + values + "]}]}")
                .errors,
            "");
}

TEST(Selector, NamesThePathOfAnError) {
  const std::string errors =
      read(R"({"matchExpressions":[{"key":"a","operator":"Exists"},{"key":"b","operator":"Is"}]})")
          .errors;
  EXPECT_NE(errors.find("sel.matchExpressions[1].operator"), std::string::npos) << errors;
}

TEST(Selector, SaysOfAKeyOrValueWhatIsWrongAndWhatIsExpected) {
  const std::string key_form =
      ": expected NAME or PREFIX/NAME, as pool or example.com/pool, with a NAME of 1 to 63 "
      "letters, "
      "digits, '-', '_' and '.' (a letter or digit at both ends) and a DNS name in lower case of "
      "at "
      "most 253 bytes as PREFIX; give the key that the objects have (kubectl get KIND "
      "--show-labels)";
  const std::string value_form =
      " is not a label value: expected at most 63 letters, digits, '-', '_' and '.' (a letter or "
      "digit at both ends), or \"\"; give the value that the objects have (kubectl get KIND "
      "--show-labels)";
  const auto of_key = [&](const std::string& key, const std::string& fault) {
    EXPECT_EQ(read("{\"matchLabels\":{\"" + key + "\":\"x\"}}").errors,
              "sel.matchLabels: \"" + key + "\" " + fault + key_form);
  };
  of_key("", "is empty, and not a label key");
  of_key("a/b/c", "is not a label key, as it has more than one '/'");
  of_key("Example.com/b", "is not a label key, as its prefix is not a DNS name in lower case");
  of_key("/b", "is not a label key, as its prefix is not a DNS name in lower case");
  of_key("example.com/", "is not a label key, as its name has a wrong form");
  of_key("-pool", "is not a label key, as its name has a wrong form");
  of_key(std::string(64, 'k'), "is not a label key, as its name has a wrong form");
  EXPECT_EQ(read(R"({"matchLabels":{"pool":"my pool"}})").errors,
            "sel.matchLabels: the value of \"pool\", \"my pool\"," + value_form);
  EXPECT_EQ(read(R"({"matchLabels":{"pool":1}})").errors,
            "sel.matchLabels: the value of \"pool\" is not a string: put it in quotes, as in "
            "\"pool\": \"1\"");
  EXPECT_EQ(
      read(R"({"matchExpressions":[{"key":"a","operator":"Exists"},
                                         {"key":"b c","operator":"In",
                                          "values":["good",5,"x y"]}]})")
          .errors,
      "sel.matchExpressions[1].key: \"b c\" is not a label key, as its name has a wrong form" +
          key_form +
          "; sel.matchExpressions[1].values[1]: is an integer, expected a string; "
          "sel.matchExpressions[1].values[2]: \"x y\"" +
          value_form);
  // What would not show, or would change what a terminal shows, does not.
  EXPECT_EQ(read("{\"matchLabels\":{\"a\\u001b[31m\":\"x\"}}").errors.find('\x1b'),
            std::string::npos);
}

TEST(KeysOf, AreSortedAndEachIsThereOnce) {
  const Read got = read(R"({"matchLabels":{"z":"1","a":"2"},"matchExpressions":[
      {"key":"m","operator":"Exists"},{"key":"a","operator":"Exists"}]})");
  EXPECT_EQ(keys_of(got.selector), (std::vector<std::string>{"a", "m", "z"}));
}

}  // namespace
}  // namespace avouch::attest
