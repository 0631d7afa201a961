#include "bootlog/judge.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/text.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/kernel_arguments.h"

namespace avouch::bootlog {
namespace {

using attest::Claim;
using attest::Reason;
using codec::Json;
using crypto::HashAlgorithm;
using reference::Digest;
using reference::Finding;
using reference::ResolvedReferences;
using reference::Standing;

bool holds_kernel_argument(const codec::Pattern& pattern, const std::string& line,
                           const std::vector<std::string>& arguments) {
  return pattern.matches(line) ||
         std::any_of(arguments.begin(), arguments.end(),
                     [&](const std::string& each) { return pattern.matches(each); });
}

class Judgement {
 public:
  Judgement(const BoundLog& log, const Meaning& meaning, const attest::BootLogSpec& policy,
            const ResolvedReferences* references)
      : log_(log), meaning_(meaning), policy_(policy), references_(references) {}

  BootJudgement run() {
    for (const Reason& problem : meaning_.problems) add(Claim::kConfiguration, problem);
    if (policy_.secure_boot == attest::SecureBoot::kRequired) judge_secure_boot();
    if (references_ != nullptr) {
      if (references_->secure_boot_certificate_count() > 0) judge_certificates();
      for (const std::size_t image : meaning_.images) judge_digest(image, Kind::kImage);
      for (const std::size_t file : meaning_.files) judge_digest(file, Kind::kFile);
      claim(Claim::kExecutables, attest::kApprovedBoot);
    }
    judge_dbx();
    judge_command_lines();
    claim(Claim::kConfiguration, attest::kGenuine);
    if (left_out_ > 0) {
      out_.reasons.push_back(attest::refuse(
          code::kMoreReasons, std::to_string(left_out_) + " further problems of the boot log: "
                                                          "kubectl avouch eventlog shows it"));
    }
    return std::move(out_);
  }

 private:
  enum class Kind { kImage, kFile };

  void claim(Claim what, std::int8_t value) {
    attest::TrustVector one;
    one[what] = value;
    out_.vector = attest::worse(out_.vector, one);
  }
  void add(Claim what, Reason reason) {
    claim(what, attest::kUnacceptable);
    if (out_.reasons.size() < kMaxReasons) {
      out_.reasons.push_back(std::move(reason));
    } else {
      ++left_out_;
    }
  }
  void add(Claim what, std::size_t event, std::string_view code, std::string message) {
    add(what, about_event(log_, event, code, std::move(message)));
  }

  void judge_secure_boot() {
    const Claim claim = Claim::kConfiguration;
    const MeasuredVariable* state = meaning_.configuration(kGlobalGuid, "SecureBoot");
    if (state == nullptr) {
      add(claim, attest::refuse(code::kSecureBootUnproven,
                                "no proven event of PCR 7 says whether Secure Boot is enabled"));
      return;
    }
    const ByteView value = state->variable.value;
    if (value.size() == 1 && value[0] == 0) {
      return add(claim, state->event, code::kSecureBootDisabled,
                 "Secure Boot is disabled: enable it in the node's firmware");
    }
    if (value.size() != 1 || value[0] != 1) {
      return add(claim, state->event, code::kSecureBootUnproven,
                 "the variable SecureBoot is neither 0 nor 1");
    }
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
        add(claim, each.event, code::kSecureBootDisabled,
            "shim verifies nothing (MokSBState): run mokutil --enable-validation");
      }
    }
    for (const std::size_t file : meaning_.files) {
      const Event& event = log_.log().events()[file];
      const std::string_view name = as_text(log_.log().data(event));
      if (event.pcr == 14 && name.starts_with("MokSBState") && log_.is_digest_of(event, Bytes{1})) {
        add(claim, file, code::kSecureBootDisabled,
            "shim verifies nothing (MokSBState): run mokutil --enable-validation");
      }
    }
  }

  void require_keys(std::string_view guid, std::string_view name) {
    const MeasuredVariable* keys = meaning_.configuration(guid, name);
    if (keys == nullptr) {
      return add(Claim::kConfiguration,
                 attest::refuse(code::kSecureBootUnproven,
                                "Secure Boot is enabled, but no proven event of PCR 7 has " +
                                    std::string(name)));
    }
    const auto entries = parse_signature_lists(keys->variable.value);
    if (!entries.has_value()) {
      return add(Claim::kConfiguration, keys->event, code::kSecureBootUnproven,
                 std::string(name) + " cannot be read: " + entries.error().message);
    }
    if (entries->empty()) {
      add(Claim::kConfiguration, keys->event, code::kSecureBootUnproven,
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
        add(Claim::kConfiguration, each.event, code::kSecureBootUnproven,
            "a program was let in by an entry that db does not have");
      }
    }
    if (!any) {
      add(Claim::kConfiguration,
          attest::refuse(code::kSecureBootUnproven,
                         "Secure Boot is enabled, but no program was let in by an entry of db: "
                         "nothing was verified"));
    }
  }

