// What PCR 7 says of Secure Boot.

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "bootlog/findings.h"
#include "bootlog/text.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace avouch::bootlog {
namespace {

using attest::Claim;
using codec::Json;
using crypto::HashAlgorithm;
using reference::Digest;
using reference::Finding;
using reference::ResolvedReferences;
using reference::Standing;

constexpr std::size_t kMaxSuggested = 8 * 1024;  // bytes of a certificate

class SecureBootRule {
 public:
  SecureBootRule(const Meaning& meaning, Findings& out) : meaning_(meaning), out_(out) {}

  void run() {
    const Claim claim = Claim::kConfiguration;
    const MeasuredVariable* state = meaning_.configuration(kGlobalGuid, "SecureBoot");
    if (state == nullptr) {
      out_.add(claim,
               attest::refuse(code::kSecureBootUnproven,
                              "no proven event of PCR 7 says whether Secure Boot is enabled"));
      return;
    }
    const ByteView value = state->variable.value;
    if (value.size() == 1 && value[0] == 0) {
      return out_.add(claim, state->event, code::kSecureBootDisabled,
                      "Secure Boot is disabled: enable it in the node's firmware");
    }
    if (value.size() != 1 || value[0] != 1) {
      return out_.add(claim, state->event, code::kSecureBootUnproven,
                      "the variable SecureBoot is neither 0 nor 1");
    }
    for (const std::string_view mode : {"SetupMode", "AuditMode"}) require_no_mode(mode);
    for (const auto& [guid, name] : {std::pair{kGlobalGuid, std::string_view("PK")},
                                     {kGlobalGuid, std::string_view("KEK")},
                                     {kSecurityDatabaseGuid, std::string_view("db")}}) {
      require_keys(guid, name);
    }
    require_authority();
    for (const MeasuredVariable& each : meaning_.variables) {
      const bool off = each.variable.name == "MokSBState" &&
                       std::any_of(each.variable.value.begin(), each.variable.value.end(),
                                   [](std::uint8_t byte) { return byte != 0; });
      if (off) {
        out_.add(claim, each.event, code::kSecureBootDisabled,
                 "shim verifies nothing (MokSBState): run mokutil --enable-validation");
      }
    }
    for (const std::size_t file : meaning_.files) {
      const Event& event = out_.log().log().events()[file];
      const std::string_view name = as_text(out_.log().log().data(event));
      if (event.pcr == 14 && name.starts_with("MokSBState") &&
          is_digest_in_any_bank(event, Bytes{1})) {
        out_.add(claim, file, code::kSecureBootDisabled,
                 "shim verifies nothing (MokSBState): run mokutil --enable-validation");
      }
    }
  }

 private:
  // Which other banks there are a node chooses.
  bool is_digest_in_any_bank(const Event& event, ByteView data) const {
    const auto digests = out_.log().digests(event);
    return std::any_of(digests.begin(), digests.end(), [&](const BoundLog::BankDigest& each) {
      return equal(crypto::hash(each.bank, data), each.digest);
    });
  }

  // In either mode the firmware starts what it cannot verify (UEFI, "Secure Boot Modes").
  void require_no_mode(std::string_view name) {
    const MeasuredVariable* mode = meaning_.configuration(kGlobalGuid, name);
    if (mode == nullptr) return;
    const ByteView value = mode->variable.value;
    if (value.size() == 1 && value[0] == 0) return;
    out_.add(Claim::kConfiguration, mode->event, code::kSecureBootDisabled,
             "the firmware verifies nothing (" + std::string(name) +
                 "): enrol its keys, and leave that mode");
  }

  void require_keys(std::string_view guid, std::string_view name) {
    const MeasuredVariable* keys = meaning_.configuration(guid, name);
    if (keys == nullptr) {
      return out_.add(Claim::kConfiguration,
                      attest::refuse(code::kSecureBootUnproven,
                                     "Secure Boot is enabled, but no proven event of PCR 7 has " +
                                         std::string(name)));
    }
    const auto entries = parse_signature_lists(keys->variable.value);
    if (!entries.has_value()) {
      return out_.add(Claim::kConfiguration, keys->event, code::kSecureBootUnproven,
                      std::string(name) + " cannot be read: " + entries.error().message);
    }
    if (entries->empty()) {
      out_.add(Claim::kConfiguration, keys->event, code::kSecureBootUnproven,
               "Secure Boot is enabled, but " + std::string(name) + " is empty");
    }
  }

  // The entry of db by which the firmware let the boot loader in.
  void require_authority() {
    const MeasuredVariable* db = meaning_.configuration(kSecurityDatabaseGuid, "db");
    if (db == nullptr) return;  // said above
    const auto entries = parse_signature_lists(db->variable.value);
    if (!entries.has_value()) return;
    bool any = false;
    for (const MeasuredVariable& each : meaning_.variables) {
      if (!each.authority || each.variable.guid != kSecurityDatabaseGuid ||
          each.variable.name != "db") {
        continue;
      }
      any = true;
      const auto data = parse_signature_data(each.variable.value);
      const bool listed =
          data && std::any_of(entries->begin(), entries->end(), [&](const SignatureEntry& entry) {
            return equal(entry.value, data->value);
          });
      if (!listed) {
        out_.add(Claim::kConfiguration, each.event, code::kSecureBootUnproven,
                 "a program was let in by an entry that db does not have");
      }
    }
    if (!any) {
      out_.add(
          Claim::kConfiguration,
          attest::refuse(code::kSecureBootUnproven,
                         "Secure Boot is enabled, but no program was let in by an entry of db: "
                         "nothing was verified"));
    }
  }

