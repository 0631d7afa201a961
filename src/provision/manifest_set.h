#pragma once

// The ReferenceManifests of a file, with the lists that they name.

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/keys.h"
#include "reference/digest_list_source.h"
#include "reference/resolved.h"

namespace avouch::provision {

// Every manifest among `objects`, at least one, in order. ConfigMaps among them serve as lists;
// lists by digest come of `lists`, which may be null: then such a manifest is without its list, as
// is one whose ConfigMap is elsewhere. kRejected, with every problem, its manifest and its field:
// an object that is neither a ReferenceManifest nor a ConfigMap, another apiVersion, a name that
// is missing or given twice, what parse_manifest refuses, a list that is there and is none.
Result<std::vector<reference::ManifestWithList>> read_manifests(
    std::span<const codec::Json> objects, reference::SharedDigestLists* lists);

// `objects` with a signature by `key` in each manifest, in place of one by the same key.
// kRejected as read_manifests, or a manifest with 16 signatures by others.
Result<std::vector<codec::Json>> sign_manifests(std::vector<codec::Json> objects,
                                                const crypto::PrivateKey& key);

struct SignatureCheck {
  std::string text;  // one line a manifest, for people
  bool all_good = false;
};
// Whether each manifest is signed by one of `trusted`, and at `now` in force (which decides
// nothing). Not good is also one whose list is in a ConfigMap, which the signature does not cover
// but by ima.source.digest, without that or with another; and where `need_lists`, one without its
// list.
SignatureCheck check_manifests(std::span<const reference::ManifestWithList> manifests,
                               std::span<const crypto::PublicKey> trusted, SystemTime now,
                               bool need_lists);

// What `b` says that `a` does not ("+ ..."), and the other way ("- ..."): one line each, printable;
// empty where they say the same. Names and signatures count as well. Where both hold one manifest,
// these are compared whatever their names.
std::vector<std::string> diff_manifests(std::span<const reference::ManifestWithList> a,
                                        std::span<const reference::ManifestWithList> b);

}  // namespace avouch::provision
