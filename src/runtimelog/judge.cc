#include "runtimelog/judge.h"

#include <array>

#include "base/hex.h"
#include "codec/utf8.h"
#include "crypto/x509.h"
#include "runtimelog/codes.h"
#include "runtimelog/fields.h"
#include "runtimelog/replay.h"

namespace avouch::runtimelog {
namespace {

constexpr std::size_t kShownPath = 1024;

Judgement accepted(AcceptedBy by) {
  Judgement out;
  out.issue = Issue::kNone;
  out.by = by;
  return out;
}
Judgement unreadable(Issue issue, std::string detail) {
  Judgement out;
  out.issue = issue;
  out.detail = std::move(detail);
  return out;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  const std::string quoted = codec::in_quotes(text, max_bytes);
  return quoted.substr(1, quoted.size() - 2);
}

class EntryJudge {
 public:
  EntryJudge(const Entry& entry, const Rules& rules, const tpm::PcrValues& quoted,
             SignatureChecks how)
      : entry_(entry), rules_(rules), quoted_(quoted), how_(how) {}

  Judgement run() {
    if (!has_digest_of_its_data(entry_)) {
      return unreadable(Issue::kTemplateDigest,
                        "the template digest " + to_hex(entry_.template_digest) +
                            " is not SHA-1 of the template data: the log was changed on its way");
    }
    auto fields = read_fields(entry_);
    if (!fields.has_value()) {
      const bool unknown = template_of(entry_.template_name) == Template::kUnknown;
      return unreadable(unknown ? Issue::kTemplateUnknown : Issue::kEntryMalformed,
                        std::move(fields).error().message);
    }
    fields_ = *fields;
    if (fields_.kind == Template::kIma && !rules_.input().allow_legacy) {
      return refused(Issue::kTemplateUnknown,
                     "the legacy template ima, whose file digests are SHA-1: boot the node with "
                     "ima_template=ima-ng or ima-sig, or allow it in the policy");
    }
    if (entry_.number == 1) return boot_aggregate();
    if (fields_.path == kAggregateName && fields_.kind != Template::kImaBuf) return second_boot();
    if (entry_.is_violation()) return violation();
    if (fields_.kind == Template::kImaBuf && is_signature(fields_.buffer)) {
      // No hash covers the template's name: it may be a file that was measured with a signature.
      fields_.signature = fields_.buffer;
      return file();
    }
    if (fields_.kind == Template::kImaBuf) return buffer();
    return file();
  }

 private:
  Judgement refused(Issue issue, std::string detail) const {
    Judgement out = unreadable(issue, std::move(detail));
    out.path = printable(fields_.path, kShownPath);
    out.digest = digest_text(fields_);
    return out;
  }
  // With what would accept it, where references can.
  Judgement unknown(Issue issue, std::string detail) const {
    const bool possible = fields_.known && *fields_.known != crypto::HashAlgorithm::kSha1 &&
                          fields_.of == DigestOf::kContent;
    Judgement out = refused(issue, std::move(detail));
    if (possible) {
      out.suggestion = "{\"ima\":{\"digests\":[\"" + out.digest + "\"]}}";
    } else {
      out.detail +=
          "; no reference can name it: have IMA use SHA-2 over contents (ima_hash=sha256)";
    }
    return out;
  }

  // As the kernel takes it for one, by its first byte (security/integrity/integrity.h,
  // evm_ima_xattr_type): IMA's own, EVM's portable, of fs-verity's digest.
  static bool is_signature(ByteView value) {
    constexpr std::uint8_t kDigsig = 3, kPortable = 5, kVerity = 6;
    return !value.empty() && (value[0] == kDigsig || value[0] == kPortable || value[0] == kVerity);
  }

  Judgement boot_aggregate() const {
    const auto form = check_boot_aggregate(fields_, quoted_);
    if (!form.has_value()) return refused(Issue::kBootAggregate, form.error().message);
    Judgement out = accepted(AcceptedBy::kBootAggregate);
    out.aggregate = *form;
    return out;
  }

  Judgement second_boot() const {
    if (const auto form = check_boot_aggregate(fields_, quoted_); !form.has_value()) {
      return refused(Issue::kBootAggregate, form.error().message);
    }
    if (rules_.input().allow_second_boot) return accepted(AcceptedBy::kSecondBoot);
    return refused(Issue::kSecondBoot,
                   "another boot_aggregate: kexec started another kernel, of which the boot log "
                   "says nothing; reboot the node");
  }

  Judgement violation() const {
    if (rules_.input().violations == OnViolation::kRecord) return accepted(AcceptedBy::kViolation);
    return refused(
        Issue::kViolation,
        "violation: " + path() +
            " was open for writing while it was measured, or changed afterwards, so what "
            "was used of it is unknown; reboot the node, or have the policy record "
            "violations");
  }