  void judge_certificates() {
    for (const MeasuredVariable& each : meaning_.variables) {
      const Variable& variable = each.variable;
      if (each.authority) {
        const auto data = parse_signature_data(variable.value);
        // Texts and flags that shim measures (SbatLevel, MokListTrusted) are no signatures.
        const bool signature = variable.name == "db" || variable.name == "MokList" ||
                               variable.name == "MokListRT" || variable.name == "Shim";
        if (signature && data)
          judge_certificate(each, variable.guid == kShimGuid && variable.name == "Shim"
                                      ? variable.value
                                      : data->value);
        continue;
      }
      if (variable.name != "PK" && variable.name != "KEK" && variable.name != "db") continue;
      const auto entries = parse_signature_lists(variable.value);
      if (!entries.has_value()) {
        add(Claim::kConfiguration, each.event, code::kSecureBootKeyUnknown,
            "cannot be read: " + entries.error().message);
        continue;
      }
      for (const SignatureEntry& entry : *entries) {
        if (entry.kind == SignatureEntry::Kind::kX509) {
          judge_certificate(each, entry.value);
        } else {
          judge_allowed_digest(each, entry);
        }
      }
    }
  }

  void judge_certificate(const MeasuredVariable& where, ByteView der) {
    const crypto::Sha256 fingerprint = crypto::sha256(der);
    const Finding found = references_->secure_boot_certificate(fingerprint);
    if (found.standing == Standing::kAccepted) return;
    const std::string what = "the certificate sha256:" + to_hex(fingerprint) + " in " +
                             printable(where.variable.name, 64);
    if (found.standing == Standing::kRevoked) {
      return add(Claim::kConfiguration, where.event, code::kSecureBootKeyRevoked,
                 what + " is revoked by ReferenceManifest \"" + std::string(found.manifest) + "\"");
    }
    Reason reason = about_event(log_, where.event, code::kSecureBootKeyUnknown,
                                what + " is in no ReferenceManifest of the policy");
    reason.suggestion = codec::to_json(
        Json::Object{{"secureBootCertificates", Json::Array{codec::to_base64(der)}}});
    add(Claim::kConfiguration, std::move(reason));
  }

  // A digest in db lets one program in, which must be a known one.
  void judge_allowed_digest(const MeasuredVariable& where, const SignatureEntry& entry) {
    const bool known =
        entry.kind == SignatureEntry::Kind::kSha256 &&
        references_->boot_image(make_sha256(entry.value)).standing == Standing::kAccepted;
    if (known) return;
    add(Claim::kConfiguration, where.event, code::kSecureBootKeyUnknown,
        "an entry of " + printable(where.variable.name, 64) +
            " that is no certificate and no digest of a known boot component");
  }

  static Digest make_sha256(ByteView bytes) {
    Digest out;
    std::copy_n(bytes.begin(), std::min<std::size_t>(bytes.size(), 32), out.bytes.begin());
    return out;
  }

  void judge_digest(std::size_t number, Kind kind) {
    const Event& event = log_.log().events()[number];
    std::optional<Digest> strongest;
    bool accepted = false;
    for (const BoundLog::BankDigest& each : log_.digests(event)) {
      const auto digest = reference::make_digest(each.bank, each.digest);
      if (!digest.has_value()) continue;
      const Finding found =
          kind == Kind::kImage ? references_->boot_image(*digest) : references_->boot_file(*digest);
      if (found.standing == Standing::kRevoked) {
        return add(Claim::kExecutables, number,
                   kind == Kind::kImage ? code::kImageRevoked : code::kFileRevoked,
                   reference::digest_text(*digest) + " is revoked by ReferenceManifest \"" +
                       std::string(found.manifest) + "\"");
      }
      if (each.bank == HashAlgorithm::kSha1) continue;
      accepted = accepted || found.standing == Standing::kAccepted;
      if (!strongest) strongest = *digest;
    }
    if (accepted) return;
    Reason reason =
        about_event(log_, number, kind == Kind::kImage ? code::kImageUnknown : code::kFileUnknown,
                    (strongest ? reference::digest_text(*strongest) : std::string("its digest")) +
                        " is in no ReferenceManifest of the policy");
    if (strongest) {
      reason.suggestion = codec::to_json(
          Json::Object{{"bootComponents",
                        Json::Array{Json::Object{{"name", component_name(event)},
                                                 {kind == Kind::kImage ? "authenticode" : "digest",
                                                  reference::digest_text(*strongest)}}}}});
    }
    add(Claim::kExecutables, std::move(reason));
  }

