#pragma once

#include <string_view>

#include "codec/fields.h"
#include "crypto/hash.h"

namespace avouch::control {

// The required member `name` as "sha256:HEX"; anything else is an error of `fields`, and zeros.
crypto::Sha256 read_digest(codec::Fields& fields, std::string_view name);

}  // namespace avouch::control
