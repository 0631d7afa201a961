#include "control/node_packing.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/packing.h"
#include "control/findings_packing.h"

namespace avouch {

void visit(auto& archive, Is<tpm::ClockInfo> auto& x) {
  archive(x.clock, x.reset_count, x.restart_count, x.safe);
}
void visit(auto& archive, Is<attest::TpmState> auto& x) { archive(x.clock, x.firmware_version); }
void visit(auto& archive, Is<attest::UnverifiedIdentity> auto& x) {
  archive(x.ek_certificates, x.ek_public, x.ak_public);
}
void visit(auto& archive, Is<attest::ActivationAnswer> auto& x) {
  archive(x.challenge_id, x.proof);
}
void visit(auto& archive, Is<attest::BeaconReference> auto& x) { archive(x.origin, x.size); }
void visit(auto& archive, Is<attest::Enrolled> auto& x) {
  archive(x.node_uid, x.ek_digest, x.ak_name);
}
void visit(auto& archive, Is<attest::TokenPolicy> auto& x) {
  archive(x.name, x.spec_digest, x.digest, x.status);
}
void visit(auto& archive, Is<control::Enrolment> auto& x) {
  archive(x.evidence_uid, x.identity, x.enrolled, x.enrolled_at, x.bound_by, x.tpm_make,
          x.certificate_rules);
}
void visit(auto& archive, Is<control::FormerTpm> auto& x) { archive(x.evidence_uid, x.ek_digest); }
void visit(auto& archive, Is<control::LogPlace> auto& x) { archive(x.index, x.leaf_hash); }
void visit(auto& archive, Is<control::BootIdentity> auto& x) {
  archive(x.reset_count, x.restart_count);
}
void visit(auto& archive, Is<control::EvidenceDigests> auto& x) {
  archive(x.quote, x.pcrs, x.boot_log, x.runtime_log);
}
void visit(auto& archive, Is<control::NodeVerdict> auto& x) {
  archive(x.phase, x.reasons, x.policies, x.vector, x.boot, x.ak_name, x.token, x.issued_at,
          x.expires_at, x.max_age, x.evidence, x.beacon, x.log);
}

namespace control {
namespace {

// Where something stands twice in a node's state it is packed once.
enum class Copy : std::uint8_t { kNone, kOwn, kShared };

// Whoever adds a member to one of these has to pack it, or to say in activity_of() that a node with
// it is busy: until then this does not compile.
[[maybe_unused]] void counts_members(const NodeState& state, const EvidenceKept& kept,
                                     const CachedEndorsement& cached) {
  [[maybe_unused]] const auto& [s01, s02, s03, s04, s05, s06, s07, s08, s09, s10, s11, s12, s13,
                                s14, s15, s16, s17, s18, s19, s20, s21, s22, s23, s24, s25, s26,
                                s27, s28, s29, s30, s31, s32, s33, s34] = state;
  [[maybe_unused]] const auto& [r1, r2, r3, r4, r5, r6, r7, r8, r9] = state.record;
  [[maybe_unused]] const auto& [v1, v2, v3, v4] = state.saved;
  [[maybe_unused]] const auto& [n01, n02, n03, n04, n05, n06, n07, n08, n09, n10, n11, n12, n13] =
      *state.record.verdict;
  [[maybe_unused]] const auto& [e1, e2, e3, e4, e5, e6, e7] = *state.record.enrolment;
  [[maybe_unused]] const auto& [k1, k2, k3, k4] = kept;
  [[maybe_unused]] const auto& [c1, c2, c3, c4] = *kept.claims;
  [[maybe_unused]] const auto& [d1, d2, d3, d4, d5, d6] = cached;
  [[maybe_unused]] const auto& [f1, f2] = state.findings;
}

// What is simply there, in one order for both ways.
void visit_plain(auto& archive, auto& node) {
  archive(node.record.node_uid, node.record.enrolment, node.record.former, node.record.tpm,
          node.record.boot_since, node.record.verdict, node.record.held_by, node.saved.tpm,
          node.saved.boot_since, node.challenge_ends, node.next_challenge, node.enrolment_problem,
          node.quote_since, node.findings.policies, node.asked, node.question, node.dropped,
          node.logs_arrived, node.asked_at, node.ask_again_at, node.verdict_ends,
          node.changes.full_at, node.changes.policy_changes, node.patience_ends,
          node.resource_quote, node.resource_tpm, node.told, node.job, node.job_done);
}

void pack_saved(Packer& out, const NodeState& node) {
  const bool same_enrolment = node.saved.enrolment == node.record.enrolment;
  const bool same_verdict = node.saved.verdict.is_same_object(node.record.verdict);
  out(same_enrolment, same_verdict);
  if (!same_enrolment) out(node.saved.enrolment);
  if (!same_verdict) out(node.saved.verdict);
}

void unpack_saved(Unpacker& in, NodeState& node) {
  const bool same_enrolment = in.take<bool>();
  const bool same_verdict = in.take<bool>();
  node.saved.enrolment = node.record.enrolment;
  node.saved.verdict = node.record.verdict;
  if (!same_enrolment) in(node.saved.enrolment);
  if (!same_verdict) in(node.saved.verdict);
}

void pack_claims(Packer& out, const NodeState& node) {
  out(node.evidence.has_value());
  if (!node.evidence) return;
  const auto& claims = node.evidence->claims;
  out(node.evidence->uid, node.evidence->generation, node.evidence->error, claims.has_value());
  if (!claims) return;
  out(claims->node_uid, claims->activation);
  const bool enrolled = claims->identity && node.record.enrolment &&
                        *claims->identity == node.record.enrolment->identity;
  out(!claims->identity ? Copy::kNone : enrolled ? Copy::kShared : Copy::kOwn);
  if (claims->identity && !enrolled) out(*claims->identity);
}

void unpack_claims(Unpacker& in, NodeState& node) {
  if (!in.take<bool>()) return;
  EvidenceKept& evidence = node.evidence.emplace();
  bool readable = false;
  in(evidence.uid, evidence.generation, evidence.error, readable);
  if (!readable) return;
  EvidenceKept::Claims& claims = evidence.claims.emplace();
  in(claims.node_uid, claims.activation);
  switch (in.take<Copy>()) {
    case Copy::kNone:
      return;
    case Copy::kOwn:
      claims.identity = Shared(in.take<attest::UnverifiedIdentity>());
      return;
    case Copy::kShared:
      if (!node.record.enrolment) throw std::runtime_error("packed node: no enrolment to share");
      claims.identity = node.record.enrolment->identity;
      return;
  }
  throw std::runtime_error("packed node: neither an identity nor none");
}

Bytes bytes_of(ByteView view) { return {view.begin(), view.end()}; }

// The accepted evidence shares the quote's PCR values.
void pack_quote(Packer& out, const NodeState& node, attest::QuoteSeal& seal) {
  out(node.quote.has_value());
  if (node.quote) {
    seal = attest::QuoteSeal(*node.quote);
    out(attest::QuoteSeal::pack(*node.quote));
  }
  const auto& accepted = node.record.evidence;
  out(accepted != nullptr);
  if (!accepted) return;
  out(accepted->kept.rest(), accepted->beacon_published);
  const ByteView pcrs = accepted->kept.pcrs().packed();
  const bool shared = node.quote && std::ranges::equal(node.quote->packed_pcrs().packed(), pcrs);
  out(shared ? Copy::kShared : Copy::kOwn);
  if (!shared) out(bytes_of(pcrs));
}

void unpack_quote(Unpacker& in, const attest::QuoteSeal& seal, NodeState& node) {
  if (in.take<bool>()) {
    auto quote = seal.open(in.take<Bytes>());
    if (!quote.has_value()) throw std::runtime_error(quote.error().message);
    node.quote = *std::move(quote);
  }
  if (!in.take<bool>()) return;
  Bytes rest;
  SystemTime published{};
  in(rest, published);
  const bool shared = in.take<Copy>() == Copy::kShared;
  if (shared && !node.quote) throw std::runtime_error("packed node: no quote to share");
  tpm::PackedPcrs pcrs =
      shared ? node.quote->packed_pcrs() : tpm::PackedPcrs::of_packed(in.take<Bytes>());
  node.record.evidence = std::make_shared<const AcceptedEvidence>(
      AcceptedEvidence{.kept = {std::move(pcrs), std::move(rest)}, .beacon_published = published});
}

void pack_endorsements(Packer& out, const NodeState& node) {
  out(static_cast<std::uint32_t>(node.endorsements.size()));
  for (const auto& [policy, each] : node.endorsements) {
    out(policy, each.digest, each.refusal, each.bound_by, each.rules_used, each.checked,
        each.checked_at);
  }
}

void unpack_endorsements(Unpacker& in, NodeState& node) {
  for (auto left = in.take<std::uint32_t>(); left > 0; --left) {
    std::string policy;
    crypto::Sha256 digest{};
    Boxed<attest::Reason> refusal;
    attest::EndorsementResult said;
    Moment checked;
    in(policy, digest, refusal, said.bound_by, said.rules_used, checked.steady, checked.wall);
    attest::Checked<attest::EndorsementResult> result =
        attest::refuse(attest::code::kInternalError, "an endorsement that nobody has checked");
    if (refusal) {
      result = *std::move(refusal);
    } else {
      result = std::move(said);
    }
    node.endorsements.emplace(std::move(policy), CachedEndorsement(digest, result, checked));
  }
}

}  // namespace

Activity activity_of(const NodeState& node) {
  const bool quoted = node.evidence && node.evidence->claims && node.evidence->claims->quoted;
  const bool busy = node.lost || node.challenge || node.newer || node.asking || node.awaited ||
                    node.findings.awaited || node.refusal || node.dirty || quoted;
  return busy ? Activity::kBusy : Activity::kQuiet;
}

Bytes pack_node(const NodeState& node, attest::QuoteSeal& seal) {
  Packer out;
  visit_plain(out, node);
  pack_saved(out, node);
  pack_claims(out, node);
  pack_quote(out, node, seal);
  pack_endorsements(out, node);
  return std::move(out).finish();
}

void unpack_node(ByteView packed, const attest::QuoteSeal& seal, NodeState& node) {
  Unpacker in(packed);
  visit_plain(in, node);
  node.record.node_name = node.name;
  unpack_saved(in, node);
  unpack_claims(in, node);
  unpack_quote(in, seal, node);
  unpack_endorsements(in, node);
  in.finish();
}

}  // namespace control
}  // namespace avouch
