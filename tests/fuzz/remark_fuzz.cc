// What entries say about others, as it is in the log and as it is sent, under each kind. Besides
// not crashing: what is read is written as the same bytes again, and refers to nothing after
// itself.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "codec/cbor.h"
#include "fuzz/fuzz_target.h"
#include "tlog/remark.h"

namespace avouch::fuzzing::remark_target {
namespace {

using avouch::ByteView;
namespace codec = avouch::codec;
namespace tlog = avouch::tlog;

constexpr const char* kOrigin = "log.example.org/avouch";
constexpr std::uint64_t kOwnIndex = 100;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_input(const avouch::Bytes& bytes, ByteView input) {
  return ByteView(bytes).size() == input.size() &&
         std::equal(bytes.begin(), bytes.end(), input.begin());
}

}  // namespace

AVOUCH_FUZZ_TARGET("remark_fuzz") {
  const ByteView input(data, size);
  const auto value = codec::parse_cbor(input);
  for (const auto kind :
       {tlog::RemarkKind::kEndorsement, tlog::RemarkKind::kDispute, tlog::RemarkKind::kMeasurement,
        tlog::RemarkKind::kSupersede, tlog::RemarkKind::kErasure}) {
    const auto request = tlog::parse_remark_request(kind, input, kOrigin);
    if (request.has_value()) {
      require(is_input(tlog::format_remark_request(*request), input));
      require(request->remark.kind == kind && !request->remark.refs.empty());
    }
    if (!value.has_value()) {
      require(!request.has_value());
      continue;
    }
    const auto remark = tlog::parse_remark(kind, *value, kOrigin, kOwnIndex);
    if (!remark.has_value()) continue;
    require(!request.has_value());
    require(is_input(codec::to_cbor(tlog::remark_payload(*remark, kOrigin).value()), input));
    if (kind == tlog::RemarkKind::kErasure) {
      require(remark->remark.refs.size() == 1 && remark->remark.refs[0].origin == kOrigin);
    }
    for (const tlog::EntryReference& ref : remark->remark.refs) {
      require(ref.origin == kOrigin ? ref.index < kOwnIndex && ref.proof.empty()
                                    : !ref.proof.empty());
    }
  }
  return 0;
}

}  // namespace avouch::fuzzing::remark_target
