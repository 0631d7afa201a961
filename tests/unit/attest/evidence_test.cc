#include "attest/evidence.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/hex.h"
#include "codec/base64.h"
#include "support/contains.h"

namespace avouch::attest {
namespace {

using codec::Json;
using crypto::HashAlgorithm;
using testing::contains;

UnverifiedEvidence sample() {
  UnverifiedEvidence out;
  out.node_uid = "0f6b7d3c-6f3b-4d53-9d1c-6a1f0f6d1a55";
  out.identity = UnverifiedIdentity{{Bytes(900, 1), Bytes(800, 2)}, Bytes(122, 3), Bytes(90, 4)};
  out.activation = ActivationAnswer{"00112233445566778899aabbccddeeff", Bytes(32, 5)};
  out.quote = UnverifiedQuote{Bytes(145, 6), Bytes(72, 7), {"example.com/log", 42}};
  out.pcrs[{HashAlgorithm::kSha256, 0}] = Bytes(32, 8);
  out.pcrs[{HashAlgorithm::kSha256, 23}] = Bytes(32, 9);
  out.pcrs[{HashAlgorithm::kSha1, 7}] = Bytes(20, 10);
  out.boot_log = BootLogReference{crypto::sha256("boot"), 40960};
  out.runtime_log = RuntimeLogReference{10482, crypto::sha256("ima"), 123};
  out.agent = {"0.1.0", "IBM", "2019.10.23"};
  return out;
}

UnverifiedEvidence heartbeat_part(UnverifiedEvidence evidence) {
  evidence.identity.reset();
  evidence.activation.reset();
  return evidence;
}

std::string spec_errors(const Json& spec) {
  const auto evidence = parse_evidence_spec(spec);
  return evidence.has_value() ? "" : evidence.error().message;
}

std::string heartbeat_errors(const Json& body) {
  const auto evidence = parse_heartbeat(codec::to_json(body));
  return evidence.has_value() ? "" : evidence.error().message;
}

std::string with(const std::function<void(Json&)>& change) {
  Json spec = to_evidence_spec(sample());
  change(spec);
  return spec_errors(spec);
}

TEST(EvidenceSpec, ReadsWhatItWrote) {
  const auto read = parse_evidence_spec(to_evidence_spec(sample()));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read.value(), sample());
}

TEST(EvidenceSpec, MayHaveNoQuoteYet) {
  UnverifiedEvidence enrolling;
  enrolling.node_uid = "uid";
  enrolling.identity = UnverifiedIdentity{{}, Bytes(122, 3), Bytes(90, 4)};
  const auto read = parse_evidence_spec(to_evidence_spec(enrolling));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read.value(), enrolling);
}

TEST(EvidenceSpec, HasTheMembersOfTheCustomResource) {
  const Json spec = to_evidence_spec(sample());
  EXPECT_EQ(spec.text({"nodeUID"}), sample().node_uid);
  EXPECT_EQ(spec.text({"identity", "akPublic"}), codec::to_base64(Bytes(90, 4)));
  EXPECT_EQ(spec.text({"activation", "challengeID"}), "00112233445566778899aabbccddeeff");
  EXPECT_EQ(spec.text({"quote", "beacon", "origin"}), "example.com/log");
  EXPECT_EQ(*spec.find_path({"quote", "beacon", "size"})->as_int(), 42);
  const Json& first = (*spec.find("pcrs")->as_array())[0];
  EXPECT_EQ(first.text({"bank"}), "sha1");
  EXPECT_EQ(*first.find("index")->as_int(), 7);
  EXPECT_EQ(first.text({"digest"}), to_hex(Bytes(20, 10)));
  EXPECT_EQ(*spec.find_path({"runtimeLog", "entries"})->as_int(), 10482);
}

TEST(EvidenceSpec, RefusesEveryRequiredMemberThatIsMissing) {
  const std::initializer_list<std::initializer_list<const char*>> paths = {
      {"nodeUID"},
      {"identity"},
      {"identity", "ekPublic"},
      {"identity", "akPublic"},
      {"activation", "challengeID"},
      {"activation", "proof"},
      {"quote", "message"},
      {"quote", "signature"},
      {"quote", "beacon"},
      {"quote", "beacon", "origin"},
      {"quote", "beacon", "size"},
      {"bootLog", "digest"},
      {"bootLog", "size"},
      {"runtimeLog", "entries"},
      {"runtimeLog", "digest"},
      {"runtimeLog", "offset"},
  };
  for (const auto& path : paths) {
    Json spec = to_evidence_spec(sample());
    std::string dotted = "spec";
    Json* at = &spec;
    Json* parent = nullptr;
    for (const char* name : path) {
      parent = at;
      at = &(*at)[name];
      dotted += "." + std::string(name);
    }
    parent->as_object()->erase(std::string(*(path.end() - 1)));
    EXPECT_TRUE(contains(spec_errors(spec), dotted + ": is required")) << dotted;
  }
}

