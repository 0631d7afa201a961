#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "tpm/types.h"

namespace avouch::appraisal {

// PCR values as people have them, in one of these forms:
//   * what tpm2_pcrread prints: a bank's name and a colon, then lines "INDEX : 0xHEX"
//   * JSON: {"sha256": {"0": "HEX"}}, also as the member quotedPcrs
//   * lines "BANK INDEX HEX"
// Banks of hashes that we do not know are passed over in the first form. kRejected, with the line:
// anything else, a digest of another length, a value twice, or none at all.
Result<tpm::PcrValues> parse_pcr_list(std::string_view text);

// The JSON form.
Result<tpm::PcrValues> parse_pcr_object(const codec::Json& banks, const std::string& where);

}  // namespace avouch::appraisal
