#pragma once

// A log, judged under the quote of a machine that measured it, or of another.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_text.h"
#include "bootlog/judge.h"
#include "bootlog/variable.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tests/unit/bootlog/logs.h"

namespace avouch::bootlog {

// What a machine that measured exactly this would quote: all PCRs of these banks.
inline tpm::PcrValues quote_of(const BootLog& log,
                               const std::vector<HashAlgorithm>& banks = {HashAlgorithm::kSha256}) {
  tpm::PcrValues out;
  for (const HashAlgorithm algorithm : banks) {
    const ReplayedBank bank = replay_bank(log, algorithm).value();
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      const ByteView value = bank.value(pcr);
      out[{algorithm, pcr}] = Bytes(value.begin(), value.end());
    }
  }
  return out;
}
inline tpm::PcrValues quote_of(const PlainLog& log) { return quote_of(must_read(log.bytes())); }

inline BoundLog bind_log(const PlainLog& log, const tpm::PcrValues& quoted) {
  const BootLog read = must_read(log.bytes());
  return bootlog::bind(read, replay(read), quoted);
}

using Quirks = std::vector<std::string>;
using References = std::shared_ptr<const reference::ResolvedReferences>;

inline References references_of(const codec::Json& spec) {
  const auto manifest = reference::parse_manifest("known", spec);
  if (!manifest.has_value()) throw std::runtime_error(manifest.error().message);
  const reference::ManifestWithList with_list{*manifest, nullptr};
  return reference::ResolvedReferences::resolve({&with_list, 1}, {},
                                                *from_rfc3339("2026-06-01T00:00:00Z"))
      .value();
}

inline attest::BootLogSpec optional_secure_boot() {
  attest::BootLogSpec out;
  out.secure_boot = attest::SecureBoot::kOptional;
  return out;
}

struct Appraised {
  std::vector<attest::Reason> reasons;  // of compare() and judge()
  attest::TrustVector vector;
  Meaning meaning;

  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const attest::Reason& each : reasons) out.push_back(each.code);
    return out;
  }
  bool accepted() const {
    return reasons.empty() && attest::worst_tier(vector) == attest::Status::kAffirming;
  }
};

inline Appraised appraise(const PlainLog& plain, const tpm::PcrValues& quoted,
                          const attest::BootLogSpec& policy = {},
                          const References& references = nullptr,
                          const References& revocations = nullptr) {
  const BootLog log = must_read(plain.bytes());
  const auto replayed = replay(log);
  const BoundLog bound = bootlog::bind(log, replayed, quoted);
  Appraised out;
  out.meaning = read_meaning(bound, policy.quirks);
  out.reasons = compare(log, replayed, quoted);
  BootJudgement judged = judge(bound, out.meaning, policy, references.get(), revocations.get());
  out.vector = judged.vector;
  out.reasons.insert(out.reasons.end(), judged.reasons.begin(), judged.reasons.end());
  return out;
}
// Under the quote of a machine that measured it.
inline Appraised appraise(const PlainLog& log, const attest::BootLogSpec& policy = {},
                          const References& references = nullptr) {
  return appraise(log, quote_of(log), policy, references);
}

// UEFI_VARIABLE_DATA.
inline Bytes variable_bytes(std::string_view guid, std::string_view name, const Bytes& value) {
  constexpr std::array<std::size_t, 16> kOrder = {6,  4,  2,  0,  11, 9,  16, 14,
                                                  19, 21, 24, 26, 28, 30, 32, 34};
  Bytes out;
  for (const std::size_t at : kOrder) {
    out.push_back(from_hex(std::string(guid.substr(at, 2))).value()[0]);
  }
  put_le(out, name.size(), 8);
  put_le(out, value.size(), 8);
  for (const char c : name) put_le(out, static_cast<std::uint8_t>(c), 2);
  append(out, value);
  return out;
}

// The configuration's variable of that name in PCR 7.
inline std::size_t find_variable(const PlainLog& log, std::string_view name) {
  return log.find([&](const PlainEvent& event) {
    if (event.pcr != 7) return false;
    const auto variable = parse_variable(event.data);
    return variable.has_value() && variable->name == name;
  });
}

inline std::vector<SignatureEntry> signatures_of(ByteView value) {
  const SignatureLists lists = parse_signature_lists(value).value();
  return {lists.begin(), lists.end()};
}

// Adds to the manifest's spec what the reasons suggest; whether that was anything.
inline bool add_suggestions(std::span<const attest::Reason> reasons, codec::Json& spec) {
  bool any = false;
  for (const attest::Reason& reason : reasons) {
    if (reason.suggestion.empty()) continue;
    const codec::Json addition = codec::parse_json(reason.suggestion).value();
    for (const auto& [member, values] : *addition.as_object()) {
      if (spec.find(member) == nullptr) spec[member] = codec::Json::Array{};
      for (const codec::Json& value : *values.as_array()) {
        spec[member].as_array()->push_back(value);
        any = true;
      }
    }
  }
  return any;
}

// A manifest that knows nothing of any boot log, but wants certificates to be known.
inline codec::Json foreign_manifest() {
  codec::Json spec{codec::Json::Object{}};
  spec["provider"] = "tests";
  spec["secureBootCertificates"] =
      codec::Json::Array{codec::to_base64(testing::corpus_authority("ca1").front().der())};
  return spec;
}

// Every program, file and certificate of a boot: foreign_manifest() and what judge() suggests.
inline codec::Json manifest_of(const PlainLog& log) {
  codec::Json spec = foreign_manifest();
  while (
      add_suggestions(appraise(log, optional_secure_boot(), references_of(spec)).reasons, spec)) {
  }
  return spec;
}

}  // namespace avouch::bootlog
