#include "appraisal/pcr_list.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::appraisal {
namespace {

const std::string kOne = std::string(62, '0') + "01";

TEST(PcrList, ReadsWhatToolsPrint) {
  const tpm::PcrValues wanted = {
      {{crypto::HashAlgorithm::kSha256, 7}, from_hex(kOne).value()},
      {{crypto::HashAlgorithm::kSha1, 10}, from_hex(std::string(40, 'a')).value()}};
  const std::string pcrread = "sha1:\n    10: 0x" + std::string(40, 'A') + "\nsha256:\n    7 : 0x" +
                              kOne + "\nsm3_256:\n    0 : 0x00\n";
  EXPECT_EQ(parse_pcr_list(pcrread).value(), wanted);
  EXPECT_EQ(
      parse_pcr_list("# mine\nsha256 7 " + kOne + "\n\nsha1 10 " + std::string(40, 'a')).value(),
      wanted);
  const std::string json =
      R"({"sha256": {"7": ")" + kOne + R"("}, "sha1": {"10": ")" + std::string(40, 'a') + "\"}}";
  EXPECT_EQ(parse_pcr_list(json).value(), wanted);
  EXPECT_EQ(parse_pcr_list(R"({"id": "x", "quotedPcrs": )" + json + "}").value(), wanted);
}

TEST(PcrList, SaysWhichLineIsWrong) {
  const auto error = [](const std::string& text) {
    const auto read = parse_pcr_list(text);
    return read.has_value() ? "" : read.error().message;
  };
  EXPECT_EQ(error(""), "there is no PCR value in it");
  EXPECT_EQ(error("sha256:\n 24 : 0x" + kOne), "line 2: expected a PCR from 0 to 23");
  EXPECT_EQ(error("sha256:\n 1 : 0x00"), "line 2: 1 bytes, expected 32");
  EXPECT_EQ(error("sha256 1 " + kOne + "\nsha256 1 " + kOne), "line 2: is given twice");
  EXPECT_NE(error("md5 1 " + kOne).find("line 1: "), std::string::npos);
  EXPECT_NE(error("1 2 3 4 5").find("line 1: expected what tpm2_pcrread prints"),
            std::string::npos);
  EXPECT_NE(error("{").find("line 1"), std::string::npos);
  EXPECT_NE(error("{\"sha256\": []}").find("expected an object"), std::string::npos);
}

}  // namespace
}  // namespace avouch::appraisal