  bool is_revoked() const {
    return fields_.known && rules_.is_revoked(*fields_.known, fields_.digest);
  }
  bool is_reference() const {
    if (!fields_.known || fields_.of != DigestOf::kContent) return false;
    const bool weak = *fields_.known == crypto::HashAlgorithm::kSha1;
    return (!weak || rules_.input().allow_legacy) &&
           rules_.is_reference(*fields_.known, fields_.digest);
  }

  // What the kernel measured in place of a file: a command line, a key, critical data.
  Judgement buffer() const {
    if (!fields_.known || !equal(crypto::hash(*fields_.known, fields_.buffer), fields_.digest)) {
      return refused(Issue::kEntryMalformed,
                     "the digest " + digest_text(fields_) + " is not that of the buffer " + path());
    }
    if (is_revoked()) return revoked();
    if (rules_.input().files == FileRule::kReplayOnly) return accepted(AcceptedBy::kNotJudged);
    if (is_reference() || is_key_of_keyring() || rules_.accepts_buffer(fields_.path)) {
      return accepted(AcceptedBy::kBuffer);
    }
    return unknown(
        Issue::kBufferUnknown,
        "measurement " + path() + " with digest " + digest_text(fields_) +
            " is in no reference: add its digest to one, or accept its name in the policy "
            "if its content is of no matter");
  }

  // Keys are measured as their certificates, under the name of the keyring that they went into.
  bool is_key_of_keyring() const {
    if (fields_.path.empty() || fields_.path.front() != '.' || rules_.input().keys.empty()) {
      return false;
    }
    const auto certificate = crypto::Certificate::from_der(fields_.buffer);
    if (!certificate.has_value()) return false;
    const auto key = certificate->public_key();
    return key.has_value() && rules_.input().keys.holds(*key);
  }

  Judgement file() const {
    if (is_revoked()) return revoked();
    if (rules_.input().files == FileRule::kReplayOnly) return accepted(AcceptedBy::kNotJudged);
    if (is_reference()) return accepted(AcceptedBy::kReference);
    if (rules_.is_excluded(fields_.path)) return accepted(AcceptedBy::kExclude);
    const std::string what =
        "file " + path() + " with digest " + digest_text(fields_) + " is in no reference";
    if (fields_.signature.empty()) {
      return unknown(Issue::kFileUnknown,
                     what + " and has no signature: remove it from the node, or add its digest");
    }
    const SignatureVerdict verdict =
        verify_file_signature(fields_, rules_.input().keys, rules_.input().revoked_keys, how_);
    if (verdict.fault == SignatureFault::kNotChecked) return accepted(AcceptedBy::kNotJudged);
    if (verdict.fault == SignatureFault::kNone) {
      Judgement out = accepted(AcceptedBy::kSignature);
      out.checks = verdict.checks;
      return out;
    }
    const Issue issue = verdict.fault == SignatureFault::kMalformed    ? Issue::kSignatureMalformed
                        : verdict.fault == SignatureFault::kKeyUnknown ? Issue::kSignatureKeyUnknown
                                                                       : Issue::kSignatureInvalid;
    Judgement out = unknown(issue, what + "; " + verdict.message);
    out.checks = verdict.checks;
    return out;
  }

  Judgement revoked() const {
    return refused(Issue::kFileRevoked, path() + " with digest " + digest_text(fields_) +
                                            " is revoked: replace it, and reboot the node");
  }

  std::string path() const { return codec::in_quotes(fields_.path, 200); }

  const Entry& entry_;
  const Rules& rules_;
  const tpm::PcrValues& quoted_;
  const SignatureChecks how_;
  Fields fields_;
};

}  // namespace

std::string_view issue_code(Issue issue) {
  constexpr std::array<std::string_view, kLastIssue + 1> kCodes = {"",
                                                                   code::kBootAggregate,
                                                                   code::kSecondBoot,
                                                                   code::kTemplateUnknown,
                                                                   code::kTemplateDigest,
                                                                   code::kEntryMalformed,
                                                                   code::kViolation,
                                                                   code::kFileUnknown,
                                                                   code::kFileRevoked,
                                                                   code::kSignatureMalformed,
                                                                   code::kSignatureKeyUnknown,
                                                                   code::kSignatureInvalid,
                                                                   code::kBufferUnknown};
  return kCodes.at(static_cast<std::size_t>(issue));
}

Judgement judge_entry(const Entry& entry, const Rules& rules, const tpm::PcrValues& quoted,
                      SignatureChecks how) {
  return EntryJudge(entry, rules, quoted, how).run();
}

attest::Reason reason_of(const Entry& entry, const Judgement& judgement) {
  attest::Reason out = attest::refuse(
      issue_code(judgement.issue),
      "runtime log, " + entry_place(entry.number, entry.offset) + ": " + judgement.detail);
  out.line = attest::LinePlace{judgement.path, entry.number};
  out.fields = {{"offset", std::to_string(entry.offset)},
                {"template", std::string(entry.template_name)},
                {"template digest", to_hex(entry.template_digest)}};
  if (!judgement.digest.empty()) out.fields.push_back({"digest", judgement.digest});
  out.suggestion = judgement.suggestion;
  return out;
}

}  // namespace avouch::runtimelog
