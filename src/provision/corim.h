#pragma once

// Reference values out of a CoRIM (draft-ietf-rats-corim: CBOR tag 501; signed: COSE_Sign1, tag
// 18).
//
// Taken are CoMID tags (506) with reference triples (key 0 of the triples) whose measurements hold
// digests (key 2) by SHA-256, SHA-384 or SHA-512, named as IANA's Named Information algorithms (1,
// 7, 8, or as text) or COSE's (-16, -43, -44); beside them a measurement may have a key (mkey), a
// version (key 0) and a name (key 11), which are for people, and a security version (1) and the
// signer's keys (13), which a remark counts: a digest is of one content alone, whatever else is
// said of it. A triple's measurements are a list, or one as in older drafts. Triples of attestation
// and identity keys (2, 3) and of endorsed values (1, 8, 10) make no value good or bad and are
// counted in remarks.
//
// Refused, with the place: every other tag (CoSWID 505, CoTL), triple and member, for each says
// more than a ReferenceManifest can (raw values, flags, what depends on it, who may say it), or, as
// integrity registers do, what stands in the policy (pcrs.exact); digests by other algorithms;
// CBOR that is not deterministic (codec/cbor.h); tag 500 and 502 of drafts up to 03.

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "provision/draft.h"

namespace avouch::provision {

inline constexpr std::size_t kMaxCorimBytes = 16 * 1024 * 1024;

// A CoRIM says which digests are good, not what computes them: that is the caller's word.
enum class CorimDigests {
  kAuthenticode,  // of programs that firmware starts
  kFile,          // of files that boot loaders measure
  kIma,           // of files that IMA measures
};

struct Corim {
  Draft draft;
  // From rim-validity, and of a signed one from its header too (corim-meta, CWT claims): the
  // narrowest.
  std::optional<SystemTime> not_before, not_after;
  bool is_signed = false;
};

// With `key`, only what is signed by it (ES256 over P-256 or ES384 over P-384, content type
// application/rim+cbor) is taken; without, a signature is not looked at. kRejected names the place:
// tags, triples and measurements by their index from 0, malformed CBOR by its offset in that byte
// string. `profile`: a URI, or "oid " and hexadecimal digits; one that the caller knows to leave
// reference values as they are. Any other is refused.
Result<Corim> read_corim(ByteView file, CorimDigests digests, const crypto::PublicKey* key,
                         std::string_view profile = {});

}  // namespace avouch::provision
