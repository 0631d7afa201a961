#include "inspect/boot_log.h"

#include <algorithm>
#include <utility>

#include "appraisal/stored_case.h"
#include "inspect/record_objects.h"
#include "inspect/rights.h"

namespace avouch::inspect {
namespace {

using codec::Json;

void mark_events(appraisal::LogDump& dump, const NodeReport& node) {
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
  if (!log.reads_content()) return needs_reader("it is shown", log.release());
  AVOUCH_TRY(const Bytes token, read_token(api, node.name));
  const tlog::Hash digest = crypto::sha256(token);
  AVOUCH_TRY(const appraisal::VerdictRecord record, read_whole_record(log, node.name, digest));
  if (!record.boot_log) {
    return rejected("the verdict looked at none: no policy asks for it, or the node has sent none");
  }
  AVOUCH_TRY(const Bytes boot_log, read_kept(log, node.name, digest, record.boot_log->digest,
                                             appraisal::kMaxBootLogBytes));
  auto dump = appraisal::dump_log(boot_log, record.evidence.pcrs);
  if (!dump.has_value()) {
    return rejected("it cannot be decoded: " + dump.reason().code + ": " + dump.reason().message);
  }
  mark_events(dump.value(), node);
  return std::move(dump).value();
}

}  // namespace avouch::inspect
