#pragma once

// The certificates that an agent read from its TPM's NV, as makers write them there. Private to
// attest/.

#include <string>
#include <string_view>
#include <vector>

#include "attest/evidence.h"
#include "attest/reason.h"
#include "crypto/x509.h"

namespace avouch::attest {

// Named rules for certificates that are odd but genuine. Every one that was used is reported; none
// of them relaxes who must have signed what.
namespace rule {
inline constexpr std::string_view kNvPadding = "nv-padding", kNvChain = "nv-chain",
                                  kNotDer = "not-der", kOaepKey = "oaep-key",
                                  kNoBasicConstraints = "no-basic-constraints",
                                  kNameNotCritical = "name-not-critical",
                                  kNoTpmAttributes = "no-tpm-attributes";
}  // namespace rule

using RulesUsed = std::vector<std::string>;  // each once, in the order of their use
void note_rule(RulesUsed& used, std::string_view rule);

// The EK's certificate first, then those of its chain: at most kMaxEkCertificates, after splitting.
// EndorsementInvalid names the entry of identity.ekCertificates. Believes nothing.
Checked<std::vector<crypto::Certificate>> read_ek_certificates(const UnverifiedIdentity& identity,
                                                               RulesUsed& used);

}  // namespace avouch::attest
