// CoRIMs: what is accepted makes a ReferenceManifest that is accepted, and is refused whole with a
// byte more; nothing passes by a key that has not signed.

#include <cstdint>
#include <cstdlib>

#include "fuzz/fuzz_target.h"
#include "provision/corim.h"

namespace avouch::fuzzing::corim_target {
namespace {

namespace provision = avouch::provision;

void require(bool holds) {
  if (!holds) std::abort();
}

const avouch::crypto::PublicKey& nobodys_key() {
  static const auto made =
      avouch::crypto::PrivateKey::generate(avouch::crypto::KeyType::kEcP256).public_key();
  return made;
}

}  // namespace

AVOUCH_FUZZ_TARGET("corim_fuzz") {
  const avouch::ByteView input(data, size);
  require(
      !provision::read_corim(input, provision::CorimDigests::kFile, &nobodys_key()).has_value());
  for (const auto digests :
       {provision::CorimDigests::kAuthenticode, provision::CorimDigests::kIma}) {
    auto read = provision::read_corim(input, digests, nullptr);
    if (!read.has_value()) {
      require(read.error().kind == avouch::ErrorKind::kRejected);
      require(!read.error().message.empty());
      return 0;
    }
    const auto made = provision::make_manifests(
        read->draft, {.name = "a", .place = provision::ListPlace::kSplit});
    require(made.has_value() && !made->objects.empty());
    avouch::Bytes longer(input.begin(), input.end());
    longer.push_back(0);
    require(!provision::read_corim(longer, digests, nullptr).has_value());
  }
  return 0;
}

}  // namespace avouch::fuzzing::corim_target
