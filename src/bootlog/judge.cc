#include "bootlog/judge.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/hex.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/findings.h"
#include "bootlog/text.h"
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

// PCRs that firmware, shim and boot loaders extend: what a boot is judged by.
constexpr std::array<std::uint32_t, 11> kJudgedPcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14};
// systemd-stub: command lines, credentials and extensions of the configuration; of the system.
constexpr std::uint32_t kStubPcr = 12, kExtensionsPcr = 13;

struct Unproving {
  std::string_view name, why;
};
// Linux: drivers/firmware/efi/libstub/efi-stub-helper.c; init/main.c.
constexpr std::array<Unproving, 3> kUnprovingArguments = {
    {{"initrd=", "the kernel's EFI stub loads that file, and many kernels do not measure it"},
     {"dtb=", "the kernel's EFI stub loads that device tree, which nothing measures"},
     {"initcall_blacklist=",
      "that function of the kernel's does not run, IMA's own if it names it"}}};

// The line, and every word of any reading, each once.
std::vector<std::string> all_words(const std::string& line,
                                   const std::vector<std::vector<std::string>>& readings) {
  std::vector<std::string> out{line};
  for (const auto& words : readings) out.insert(out.end(), words.begin(), words.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// A word with blanks in it may read as a whole line: it satisfies nothing.
bool satisfies(const codec::Pattern& pattern, std::span<const std::string> words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& each) {
    return each.find_first_of(" \t\n\v\f\r") == std::string::npos && pattern.matches(each);
  });
}

// What is not for init.
std::span<const std::string> kernels_part(const std::vector<std::string>& words) {
  return {words.begin(), std::find(words.begin(), words.end(), "--")};
}

