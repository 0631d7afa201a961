#pragma once

// Stored evidence: a folder of files in the layout of our corpus (docs/offline-appraisal.md). Read
// strictly and bounded; nothing in it is believed but what the verifier is given as its own input,
// the expected nonce and the secret of the credential.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "base/result.h"
#include "tpm/types.h"

namespace avouch::appraisal {

// Seam: files by name. `folder` is "" for the case's own, or the name of the one beside it that its
// meta.json calls its base.
class CaseFiles {
 public:
  virtual ~CaseFiles() = default;
  // Nothing where there is no such file; kRejected over `max_bytes`.
  virtual Result<std::optional<Bytes>> read(const std::string& folder, const std::string& name,
                                            std::size_t max_bytes) = 0;
};

inline constexpr std::size_t kMaxMetaBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxBootLogBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxRuntimeLogBytes = 1024 * 1024 * 1024;

struct StoredCase {
  std::string id;
  std::string node_name;                // for inventories; "" where meta.json names none
  attest::UnverifiedIdentity identity;  // ek.pub, ak.pub, ek_cert.der and ek_cert_chain.der
  std::optional<Bytes> ak_name;         // as the case claims it
  std::optional<Bytes> secret_expected, secret_activated;
  attest::UnverifiedQuote quote;
  Bytes nonce;          // expected
  tpm::PcrValues pcrs;  // claimed
  std::optional<Bytes> boot_log, runtime_log;
};

// kRejected, naming the file and what is wrong with it: without quote.msg, quote.sig, ak.pub,
// ek.pub or meta.json with nonce and quotedPcrs there is nothing to appraise. `base`, `overrides`
// (nonce, useSecondQuote) and the files of the base are resolved; a base has no base.
Result<StoredCase> read_case(CaseFiles& files);

}  // namespace avouch::appraisal
