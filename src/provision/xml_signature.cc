#include "provision/xml_signature.h"

#include <array>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "crypto/hash.h"
#include "provision/file_list.h"

namespace avouch::provision {
namespace {

using crypto::HashAlgorithm;
using crypto::SignatureScheme;

constexpr std::string_view kDsig = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::size_t kMaxReferences = 2, kMaxKeyCertificates = 8;

struct Form {
  std::string_view uri;
  XmlCanonicalForm form;
};
constexpr std::array<Form, 3> kForms = {
    {{"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", XmlCanonicalForm::kInclusive10},
     {"http://www.w3.org/2006/12/xml-c14n11", XmlCanonicalForm::kInclusive11},
     {"http://www.w3.org/2001/10/xml-exc-c14n#", XmlCanonicalForm::kExclusive10}}};

struct DigestMethod {
  std::string_view uri;
  HashAlgorithm hash;
};
constexpr std::array<DigestMethod, 3> kDigests = {
    {{"http://www.w3.org/2001/04/xmlenc#sha256", HashAlgorithm::kSha256},
     {"http://www.w3.org/2001/04/xmldsig-more#sha384", HashAlgorithm::kSha384},
     {"http://www.w3.org/2001/04/xmlenc#sha512", HashAlgorithm::kSha512}}};

struct Method {
  std::string_view uri;
  SignatureScheme scheme;
  HashAlgorithm hash;
};
constexpr std::array<Method, 6> kMethods = {{{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                                              SignatureScheme::kRsassa, HashAlgorithm::kSha256},
                                             {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
                                              SignatureScheme::kRsassa, HashAlgorithm::kSha384},
                                             {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
                                              SignatureScheme::kRsassa, HashAlgorithm::kSha512},
                                             {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                                              SignatureScheme::kEcdsa, HashAlgorithm::kSha256},
                                             {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
                                              SignatureScheme::kEcdsa, HashAlgorithm::kSha384},
                                             {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
                                              SignatureScheme::kEcdsa, HashAlgorithm::kSha512}}};

Error signature_fault(const XmlElement& element, const std::string& what) {
  return rejected(element.place() + ": " + what);
}

// The row of `table` that the element's Algorithm names.
template <typename Row, std::size_t kSize>
Result<Row> algorithm_of(const XmlElement& element, const std::array<Row, kSize>& table) {
  const std::string* uri = element.attribute("", "Algorithm");
  if (uri == nullptr) return signature_fault(element, "has no Algorithm");
  for (const Row& row : table) {
    if (row.uri != *uri) continue;
    if (!element.children.empty()) return signature_fault(element, "expected no parameters");
    return row;
  }
  const bool sha1 = uri->ends_with("sha1");
  std::string expected;
  for (const Row& row : table) expected += (expected.empty() ? "" : ", ") + std::string(row.uri);
  return signature_fault(element, "Algorithm " + codec::in_quotes(*uri, 128) + " is not accepted" +
                                      (sha1 ? " (SHA-1 is refused everywhere)" : "") +
                                      ": expected one of " + expected);
}

Result<Bytes> base64_of(const XmlElement& element) {
  std::string text;
  for (const char c : element.text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') text += c;
  }
  auto bytes = codec::from_base64(text);
  if (!bytes.has_value() || !element.children.empty())
    return signature_fault(element, "expected base64");
  return bytes;
}

// Every element of that name, in it or below.
void find_all(const XmlElement& in, std::string_view name, std::vector<const XmlElement*>& out) {
  if (in.is(kDsig, name)) out.push_back(&in);
  for (const XmlElement& each : in.children) find_all(each, name, out);
}

void find_id(const XmlElement& in, std::string_view id, std::vector<const XmlElement*>& out) {
  const std::string* own = in.attribute("", "Id");
  if (own != nullptr && *own == id) out.push_back(&in);
  for (const XmlElement& each : in.children) find_id(each, id, out);
}

class Signature {
 public:
  Signature(const XmlDocument& document, const XmlElement& signature)
      : document_(document), signature_(signature) {}

  Result<SignedXml> check(const SignerTrust& trust) {
    AVOUCH_CHECK(read_parts());
    SignedXml out;
    out.is_signed = true;
    AVOUCH_TRY(out.signer, check_value(trust));
    for (std::size_t i = 0; i < references_.size(); ++i) {
      AVOUCH_TRY(Bytes covered, check_reference(*references_[i], i == 0));
      if (i == 0) out.content = std::move(covered);
    }
    return out;
  }

