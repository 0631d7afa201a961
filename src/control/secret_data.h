#pragma once

#include <string>

#include "base/result.h"
#include "codec/json.h"
#include "control/release_keys.h"

namespace avouch::control {

// The members of a Secret's `data`. kRejected names the one that is not base64.
Result<SecretData> read_secret(const codec::Json& secret);

// A Secret object for create or update; resource_version "" for create.
codec::Json make_secret(const std::string& ns, const std::string& name, const std::string& type,
                        const SecretData& data, const std::string& resource_version,
                        const codec::Json::Object& annotations = {});

}  // namespace avouch::control
