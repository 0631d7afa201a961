#include "bootlog/judge.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/hex.h"
#include "bootlog/command_line.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/findings.h"
#include "codec/json.h"

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

// PCRs that firmware, shim and boot loaders extend: what a boot is judged by.
constexpr std::array<std::uint32_t, 11> kJudgedPcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14};
// systemd-stub: command lines, credentials and extensions of the configuration; of the system.
constexpr std::uint32_t kStubPcr = 12, kExtensionsPcr = 13;

class Judgement {
 public:
  Judgement(const BoundLog& log, const Meaning& meaning, const attest::BootLogSpec& policy,
            const ResolvedReferences* references, const ResolvedReferences* revocations)
      : log_(log),
        meaning_(meaning),
        policy_(policy),
        references_(references),
        says_(references != nullptr ? references : revocations),
        out_(log) {}

  BootJudgement run() {
    require_proven();
    for (const Reason& problem : meaning_.problems) out_.add(Claim::kConfiguration, problem);
    out_.leave_out(meaning_.more_problems);
    if (policy_.secure_boot == attest::SecureBoot::kRequired) judge_secure_boot(meaning_, out_);
    if (references_ != nullptr) {
      require_stub(kExtensionsPcr, code::kPcrUnproven, "extensions of the system");
      if (!has_rules_for_command_line()) {
        require_stub(kStubPcr, code::kPcrUnproven, "credentials and extensions");
      }
      if (meaning_.shows_started) out_.claim(Claim::kExecutables, attest::kApprovedBoot);
    }
    if (says_ != nullptr) {
      judge_certificates(meaning_, *says_, out_);
      for (const std::size_t image : meaning_.images) judge_digest(image, Kind::kImage);
      for (const std::size_t file : meaning_.files) judge_digest(file, Kind::kFile);
    }
    judge_dbx();
    judge_command_lines();
    out_.claim(Claim::kConfiguration, attest::kGenuine);
    return std::move(out_).finish();
  }

 private:
  enum class Kind { kImage, kFile };

  bool has_rules_for_command_line() const {
    return !policy_.command_line_required.empty() || !policy_.command_line_forbidden.empty();
  }

  void require_proven() {
    for (const std::uint32_t pcr : kJudgedPcrs) {
      const PcrState state = log_.state(pcr);
      if (state == PcrState::kDiffers) out_.claim(Claim::kConfiguration, attest::kUnacceptable);
      if (state == PcrState::kDiffers || state == PcrState::kProven) continue;
      out_.add(
          Claim::kConfiguration,
          attest::refuse(code::kPcrUnproven,
                         "PCR " + std::to_string(pcr) +
                             (state == PcrState::kWeak ? " is quoted in the SHA-1 bank alone"
                                                       : " is not quoted") +
                             ", so nothing of it is proven: expected PCR 0 to 9 and 14 in a bank "
                             "that is not SHA-1's"));
    }
  }

  // A bank that the policy does not name may be one that only root has ever extended.
  bool counts(HashAlgorithm bank) const {
    const auto& banks = policy_.banks;
    return bank != HashAlgorithm::kSha1 &&
           std::find(banks.begin(), banks.end(), bank) != banks.end();
  }

  // What the references say of an event: by each bank what they revoke, by the policy's the rest.
  struct Known {
    std::optional<Digest> revoked, unknown;
    std::string_view manifest;  // that revokes it
    bool is_known = false;      // in one bank at least
  };
  Known look_up(std::size_t number, Kind kind) const {
    Known out;
    for (const BoundLog::BankDigest& each : log_.digests(log_.log().events()[number])) {
      const auto digest = reference::make_digest(each.bank, each.digest);
      if (!digest.has_value()) continue;
      const Finding found =
          kind == Kind::kImage ? says_->boot_image(*digest) : says_->boot_file(*digest);
      if (found.standing == Standing::kRevoked) {
        return {.revoked = *digest, .unknown = {}, .manifest = found.manifest};
      }
      if (!counts(each.bank)) continue;
      out.is_known = out.is_known || found.standing == Standing::kAccepted;
      if (found.standing != Standing::kAccepted && !out.unknown) out.unknown = *digest;
    }
    return out;
  }
  bool is_known_file(std::size_t number) const {
    if (references_ == nullptr) return false;
    const Known found = look_up(number, Kind::kFile);
    return found.is_known && !found.unknown && !found.revoked;
  }

  void judge_digest(std::size_t number, Kind kind) {
    const Known found = look_up(number, kind);
    if (found.revoked) {
      if (!out_.is_first(*found.revoked)) return;
      return out_.add(Claim::kExecutables, number,
                      kind == Kind::kImage ? code::kImageRevoked : code::kFileRevoked,
                      reference::digest_text(*found.revoked) +
                          " is revoked by ReferenceManifest \"" + std::string(found.manifest) +
                          "\"");
    }
    if (references_ == nullptr) return;  // it need not be known
    if (found.is_known && !found.unknown) return;
    if (found.unknown && !out_.is_first(*found.unknown)) return;
    const std::string_view unknown =
        kind == Kind::kImage ? code::kImageUnknown : code::kFileUnknown;
    const std::string text = found.unknown ? reference::digest_text(*found.unknown) : "its digest";
    const Event& event = log_.log().events()[number];
    out_.add(Claim::kExecutables, number, unknown,
             text + " is in no ReferenceManifest of the policy" +
                 (found.is_known ? ": it must be known in each of pcrs.banks" : ""),
             found.unknown ? component_suggestion(event, kind, text) : std::string());
  }

