#include "inspect/record_objects.h"

#include <optional>
#include <utility>

#include "codec/base64.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

constexpr std::size_t kMaxObjectBytes = 1024 * 1024;

}  // namespace

Result<Bytes> read_token(const kube::Client& api, const std::string& node) {
  const auto evidence = api.get(kube::attestation_evidences(), node);
  if (!evidence.has_value()) return static_cast<Error>(evidence.error());
  const std::string_view text = evidence->text({"status", "verdict", "token"});
  if (text.empty()) return rejected("the node has no verdict on evidence now");
  return codec::from_base64(text);
}

Result<Bytes> read_kept(LogAccess& log, const std::string& node, const tlog::Hash& token,
                        const crypto::Sha256& digest, std::size_t max_bytes) {
  AVOUCH_TRY(auto bytes, log.record_object(node, token, digest, max_bytes));
  if (!bytes) return rejected(attest::digest_text(digest) + " is not kept any more");
  if (crypto::sha256(*bytes) != digest) {
    return rejected("what is kept as " + attest::digest_text(digest) + " has other bytes");
  }
  return *std::move(bytes);
}

Result<appraisal::VerdictRecord> read_whole_record(LogAccess& log, const std::string& node,
                                                   const tlog::Hash& token) {
  AVOUCH_TRY(const auto bytes, log.record(node, token));
  if (!bytes) return rejected("the record of the verdict is not kept (any more)");
  AVOUCH_TRY(appraisal::StoredRecord stored, appraisal::parse_record(*bytes));
  AVOUCH_TRY(const Bytes identity, read_kept(log, node, token, stored.identity, kMaxObjectBytes));
  AVOUCH_TRY(const Bytes pcrs, read_kept(log, node, token, stored.pcrs, kMaxObjectBytes));
  return appraisal::complete_record(std::move(stored), identity, pcrs);
}

}  // namespace avouch::inspect
