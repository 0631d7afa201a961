#pragma once

// Reasons as JSON: in custom resources, records and answers of programs.

#include "attest/reason.h"
#include "codec/fields.h"
#include "codec/json.h"

namespace avouch::attest {

// {code, severity, message, event: {pcr, number}, line: {file, number}, fields: [{name, value}],
// suggestion}; what is not there is left out.
codec::Json to_json(const Reason& reason);

// What to_json() made, with sizes bounded; errors go into `fields`.
Reason read_reason(codec::Fields fields);

}  // namespace avouch::attest