 private:
  Result<void> read_parts() {
    for (const XmlElement& part : signature_.children) {
      if (part.is(kDsig, "SignedInfo") && info_ == nullptr) {
        info_ = &part;
      } else if (part.is(kDsig, "SignatureValue") && value_ == nullptr) {
        value_ = &part;
      } else if (part.is(kDsig, "KeyInfo") && key_info_ == nullptr) {
        key_info_ = &part;
      } else if (!part.is(kDsig, "Object")) {
        return signature_fault(part, "has no place in a Signature, or stands there twice");
      }
    }
    if (info_ == nullptr || value_ == nullptr) {
      return signature_fault(signature_, "expected SignedInfo and SignatureValue");
    }
    for (const XmlElement& part : info_->children) {
      if (part.is(kDsig, "CanonicalizationMethod") && canonicalization_ == nullptr) {
        canonicalization_ = &part;
      } else if (part.is(kDsig, "SignatureMethod") && method_ == nullptr) {
        method_ = &part;
      } else if (part.is(kDsig, "Reference") && references_.size() < kMaxReferences) {
        references_.push_back(&part);
      } else {
        return signature_fault(part, "has no place in a SignedInfo, or stands there too often");
      }
    }
    if (canonicalization_ == nullptr || method_ == nullptr || references_.empty()) {
      return signature_fault(*info_,
                             "expected CanonicalizationMethod, SignatureMethod and Reference");
    }
    return {};
  }

  // Who has signed.
  Result<std::string> check_value(const SignerTrust& trust) const {
    AVOUCH_TRY(const Form form, algorithm_of(*canonicalization_, kForms));
    AVOUCH_TRY(const Method method, algorithm_of(*method_, kMethods));
    AVOUCH_TRY(const Bytes value, base64_of(*value_));
    AVOUCH_TRY(const Bytes message, document_.canonical(form.form, info_->number, std::nullopt));
    const auto has_signed = [&](const crypto::PublicKey& key) {
      return key.verify(method.scheme, method.hash, message, value);
    };
    if (trust.key != nullptr) {
      const auto verified = has_signed(*trust.key);
      if (!verified.has_value()) {
        return signature_fault(signature_,
                               "is not by the key that is given, or was changed afterwards: " +
                                   verified.error().message);
      }
      return "the key " + to_hex(trust.key->key_identifier());
    }
    AVOUCH_TRY(const auto certificates, certificates_of_key_info());
    for (std::size_t i = 0; i < certificates.size(); ++i) {
      const crypto::Certificate& leaf = certificates[i];
      const auto key = leaf.public_key();
      if (!key.has_value() || !has_signed(*key).has_value()) continue;
      if (leaf.is_ca() || !leaf.has_key_usage("digitalSignature")) {
        return signature_fault(*key_info_,
                               "the signer's certificate is an authority's own, or not made for "
                               "digital signatures (key usage)");
      }
      std::vector<crypto::Certificate> others = certificates;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const auto chain = crypto::verify_chain(leaf, others, trust.authorities, trust.now);
      if (!chain.has_value()) return with_context(chain.error(), key_info_->place());
      return printable_path(leaf.subject()).substr(0, 200);
    }
    return signature_fault(
        signature_,
        certificates.empty()
            ? "has no certificate in its KeyInfo: give the signer's own as the key"
            : "was made by none of the certificates in its KeyInfo, or what it signs was "
              "changed afterwards");
  }

  Result<std::vector<crypto::Certificate>> certificates_of_key_info() const {
    std::vector<const XmlElement*> found;
    if (key_info_ == nullptr) return std::vector<crypto::Certificate>();
    find_all(*key_info_, "X509Certificate", found);
    if (found.size() > kMaxKeyCertificates)
      return signature_fault(*key_info_, "more than 8 certificates");
    std::vector<crypto::Certificate> out;
    for (const XmlElement* each : found) {
      AVOUCH_TRY(const Bytes der, base64_of(*each));
      auto certificate = crypto::Certificate::from_der(der);
      if (!certificate.has_value()) return with_context(certificate.error(), each->place());
      out.push_back(*std::move(certificate));
    }
    return out;
  }

