#include "tlog/log_policy.h"

#include <gtest/gtest.h>

#include <map>

namespace avouch::tlog {
namespace {

// Keys W0, W1 ... and one of a log, in place of the words.
class PolicyText {
 public:
  std::string operator()(std::string text) const {
    for (std::size_t i = 0; i < witnesses_.size(); ++i) {
      replace(text, "$W" + std::to_string(i), format_cosigner_vkey(witnesses_[i]));
    }
    replace(text, "$LOG", format_vkey(log_));
    return text;
  }
  const CosignerKey& witness(std::size_t index) const { return witnesses_[index]; }
  const NoteVerifier& log() const { return log_; }

 private:
  static crypto::PublicKey any_key() {
    return crypto::PrivateKey::generate(crypto::KeyType::kEd25519).public_key();
  }
  static std::vector<CosignerKey> make_witnesses() {
    std::vector<CosignerKey> keys;
    for (int i = 0; i < 6; ++i) {
      keys.push_back(make_cosigner_key("w.example/" + std::to_string(i), any_key()).value());
    }
    return keys;
  }
  static void replace(std::string& text, const std::string& word, const std::string& value) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word)) {
      text.replace(at, word.size(), value);
    }
  }

  std::vector<CosignerKey> witnesses_ = make_witnesses();
  NoteVerifier log_ = make_verifier("log.example", any_key()).value();
};

const PolicyText& policy_text() {
  static const PolicyText one;
  return one;
}

constexpr const char* kWitnessLines =
    "witness a $W0 https://a.example/\nwitness b $W1\nwitness c $W2\nwitness d $W3\n"
    "witness e $W4\n";

LogPolicy policy(const std::string& text) {
  auto parsed = LogPolicy::parse(policy_text()(text));
  EXPECT_TRUE(parsed.has_value()) << (parsed.has_value() ? "" : parsed.error().message);
  return std::move(parsed).value();
}

std::string error_of(const std::string& text) {
  const auto parsed = LogPolicy::parse(policy_text()(text));
  return parsed.has_value() ? "(accepted)" : parsed.error().message;
}

// By witness index: its time.
std::vector<Cosignature> signed_by(const std::map<std::size_t, std::uint64_t>& times) {
  std::vector<Cosignature> out;
  for (const auto& [index, seconds] : times) {
    out.push_back(
        {policy_text().witness(index).name, policy_text().witness(index).key_id, seconds});
  }
  return out;
}

TEST(LogPolicy, KnowsTheLogsOfAChainByOneKey) {
  const NoteVerifier key =
      make_verifier("c", crypto::PrivateKey::generate(crypto::KeyType::kEd25519).public_key())
          .value();
  const auto line = [&](const std::string& name) {
    return "log " + format_vkey(make_verifier(name, key.key).value()) + "\n";
  };
  const auto read =
      LogPolicy::parse(line("c") + line("c/2027") + line("c/2028-q1") + "quorum none");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->logs().size(), 3U);
  EXPECT_TRUE(LogPolicy::parse(line("c/2027") + line("c/2028") + "quorum none").has_value());
  for (const char* other : {"d", "c/x", "d/2027", "c/2027/2028", "c"}) {
    EXPECT_FALSE(LogPolicy::parse(line("c") + line(other) + "quorum none").has_value()) << other;
  }
  EXPECT_FALSE(
      LogPolicy::parse(line("c") + line("c/2027") + line("c/2027") + "quorum none").has_value());
}

TEST(LogPolicy, ReadsLogsWitnessesAndTheirUrls) {
  const LogPolicy read = policy(std::string("# ours\n\n  \t\nlog $LOG https://log.example/\r\n") +
                                kWitnessLines + "quorum none");
  ASSERT_EQ(read.logs().size(), 1U);
  EXPECT_EQ(read.logs()[0].key.key_id, policy_text().log().key_id);
  EXPECT_EQ(read.logs()[0].url, "https://log.example/");
  ASSERT_EQ(read.witnesses().size(), 5U);
  EXPECT_EQ(read.witnesses()[0].url, "https://a.example/");
  EXPECT_EQ(read.witnesses()[1].url, "");
  EXPECT_EQ(read.cosigner_keys()[2].key_id, policy_text().witness(2).key_id);
  EXPECT_FALSE(read.needs_witnesses());
  EXPECT_TRUE(read.is_met({}));
  EXPECT_FALSE(read.quorum_time({}).has_value());
}

