#include "provision/from_evidence.h"

#include <utility>

#include "attest/enrolment.h"
#include "provision/boot_values.h"
#include "provision/runtime_values.h"

namespace avouch::provision {

Result<Draft> draft_from_logs(const GoldenLogs& logs,
                              std::span<const crypto::Certificate> signers) {
  if (logs.boot_log.empty() && logs.runtime_log.empty()) {
    return rejected("there is neither a boot log nor a runtime log");
  }
  Draft out;
  if (logs.quote == nullptr) {
    out.remarks.push_back("No quote proves these logs: whoever could write them could say this.");
  }
  if (!logs.boot_log.empty()) AVOUCH_CHECK(add_boot_values(logs.boot_log, logs.quote, out));
  if (!logs.runtime_log.empty()) {
    AVOUCH_CHECK(add_runtime_values(logs.runtime_log, logs.quote, signers, out));
  }
  out.ima_signers.assign(signers.begin(), signers.end());
  return out;
}

Result<Draft> draft_from_case(const appraisal::StoredCase& stored,
                              std::span<const crypto::Certificate> signers, SystemTime now) {
  const auto keys = attest::check_keys(stored.identity);
  if (!keys.has_value()) return rejected(keys.reason().code + ": " + keys.reason().message);
  const attest::QuoteNeed nothing{"golden node", {}};
  const attest::BeaconWindow none;
  const attest::QuoteContext context{.keys = keys.value(),
                                     .node_uid = {},
                                     .beacons = none,
                                     .max_beacon_age = {},
                                     .needs = {&nothing, 1},
                                     .previous = {},
                                     .allowed_firmware = {},
                                     .now = now};
  const auto quote =
      attest::verify_stored_quote(stored.quote, stored.pcrs, stored.nonce, now, context);
  if (!quote.has_value()) return rejected(quote.reason().code + ": " + quote.reason().message);
  const auto view = [](const std::optional<Bytes>& bytes) {
    return bytes ? ByteView(*bytes) : ByteView();
  };
  return draft_from_logs({.boot_log = view(stored.boot_log),
                          .runtime_log = view(stored.runtime_log),
                          .quote = &quote.value()},
                         signers);
}

}  // namespace avouch::provision