  // What the log calls the thing whose digest it has: for people, for nobody vouches for it.
  std::string component_name(const Event& event) const {
    for (const attest::ReasonField& field : describe(log_.log(), event)) {
      if ((field.name == "path" || field.name == "text") && !field.value.empty()) {
        return field.value.substr(0, 200);
      }
    }
    return "PCR " + std::to_string(event.pcr) + " " + event_type_name(event.type);
  }

  // Firmware that verifies does not start what dbx forbids; one that does not verify might.
  void judge_dbx() {
    const MeasuredVariable* dbx = meaning_.configuration(kSecurityDatabaseGuid, "dbx");
    if (dbx == nullptr || meaning_.images.empty()) return;
    const auto entries = parse_signature_lists(dbx->variable.value);
    if (!entries.has_value()) {
      return add(Claim::kConfiguration, dbx->event, code::kSecureBootUnproven,
                 "dbx cannot be read: " + entries.error().message);
    }
    std::vector<ByteView> forbidden;
    for (const SignatureEntry& entry : *entries) {
      if (entry.kind == SignatureEntry::Kind::kSha256) forbidden.push_back(entry.value);
    }
    const auto less = [](ByteView a, ByteView b) {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    };
    std::sort(forbidden.begin(), forbidden.end(), less);
    for (const std::size_t image : meaning_.images) {
      const ByteView digest = log_.log().digest(log_.log().events()[image], HashAlgorithm::kSha256);
      if (!digest.empty() && std::binary_search(forbidden.begin(), forbidden.end(), digest, less)) {
        add(Claim::kExecutables, image, code::kImageRevoked,
            "the node's own dbx forbids the program sha256:" + to_hex(digest));
      }
    }
  }

  void judge_command_lines() {
    if (policy_.command_line_required.empty() && policy_.command_line_forbidden.empty()) return;
    if (meaning_.command_lines.empty()) {
      add(Claim::kConfiguration,
          attest::refuse(code::kCommandLineUnproven,
                         "no proven event has the kernel's command line, for which the policy has "
                         "rules: boot with GRUB 2.06 or newer, or with systemd-stub"));
    }
    for (const std::size_t event : meaning_.unknown_command_lines) {
      add(Claim::kConfiguration, event, code::kCommandLineUnproven,
          "measures a command line that is none of those that the log shows");
    }
    for (const CommandLine& line : meaning_.command_lines) judge_command_line(line);
  }

  void judge_command_line(const CommandLine& line) {
    const std::vector<std::string> arguments = codec::kernel_arguments(line.text);
    for (const codec::Pattern& pattern : policy_.command_line_required) {
      if (holds_kernel_argument(pattern, line.text, arguments)) continue;
      add(Claim::kConfiguration, line.event, code::kCommandLine,
          "the kernel's command line has no argument \"" + printable(pattern.text(), 128) +
              "\", which the policy requires: \"" + printable(line.text, 256) + "\"");
    }
    for (const codec::Pattern& pattern : policy_.command_line_forbidden) {
      if (!holds_kernel_argument(pattern, line.text, arguments)) continue;
      add(Claim::kConfiguration, line.event, code::kCommandLine,
          "the kernel's command line has an argument \"" + printable(pattern.text(), 128) +
              "\", which the policy forbids: \"" + printable(line.text, 256) + "\"");
    }
  }

  const BoundLog& log_;
  const Meaning& meaning_;
  const attest::BootLogSpec& policy_;
  const ResolvedReferences* references_;
  BootJudgement out_;
  std::size_t left_out_ = 0;
};

}  // namespace

BootJudgement judge(const BoundLog& log, const Meaning& meaning, const attest::BootLogSpec& policy,
                    const ResolvedReferences* references) {
  return Judgement(log, meaning, policy, references).run();
}

}  // namespace avouch::bootlog
