#pragma once

// What a certificate is made of. Private to crypto/.

#include <string>

#include "crypto/openssl_handles.h"
#include "crypto/x509.h"

namespace avouch::crypto {

struct Certificate::Impl {
  X509Ptr x509;  // its caches are filled, so that readers do not write
  Bytes der;
  Sha256 fingerprint;
  SystemTime not_before;
  SystemTime not_after;
};

std::string oid_text(const ASN1_OBJECT* object);  // in dots

// For messages: `"CN=x"`, or its fingerprint's beginning where the subject is empty.
std::string display_name(const Certificate& certificate);

}  // namespace avouch::crypto