  const Meaning& meaning_;
  Findings& out_;
};

class CertificateRule {
 public:
  CertificateRule(const Meaning& meaning, const ResolvedReferences& references, Findings& out)
      : meaning_(meaning), references_(references), out_(out) {}

  void run() {
    for (const MeasuredVariable& each : meaning_.variables) {
      const Variable& variable = each.variable;
      if (each.authority) {
        judge_authority(each);
      } else if (holds_keys(variable)) {
        judge_keys(each);
      } else if (variable.name == "dbx") {
        judge_age(each);
      }
    }
  }

 private:
  // Whether manifests say which certificates there may be; what is revoked counts anyhow.
  bool certificates_are_listed() const { return references_.lists_certificates(); }

  void judge_authority(const MeasuredVariable& each) {
    const Authority authority = read_authority(each.variable.value);
    switch (authority.kind) {
      case Authority::Kind::kCertificate:
        return judge_certificate(each, authority.value);
      case Authority::Kind::kLevel:
        return judge_age(each);
      case Authority::Kind::kDigest:
        return judge_allowed_digest(each, SignatureEntry::Kind::kSha256, authority.value);
      case Authority::Kind::kOther:
        return judge_allowed_digest(each, SignatureEntry::Kind::kOther, authority.value);
    }
  }

  void judge_keys(const MeasuredVariable& each) {
    const auto entries = parse_signature_lists(each.variable.value);
    if (!entries.has_value()) {
      return out_.add(Claim::kConfiguration, each.event, code::kSecureBootKeyUnknown,
                      "cannot be read: " + entries.error().message);
    }
    for (const SignatureEntry& entry : *entries) {
      if (entry.kind == SignatureEntry::Kind::kX509) {
        judge_certificate(each, entry.value);
      } else {
        judge_allowed_digest(each, entry.kind, entry.value);
      }
    }
  }

  // A level of revocation (SBAT, dbx) that a manifest calls too old.
  void judge_age(const MeasuredVariable& each) {
    const crypto::Sha256 digest = crypto::sha256(each.variable.value);
    const Finding found = references_.revocation(HashAlgorithm::kSha256, digest);
    if (found.standing != Standing::kRevoked) return;
    out_.add(Claim::kConfiguration, each.event, code::kOutdated,
             printable(each.variable.name, 64) + " (sha256:" + to_hex(digest) +
                 ") is one that ReferenceManifest \"" + std::string(found.manifest) +
                 "\" revokes: update the node's shim, or its dbx");
  }

  void judge_certificate(const MeasuredVariable& where, ByteView der) {
    const crypto::Sha256 fingerprint = crypto::sha256(der);
    const Finding found = references_.secure_boot_certificate(fingerprint);
    if (found.standing == Standing::kAccepted) return;
    if (found.standing == Standing::kUnknown && !certificates_are_listed()) return;
    if (!out_.is_first(reference::make_digest(fingerprint))) return;
    const std::string what = "the certificate sha256:" + to_hex(fingerprint) + " in " +
                             printable(where.variable.name, 64);
    if (found.standing == Standing::kRevoked) {
      return out_.add(
          Claim::kConfiguration, where.event, code::kSecureBootKeyRevoked,
          what + " is revoked by ReferenceManifest \"" + std::string(found.manifest) + "\"");
    }
    out_.add(Claim::kConfiguration, where.event, code::kSecureBootKeyUnknown,
             what + " is in no ReferenceManifest of the policy",
             der.size() <= kMaxSuggested
                 ? codec::to_json(
                       Json::Object{{"secureBootCertificates", Json::Array{codec::to_base64(der)}}})
                 : std::string());
  }

  // A digest in db lets one program in, which must be a known one.
  void judge_allowed_digest(const MeasuredVariable& where, SignatureEntry::Kind kind,
                            ByteView value) {
    const bool digest = kind == SignatureEntry::Kind::kSha256 && value.size() == 32;
    const Standing standing =
        digest ? references_.boot_image(make_sha256(value)).standing : Standing::kUnknown;
    if (standing == Standing::kAccepted) return;
    if (standing == Standing::kUnknown && !certificates_are_listed()) return;
    if (digest && !out_.is_first(make_sha256(value))) return;
    const std::string what = "an entry of " + printable(where.variable.name, 64);
    if (standing == Standing::kRevoked) {
      return out_.add(Claim::kConfiguration, where.event, code::kSecureBootKeyRevoked,
                      what + " is the digest of a boot component that is revoked");
    }
    out_.add(Claim::kConfiguration, where.event, code::kSecureBootKeyUnknown,
             what + " is no certificate, and no digest of a known boot component",
             digest ? codec::to_json(Json::Object{
                          {"bootComponents",
                           Json::Array{Json::Object{
                               {"name", what},
                               {"authenticode", reference::digest_text(make_sha256(value))}}}}})
                    : std::string());
  }

  static Digest make_sha256(ByteView bytes) {
    Digest out;
    std::copy_n(bytes.begin(), std::min<std::size_t>(bytes.size(), 32), out.bytes.begin());
    return out;
  }

  const Meaning& meaning_;
  const ResolvedReferences& references_;
  Findings& out_;
};

}  // namespace

void judge_secure_boot(const Meaning& meaning, Findings& out) {
  SecureBootRule(meaning, out).run();
}

void judge_certificates(const Meaning& meaning, const ResolvedReferences& references,
                        Findings& out) {
  CertificateRule(meaning, references, out).run();
}

}  // namespace avouch::bootlog
