// What the webhook writes is what the controller takes, at its largest too.

#include <gtest/gtest.h>

#include "admission/decision.h"
#include "control/admission_entries.h"
#include "webhook/controller_log.h"

namespace avouch::webhook {
namespace {

const SystemTime kNow{std::chrono::seconds(1'800'000'000)};

// Longer than anything that a review may have, in characters of every length.
std::string longer(std::size_t shift) {
  std::string out(shift, 'x');
  while (out.size() < 5000) out += "a\u00e9\u20ac\U0001f600";
  return out;
}

admission::AdmissionVerdict largest(std::size_t shift) {
  admission::AdmissionVerdict out;
  const std::string text = longer(shift);
  out.id = std::string(120, 'i');
  out.operation = "pods/binding";
  for (std::string* each :
       {&out.ns, &out.pod, &out.pod_uid, &out.node, &out.node_uid, &out.user, &out.peer}) {
    *each = text;
  }
  for (int i = 0; i < 40; ++i) {
    out.findings.push_back({std::string(admission::code::kVerdictOfAnotherPolicy), text, text,
                            attest::Mode::kEnforce});
    out.policies.push_back({text, crypto::Sha256{}, attest::Mode::kEnforce});
  }
  out.node_verdict_index = std::uint64_t{1} << 62U;
  out.node_verdict_origin = std::string(255, 'o');
  out.node_token = out.pod_spec = crypto::Sha256{};
  out.left_out = admission::LeftOut{std::uint64_t{1} << 62U, kNow, true};
  return out;
}

TEST(LoggedEntries, TheLargestVerdictIsTakenWhereverItsTextsAreCut) {
  for (std::size_t shift = 0; shift < 10; ++shift) {
    for (const bool late : {false, true}) {
      const admission::AdmissionVerdict verdict = largest(shift);
      const admission::LogRecord record{
          verdict.id, codec::to_cbor(admission::verdict_payload(
                          verdict, false, admission::code::kLogUnavailable, kNow, late))};
      EXPECT_LE(record.payload.size(), 32'000U);
      const auto read =
          control::parse_admission_entries(write_log_request(std::span(&record, 1)), kNow);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(read->front().bytes, record.payload.size());
    }
  }
}

}  // namespace
}  // namespace avouch::webhook
