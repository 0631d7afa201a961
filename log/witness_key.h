#pragma once

#include <string>

#include "base/result.h"
#include "config/witness_config.h"
#include "tlog/cosignature.h"

namespace avouch::logprogram {

// The key of the configuration, under its name.
Result<tlog::Cosigner> read_witness_key(const config::WitnessConfig& config);

// As C2SP signed-note has it, of type 04.
Result<std::string> witness_vkey(const config::WitnessConfig& config);

// Makes key and state, both new, and returns the vkey. kRejected, and nothing changed, where either
// is there: a state belongs to the key that cosigned it.
Result<std::string> make_witness_key(const config::WitnessConfig& config);

}  // namespace avouch::logprogram
