#pragma once

// XML signatures (W3C xmldsig-core1) in the one shape in which signed tags are found: enveloped, a
// child of the root, over the whole document.
//
//   * Reference URI="", with the enveloped-signature transform and at most a canonical form after
//     it. A second Reference may name by its Id one element within the signature's own Object
//     (a time stamp): it is checked too.
//   * Canonical XML 1.0, 1.1, or exclusive 1.0, each without comments.
//   * Digests by SHA-256, SHA-384 or SHA-512; RSA (PKCS#1 v1.5) or ECDSA over them.
//
// Everything else is refused: other transforms, references to parts of the document (so that what
// is signed and what is read cannot differ), a second Signature wherever it stands, keys that the
// signature brings along, SHA-1, HMAC.

#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/x509.h"
#include "provision/xml.h"

namespace avouch::provision {

// Whom to believe: a key, or else authorities.
struct SignerTrust {
  const crypto::PublicKey* key = nullptr;  // which must have signed
  // One of which must vouch (crypto::verify_chain, at `now`) for a certificate in the signature,
  // no authority's own and made for digital signatures, whose key has signed.
  std::vector<crypto::Certificate> authorities;
  SystemTime now{};
};

struct SignedXml {
  // The document without its signature, in canonical form: the very bytes that were signed. Read
  // these, and nothing else of the file.
  Bytes content;
  bool is_signed = false;
  std::string signer;  // for people, printable; "" where nothing was checked
};

// With `trust`, only what is signed by someone of it; without, a signature is left out and not
// looked at. kRejected names the element and its line.
Result<SignedXml> read_signed_xml(const XmlDocument& document, const SignerTrust* trust);

}  // namespace avouch::provision
