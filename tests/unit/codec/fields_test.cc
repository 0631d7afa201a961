#include "codec/fields.h"

#include <gtest/gtest.h>

namespace avouch::codec {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class FieldsTest : public ::testing::Test {
 protected:
  Fields read(const char* text, const char* path = "spec") {
    document_ = parse_json(text).value();
    return Fields(document_, path, errors_);
  }

  Json document_;
  FieldErrors errors_;
};

TEST_F(FieldsTest, GivesTheValuesThatAreThere) {
  Fields fields =
      read(R"({"s": "x", "i": 5, "b": true, "d": "5m", "b64": "AQI=", "h": "0a0B", "m": "Audit",)"
           R"( "o": {"inner": 1}, "os": [{"n": 1}, {"n": 2}], "ss": ["a", "b"], "raw": [1.5]})");
  EXPECT_EQ(fields.string("s"), "x");
  EXPECT_EQ(fields.required_string("s"), "x");
  EXPECT_EQ(fields.integer("i", 1, 5), 5);
  EXPECT_EQ(fields.required_integer("i", 5, 9), 5);
  EXPECT_EQ(fields.boolean("b"), true);
  EXPECT_EQ(fields.duration("d", seconds(10), minutes(5)), minutes(5));
  EXPECT_EQ(fields.base64("b64", 2), (Bytes{1, 2}));
  EXPECT_EQ(fields.hex("h", 2), (Bytes{10, 11}));
  EXPECT_EQ(fields.one_of("m", {"Enforce", "Audit"}), "Audit");
  Fields inner = fields.object("o").value();
  EXPECT_EQ(inner.path(), "spec.o");
  EXPECT_EQ(inner.required_integer("inner", 0, 1), 1);
  inner.finish();
  int sum = 0;
  for (Fields& element : fields.objects("os", 2)) {
    sum += static_cast<int>(element.required_integer("n", 0, 9));
    element.finish();
  }
  EXPECT_EQ(sum, 3);
  EXPECT_EQ(fields.strings("ss", 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(fields.raw("raw"), nullptr);
  fields.finish();
  EXPECT_TRUE(errors_.empty()) << errors_.text();
}

TEST_F(FieldsTest, GivesNothingForWhatIsMissingOrNull) {
  Fields fields = read(R"({"null": null})");
  for (const char* const name : {"absent", "null"}) {
    EXPECT_FALSE(fields.has(name));
    EXPECT_FALSE(fields.string(name));
    EXPECT_FALSE(fields.integer(name, 0, 1));
    EXPECT_FALSE(fields.boolean(name));
    EXPECT_FALSE(fields.duration(name, seconds(0), seconds(1)));
    EXPECT_FALSE(fields.base64(name, 1));
    EXPECT_FALSE(fields.hex(name, 1));
    EXPECT_FALSE(fields.one_of(name, {"a"}));
    EXPECT_FALSE(fields.object(name));
    EXPECT_TRUE(fields.objects(name, 1).empty());
    EXPECT_TRUE(fields.strings(name, 1).empty());
    EXPECT_EQ(fields.raw(name), nullptr);
  }
  fields.finish();
  EXPECT_TRUE(errors_.empty()) << errors_.text();
}

TEST_F(FieldsTest, SaysEverythingThatIsWrongAtOnce) {
  Fields fields = read(
      R"({"name": 5, "count": "3", "level": 11, "on": "yes", "maxAge": "5x", "ttl": "1s", "wait": 30,)"
      R"( "key": "A===", "digest": "abc", "mode": "Enforced", "box": [], "list": {}, "texts": ["a", 1],)"
      R"( "objects": [{}, "b"], "empty": "", "long": "abcdef", "real": 1.5})");
  fields.string("name");
  fields.integer("count", 1, 9);
  fields.integer("level", 1, 9);
  fields.boolean("on");
  fields.duration("maxAge", seconds(10), minutes(60));
  fields.duration("ttl", seconds(10), minutes(60));
  fields.duration("wait", seconds(10), minutes(60));
  fields.base64("key", 32);
  fields.hex("digest", 32);
  fields.one_of("mode", {"Enforce", "Audit"});
  fields.object("box");
  fields.strings("list", 3);
  fields.strings("texts", 3);
  EXPECT_EQ(fields.objects("objects", 3).size(), 1U);
  fields.required_string("empty");
  fields.string("long", 5);
  fields.integer("real", 0, 9);
  fields.required_string("missing");
  fields.required_integer("missingNumber", 1, 2);
  const char* const expected[] = {
      "spec.name: is an integer, expected a string",
      "spec.count: is a string, expected an integer from 1 to 9",
      "spec.level: 11 is out of range: expected 1 to 9",
      "spec.on: is a string, expected true or false",
      "spec.maxAge: \"5x\" is not a duration: expected for example 90s, 5m or 1h30m",
      "spec.ttl: \"1s\" is out of range: expected 10s to 1h",
      "spec.wait: is an integer, expected a duration in quotes, such as \"10s\"",
      "spec.key: not a base64 digit at position 1",
      "spec.digest: hexadecimal text has an odd number of digits: 3",
      "spec.mode: \"Enforced\" is not accepted: expected one of Enforce, Audit",
      "spec.box: is a list, expected an object",
      "spec.list: is an object, expected a list of strings",
      "spec.texts[1]: is an integer, expected a string",
      "spec.objects[1]: is a string, expected an object",
      "spec.empty: must not be empty",
      "spec.long: has 6 bytes, at most 5 are accepted",
      "spec.real: is a number with a fraction, expected an integer from 0 to 9",
      "spec.missing: is required: expected a string",
      "spec.missingNumber: is required: expected an integer from 1 to 2",
  };
  ASSERT_EQ(errors_.list().size(), std::size(expected)) << errors_.text();
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(errors_.list()[i].path + ": " + errors_.list()[i].message, expected[i]);
  }
  fields.finish();
  EXPECT_EQ(errors_.list().size(), std::size(expected)) << "every field was asked for";
}

TEST_F(FieldsTest, NamesTheKnownFieldsForAnUnknownOne) {
  Fields fields = read(R"({"maxage": "5m", "frehsness": 1, "zzz": 1})");
  fields.duration("maxAge", seconds(1), minutes(9));
  fields.raw("freshness");
  fields.finish();
  EXPECT_EQ(
      errors_.text(),
      "spec: unknown field \"frehsness\": did you mean freshness? Known are: freshness, maxAge; "
      "spec: unknown field \"maxage\": did you mean maxAge? Known are: freshness, maxAge; "
      "spec: unknown field \"zzz\"; known are: freshness, maxAge");
}

TEST_F(FieldsTest, BoundsCountsAndLengths) {
  Fields fields =
      read(R"({"a": ["x", "y", "z"], "b": ["xxxx"], "c": "AAECAwQ=", "d": "0001", "e": [{}, {}]})");
  EXPECT_TRUE(fields.strings("a", 2).empty());
  EXPECT_TRUE(fields.strings("b", 1, 3).empty());
  EXPECT_FALSE(fields.base64("c", 4));
  EXPECT_FALSE(fields.hex("d", 1));
  EXPECT_TRUE(fields.objects("e", 1).empty());
  EXPECT_EQ(errors_.text(),
            "spec.a: has 3 elements, at most 2 are accepted; "
            "spec.b[0]: has 4 bytes, at most 3 are accepted; "
            "spec.c: has 5 bytes, at most 4 are accepted; "
            "spec.d: has 4 bytes, at most 2 are accepted; "
            "spec.e: has 2 elements, at most 1 are accepted");
}

TEST_F(FieldsTest, OfSomethingElseThanAnObjectIsOneError) {
  Fields fields = read("[1]", "");
  EXPECT_EQ(fields.required_string("a"), "");
  EXPECT_EQ(fields.required_integer("b", 3, 5), 3);
  EXPECT_FALSE(fields.object("c"));
  fields.finish();
  EXPECT_EQ(errors_.text(), "the document is a list, expected an object");
}

TEST_F(FieldsTest, OfSomethingElseThanAnObjectNamesItsPathWhereItHasOne) {
  read("null", "spec").finish();
  EXPECT_EQ(errors_.text(), "spec: is null, expected an object");
}

TEST_F(FieldsTest, JoinsPathsAlsoAtTheTop) {
  Fields fields = read(R"({"spec": {"pcrs": {"exact": [{"index": 0}, {"index": 99}]}}})", "");
  Fields pcrs = fields.object("spec")->object("pcrs").value();
  for (Fields& exact : pcrs.objects("exact", 24)) exact.required_integer("index", 0, 23);
  EXPECT_EQ(errors_.text(), "spec.pcrs.exact[1].index: 99 is out of range: expected 0 to 23");
  fields.error("spec", "says nothing");
  EXPECT_EQ(errors_.list().back().path, "spec");
}

TEST_F(FieldsTest, TellsOnceWhatMoreThanThreeFieldsHaveInCommon) {
  Fields fields = read("{}");
  const auto add = [&fields](int first, int end) {
    for (int i = first; i < end; ++i) fields.error("a[" + std::to_string(i) + "]", "is wrong");
  };
  add(0, 3);
  fields.error("b", "is other");
  EXPECT_EQ(errors_.text(),
            "spec.a[0]: is wrong; spec.a[1]: is wrong; spec.a[2]: is wrong; spec.b: is other");
  add(3, 22);
  EXPECT_EQ(errors_.text(),
            "spec.a[0], spec.a[1], spec.a[2] and 19 more: is wrong; spec.b: is other");
}

TEST_F(FieldsTest, TellsTheFirstErrorsAndHowManyMoreThereAre) {
  Fields fields = read("{}");
  std::string expected;
  for (int i = 0; i < 16; ++i) {
    const std::string number = std::to_string(i);
    fields.error("a" + number, "error " + number);
    expected.append(i == 0 ? "" : "; ").append("spec.a" + number).append(": error " + number);
  }
  EXPECT_EQ(errors_.text(), expected);
  for (int i = 16; i < 216; ++i) fields.error("a", "error " + std::to_string(i));
  EXPECT_EQ(errors_.list().size(), 100U);
  EXPECT_EQ(errors_.text(), expected + "; and 200 more") << "those that were not kept too";
}

TEST_F(FieldsTest, TakesNoErrorsTogetherThatHaveNoPath) {
  FieldErrors errors;
  for (int i = 0; i < 5; ++i) errors.add("", "is empty");
  EXPECT_EQ(errors.text(), "is empty; is empty; is empty; is empty; is empty");
}

TEST_F(FieldsTest, KeepsAtMostAHundredErrorsOfBoundedLength) {
  std::string text = "{";
  for (int i = 0; i < 300; ++i) {
    text += (i > 0 ? ",\"" : "\"") + std::string(1000, 'x') + std::to_string(i) + "\":1";
  }
  Fields fields = read((text + "}").c_str());
  fields.finish();
  EXPECT_EQ(errors_.list().size(), 100U);
  EXPECT_LT(errors_.text().size(), 4'000U);
}

}  // namespace
}  // namespace avouch::codec
