#include "inspect/boot_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "appraisal/record.h"
#include "appraisal/stored_case.h"
#include "codec/base64.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

using codec::Json;

constexpr std::size_t kMaxObjectBytes = 1024 * 1024;

Result<tlog::Hash> token_of(const kube::Client& api, const std::string& node) {
  const auto evidence = api.get(kube::attestation_evidences(), node);
  if (!evidence.has_value()) return static_cast<Error>(evidence.error());
  const std::string_view text = evidence->text({"status", "verdict", "token"});
  if (text.empty()) return rejected("the node has no verdict on evidence now");
  AVOUCH_TRY(const Bytes token, codec::from_base64(text));
  return crypto::sha256(token);
}

Result<Bytes> object(LogAccess& log, const std::string& node, const tlog::Hash& token,
                     const crypto::Sha256& digest, std::size_t max_bytes) {
  AVOUCH_TRY(auto bytes, log.record_object(node, token, digest, max_bytes));
  if (!bytes) return rejected(attest::digest_text(digest) + " is not kept any more");
  if (crypto::sha256(*bytes) != digest) {
    return rejected("what is kept as " + attest::digest_text(digest) + " has other bytes");
  }
  return *std::move(bytes);
}

void mark(appraisal::LogDump& dump, const NodeReport& node) {
  for (const NodeReason& reason : node.reasons) {
    const Json* number = reason.whole.find_path({"event", "number"});
    if (number == nullptr || number->as_int() == nullptr) continue;
    for (appraisal::DumpedEvent& event : dump.events) {
      if (!std::cmp_equal(event.number, *number->as_int())) continue;
      const auto& known = event.reasons;
      if (std::find(known.begin(), known.end(), reason.code) == known.end()) {
        event.reasons.push_back(reason.code);
      }
    }
  }
}

}  // namespace

Result<appraisal::LogDump> read_boot_log(const kube::Client& api, LogAccess& log,
                                         const NodeReport& node) {
  if (!log.reads_content()) {
    return rejected(
        "it is shown only to whoever may ask for a token of the release's reader account; bind "
        "the release's log-reader role to this user");
  }
  AVOUCH_TRY(const tlog::Hash token, token_of(api, node.name));
  AVOUCH_TRY(const auto bytes, log.record(node.name, token));
  if (!bytes) return rejected("the record of the verdict is not kept (any more)");
  AVOUCH_TRY(appraisal::StoredRecord stored, appraisal::parse_record(*bytes));
  if (!stored.record.boot_log) {
    return rejected("the verdict looked at none: no policy asks for it, or the node has sent none");
  }
  const crypto::Sha256 digest = stored.record.boot_log->digest;
  AVOUCH_TRY(const Bytes boot_log,
             object(log, node.name, token, digest, appraisal::kMaxBootLogBytes));
  AVOUCH_TRY(const Bytes identity, object(log, node.name, token, stored.identity, kMaxObjectBytes));
  AVOUCH_TRY(const Bytes pcrs, object(log, node.name, token, stored.pcrs, kMaxObjectBytes));
  AVOUCH_TRY(const appraisal::VerdictRecord record,
             appraisal::complete_record(std::move(stored), identity, pcrs));
  auto dump = appraisal::dump_log(boot_log, record.evidence.pcrs);
  if (!dump.has_value()) {
    return rejected("it cannot be decoded: " + dump.reason().code + ": " + dump.reason().message);
  }
  mark(dump.value(), node);
  return std::move(dump).value();
}

}  // namespace avouch::inspect
