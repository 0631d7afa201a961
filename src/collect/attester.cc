#include "collect/attester.h"

#include "attest/beacon.h"
#include "attest/enrolment.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tpm/marshal.h"

namespace avouch::collect {
namespace {

constexpr std::uint32_t kQuotedPcrs = 0xffffff;  // all: a policy may ask for any
constexpr int kReadAttempts = 8;

tpm::PcrSelection selection_of(const tpm::DeviceState& state) {
  tpm::PcrSelection out;
  for (const crypto::HashAlgorithm bank : state.active_banks) {
    if (out.size() < tpm::kMaxBanks) out.push_back({bank, kQuotedPcrs});
  }
  return out;
}

// What a quote of these values has for its pcrDigest.
Result<Bytes> digest_of_values(const tpm::Attest& attest, const tpm::Signature& signature,
                               const tpm::PcrValues& pcrs) {
  AVOUCH_TRY(const Bytes values, tpm::quoted_bytes(attest.selection, pcrs));
  return crypto::hash(signature.scheme.hash, values);
}

}  // namespace

Result<void> Attester::prepare() {
  if (!state_) {
    AVOUCH_TRY(state_, device_.state());
  }
  if (!endorsement_) {
    AVOUCH_TRY(endorsement_, device_.endorsement());
  }
  if (key_) {
    store();
    return {};
  }
  if (!stored_key_unusable_) {
    auto stored = keys_.load();
    if (stored.has_value()) {
      key_ = *std::move(stored);
    } else if (stored.error().kind != ErrorKind::kRejected) {
      return std::move(stored).error();
    }
    if (key_) return {};
  }
  AVOUCH_TRY(key_, device_.create_attestation_key());
  stored_key_unusable_ = false;
  stored_ = false;
  store();
  return {};
}

void Attester::store() {
  if (stored_) return;
  storage_trouble_.reset();
  if (auto saved = keys_.save(*key_); !saved.has_value()) {
    storage_trouble_ = std::move(saved).error();
    return;
  }
  stored_ = true;
}

Result<attest::UnverifiedIdentity> Attester::identity() {
  AVOUCH_CHECK(prepare());
  return attest::UnverifiedIdentity{.ek_certificates = endorsement_->ek_certificates,
                                    .ek_public = endorsement_->ek_public,
                                    .ak_public = key_->public_area};
}

attest::AgentInfo Attester::info(std::string_view version) const {
  attest::AgentInfo out;
  out.version = version;
  if (state_) {
    out.tpm_manufacturer = state_->manufacturer;
    Bytes firmware;
    append_be64(firmware, state_->firmware_version);
    out.firmware_version = to_hex(firmware);
  }
  return out;
}

Result<attest::ActivationAnswer> Attester::activate(const ActivationRequest& request,
                                                    std::string_view node_uid) {
  AVOUCH_CHECK(prepare());
  AVOUCH_TRY(const Bytes secret,
             device_.activate(*key_, request.credential_blob, request.encrypted_secret));
  AVOUCH_TRY(const tpm::Public ak, tpm::parse_public(key_->public_area));
  return attest::ActivationAnswer{
      .challenge_id = request.challenge_id,
      .proof = attest::activation_proof(secret, node_uid, request.challenge_id, ak.name)};
}

Result<UnverifiedBeacon> parse_beacon_unverified(std::string_view note) {
  AVOUCH_TRY(tlog::UnverifiedNote parsed, tlog::parse_note_unverified(note));
  AVOUCH_TRY(const tlog::Checkpoint checkpoint, tlog::parse_checkpoint_unverified(parsed.text));
  return UnverifiedBeacon{.note_text = std::move(parsed.text),
                          .reference = {.origin = checkpoint.origin, .size = checkpoint.size}};
}

Result<Measurement> Attester::measure(const UnverifiedBeacon& beacon, std::string_view node_uid) {
  AVOUCH_CHECK(prepare());
  const crypto::Sha256 extra = attest::qualifying(attest::challenge(beacon.note_text, node_uid));
  AVOUCH_TRY(state_, device_.state());
  const tpm::PcrSelection selection = selection_of(*state_);

  // A PCR may change at any moment, PCR 10 with each new file that is run: the quote is of what was
  // read before it, or of what is read after it, unless one changed on both sides.
  AVOUCH_TRY(tpm::PcrValues pcrs, device_.read_pcrs(selection));
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    auto quoted = device_.quote(*key_, extra, selection);
    if (!quoted.has_value()) {
      if (quoted.error().kind == ErrorKind::kRejected) {
        key_.reset();
        endorsement_.reset();
        stored_key_unusable_ = true;
      }
      return std::move(quoted).error();
    }
    AVOUCH_TRY(const tpm::Attest attest, tpm::parse_attest(quoted->message));
    AVOUCH_TRY(const tpm::Signature signature, tpm::parse_signature(quoted->signature));
    AVOUCH_TRY(Bytes digest, digest_of_values(attest, signature, pcrs));
    if (digest != attest.pcr_digest) {
      AVOUCH_TRY(pcrs, device_.read_pcrs(selection));
      AVOUCH_TRY(digest, digest_of_values(attest, signature, pcrs));
    }
    if (digest != attest.pcr_digest) continue;
    return Measurement{.quote = {.message = std::move(quoted->message),
                                 .signature = std::move(quoted->signature),
                                 .beacon = beacon.reference},
                       .pcrs = std::move(pcrs),
                       .reset_count = attest.clock.reset_count,
                       .restart_count = attest.clock.restart_count};
  }
  return retryable("PCR values changed before and after each of " + std::to_string(kReadAttempts) +
                   " quotes: does something run new files all the time, or extend a PCR?");
}

}  // namespace avouch::collect