TEST(EvidenceSpec, RefusesUnknownMembersEverywhere) {
  for (const char* section :
       {"", "identity", "activation", "quote", "bootLog", "runtimeLog", "agent"}) {
    EXPECT_TRUE(
        contains(with([&](Json& spec) { (*section == '\0' ? spec : spec[section])["more"] = 1; }),
                 "unknown field"))
        << section;
  }
  EXPECT_TRUE(contains(with([](Json& spec) { spec["quote"]["beacon"]["more"] = 1; }), "unknown"));
  EXPECT_TRUE(
      contains(with([](Json& spec) { (*spec["pcrs"].as_array())[0]["more"] = 1; }), "unknown"));
}

TEST(EvidenceSpec, BoundsEverySize) {
  struct Bound {
    const char* section;
    const char* member;
    std::size_t max;
  };
  const Bound bounds[] = {{"identity", "ekPublic", 1026},
                          {"identity", "akPublic", 1026},
                          {"quote", "message", 1024},
                          {"quote", "signature", 1024}};
  for (const Bound& bound : bounds) {
    const auto sized = [&](std::size_t size) {
      return with([&](Json& spec) {
        spec[bound.section][bound.member] = codec::to_base64(Bytes(size, 1));
      });
    };
    EXPECT_EQ(sized(bound.max), "") << bound.member;
    EXPECT_TRUE(contains(sized(bound.max + 1), bound.member)) << bound.member;
    EXPECT_TRUE(contains(sized(0), "must not be empty")) << bound.member;
  }
  const auto certificates = [&](std::size_t count, std::size_t size) {
    return with([&](Json& spec) {
      spec["identity"]["ekCertificates"] =
          Json::Array(count, Json(codec::to_base64(Bytes(size, 1))));
    });
  };
  EXPECT_EQ(certificates(8, 4096), "");
  EXPECT_NE(certificates(9, 10), "");
  EXPECT_TRUE(contains(certificates(2, 4097), "ekCertificates"));
  EXPECT_TRUE(contains(certificates(1, 0), "ekCertificates[0]"));
  for (const std::size_t size : {0U, 31U, 33U}) {
    EXPECT_NE(
        with([&](Json& spec) { spec["activation"]["proof"] = codec::to_base64(Bytes(size, 1)); }),
        "")
        << size;
  }
}

TEST(EvidenceSpec, RefusesTextThatIsNotPlain) {
  for (const char* text : {"", "a b", "a\nb", "\x7f", "caf\xc3\xa9"}) {
    EXPECT_NE(with([&](Json& spec) { spec["nodeUID"] = text; }), "") << text;
    EXPECT_NE(with([&](Json& spec) { spec["quote"]["beacon"]["origin"] = text; }), "") << text;
  }
  EXPECT_NE(with([&](Json& spec) { spec["nodeUID"] = std::string(65, 'a'); }), "");
  EXPECT_NE(with([&](Json& spec) { spec["quote"]["beacon"]["origin"] = std::string(256, 'a'); }),
            "");
}

TEST(EvidenceSpec, RefusesNumbersOutOfRange) {
  for (const std::int64_t number : {std::int64_t{-1}, std::int64_t{1} << 53}) {
    EXPECT_NE(with([&](Json& spec) { spec["quote"]["beacon"]["size"] = number; }), "");
    EXPECT_NE(with([&](Json& spec) { spec["bootLog"]["size"] = number; }), "");
    EXPECT_NE(with([&](Json& spec) { spec["runtimeLog"]["offset"] = number; }), "");
  }
}

Json pcr(const char* bank, int index, const std::string& digest) {
  Json out;
  out["bank"] = bank;
  out["index"] = index;
  out["digest"] = digest;
  return out;
}

TEST(EvidenceSpec, RefusesPcrsThatAreMisshapenOrThereTwice) {
  const std::string digest(64, 'a');
  struct Case {
    const char* name;
    Json::Array pcrs;
    const char* expected;
  };
  const Case cases[] = {
      {"index too large", {pcr("sha256", 24, digest)}, "spec.pcrs[0].index"},
      {"index negative", {pcr("sha256", -1, digest)}, "spec.pcrs[0].index"},
      {"unknown bank", {pcr("sm3", 0, digest)}, "spec.pcrs[0].bank"},
      {"short digest", {pcr("sha384", 0, digest)}, "expected 48 in bank sha384"},
      {"long digest", {pcr("sha1", 0, digest)}, "expected 20 in bank sha1"},
      {"no hexadecimal", {pcr("sha256", 0, std::string(64, 'x'))}, "spec.pcrs[0].digest"},
      {"twice",
       {pcr("sha256", 0, digest), pcr("sha256", 1, digest), pcr("sha256", 0, digest)},
       "spec.pcrs[2]: PCR 0 of bank sha256 is given twice"},
  };
  for (const Case& each : cases) {
    const std::string errors = with([&](Json& spec) { spec["pcrs"] = each.pcrs; });
    EXPECT_TRUE(contains(errors, each.expected)) << each.name << ": " << errors;
  }
  EXPECT_NE(with([&](Json& spec) { spec["pcrs"] = Json::Array(97, pcr("sha256", 0, digest)); }),
            "");
}

