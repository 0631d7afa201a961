#pragma once

#include "base/result.h"
#include "codec/json.h"

namespace avouch::admission {

// The form of a ReferenceManifest's spec, as in its CRD, again for servers that do not check it
// all: unknown fields, bad digests, times and certificates, a manifest that says nothing. Every
// error at once, with its path (kRejected). Not checked: the signature, and what the spec refers
// to.
Result<void> check_manifest_form(const codec::Json& spec);

}  // namespace avouch::admission
