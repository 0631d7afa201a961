#include "attest/quote.h"

#include <array>

#include "base/hex.h"
#include "tpm/marshal.h"
#include "tpm/selection.h"

namespace avouch::attest {

// What the checks of one quote read, and what they find out for those after them.
class QuoteVerification {
 public:
  struct StoredEvidence {
    ByteView extra_data;
    SystemTime not_older_than{};
  };

  QuoteVerification(const UnverifiedQuote& quote, const tpm::PcrValues& claimed,
                    const QuoteContext& context, std::optional<StoredEvidence> stored)
      : quote_(quote), claimed_(claimed), context_(context), stored_(stored) {}

  Checked<VerifiedQuote> run();

 private:
  using Outcome = std::optional<Reason>;  // nothing: passed
  using Check = Outcome (QuoteVerification::*)();

  Outcome has_bounded_sizes();
  Outcome is_well_formed();
  Outcome is_a_quote();
  Outcome is_signed_by_the_enrolled_key();
  Outcome names_the_enrolled_key();
  Outcome answers_our_challenge();
  Outcome covers_a_need();
  Outcome claims_what_was_quoted();
  Outcome has_a_clock_that_went_on();
  Outcome has_known_firmware();

  VerifiedQuote verified() const;

  const UnverifiedQuote& quote_;
  const tpm::PcrValues& claimed_;
  const QuoteContext& context_;
  const std::optional<StoredEvidence> stored_;

