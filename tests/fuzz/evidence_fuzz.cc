// Evidence as the API server and the intake hand it over. The first byte says which reader; what is
// accepted is written and read again as the same value, within its bounds.

#include <cstdint>
#include <cstdlib>

#include "attest/enrolment.h"
#include "attest/evidence.h"
#include "fuzz/fuzz_target.h"
#include "tpm/marshal.h"

namespace avouch::fuzzing::evidence_target {
namespace {

namespace attest = avouch::attest;
namespace codec = avouch::codec;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const attest::UnverifiedEvidence& evidence) {
  require(!evidence.node_uid.empty() && evidence.node_uid.size() <= attest::kMaxNodeUidBytes);
  require(evidence.quote.has_value() == !evidence.pcrs.empty());
  for (const auto& [id, digest] : evidence.pcrs) {
    require(id.index < avouch::tpm::kPcrCount &&
            digest.size() == avouch::crypto::digest_size(id.bank));
  }
  if (!evidence.identity) return;
  require(evidence.identity->ek_certificates.size() <= attest::kMaxEkCertificates);
  const auto keys = attest::check_keys(*evidence.identity);
  if (!keys.has_value()) return require(!keys.reason().code.empty());
  const attest::EndorsementRules nobody{
      {}, attest::Enrollment::kTrustOnFirstUse, {}, {{keys->ak.key.type(), *keys->ak.signing}}};
  require(
      !attest::check_endorsement(keys.value(), *evidence.identity, "node", nobody, {}).has_value());
}

void fuzz_spec(std::string_view text) {
  const auto json = codec::parse_json(text, {.bytes = 64 * 1024});
  if (!json.has_value()) return;
  const auto evidence = attest::parse_evidence_spec(json.value());
  if (!evidence.has_value()) {
    return require(evidence.error().kind == avouch::ErrorKind::kRejected);
  }
  check(evidence.value());
  require(attest::parse_evidence_spec(attest::to_evidence_spec(evidence.value())).value() ==
          evidence.value());
}

void fuzz_heartbeat(std::string_view text) {
  const auto evidence = attest::parse_heartbeat(text);
  if (!evidence.has_value()) {
    return require(evidence.error().kind == avouch::ErrorKind::kRejected);
  }
  check(evidence.value());
  require(!evidence->identity && !evidence->activation && evidence->quote);
  require(attest::parse_heartbeat(codec::to_json(attest::to_heartbeat(evidence.value()))).value() ==
          evidence.value());
}

}  // namespace

AVOUCH_FUZZ_TARGET("evidence_fuzz") {
  static const bool silent = (avouch::tpm::silence_tss2_log(), true);
  if (!silent || size == 0) return 0;
  const std::string_view text = avouch::as_text({data + 1, size - 1});
  data[0] % 2 == 0 ? fuzz_spec(text) : fuzz_heartbeat(text);
  return 0;
}

}  // namespace avouch::fuzzing::evidence_target
