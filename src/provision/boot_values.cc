#include "provision/boot_values.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/hex.h"
#include "bootlog/bind.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/judge.h"
#include "bootlog/log.h"
#include "bootlog/meaning.h"
#include "bootlog/replay.h"
#include "bootlog/variable.h"
#include "codec/pattern.h"

namespace avouch::provision {
namespace {

using bootlog::BoundLog;
using bootlog::Event;
using bootlog::MeasuredVariable;
using crypto::HashAlgorithm;

// PCRs that firmware and boot loaders extend, and nobody after them.
constexpr std::uint32_t kBootPcrs = 0x43ff;

// What a quote of the log's own PCRs would say.
tpm::PcrValues values_of(std::span<const bootlog::ReplayedBank> replayed) {
  tpm::PcrValues out;
  for (const bootlog::ReplayedBank& bank : replayed) {
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = bank.value(pcr);
      out[{bank.algorithm, pcr}] = Bytes(value.begin(), value.end());
    }
  }
  return out;
}

Error refused(const std::vector<attest::Reason>& reasons) {
  std::string all = "the boot log is not that of a good boot";
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (i == 8) {
      all += "; and " + std::to_string(reasons.size() - i) + " more";
      break;
    }
    all += "; " + reasons[i].code + ": " + reasons[i].message;
  }
  return rejected(std::move(all));
}

class BootValues {
 public:
  BootValues(const BoundLog& log, const bootlog::Meaning& meaning, Draft& out,
             const std::string& origin)
      : log_(log), meaning_(meaning), out_(out), origin_(origin) {}

  void run() {
    for (const std::size_t image : meaning_.images) add_component(image, true);
    for (const std::size_t file : meaning_.files) add_component(file, false);
    for (const MeasuredVariable& each : meaning_.variables) add_variable(each);
    tell_command_lines();
    tell_secure_boot();
    if (!origin_.empty()) tell_what_is_left_out();
    for (const std::string& quirk : meaning_.quirks_used) {
      out_.remarks.push_back(
          (origin_.empty() ? "" : origin_ + " is not the log of a whole boot, or else: ") +
          std::string(origin_.empty() ? "The" : "the") +
          " policy must name the quirk: bootLog.quirks: [" + quirk + "]");
    }
    if (by_sha1_alone_ > 0) {
      out_.remarks.push_back(std::to_string(by_sha1_alone_) +
                             " boot components were measured by SHA-1 alone, which no manifest may "
                             "hold: enable the TPM's SHA-256 bank");
    }
  }

 private:
  // Each text must match what is required: GRUB's command and its copy, where it put quotes, by one
  // expression.
  void tell_command_lines() {
    std::set<std::string> lines;
    for (const bootlog::CommandLine& each : meaning_.command_lines) {
      lines.insert(codec::escaped(each.text));
    }
    std::string all;
    for (const std::string& line : lines) all += (all.empty() ? "" : "|") + line;
    if (all.empty()) return;
    out_.remarks.push_back("Kernel command line, as an expression: " + all);
    if (all.size() > codec::Pattern::kMaxBytes) {
      out_.remarks.push_back("That is longer than an expression may be (" +
                             std::to_string(codec::Pattern::kMaxBytes) +
                             " characters): put groups and repetitions in its place");
    }
  }

  // What a policy that wants Secure Boot says of this boot.
  void tell_secure_boot() {
    for (const auto& reason : bootlog::judge(log_, meaning_, {}, nullptr, nullptr).reasons) {
      const bool off = reason.code == bootlog::code::kSecureBootDisabled;
      const bool unproven = reason.code == bootlog::code::kSecureBootUnproven && origin_.empty();
      if (!off && !unproven) continue;
      out_.remarks.push_back((origin_.empty() ? "" : origin_ + ": ") + reason.code + ": " +
                             reason.message +
                             ". A policy refuses this boot unless it has bootLog.secureBoot: "
                             "Optional");
    }
  }

