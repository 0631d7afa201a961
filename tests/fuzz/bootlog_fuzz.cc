// Measured-boot logs, whole. Input: u8 (bits 0 to 3: quoted banks, 4: one quoted value is another,
// 5: quirks, 6: references), then the log. Whatever it is: under the quote of a machine that
// measured it no replay differs, what is bound is what the digests are of, and reasons are few and
// printable.

#include <cstdint>
#include <cstdlib>

#include "base/time_text.h"
#include "bootlog/describe.h"
#include "bootlog/judge.h"
#include "codec/json.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::bootlog_target {
namespace {

namespace bootlog = avouch::bootlog;
namespace crypto = avouch::crypto;
using avouch::Bytes;
using avouch::ByteView;
using bootlog::Binding;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_shown(std::string_view text, std::size_t limit) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return text.size() <= limit;
}

avouch::tpm::PcrValues quote(const std::vector<bootlog::ReplayedBank>& banks, unsigned which) {
  avouch::tpm::PcrValues out;
  for (const bootlog::ReplayedBank& bank : banks) {
    if (((which >> static_cast<unsigned>(bank.algorithm)) & 1U) == 0) continue;
    for (std::uint8_t pcr = 0; pcr < avouch::tpm::kPcrCount; ++pcr) {
      const ByteView value = bank.value(pcr);
      out[{bank.algorithm, pcr}] = Bytes(value.begin(), value.end());
    }
  }
  return out;
}

struct Policies {
  avouch::attest::BootLogSpec strict, lenient;
  std::shared_ptr<const avouch::reference::ResolvedReferences> references;

  Policies() {
    strict.command_line_required.push_back(avouch::codec::Pattern::compile("quiet").value());
    lenient = strict;
    for (const std::string_view each : bootlog::known_quirks()) lenient.quirks.emplace_back(each);
    const auto spec = avouch::codec::parse_json(R"({"provider": "fuzz", "revoked": ["sha256:)" +
                                                std::string(64, '0') + R"("]})");
    const auto manifest = avouch::reference::parse_manifest("fuzz", *spec);
    const avouch::reference::ManifestWithList with_list{*manifest, nullptr};
    references = *avouch::reference::ResolvedReferences::resolve(
        {&with_list, 1}, {}, *avouch::from_rfc3339("2026-01-01T00:00:00Z"));
  }
};

void check_bindings(const bootlog::BoundLog& bound) {
  const auto& events = bound.log().events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (const auto& field : bootlog::describe(bound.log(), events[i])) {
      require(is_shown(field.name, 32) && is_shown(field.value, 4096));
    }
    const ByteView proven = bound.proven_data(i);
    const Binding binding = bound.binding(i);
    if (binding == Binding::kNone) {
      require(proven.empty());
      continue;
    }
    require(bound.is_proven(events[i]));
    if (binding != Binding::kNulAdded) require(bound.is_digest_of(events[i], proven));
  }
}

// What Secure Boot's rule lets pass says by proven data that it is enabled.
void check_secure_boot(const bootlog::BoundLog& bound, const bootlog::Meaning& meaning) {
  const auto* state = meaning.configuration(bootlog::kGlobalGuid, "SecureBoot");
  require(state != nullptr && state->variable.value.size() == 1 && state->variable.value[0] == 1);
  require(bound.binding(state->event) == Binding::kData);
  require(meaning.problems.empty() && !meaning.command_lines.empty());
}

}  // namespace

AVOUCH_FUZZ_TARGET("bootlog_fuzz") {
  static const Policies policies;
  if (size < 1) return 0;
  const unsigned flags = data[0];
  const auto log = bootlog::read_log(ByteView(data + 1, size - 1), {64 * 1024, 4'096});
  if (!log.has_value()) {
    require(log.reason().code == bootlog::code::kMalformed && log.reason().message.size() < 512);
    return 0;
  }
  const auto banks = bootlog::replay(log.value());
  auto quoted = quote(banks, flags);
  require(bootlog::compare(log.value(), banks, quoted).empty());
  if ((flags & 0x10) != 0 && !quoted.empty()) {
    auto& value = quoted.begin()->second;
    value[0] ^= 1;
    const bool runtime = quoted.begin()->first.index == 10;
    require(runtime || bootlog::compare(log.value(), banks, quoted).size() == 1);
  }
  const bootlog::BoundLog bound = bootlog::bind(log.value(), banks, quoted);
  check_bindings(bound);

  const auto& policy = (flags & 0x20) != 0 ? policies.lenient : policies.strict;
  const bootlog::Meaning meaning = bootlog::read_meaning(bound, policy.quirks);
  require(meaning.problems.size() <= bootlog::kMaxProblems);
  require(meaning.command_lines.size() <= bootlog::kMaxCommandLines);
  const auto* references = (flags & 0x40) != 0 ? policies.references.get() : nullptr;
  const auto* revocations = (flags & 0x80) != 0 ? policies.references.get() : nullptr;
  const auto judged = bootlog::judge(bound, meaning, policy, references, revocations);
  require(judged.reasons.size() <= bootlog::kMaxReasons + 1);
  for (const auto& reason : judged.reasons) require(is_shown(reason.message, 2048));
  const auto tier = avouch::attest::worst_tier(judged.vector);
  require(judged.reasons.empty() || tier == avouch::attest::Status::kContraindicated);
  if (tier == avouch::attest::Status::kAffirming) check_secure_boot(bound, meaning);
  return 0;
}

}  // namespace avouch::fuzzing::bootlog_target
