#include <openssl/x509v3.h>

#include "crypto/certificate_impl.h"

namespace avouch::crypto {
namespace {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;

constexpr int kMostNames = 32;  // and attributes
constexpr std::size_t kLongestValue = 256;
constexpr int kStandsTwice = -2, kAbsent = -1;

Error malformed(const std::string& why) { return rejected("subjectAltName: " + why); }

std::string text_of(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  ERR_clear_error();
  std::string out;
  if (size > 0 && static_cast<std::size_t>(size) <= kLongestValue) {
    out.assign(utf8, utf8 + size);
  }
  OPENSSL_free(utf8);
  return out;
}

Result<void> append_attributes(const X509_NAME* name, std::vector<NameAttribute>& out) {
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    if (out.size() == static_cast<std::size_t>(kMostNames)) {
      return malformed("has more than " + std::to_string(kMostNames) + " attributes");
    }
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    out.push_back(
        {oid_text(X509_NAME_ENTRY_get_object(entry)), text_of(X509_NAME_ENTRY_get_data(entry))});
  }
  return {};
}

}  // namespace

Result<std::optional<AlternativeName>> Certificate::subject_alternative_name() const {
  int critical = kAbsent;
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(impl_->x509.get(), NID_subject_alt_name, &critical, nullptr)));
  ERR_clear_error();
  if (names == nullptr) {
    if (critical == kAbsent) return std::optional<AlternativeName>{};
    return malformed(critical == kStandsTwice ? "stands twice" : "is not readable");
  }
  AlternativeName out;
  out.critical = critical == 1;
  const int count = sk_GENERAL_NAME_num(names.get());
  if (count > kMostNames)
    return malformed("has more than " + std::to_string(kMostNames) + " names");
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DIRNAME) continue;
    AVOUCH_CHECK(append_attributes(name->d.directoryName, out.attributes));
  }
  return std::optional(std::move(out));
}

}  // namespace avouch::crypto
