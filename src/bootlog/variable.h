#pragma once

// UEFI variables as events carry them. Bounded; views live as long as the event's data.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::bootlog {

// UEFI_VARIABLE_DATA (TCG PFP 1.06, 10.2.6): what firmware and shim log of a variable.
struct Variable {
  std::string guid;  // text form, lower case
  std::string name;  // UTF-8
  ByteView value;
};
inline constexpr std::size_t kMaxVariableName = 512;  // UTF-16 units

inline constexpr std::string_view kGlobalGuid = "8be4df61-93ca-11d2-aa0d-00e098032b8c",
                                  kSecurityDatabaseGuid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
                                  kShimGuid = "605dab50-e046-4300-abb6-3dd810dd8b23";

// kRejected: too short, a name longer than kMaxVariableName or no UTF-16, sizes that do not add up
// to exactly the data.
Result<Variable> parse_variable(ByteView data);

// One entry of an EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1).
struct SignatureEntry {
  enum class Kind { kX509, kSha256, kOther };
  Kind kind = Kind::kOther;
  std::string_view type;  // "X.509", "SHA-256", or "" of other types
  std::string owner;      // GUID
  ByteView value;         // DER of a certificate, or a digest
};
inline constexpr std::size_t kMaxSignatures = 8'192;

// Every entry of every list. An empty value has none. kRejected: sizes that do not add up, a list
// with a header (no signature type has one), more than kMaxSignatures entries.
Result<std::vector<SignatureEntry>> parse_signature_lists(ByteView value);

// EFI_SIGNATURE_DATA as the event EV_EFI_VARIABLE_AUTHORITY carries it: owner and signature.
struct SignatureData {
  std::string owner;
  ByteView value;
};
std::optional<SignatureData> parse_signature_data(ByteView value);

}  // namespace avouch::bootlog