// Against the definition, for every set of witnesses.
TEST(LogPolicy, CountsEveryQuorumOfGroupsWithinGroups) {
  const LogPolicy read = policy(std::string(kWitnessLines) +
                                "group x any a b\ngroup y 2 c d e\ngroup z all x y\nquorum z\n");
  for (unsigned set = 0; set < 32; ++set) {
    std::map<std::size_t, std::uint64_t> times;
    for (std::size_t i = 0; i < 5; ++i) {
      if ((set >> i & 1U) != 0) times[i] = 100 + i;
    }
    const bool x = times.contains(0) || times.contains(1);
    const std::size_t y = times.count(2) + times.count(3) + times.count(4);
    EXPECT_EQ(read.is_met(signed_by(times)), x && y >= 2) << set;
  }
}

TEST(LogPolicy, TakesASingleWitnessAsQuorum) {
  const LogPolicy read = policy(std::string(kWitnessLines) + "quorum b\n");
  EXPECT_FALSE(read.is_met(signed_by({{0, 1}, {2, 1}})));
  EXPECT_TRUE(read.is_met(signed_by({{1, 1}})));
}

TEST(LogPolicy, SaysOfWhenTheLastQuorumIs) {
  const LogPolicy read = policy(std::string(kWitnessLines) + "group g 2 a b c\nquorum g\n");
  EXPECT_EQ(read.quorum_time(signed_by({{0, 50}, {1, 90}, {2, 70}})), 70U);
  EXPECT_EQ(read.quorum_time(signed_by({{0, 50}, {1, 90}})), 50U);
  EXPECT_EQ(read.quorum_time(signed_by({{0, 50}, {3, 90}})), std::nullopt);
}

TEST(LogPolicy, CountsNobodyItDoesNotKnow) {
  const LogPolicy read = policy("witness a $W0\nquorum a\n");
  EXPECT_FALSE(read.is_met(signed_by({{1, 5}})));
  // The right name with another key.
  EXPECT_FALSE(read.is_met(std::vector<Cosignature>{
      {policy_text().witness(0).name, policy_text().witness(1).key_id, 5}}));
}

TEST(LogPolicy, RefusesWhatIsWrongWithItsLine) {
  const std::string w = kWitnessLines;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "has no quorum line"},
      {w, "has no quorum line"},
      {"quorum none\nquorum none\n", "line 2: a second quorum"},
      {"quorum", "line 1: expected quorum NAME"},
      {"quorum nobody", "\"nobody\" is not defined above"},
      {"quorum a\nwitness a $W0\n", "line 1: \"a\" is not defined above"},
      {"policy x", "\"policy\": expected log, witness, group or quorum"},
      {"log", "expected log VKEY"},
      {"log $W0\nquorum none", "expected type 01"},
      {"log $LOG ftp://x\nquorum none", "URL: expected https://"},
      {"log $LOG https://x more\nquorum none", "words behind its URL"},
      {"log $LOG\nlog $LOG\nquorum none", "line 2: this public key is in the policy already"},
      {"witness a", "expected witness NAME VKEY"},
      {"witness a $LOG\nquorum none", "expected type 04"},
      {"witness none $W0\nquorum none", "not \"none\""},
      {"witness a $W0\nwitness a $W1\nquorum none", "line 2: \"a\" is defined already"},
      {"witness a $W0\nwitness b $W0\nquorum none", "line 2: this public key"},
      {w + "group g all\nquorum none", "expected group NAME all|any|K MEMBER"},
      {w + "group g 0 a\nquorum none", "expected all, any or 1 to 1"},
      {w + "group g 3 a b\nquorum none", "expected all, any or 1 to 2"},
      {w + "group g 01 a b\nquorum none", "expected all, any or 1 to 2"},
      {w + "group g -1 a b\nquorum none", "expected all, any or 1 to 2"},
      {w + "group g 99999999999999999999 a\nquorum none", "expected all, any or 1 to 1"},
      {w + "group g all a a\nquorum none", "\"a\" is in a group already"},
      {w + "group g all a\ngroup h all a b\nquorum none", "line 7: \"a\" is in a group already"},
      {w + "group g all g\nquorum none", "\"g\" is not defined above"},
      {w + "group a all b\nquorum none", "\"a\" is defined already"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_NE(error_of(text).find(message), std::string::npos) << text << "\n" << error_of(text);
  }
}

TEST(LogPolicy, BoundsItsSize) {
  EXPECT_NE(error_of(std::string(kMaxLogPolicyBytes + 1, '\n')).find("at most"), std::string::npos);
  std::string many = "witness w $W0\n";
  std::string last = "w";
  for (std::size_t i = 0; i < kMaxLogPolicyNames; ++i) {
    const std::string name = "g" + std::to_string(i);
    many += "group " + name + " all " + last + "\n";
    last = name;
  }
  EXPECT_NE(error_of(many + "quorum " + last).find("line 1025: more than 1024"), std::string::npos)
      << error_of(many);
}

}  // namespace
}  // namespace avouch::tlog
