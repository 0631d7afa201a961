#pragma once

// A verdict judged again, from its record, by the controller's own verifier.

#include <optional>
#include <string>
#include <vector>

#include "appraisal/record.h"
#include "attest/appraisal.h"
#include "attest/token.h"
#include "base/bytes.h"
#include "base/result.h"

namespace avouch::appraisal {

// Seam: what records name, by its SHA-256. Whoever implements it need not be believed.
class RecordObjects {
 public:
  virtual ~RecordObjects() = default;
  // Nothing where it is not kept (any more).
  virtual Result<std::optional<Bytes>> read(const crypto::Sha256& digest,
                                            std::size_t max_bytes) = 0;
};

struct Reappraisal {
  // An input that is not kept any more, or whose bytes are not those of its digest: which, and
  // where it is named. With any, nothing was judged.
  std::vector<std::string> missing;
  // What the record says otherwise than the token that it has to be of. With any, nothing was
  // judged: these are not the verdict's inputs.
  std::vector<std::string> foreign;
  // What came out otherwise than the token says, and reason codes otherwise than recorded.
  std::vector<std::string> different;
  // What could not be judged again, and was taken as recorded: nothing here proves it.
  std::vector<std::string> as_recorded;
  std::vector<std::string> inputs;  // for people: what was checked against its digest
  std::optional<attest::Verdict> verdict;

  bool same() const { return verdict && missing.empty() && foreign.empty() && different.empty(); }
};

// `claims` are those of the record's token, verified by the caller. What the token binds and is
// checked here: node, AK name, quote (and by it the EK, the PCR values and the beacon), the
// policies' specs with all that they refer to, boot log, runtime log. Its own times are recorded
// and not proven: when certificates and manifests were judged.
//
// Not judged again: that the quote was newer than the ones before it, and that its beacon was
// published by this controller at that time (the log's entry of that size proves the beacon).
//
// Errors are those of `objects`. Memory: the objects, one after another, and the policy's own.
Result<Reappraisal> reappraise(const StoredRecord& stored, const attest::TokenClaims& claims,
                               RecordObjects& objects);

}  // namespace avouch::appraisal