TEST(EvidenceSpec, RefusesAQuoteWithoutPcrsAndPcrsWithoutAQuote) {
  EXPECT_NE(with([](Json& spec) { spec.as_object()->erase("quote"); }), "");
  EXPECT_NE(with([](Json& spec) { spec.as_object()->erase("pcrs"); }), "");
  EXPECT_NE(with([](Json& spec) { spec["pcrs"] = Json::Array{}; }), "");
}

TEST(F5, RefusesABatchRootForItWouldNotBeChecked) {
  EXPECT_TRUE(
      contains(with([](Json& spec) { spec["quote"]["batchRoot"] = codec::to_base64(Bytes(32)); }),
               "spec.quote.batchRoot: is not in force"));
}

TEST(Heartbeat, ReadsWhatItWroteWithoutIdentityAndActivation) {
  const auto read = parse_heartbeat(codec::to_json(to_heartbeat(sample())));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read.value(), heartbeat_part(sample()));
}

TEST(Heartbeat, RefusesIdentityAndActivation) {
  Json body = to_evidence_spec(sample());
  EXPECT_TRUE(contains(heartbeat_errors(body), "unknown field \"identity\""));
  EXPECT_TRUE(contains(heartbeat_errors(body), "unknown field \"activation\""));
}

TEST(Heartbeat, NeedsAQuoteAndPcrs) {
  Json body = to_heartbeat(sample());
  body.as_object()->erase("quote");
  body.as_object()->erase("pcrs");
  EXPECT_TRUE(contains(heartbeat_errors(body), "quote: is required"));
  EXPECT_TRUE(contains(heartbeat_errors(body), "pcrs: is required"));
}

TEST(S2, RefusesMoreThanItsBoundAndWhatIsNoJson) {
  const std::string body = codec::to_json(to_heartbeat(sample()));
  EXPECT_TRUE(parse_heartbeat(body).has_value());
  EXPECT_FALSE(parse_heartbeat(body + std::string(kMaxHeartbeatBytes, ' ')).has_value());
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(parse_heartbeat(std::string_view(body).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(parse_heartbeat(body + body).has_value());
  EXPECT_FALSE(parse_heartbeat("[]").has_value());
}

TEST(Heartbeat, SaysOfWhatIsNoObjectWhatItIsAndWhatWasExpected) {
  EXPECT_EQ(
      heartbeat_errors(Json()),
      "heartbeat: the document is null, expected an object with nodeUID, quote and pcrs, as an "
      "agent sends it");
  EXPECT_TRUE(contains(heartbeat_errors(Json(Json::Array{})), "the document is a list"));
  const auto cut = parse_heartbeat("{");
  ASSERT_FALSE(cut.has_value());
  EXPECT_TRUE(cut.error().message.starts_with("heartbeat: ")) << cut.error().message;
  EXPECT_EQ(spec_errors(Json()),
            "spec: is null, expected an object with nodeUID and identity, as an agent writes it");
  EXPECT_TRUE(contains(spec_errors(Json("x")), "spec: is a string, expected an object"));
}

TEST(S2, RefusesDuplicateMembers) {
  std::string body = codec::to_json(to_heartbeat(sample()));
  body.insert(1, R"("nodeUID":"another",)");
  EXPECT_FALSE(parse_heartbeat(body).has_value());
}

// Computed by Python's hashlib.
TEST(Digests, AreTheAnswersOfAnIndependentProgram) {
  EXPECT_EQ(to_hex(quote_digest(*sample().quote)),
            "ed3fee32062cb4109807d9854de52c4aaa6932d5d58189ba6eb7c04408ef64fa");
  EXPECT_EQ(to_hex(pcrs_digest(sample().pcrs)),
            "cdc7d41ee211b84e2ba5671bf19952ebcadc23e9f4a1d0ae1776cec6f909bce2");
}

TEST(Digests, TellMessageFromSignature) {
  UnverifiedQuote a{Bytes(10, 1), Bytes(20, 1), {}};
  UnverifiedQuote b{Bytes(11, 1), Bytes(19, 1), {}};
  EXPECT_NE(quote_digest(a), quote_digest(b));
}

}  // namespace
}  // namespace avouch::attest
