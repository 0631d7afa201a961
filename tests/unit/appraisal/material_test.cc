#include "appraisal/material.h"

#include <gtest/gtest.h>

namespace avouch::appraisal {
namespace {

std::string refusal_of(std::string_view config_map) {
  const auto text = require_text(codec::parse_json(config_map).value());
  return text.has_value() ? "" : text.error().message;
}

TEST(RequireText, NamesABinaryEntryAndHowManyMoreThereAre) {
  for (const char* text :
       {"{}", R"({"data": {"a": "b"}})", R"({"binaryData": null})", R"({"binaryData": {}})"}) {
    EXPECT_EQ(refusal_of(text), "") << text;
  }
  EXPECT_TRUE(refusal_of(R"({"binaryData": {"b.cer": "AA=="}})")
                  .starts_with("has \"b.cer\" in binaryData, as what is not text: "));
  EXPECT_TRUE(refusal_of(R"({"data": {"a": "x"}, "binaryData": {"c": "", "b": "", "d": ""}})")
                  .starts_with("has \"b\" and 2 more in binaryData"));
  EXPECT_NE(refusal_of(R"({"binaryData": {"b": ""}})").find("openssl x509 -inform DER"),
            std::string::npos);
}

}  // namespace
}  // namespace avouch::appraisal
