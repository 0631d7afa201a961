// Records of verdicts, as a store gives them: what is accepted, and complete, is written again to a
// record that says the same.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "appraisal/record.h"
#include "base/bytes.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::record_target {
namespace {

namespace appraisal = avouch::appraisal;
namespace crypto = avouch::crypto;

constexpr std::string_view kIdentity =
    R"({"identity":{"akPublic":"AAI=","ekCertificates":[],"ekPublic":"AAE="},"nodeUID":"uid-1"})";
constexpr std::string_view kPcrs = "[]";

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

AVOUCH_FUZZ_TARGET("record_fuzz") {
  auto stored = appraisal::parse_record({data, size});
  if (!stored.has_value()) {
    require(stored.error().kind == avouch::ErrorKind::kRejected && !stored.error().message.empty());
    return 0;
  }
  const auto named = stored->objects();
  require(std::is_sorted(named.begin(), named.end()));
  require(std::binary_search(named.begin(), named.end(), stored->identity));
  stored->identity = crypto::sha256(avouch::as_bytes(kIdentity));
  stored->pcrs = crypto::sha256(avouch::as_bytes(kPcrs));
  const auto complete =
      appraisal::complete_record(*stored, avouch::as_bytes(kIdentity), avouch::as_bytes(kPcrs));
  if (!complete.has_value()) return 0;
  const auto packed = appraisal::pack_record(*complete);
  if (!packed.has_value()) return 0;  // values that have no canonical form
  const auto again = appraisal::parse_record(packed->bytes);
  require(again.has_value());
  require(again->node_uid == stored->node_uid);
  require(again->record.token == stored->record.token);
  require(again->record.policies.size() == stored->record.policies.size());
  require(again->record.reasons == stored->record.reasons);
  return 0;
}

}  // namespace avouch::fuzzing::record_target
