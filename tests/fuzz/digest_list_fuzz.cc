// Lists of digests: however one is cut into pieces, the same comes of it; and what it holds is in
// its binary form, which is read as the same set.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "reference/digest_list.h"

namespace avouch::fuzzing::digest_list_target {
namespace {

namespace reference = avouch::reference;

constexpr reference::DigestListLimits kLimits{
    .bytes = 64 * 1024, .digests = 1'000, .line_bytes = 512};

void require(bool holds) {
  if (!holds) std::abort();
}

avouch::Result<reference::DigestList> read_in_pieces(avouch::ByteView list, std::size_t piece) {
  reference::DigestListReader reader(kLimits);
  while (!list.empty()) {
    const auto some = list.first(std::min(piece, list.size()));
    AVOUCH_CHECK(reader.feed(some));
    list = list.subspan(some.size());
  }
  return std::move(reader).finish();
}

}  // namespace

AVOUCH_FUZZ_TARGET("digest_list_fuzz") {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const avouch::ByteView list(data + 1, size - 1);
  const auto whole = reference::read_digest_list(list, kLimits);
  const auto pieces = read_in_pieces(list, piece);
  require(whole.has_value() == pieces.has_value());
  if (!whole.has_value()) {
    require(whole.error().kind == avouch::ErrorKind::kRejected && !whole.error().message.empty());
    require(list.size() > kLimits.bytes || whole.error().message == pieces.error().message);
    return 0;
  }
  require(whole->content == pieces->content);
  const auto digests = whole->set->list();
  require(!digests.empty() && digests == pieces->set->list());
  for (const reference::Digest& each : digests) require(whole->set->contains(each));
  const avouch::Bytes binary = whole->set->to_binary();
  const auto again = reference::read_digest_list(binary, kLimits);
  require(again.has_value() && again->set->list() == digests && again->set->to_binary() == binary);
  return 0;
}

}  // namespace avouch::fuzzing::digest_list_target
