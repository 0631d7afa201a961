// EFI_SIGNATURE_LISTs: what is read lies within the value, in order, and adds up to it.

#include <cstdint>
#include <cstdlib>

#include "bootlog/variable.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::signature_list_target {

AVOUCH_FUZZ_TARGET("signature_list_fuzz") {
  const avouch::ByteView value(data, size);
  const auto entries = avouch::bootlog::parse_signature_lists(value);
  if (!entries.has_value()) return 0;
  const std::uint8_t* at = data;
  std::size_t count = 0;
  for (const auto& entry : *entries) {
    ++count;
    const bool ordered = entry.owner.data() >= at && entry.owner.size() == 16 &&
                         entry.value.data() == entry.owner.data() + 16 && !entry.value.empty();
    if (!ordered) std::abort();
    at = entry.value.data() + entry.value.size();
    const bool digest = entry.kind == avouch::bootlog::SignatureEntry::Kind::kSha256;
    if (digest && entry.value.size() != 32) std::abort();
  }
  if (count != entries->size() || at > data + size || (entries->empty() && size != 0)) std::abort();
  if (!entries->empty() && at != data + size) std::abort();
  return 0;
}

}  // namespace avouch::fuzzing::signature_list_target
