#include "bootlog/bind.h"

#include <algorithm>
#include <array>

#include "bootlog/event.h"
#include "bootlog/variable.h"

namespace avouch::bootlog {
namespace {

using crypto::HashAlgorithm;

constexpr std::uint32_t kGrubPcr = 8;  // of its texts
constexpr std::array<std::string_view, 3> kGrubPrefixes = {
    "grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "};

bool is_variable(std::uint32_t type) {
  return type == kVariableDriverConfig || type == kVariableBoot || type == kVariableBoot2 ||
         type == kVariableAuthority;
}

ByteView without_nul(ByteView data) {
  return !data.empty() && data.back() == 0 ? data.first(data.size() - 1) : data;
}

std::optional<ByteView> after_prefix(ByteView data) {
  for (const std::string_view prefix : kGrubPrefixes) {
    if (as_text(data).starts_with(prefix)) return without_nul(data.subspan(prefix.size()));
  }
  return std::nullopt;
}

// What kNulAdded stands for: a last UTF-16 unit of which the second byte was not logged.
Bytes with_nul(ByteView data) {
  Bytes out(data.begin(), data.end());
  out.push_back(0);
  return out;
}

// Events whose data is never what was hashed: images and blobs, of which it says the address. Not
// to hash them spares time, and gives a chance agreement no meaning.
bool is_never_bound(std::uint32_t type) {
  return type == kBootServicesApplication || type == kBootServicesDriver ||
         type == kRuntimeServicesDriver || type == kPlatformFirmwareBlob ||
         type == kPlatformFirmwareBlob2 || type == kNoAction;
}

}  // namespace

std::string_view binding_name(Binding binding) {
  switch (binding) {
    case Binding::kData:
      return "data";
    case Binding::kTextOnly:
      return "text";
    case Binding::kNoPrefix:
      return "text after prefix";
    case Binding::kNulAdded:
      return "text and NUL";
    case Binding::kValueOnly:
      return "value";
    case Binding::kOldShim:
      return "all but the last byte";
    case Binding::kNone:
      break;
  }
  return "none";
}

PcrState BoundLog::state(std::uint32_t pcr) const {
  if (pcr >= tpm::kPcrCount) return PcrState::kNotQuoted;
  const std::uint32_t bit = 1U << pcr;
  if ((differs_ & bit) != 0) return PcrState::kDiffers;
  if ((strong_ & bit) != 0) return PcrState::kProven;
  const bool quoted = std::any_of(quoted_.begin(), quoted_.end(),
                                  [&](std::uint32_t pcrs) { return (pcrs & bit) != 0; });
  return quoted ? PcrState::kWeak : PcrState::kNotQuoted;
}

bool BoundLog::is_proven(const Event& event) const {
  return event.type != kNoAction && is_proven(event.pcr);
}

BoundLog::BankDigests BoundLog::digests(const Event& event) const {
  BankDigests out;
  if (!is_proven(event)) return out;
  // Where the data is not bound, the first comparison says so: strong hashes first.
  for (const HashAlgorithm bank : {HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                                   HashAlgorithm::kSha512, HashAlgorithm::kSha1}) {
    if (((quoted_.at(static_cast<std::size_t>(bank)) >> event.pcr) & 1U) != 0) {
      out.all_.at(out.size_++) = {bank, log_.digest(event, bank)};
    }
  }
  return out;
}

bool BoundLog::is_digest_of(const Event& event, ByteView data) const {
  const BankDigests all = digests(event);
  return all.begin() != all.end() &&
         std::all_of(all.begin(), all.end(), [&](const BankDigest& each) {
           std::array<std::uint8_t, 64> digest{};
           const std::span<std::uint8_t> out(digest.data(), crypto::digest_size(each.bank));
           crypto::hash_into(each.bank, {data}, out);
           return equal(out, each.digest);
         });
}

Binding BoundLog::find_of_variable(const Event& event, ByteView data) const {
  if (event.pcr != 7) {
    const auto variable = parse_variable(data);
    const bool of_value = variable.has_value() && is_digest_of(event, variable->value);
    return of_value ? Binding::kValueOnly : Binding::kNone;
  }
  const bool head = event.type == kVariableAuthority && parse_old_shim_authority(data) &&
                    is_digest_of(event, data.first(data.size() - 1));
  return head ? Binding::kOldShim : Binding::kNone;
}

Binding BoundLog::find(const Event& event) const {
  if (is_never_bound(event.type)) return Binding::kNone;
  const ByteView data = log_.data(event);
  const bool of_grub = event.type == kIpl && event.pcr == kGrubPcr;
  if (const auto text = of_grub ? after_prefix(data) : std::nullopt) {
    if (is_digest_of(event, *text)) return Binding::kNoPrefix;
  }
  if (is_digest_of(event, data)) return Binding::kData;
  if (is_variable(event.type)) return find_of_variable(event, data);
  if (event.type != kIpl && event.type != kAction && event.type != kEfiAction) {
    return Binding::kNone;
  }
  const ByteView text = without_nul(data);
  if (text.size() != data.size() && is_digest_of(event, text)) return Binding::kTextOnly;
  if (data.size() % 2 == 1 && is_digest_of(event, with_nul(data))) return Binding::kNulAdded;
  return Binding::kNone;
}

ByteView BoundLog::proven_data(std::size_t number) const {
  const Event& event = log_.events()[number];
  if (!is_proven(event)) return {};
  const ByteView data = log_.data(event);
  switch (bindings_[number]) {
    case Binding::kData:
    case Binding::kNulAdded:
      return data;
    case Binding::kTextOnly:
      return without_nul(data);
    case Binding::kNoPrefix:
      return after_prefix(data).value_or(ByteView());
    case Binding::kOldShim:
      return data.first(data.size() - 1);
    case Binding::kValueOnly:
      if (const auto variable = parse_variable(data); variable.has_value()) return variable->value;
      break;
    case Binding::kNone:
      break;
  }
  return {};
}

BoundLog bind(const BootLog& log, std::span<const ReplayedBank> replayed,
              const tpm::PcrValues& quoted) {
  BoundLog out(log);
  for (const auto& [pcr, value] : quoted) {
    if (pcr.index >= tpm::kPcrCount) continue;
    const auto bank = std::find_if(
        replayed.begin(), replayed.end(),
        [wanted = pcr.bank](const ReplayedBank& each) { return each.algorithm == wanted; });
    const bool equals = bank != replayed.end() && equal(bank->value(pcr.index), value);
    if (!equals) out.differs_ |= 1U << pcr.index;
    if (pcr.bank != HashAlgorithm::kSha1) out.strong_ |= 1U << pcr.index;
    out.quoted_.at(static_cast<std::size_t>(pcr.bank)) |= 1U << pcr.index;
  }
  out.bindings_.reserve(log.events().size());
  for (const Event& event : log.events()) {
    out.bindings_.push_back(out.is_proven(event) ? out.find(event) : Binding::kNone);
  }
  return out;
}

}  // namespace avouch::bootlog
