#include "control/node_record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/json.h"
#include "support/sanitized.h"
#include "tests/unit/control/scene.h"

namespace avouch::control {
namespace {

class NodeRecordTest : public Scene {
 protected:
  NodeRecordTest() {
    set_policies({policy("production", machine)});
    trusted("n", machine);
    NodeRecord record = saved.at("uid-n");
    record.held_by["strict"] = attest::TaintEffect::kNoExecute;
    auto enrolment = *record.enrolment;
    enrolment.certificate_rules = {"name-not-critical"};
    record.enrolment = std::make_shared<const Enrolment>(enrolment);
    text = encode_record(record, "log");
  }
  Machine machine{maker};
  std::string text;
};

TEST_F(NodeRecordTest, IsTheSameAfterItWasStored) {
  const auto saved_record = parse_record(text);
  ASSERT_TRUE(saved_record.has_value()) << saved_record.error().message;
  EXPECT_EQ(saved_record->log_origin, "log");
  const NodeRecord* again = &saved_record->record;
  EXPECT_EQ(encode_record(*again, saved_record->log_origin), text);
  EXPECT_EQ(again->verdict->phase, Phase::kTrusted);
  EXPECT_EQ(again->node_uid, "uid-n");
  EXPECT_FALSE(again->verdict->token.empty());
  EXPECT_EQ(again->held_by.at("strict"), attest::TaintEffect::kNoExecute);
  EXPECT_NE(again->enrolment->tpm_make.find("ST33"), std::string::npos);
  EXPECT_EQ(again->enrolment->certificate_rules, std::vector<std::string>{"name-not-critical"});
}

// The record decides about the node after a restart: what is damaged must not be taken for whole.
// Every byte; under a sanitizer, which makes this minutes, some of them.
constexpr std::size_t kStep = testing::kSanitized ? 31 : 1;

TEST_F(NodeRecordTest, IsRefusedAtEveryLengthButItsOwn) {
  for (std::size_t size = 0; size < text.size(); size += kStep) {
    EXPECT_FALSE(parse_record(std::string_view(text).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(parse_record(text + "x").has_value());
}

// A damaged record is refused, or it says exactly what it says: nothing is dropped or filled in.
TEST_F(NodeRecordTest, LosesNothingInSilenceWhicheverByteIsDamaged) {
  std::size_t refused = 0, tried = 0;
  for (std::size_t at = 0; at < text.size(); at += kStep, ++tried) {
    for (const unsigned flip : {0x01U, 0x20U, 0x80U}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
      const auto record = parse_record(damaged);
      if (!record.has_value()) {
        ++refused;
        continue;
      }
      // A capital in a digest in hexadecimal is the same digest.
      const bool same_digit = damaged[at] >= 'A' && damaged[at] <= 'F' && flip == 0x20U;
      const std::string again = encode_record(record->record, record->log_origin);
      EXPECT_TRUE(again == damaged || (same_digit && again == text))
          << "byte " << at << ", bits " << flip << ": " << damaged.substr(at - at % 80, 80);
    }
  }
  EXPECT_GT(refused, tried) << "every byte with its top bit set, at the least";
}

TEST_F(NodeRecordTest, SaysNothingBesideAnotherLogOfTheOneThatItWasSavedBeside) {
  SavedRecord whole = parse_record(text).value();
  NodeVerdict placed = *whole.record.verdict;
  placed.log = LogPlace{7, {}};
  placed.beacon = {.origin = "log", .size = 9};
  whole.record.verdict = placed;
  const std::string as_it_is = encode_record(whole.record, "log");
  EXPECT_EQ(encode_record(record_beside(whole, "log"), "log"), as_it_is);
  const NodeRecord beside = record_beside(whole, "another");
  EXPECT_EQ(beside.verdict->phase, Phase::kPending);
  EXPECT_TRUE(beside.verdict->token.empty());
  EXPECT_FALSE(beside.verdict->log.has_value());
  EXPECT_EQ(beside.verdict->issued_at, placed.issued_at) << "the next token has to be younger";
  EXPECT_EQ(beside.evidence, nullptr);
  EXPECT_NE(beside.enrolment, nullptr);
  EXPECT_TRUE(beside.held_by.contains("strict"));

  // Beside another log of its chain all holds but the place; beside another chain's nothing.
  for (const char* earlier : {"chain", "chain/2026"}) {
    SavedRecord of_chain = whole;
    NodeVerdict there = placed;
    there.beacon.origin = of_chain.log_origin = earlier;
    of_chain.record.verdict = there;
    const NodeRecord next = record_beside(of_chain, "chain/2027", "chain");
    EXPECT_EQ(next.verdict->phase, placed.phase);
    EXPECT_EQ(next.verdict->token, placed.token);
    EXPECT_NE(next.evidence, nullptr);
    EXPECT_FALSE(next.verdict->log.has_value());
    EXPECT_TRUE(record_beside(of_chain, earlier, "chain").verdict->log.has_value());
    EXPECT_TRUE(record_beside(of_chain, "other/2027", "other").verdict->token.empty());
    EXPECT_TRUE(record_beside(of_chain, "chain/2027").verdict->token.empty());
  }

  // Records from before say it by their beacon alone, or not at all.
  SavedRecord old = whole;
  old.log_origin.clear();
  EXPECT_TRUE(record_beside(old, "log").verdict->log.has_value());
  EXPECT_FALSE(record_beside(old, "another").verdict->log.has_value());
  placed.beacon = {};
  old.record.verdict = placed;
  EXPECT_FALSE(record_beside(old, "log").verdict->log.has_value());
  old.log_origin = "log";
  EXPECT_TRUE(record_beside(old, "log").verdict->log.has_value());
}

// A TPM's binding must not pass from one node to another.
TEST_F(NodeRecordTest, IsRefusedWithTheClaimsOfAnotherNode) {
  auto json = codec::parse_json(text);
  ASSERT_TRUE(json.has_value());
  (*json)["claims"]["nodeUID"] = "uid-m";
  const auto record = parse_record(codec::to_json_pretty(*json));
  ASSERT_FALSE(record.has_value());
  EXPECT_NE(record.error().message.find("claims"), std::string::npos) << record.error().message;
}

// Without it a node that left a policy's selection while it failed would lose its taint.
TEST_F(NodeRecordTest, IsRefusedWithoutWhatHoldsTheNode) {
  const auto json = codec::parse_json(text);
  ASSERT_TRUE(json.has_value());
  const std::vector<codec::Json> wrong = {codec::Json(), codec::Json(codec::Json::Array()),
                                          codec::Json("production")};
  for (const codec::Json& value : wrong) {
    codec::Json damaged = *json;
    damaged["heldBy"] = value;
    EXPECT_FALSE(parse_record(codec::to_json_pretty(damaged)).has_value());
  }
  codec::Json::Object without;
  for (const auto& [name, value] : *json->as_object()) {
    if (name != "heldBy") without[name] = value;
  }
  EXPECT_FALSE(parse_record(codec::to_json_pretty(codec::Json(without))).has_value());
}

}  // namespace
}  // namespace avouch::control