  tpm::Attest attest_;
  tpm::Signature signature_;
  SystemTime not_older_than_{};
  Boot boot_ = Boot::kFirst;
};

// 1. Before anything reads the bytes.
QuoteVerification::Outcome QuoteVerification::has_bounded_sizes() {
  if (quote_.message.size() > tpm::kMaxAttestBytes ||
      quote_.signature.size() > tpm::kMaxSignatureBytes ||
      claimed_.size() > tpm::kMaxBanks * tpm::kPcrCount) {
    return refuse(code::kQuoteMalformed, "quote: larger than any that a TPM makes");
  }
  return std::nullopt;
}

// 2.
QuoteVerification::Outcome QuoteVerification::is_well_formed() {
  auto attest = tpm::parse_attest(quote_.message);
  if (!attest.has_value()) {
    return refuse(code::kQuoteMalformed, "quote.message: " + attest.error().message);
  }
  auto signature = tpm::parse_signature(quote_.signature);
  if (!signature.has_value()) {
    return refuse(code::kQuoteMalformed, "quote.signature: " + signature.error().message);
  }
  attest_ = std::move(attest).value();
  signature_ = std::move(signature).value();
  return std::nullopt;
}

// 3. A restricted key signs other structures too (certify, time), and none without the magic.
QuoteVerification::Outcome QuoteVerification::is_a_quote() {
  if (attest_.magic != tpm::kGeneratedMagic) {
    return refuse(code::kQuoteNotAQuote,
                  "quote.message: the magic value is not ff544347, so no TPM made this");
  }
  if (attest_.type != tpm::kAttestQuote) {
    return refuse(code::kQuoteNotAQuote,
                  "quote.message: is another attestation structure, expected a quote (8018)");
  }
  return std::nullopt;
}

// 4.
QuoteVerification::Outcome QuoteVerification::is_signed_by_the_enrolled_key() {
  const tpm::Public& ak = context_.keys.ak;
  if (!ak.signing || signature_.scheme != *ak.signing) {
    return refuse(
        code::kSignatureInvalid,
        "quote.signature: its scheme or hash is not that of the enrolled attestation key");
  }
  const auto value = tpm::signature_value(signature_, ak.key.type());
  if (!value.has_value()) return refuse(code::kSignatureInvalid, "quote." + value.error().message);
  const auto verified = ak.key.verify(ak.signing->scheme, ak.signing->hash, quote_.message,
                                      value.value(), crypto::PssSalt::kDigestLengthOrLargest);
  if (verified.has_value()) return std::nullopt;
  return refuse(code::kSignatureInvalid,
                "quote.signature: not by the enrolled attestation key over this message");
}

// 5. The name of the key, of its parent and of the hierarchy, all in one hash.
QuoteVerification::Outcome QuoteVerification::names_the_enrolled_key() {
  if (attest_.qualified_signer == context_.keys.ak_qualified_name) return std::nullopt;
  return refuse(code::kQualifiedSignerMismatch,
                "quote.message: the signer is not the enrolled attestation key as a child of the "
                "enrolled endorsement key: create the AK under the EK");
}

// 6. One encoding, whole and equal: a prefix is no answer.
QuoteVerification::Outcome QuoteVerification::answers_our_challenge() {
  Bytes expected;
  if (stored_) {
    append(expected, stored_->extra_data);
    not_older_than_ = stored_->not_older_than;
  } else {
    const auto beacon = context_.beacons.find(quote_.beacon, context_.max_beacon_age, context_.now);
    if (!beacon.has_value()) return beacon.reason();
    append(expected, qualifying(challenge(beacon->note_text, context_.node_uid)));
    not_older_than_ = beacon->published_at;
  }
  if (!expected.empty() && attest_.extra_data == expected) return std::nullopt;
  return refuse(code::kChallengeMismatch,
                "quote.message: extraData is not the answer to this beacon for this node: quote "
                "again for the newest beacon");
}

// 7.
QuoteVerification::Outcome QuoteVerification::covers_a_need() {
  if (!tpm::first_selected(attest_.selection)) {
    return refuse(code::kSelectionInsufficient,
                  "quote.message: no PCR is selected (a TPM answers so where the bank is not "
                  "active): activate the bank in the firmware, or change the policy's banks");
  }
  Outcome reason;
  for (const QuoteNeed& need : context_.needs) {
    const auto missing = tpm::first_missing(attest_.selection, need.selection);
    if (!missing) return std::nullopt;
    if (reason) continue;
    reason = refuse(code::kSelectionInsufficient,
                    "quote.message: " + tpm::to_text(*missing) + " is not quoted, but policy \"" +
                        need.policy + "\" needs " + tpm::to_text(need.selection) + "; quoted are " +
                        tpm::to_text(attest_.selection));
  }
  return reason;
}

// 8. The digest's hash is the signing scheme's, whatever the banks.
QuoteVerification::Outcome QuoteVerification::claims_what_was_quoted() {
  const auto bytes = tpm::quoted_bytes(attest_.selection, claimed_);
  if (!bytes.has_value()) return refuse(code::kPcrDigestMismatch, "pcrs: " + bytes.error().message);
  if (crypto::hash(signature_.scheme.hash, bytes.value()) == attest_.pcr_digest) {
    return std::nullopt;
  }
  return refuse(code::kPcrDigestMismatch,
                "pcrs: the values are not those that were quoted (their digest differs): read the "
                "PCRs and quote again");
}

// 9.
QuoteVerification::Outcome QuoteVerification::has_a_clock_that_went_on() {
  const tpm::ClockInfo& now = attest_.clock;
  if (!now.safe) {
    return refuse(code::kClockUnsafe,
                  "quote.message: the TPM says that its clock may have gone back (power was cut): "
                  "this passes by itself, usually within minutes");
  }
  if (!context_.previous) return std::nullopt;
  const tpm::ClockInfo& then = context_.previous->clock;
  const auto went_back = [](std::string_view what, std::uint64_t from, std::uint64_t to) {
    return refuse(code::kClockWentBack,
                  "quote.message: " + std::string(what) + " went from " + std::to_string(from) +
                      " back to " + std::to_string(to) +
                      ": this quote is older than one that was accepted. "
                      "Find out who sent it: the agent on that node, or somebody with its "
                      "credentials; delete nothing. Only where every quote is refused so, as the "
                      "TPM itself was cleared or put back (a virtual one with its machine's "
                      "snapshot), delete the node's AttestationEvidence to enrol it anew");
  };
  if (now.reset_count < then.reset_count) {
    return went_back("resetCount", then.reset_count, now.reset_count);
  }
  if (now.reset_count > then.reset_count) {
    boot_ = Boot::kNew;
    return std::nullopt;
  }
  if (now.restart_count < then.restart_count) {
    return went_back("restartCount", then.restart_count, now.restart_count);
  }
  if (now.clock < then.clock) return went_back("clock", then.clock, now.clock);
  boot_ = now.restart_count > then.restart_count ? Boot::kResumed : Boot::kSame;
  return std::nullopt;
}

// 10.
QuoteVerification::Outcome QuoteVerification::has_known_firmware() {
  if (!context_.previous) return std::nullopt;
  const std::uint64_t known = context_.previous->firmware_version;
  const std::uint64_t given = attest_.firmware_version;
  if (given == known) return std::nullopt;
  for (const std::uint64_t allowed : context_.allowed_firmware) {
    if (given == allowed) return std::nullopt;
  }
  const auto hex = [](std::uint64_t version) {
    Bytes bytes;
    append_be64(bytes, version);
    return to_hex(bytes);
  };
  return refuse(code::kFirmwareChanged,
                "quote.message: the TPM's firmware version went from " + hex(known) + " to " +
                    hex(given) +
                    ": if you updated it, delete the node's AttestationEvidence to enrol it anew");
}

VerifiedQuote QuoteVerification::verified() const {
  VerifiedQuote out;
  out.pcrs_ = tpm::PackedPcrs(claimed_);
  out.selection_ = attest_.selection;
  out.state_ = {attest_.clock, attest_.firmware_version};
  out.boot_ = boot_;
  if (!stored_) out.beacon_ = quote_.beacon;
  out.not_older_than_ = not_older_than_;
  out.digest_ = quote_digest(quote_);
  out.ak_name_ = context_.keys.ak.name;
  out.node_uid_ = context_.node_uid;
  return out;
}

Checked<VerifiedQuote> QuoteVerification::run() {
  static constexpr std::array<Check, 10> kChecks = {
      &QuoteVerification::has_bounded_sizes,
      &QuoteVerification::is_well_formed,
      &QuoteVerification::is_a_quote,
      &QuoteVerification::is_signed_by_the_enrolled_key,
      &QuoteVerification::names_the_enrolled_key,
      &QuoteVerification::answers_our_challenge,
      &QuoteVerification::covers_a_need,
      &QuoteVerification::claims_what_was_quoted,
      &QuoteVerification::has_a_clock_that_went_on,
      &QuoteVerification::has_known_firmware,
  };
  for (const Check check : kChecks) {
    if (Outcome reason = (this->*check)()) return *std::move(reason);
  }
  return verified();
}

Checked<VerifiedQuote> verify_quote(const UnverifiedQuote& quote, const tpm::PcrValues& claimed,
                                    const QuoteContext& context) {
  return QuoteVerification(quote, claimed, context, std::nullopt).run();
}

Checked<VerifiedQuote> verify_stored_quote(const UnverifiedQuote& quote,
                                           const tpm::PcrValues& claimed, ByteView extra_data,
                                           SystemTime not_older_than, const QuoteContext& context) {
  return QuoteVerification(quote, claimed, context,
                           QuoteVerification::StoredEvidence{extra_data, not_older_than})
      .run();
}

}  // namespace avouch::attest