  std::string component_suggestion(const Event& event, Kind kind, const std::string& digest) const {
    const std::string member = kind == Kind::kImage ? "authenticode" : "digest";
    return codec::to_json(Json::Object{
        {"bootComponents",
         Json::Array{Json::Object{{"name", component_name(event)}, {member, digest}}}}});
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

  // Empty where that bank is not quoted: what the log has of it then is anybody's.
  ByteView proven_sha256(const Event& event) const {
    for (const BoundLog::BankDigest& each : log_.digests(event)) {
      if (each.bank == HashAlgorithm::kSha256) return each.digest;
    }
    return {};
  }

  // Firmware that verifies does not start what dbx forbids; one that does not verify might. What
  // an event of PCR 2 or 4 is called is not proven: its digest may be a program's.
  void judge_dbx() {
    const MeasuredVariable* dbx = meaning_.configuration(kSecurityDatabaseGuid, "dbx");
    if (dbx == nullptr) return;
    const auto entries = parse_signature_lists(dbx->variable.value);
    if (!entries.has_value()) {
      return out_.add(Claim::kConfiguration, dbx->event, code::kSecureBootUnproven,
                      "dbx cannot be read: " + entries.error().message);
    }
    std::vector<ByteView> forbidden;
    forbidden.reserve(entries->size());
    for (const SignatureEntry& entry : *entries) {
      if (entry.kind == SignatureEntry::Kind::kSha256) forbidden.push_back(entry.value);
    }
    const auto less = [](ByteView a, ByteView b) {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    };
    std::sort(forbidden.begin(), forbidden.end(), less);
    const std::span<const Event> events = log_.log().events();
    for (std::size_t i = 0; i < events.size(); ++i) {
      if ((events[i].pcr != 2 && events[i].pcr != 4) || !log_.is_proven(events[i])) continue;
      const ByteView digest = proven_sha256(events[i]);
      if (!digest.empty() && std::binary_search(forbidden.begin(), forbidden.end(), digest, less)) {
        out_.add(Claim::kExecutables, i, code::kImageRevoked,
                 "the node's own dbx forbids the program sha256:" + to_hex(digest));
      }
    }
  }

  void judge_command_lines() {
    if (references_ == nullptr && !has_rules_for_command_line()) return;
    for (const std::size_t event : meaning_.unknown_command_lines) {
      out_.add(Claim::kConfiguration, event, code::kCommandLineUnproven,
               "may be the kernel's command line and cannot be judged as one: expected printable "
               "ASCII of at most " +
                   std::to_string(kMaxCommandLine) + " characters that reads as no command of " +
                   "GRUB's, and at most " + std::to_string(kMaxCommandLines) + " such texts");
    }
    for (const CommandLine& line : meaning_.command_lines) judge_command_line(line, policy_, out_);
    if (!has_rules_for_command_line()) return;
    if (meaning_.command_lines.empty()) {
      out_.add(
          Claim::kConfiguration,
          attest::refuse(code::kCommandLineUnproven,
                         "no proven event has the kernel's command line, for which the policy has "
                         "rules: boot with GRUB 2.06 or newer, or with systemd-stub"));
    }
    require_stub(kStubPcr, code::kCommandLineUnproven, "command lines");
    for (const std::size_t event : meaning_.files_or_lines) {
      if (log_.log().events()[event].pcr == kStubPcr && is_known_file(event)) continue;
      out_.add(Claim::kConfiguration, event, code::kCommandLineUnproven,
               "measures a command line that is none of those that the log shows");
    }
  }

  // Where systemd-stub says that it has measured something, the quote must prove it.
  void require_stub(std::uint32_t pcr, std::string_view code, std::string_view what) {
    const std::string place = "PCR " + std::to_string(pcr) + ", into which systemd-stub measures " +
                              std::string(what) + ", ";
    const PcrState state = log_.state(pcr);
    if (state == PcrState::kProven) return;
    if (state == PcrState::kDiffers) {
      return out_.add(Claim::kConfiguration,
                      attest::refuse(code, place + "is not what the log says"));
    }
    const std::span<const Event> events = log_.log().events();
    const auto found = std::find_if(events.begin(), events.end(),
                                    [pcr](const Event& event) { return event.pcr == pcr; });
    if (found == events.end()) return;
    out_.add(Claim::kConfiguration, static_cast<std::size_t>(found - events.begin()), code,
             "is in " + place +
                 "and the quote does not prove that PCR: quote it in a bank other than SHA-1's");
  }

  const BoundLog& log_;
  const Meaning& meaning_;
  const attest::BootLogSpec& policy_;
  const ResolvedReferences* references_;  // all must be known to it; null: nothing need be
  const ResolvedReferences* says_;        // what is revoked; null: nothing is
  Findings out_;
};

}  // namespace

BootJudgement judge(const BoundLog& log, const Meaning& meaning, const attest::BootLogSpec& policy,
                    const ResolvedReferences* references, const ResolvedReferences* revocations) {
  return Judgement(log, meaning, policy, references, revocations).run();
}

}  // namespace avouch::bootlog