  // What the log calls it: for people, for nobody vouches for it.
  std::string name_of(std::size_t number) const {
    const Event& event = log_.log().events()[number];
    return own_name_of(event) +
           (origin_.empty() ? "" : " (" + origin_ + ", event " + std::to_string(number) + ")");
  }

  std::string own_name_of(const Event& event) const {
    for (const attest::ReasonField& field : bootlog::describe(log_.log(), event)) {
      if ((field.name == "path" || field.name == "text") && !field.value.empty()) {
        return printable_path(field.value).substr(0, 200);
      }
    }
    return "PCR " + std::to_string(event.pcr) + " " + bootlog::event_type_name(event.type);
  }

  void add_component(std::size_t number, bool image) {
    const Event& event = log_.log().events()[number];
    bool any = false;
    taken_.insert(number);
    for (const BoundLog::BankDigest& each : log_.digests(event)) {
      if (each.bank == HashAlgorithm::kSha1) continue;
      const auto digest = reference::make_digest(each.bank, each.digest);
      if (!digest.has_value()) continue;
      any = true;
      add_component({.name = name_of(number),
                     .authenticode = image ? std::optional(*digest) : std::nullopt,
                     .digest = image ? std::nullopt : std::optional(*digest)});
    }
    if (!any) ++by_sha1_alone_;
  }

  void add_component(reference::BootComponent component) {
    if (components_.emplace(component.authenticode, component.digest).second) {
      out_.boot_components.push_back(std::move(component));
    }
  }

  void add_variable(const MeasuredVariable& each) {
    const bootlog::Variable& variable = each.variable;
    if (each.authority) {
      taken_.insert(each.event);
      return add_authority(variable);
    }
    if (!bootlog::holds_keys(variable)) return;
    taken_.insert(each.event);
    const auto entries = bootlog::parse_signature_lists(variable.value);
    if (!entries.has_value()) {
      out_.remarks.push_back(printable_path(variable.name) +
                             " cannot be read: " + entries.error().message);
      return;
    }
    for (const bootlog::SignatureEntry& entry : *entries) add_entry(variable.name, entry);
  }

  // Whatever its name is: what the judge asks of every authority.
  void add_authority(const bootlog::Variable& variable) {
    using Kind = bootlog::Authority::Kind;
    const bootlog::Authority authority = bootlog::read_authority(variable.value);
    switch (authority.kind) {
      case Kind::kCertificate:
        return add_certificate(variable.name, authority.value);
      case Kind::kDigest:
        return tell_allowed_digest(variable.name, authority.value);
      case Kind::kOther:
        return remark_other(variable.name);
      case Kind::kLevel:
        return;  // good unless a manifest revokes it
    }
  }

  void add_entry(const std::string& variable, const bootlog::SignatureEntry& entry) {
    using Kind = bootlog::SignatureEntry::Kind;
    if (entry.kind == Kind::kX509) return add_certificate(variable, entry.value);
    if (entry.kind == Kind::kSha256) return tell_allowed_digest(variable, entry.value);
    remark_other(variable);
  }

  // One that this boot started is a component by its event. Of any other nobody has said that nodes
  // may start it.
  void tell_allowed_digest(const std::string& variable, ByteView value) {
    const auto digest = reference::make_digest(HashAlgorithm::kSha256, value);
    if (!digest.has_value()) return remark_other(variable);
    if (components_.contains({*digest, std::nullopt}) || !allowed_.insert(*digest).second) return;
    const std::string text = reference::digest_text(*digest);
    out_.remarks.push_back(
        printable_path(variable) + " lets a program in by its digest " + text +
        ", which this boot did not start: not taken, so nodes with it are refused "
        "(SecureBootKeyUnknown). If every node may start it, add to bootComponents: {name: what it "
        "is, authenticode: \"" +
        text + "\"}");
  }

  void remark_other(const std::string& variable) {
    out_.remarks.push_back(
        "An entry of " + printable_path(variable) +
        " is neither a certificate nor a SHA-256 digest: no manifest accepts it");
  }

