#pragma once

// Who made a TPM, by its endorsement certificate, and whether that is a maker of hardware (TCG EK
// Credential Profile 2.5, 3.2.9: attributes in the subject alternative name; ids: TCG Vendor ID
// Registry). What an agent or the TPM itself says of its maker is never asked.

#include <optional>
#include <string>
#include <vector>

#include "attest/reason.h"
#include "crypto/x509.h"

namespace avouch::attest {

struct TpmMake {
  std::string manufacturer;  // "id:53544D20"; whatever stands there, if not of that form
  std::string model, version;
  bool operator==(const TpmMake&) const = default;
};

// "STM (id:53544D20), model ST33, version id:0001": printable ASCII, at most 200 characters.
std::string to_text(const TpmMake& make);

// Nothing where no attribute of a TPM stands in the certificate. EndorsementInvalid: the extension
// is malformed or stands twice, or an attribute has two values.
Checked<std::optional<TpmMake>> read_tpm_make(const crypto::Certificate& certificate);

// HardwareRequired unless the manufacturer is one that is known to build TPMs (chips, and those
// inside processors) and the model is not a virtual one's. Unknown makers are refused: that a maker
// is not known to build virtual TPMs says nothing.
std::optional<Reason> require_hardware(const std::optional<TpmMake>& make);

}  // namespace avouch::attest