  // The bytes that the reference covers.
  Result<Bytes> check_reference(const XmlElement& reference, bool whole) const {
    const XmlElement* method = nullptr;
    const XmlElement* value = nullptr;
    const XmlElement* transforms = nullptr;
    for (const XmlElement& part : reference.children) {
      const XmlElement*& place = part.is(kDsig, "DigestMethod")  ? method
                                 : part.is(kDsig, "DigestValue") ? value
                                                                 : transforms;
      if (place != nullptr || (&place == &transforms && !part.is(kDsig, "Transforms"))) {
        return signature_fault(part, "has no place in a Reference, or stands there twice");
      }
      place = &part;
    }
    if (method == nullptr || value == nullptr) {
      return signature_fault(reference, "expected DigestMethod and DigestValue");
    }
    AVOUCH_TRY(const DigestMethod digest, algorithm_of(*method, kDigests));
    AVOUCH_TRY(const Bytes expected, base64_of(*value));
    AVOUCH_TRY(const XmlElement* apex, whole ? root_of(reference) : own_part_of(reference));
    AVOUCH_TRY(const XmlCanonicalForm form, form_of(reference, transforms, whole));
    AVOUCH_TRY(Bytes covered,
               document_.canonical(form, apex->number,
                                   whole ? std::optional(signature_.number) : std::nullopt));
    if (!equal(crypto::hash(digest.hash, covered), expected)) {
      return signature_fault(reference,
                             std::string(whole ? "the document" : "that part of the signature") +
                                 " was changed after it was signed: its digest is another");
    }
    return covered;
  }

  Result<const XmlElement*> root_of(const XmlElement& reference) const {
    const std::string* uri = reference.attribute("", "URI");
    if (uri == nullptr || !uri->empty()) {
      return signature_fault(
          reference,
          "covers " + (uri == nullptr ? "what it does not name" : codec::in_quotes(*uri)) +
              ": expected URI=\"\", the whole document, so that nothing can be read that "
              "is not signed");
    }
    return &document_.root();
  }

  Result<const XmlElement*> own_part_of(const XmlElement& reference) const {
    const std::string* uri = reference.attribute("", "URI");
    std::vector<const XmlElement*> everywhere, own;
    if (uri != nullptr && uri->size() > 1 && uri->front() == '#') {
      const std::string_view id = std::string_view(*uri).substr(1);
      find_id(document_.root(), id, everywhere);
      for (const XmlElement& part : signature_.children) {
        if (part.is(kDsig, "Object")) find_id(part, id, own);
      }
    }
    if (own.size() != 1 || everywhere.size() != 1) {
      return signature_fault(
          reference,
          "expected of a second one that it names one element in the signature's Object");
    }
    return own.front();
  }

  static Result<XmlCanonicalForm> form_of(const XmlElement& reference, const XmlElement* transforms,
                                          bool whole) {
    std::size_t at = 0;
    const std::size_t count = transforms == nullptr ? 0 : transforms->children.size();
    const auto is_transform = [](const XmlElement& each) { return each.is(kDsig, "Transform"); };
    if (whole) {
      const std::string* first = count == 0 || !is_transform(transforms->children.front())
                                     ? nullptr
                                     : transforms->children.front().attribute("", "Algorithm");
      if (first == nullptr || *first != kEnveloped ||
          !transforms->children.front().children.empty()) {
        return signature_fault(reference, "expected the enveloped-signature transform first");
      }
      ++at;
    }
    if (at == count) return XmlCanonicalForm::kInclusive10;  // xmldsig-core1, 4.4.3.2
    const XmlElement& last = transforms->children[at];
    if (at + 1 != count || !is_transform(last)) {
      return signature_fault(last, "expected at most a canonical form as a further transform");
    }
    AVOUCH_TRY(const Form form, algorithm_of(last, kForms));
    return form.form;
  }

  const XmlDocument& document_;
  const XmlElement& signature_;
  const XmlElement* info_ = nullptr;
  const XmlElement* value_ = nullptr;
  const XmlElement* key_info_ = nullptr;
  const XmlElement* canonicalization_ = nullptr;
  const XmlElement* method_ = nullptr;
  std::vector<const XmlElement*> references_;
};

}  // namespace

Result<SignedXml> read_signed_xml(const XmlDocument& document, const SignerTrust* trust) {
  const XmlElement& root = document.root();
  std::vector<const XmlElement*> signatures;
  find_all(root, "Signature", signatures);
  if (signatures.size() > 1) {
    return signature_fault(*signatures[1],
                           "is a second Signature: only one is taken, of the whole document");
  }
  const XmlElement* own = nullptr;
  for (const XmlElement& each : root.children) {
    if (each.is(kDsig, "Signature")) own = &each;
  }
  if (own == nullptr && !signatures.empty()) {
    return signature_fault(
        *signatures.front(),
        "stands below " + root.place() + " only indirectly: it is not that one's signature");
  }
  if (trust != nullptr) {
    if (own == nullptr) return signature_fault(root, "is not signed");
    return Signature(document, *own).check(*trust);
  }
  SignedXml out;
  out.is_signed = own != nullptr;
  AVOUCH_TRY(out.content,
             document.canonical(XmlCanonicalForm::kInclusive10, root.number,
                                own == nullptr ? std::nullopt : std::optional(own->number)));
  return out;
}

}  // namespace avouch::provision