  void add_certificate(const std::string& variable, ByteView der) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate.has_value()) {
      out_.remarks.push_back("A certificate of " + printable_path(variable) +
                             " cannot be read: " + certificate.error().message);
      return;
    }
    if (certificates_.insert(certificate->fingerprint()).second) {
      out_.secure_boot_certificates.push_back(*std::move(certificate));
    }
  }

  // By PCR: its value, and the types of the events that no manifest has a place for.
  void tell_what_is_left_out() {
    std::map<std::uint32_t, std::map<std::uint32_t, std::size_t>> left_out;
    const auto& events = log_.log().events();
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[i].type == bootlog::kNoAction) continue;
      auto& of_pcr = left_out[events[i].pcr];
      if (!taken_.contains(i)) ++of_pcr[events[i].type];
    }
    const auto banks = bootlog::replay(log_.log());
    for (const auto& [pcr, types] : left_out) {
      std::string text = origin_ + ": PCR " + std::to_string(pcr) + " ends as";
      for (const bootlog::ReplayedBank& bank : banks) {
        if (bank.algorithm == HashAlgorithm::kSha1 || pcr >= tpm::kPcrCount) continue;
        text +=
            " " + std::string(crypto::hash_name(bank.algorithm)) + ":" + to_hex(bank.value(pcr));
      }
      text += " (for pcrs.exact of a policy).";
      std::size_t named = 0;
      for (const auto& [type, count] : types) {
        text += (named == 0 ? " Not taken: " : ", ");
        if (++named > 12) {
          text += "and others";
          break;
        }
        text += std::to_string(count) + " " + bootlog::event_type_name(type);
      }
      out_.remarks.push_back(std::move(text));
    }
  }

  const BoundLog& log_;
  const bootlog::Meaning& meaning_;
  Draft& out_;
  const std::string& origin_;
  std::set<std::size_t> taken_;  // events
  std::set<std::pair<std::optional<reference::Digest>, std::optional<reference::Digest>>>
      components_;
  std::set<crypto::Sha256> certificates_;
  std::set<reference::Digest> allowed_;  // that were told
  std::size_t by_sha1_alone_ = 0;
};

}  // namespace

Result<void> add_boot_values(ByteView log, const attest::VerifiedQuote* quote, Draft& out,
                             const std::string& origin) {
  const auto read = bootlog::read_log(log);
  if (!read.has_value()) return rejected(read.reason().code + ": " + read.reason().message);
  const auto replayed = bootlog::replay(read.value());
  const tpm::PcrValues pcrs = quote == nullptr ? values_of(replayed) : quote->pcrs();
  const auto differences = bootlog::compare(read.value(), replayed, pcrs, ~kBootPcrs);
  if (!differences.empty()) return refused(differences);
  const auto is_sha1 = [](crypto::HashAlgorithm bank) { return bank == HashAlgorithm::kSha1; };
  if (std::all_of(pcrs.begin(), pcrs.end(), [&](const auto& p) { return is_sha1(p.first.bank); })) {
    const bool by_quote = std::any_of(replayed.begin(), replayed.end(),
                                      [&](const auto& bank) { return !is_sha1(bank.algorithm); });
    out.remarks.push_back(
        (origin.empty() ? "" : origin + ": ") +
        std::string(by_quote ? "The boot log is quoted in SHA-1 alone, which proves nothing: quote "
                               "the PCRs of the SHA-256 bank"
                             : "The boot log has digests of SHA-1 alone, which no manifest may "
                               "hold: enable the TPM's SHA-256 bank, and boot again"));
    return {};
  }
  const auto known = bootlog::known_quirks();
  const std::vector<std::string> quirks(known.begin(), known.end());
  const BoundLog bound = bootlog::bind(read.value(), replayed, pcrs);
  const bootlog::Meaning meaning = bootlog::read_meaning(bound, quirks);
  if (!meaning.problems.empty()) return refused(meaning.problems);
  BootValues(bound, meaning, out, origin).run();
  return {};
}

}  // namespace avouch::provision