std::string joined(std::span<const std::string> arguments) {
  std::string out;
  for (const std::string& each : arguments) out += (out.empty() ? "" : " ") + each;
  return out;
}

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

  void judge_digest(std::size_t number, Kind kind) {
    const Event& event = log_.log().events()[number];
    std::optional<Digest> unknown_one;
    bool known = false;
    for (const BoundLog::BankDigest& each : log_.digests(event)) {
      const auto digest = reference::make_digest(each.bank, each.digest);
      if (!digest.has_value()) continue;
      const Finding found =
          kind == Kind::kImage ? says_->boot_image(*digest) : says_->boot_file(*digest);
      if (found.standing == Standing::kRevoked) {
        if (!out_.is_first(*digest)) return;
        return out_.add(Claim::kExecutables, number,
                        kind == Kind::kImage ? code::kImageRevoked : code::kFileRevoked,
                        reference::digest_text(*digest) + " is revoked by ReferenceManifest \"" +
                            std::string(found.manifest) + "\"");
      }
      if (!counts(each.bank)) continue;
      known = known || found.standing == Standing::kAccepted;
      if (found.standing != Standing::kAccepted && !unknown_one) unknown_one = *digest;
    }
    if (references_ == nullptr) return;  // it need not be known
    if (known && !unknown_one) return;
    if (unknown_one && !out_.is_first(*unknown_one)) return;
    const std::string_view unknown =
        kind == Kind::kImage ? code::kImageUnknown : code::kFileUnknown;
    const std::string text = unknown_one ? reference::digest_text(*unknown_one) : "its digest";
    out_.add(Claim::kExecutables, number, unknown,
             text + " is in no ReferenceManifest of the policy" +
                 (known ? ": it must be known in each of pcrs.banks" : ""),
             unknown_one ? component_suggestion(event, kind, text) : std::string());
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

  // Firmware that verifies does not start what dbx forbids; one that does not verify might.
  void judge_dbx() {
    const MeasuredVariable* dbx = meaning_.configuration(kSecurityDatabaseGuid, "dbx");
    if (dbx == nullptr || meaning_.images.empty()) return;
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
    for (const std::size_t image : meaning_.images) {
      const ByteView digest = proven_sha256(log_.log().events()[image]);
      if (!digest.empty() && std::binary_search(forbidden.begin(), forbidden.end(), digest, less)) {
        out_.add(Claim::kExecutables, image, code::kImageRevoked,
                 "the node's own dbx forbids the program sha256:" + to_hex(digest));
      }
    }
  }

  void judge_command_lines() {
    if (references_ != nullptr || has_rules_for_command_line()) {
      for (const CommandLine& line : meaning_.command_lines) judge_unproving(line);
    }
    if (!has_rules_for_command_line()) return;
    if (meaning_.command_lines.empty()) {
      out_.add(
          Claim::kConfiguration,
          attest::refuse(code::kCommandLineUnproven,
                         "no proven event has the kernel's command line, for which the policy has "
                         "rules: boot with GRUB 2.06 or newer, or with systemd-stub"));
    }
    require_stub(kStubPcr, code::kCommandLineUnproven, "command lines");
    for (const std::size_t event : meaning_.unknown_command_lines) {
      out_.add(Claim::kConfiguration, event, code::kCommandLineUnproven,
               "measures a command line that is none of those that the log shows");
    }
    for (const CommandLine& line : meaning_.command_lines) judge_command_line(line);
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

  // Arguments by which what the policy asks for is sure no more, unless it knows the whole line.
  void judge_unproving(const CommandLine& line) {
    const auto words = all_words(line.text, codec::argument_readings(line.text));
    for (const Unproving& each : kUnprovingArguments) {
      const bool is_there = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return codec::folded_argument(word).starts_with(each.name);
      });
      const auto& required = policy_.command_line_required;
      const bool is_known = std::any_of(required.begin(), required.end(), [&](const auto& pattern) {
        return codec::folded_argument(pattern.text()).find(each.name) != std::string::npos &&
               pattern.matches(line.text);
      });
      if (!is_there || is_known) continue;
      out_.add(Claim::kConfiguration, line.event, code::kCommandLine,
               "the kernel's command line has an argument \"" + std::string(each.name) +
                   "\": " + std::string(each.why) +
                   ". A policy that puts up with it requires the whole line: \"" +
                   printable(line.text, 256) + "\"");
    }
  }

  // What is required must be there for whoever reads the line, what is forbidden for none of them.
  void judge_command_line(const CommandLine& line) {
    const auto readings = codec::argument_readings(line.text);
    const std::vector<std::string>& arguments = readings.front();
    const std::span<const std::string> of_kernel = kernels_part(arguments);
    const bool has_more = of_kernel.size() < arguments.size();
    const std::string before = has_more ? joined(of_kernel) : std::string();
    for (const codec::Pattern& pattern : policy_.command_line_required) {
      if (std::all_of(readings.begin(), readings.end(), [&](const auto& reading) {
            return satisfies(pattern, kernels_part(reading));
          })) {
        continue;
      }
      // Of the whole line: what is for init must not be what satisfies it, nor pass unseen.
      const bool knows_more = pattern.text().find("--") != std::string::npos;
      const bool by_kernels_part = !has_more || knows_more || pattern.matches(before);
      if (by_kernels_part && pattern.matches(line.text)) continue;
      out_.add(Claim::kConfiguration, line.event, code::kCommandLine,
               "the kernel's command line has no argument \"" + printable(pattern.text(), 128) +
                   "\", which the policy requires: \"" + printable(line.text, 256) + "\"");
    }
    const std::vector<std::string> words = all_words(line.text, readings);
    for (const codec::KernelPattern& pattern : policy_.command_line_forbidden) {
      if (std::none_of(words.begin(), words.end(),
                       [&](const std::string& each) { return pattern.matches(each); })) {
        continue;
      }
      out_.add(Claim::kConfiguration, line.event, code::kCommandLine,
               "the kernel's command line has an argument \"" + printable(pattern.text(), 128) +
                   "\", which the policy forbids: \"" + printable(line.text, 256) + "\"");
    }
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
