#pragma once

// UEFI variables as events carry them. Bounded; views live as long as the event's data.

#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::bootlog {

// UEFI_VARIABLE_DATA (TCG PFP 1.06, 10.2.6): what firmware and shim log of a variable.
struct Variable {
  std::string guid;  // text form, lower case
  std::string name;  // UTF-8
  ByteView value;
};
// Whether it says whose signatures count, for programs or for such variables: PK, KEK, db, and what
// recovery (dbr) and timestamps (dbt) go by (UEFI 2.10, section 32.4).
bool holds_keys(const Variable& variable);

inline constexpr std::size_t kMaxVariableName = 512;  // UTF-16 units

inline constexpr std::string_view kGlobalGuid = "8be4df61-93ca-11d2-aa0d-00e098032b8c",
                                  kSecurityDatabaseGuid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
                                  kShimGuid = "605dab50-e046-4300-abb6-3dd810dd8b23";

// kRejected: too short, a name longer than kMaxVariableName or no UTF-16, sizes that do not add up
// to exactly the data.
Result<Variable> parse_variable(ByteView data);

// The certificate that shim before 15.3 logs as authority "Shim": six bytes too many, of which it
// measured all but the last. Nothing where the data is not of that form.
std::optional<Variable> parse_old_shim_authority(ByteView data);

// One entry of an EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1).
struct SignatureEntry {
  enum class Kind : std::uint8_t { kX509, kSha256, kOther };
  Kind kind = Kind::kOther;
  ByteView owner;  // GUID
  ByteView value;  // DER of a certificate, or a digest
};
inline constexpr std::size_t kMaxSignatures = 8'192;

// The entries of a value that parse_signature_lists() accepted, read as they are asked for. As long
// as the value lives.
class SignatureLists {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = SignatureEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = const SignatureEntry*;
    using reference = SignatureEntry;

    SignatureEntry operator*() const;
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    friend class SignatureLists;
    explicit Iterator(ByteView rest) : rest_(rest) { enter(); }
    void enter();  // the next list, where one begins here

    ByteView rest_;  // from the entry on, or nothing
    SignatureEntry::Kind kind_ = SignatureEntry::Kind::kOther;
    std::size_t each_ = 0, left_ = 0;  // of the list: size of an entry, entries with this one
  };

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Iterator begin() const { return Iterator(value_); }
  Iterator end() const { return Iterator(value_.last(0)); }

 private:
  friend Result<SignatureLists> parse_signature_lists(ByteView value);
  SignatureLists(ByteView value, std::size_t size) : value_(value), size_(size) {}

  ByteView value_;
  std::size_t size_;
};

// Every entry of every list; an empty value has none. kRejected: sizes that do not add up, a list
// with a header (no signature type has one), SHA-256 digests of another size, more than
// kMaxSignatures entries.
Result<SignatureLists> parse_signature_lists(ByteView value);

// EFI_SIGNATURE_DATA as the event EV_EFI_VARIABLE_AUTHORITY carries it: owner and signature.
struct SignatureData {
  ByteView owner;  // GUID
  ByteView value;
};
std::optional<SignatureData> parse_signature_data(ByteView value);

// What EV_EFI_VARIABLE_AUTHORITY says, of whatever name: the entry by which a program was let in,
// with or without its owner before it, or one of the levels and flags that shim measures beside
// them (SbatLevel, MokListTrusted, MokSBState).
struct Authority {
  enum class Kind : std::uint8_t {
    kCertificate,  // `value` has the form of a certificate's DER
    kDigest,       // 32 bytes after an owner
    kOther,        // something else after an owner
    kLevel,        // text, or too short for an entry
  };
  Kind kind = Kind::kOther;
  ByteView value;
};
Authority read_authority(ByteView value);

}  // namespace avouch::bootlog
