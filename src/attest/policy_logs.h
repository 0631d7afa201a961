#pragma once

// The members bootLog and runtime of a policy. Private to attest/.

#include <optional>

#include "attest/policy.h"
#include "codec/fields.h"

namespace avouch::attest {

// Nothing where the member is missing; errors go into `fields`.
std::optional<BootLogSpec> read_boot_log(codec::Fields& fields);
std::optional<RuntimeSpec> read_runtime(codec::Fields& fields);

// Whether anything but the form and genuineness of the log is required.
bool checks_something(const BootLogSpec& spec);
bool checks_something(const RuntimeSpec& spec);

}  // namespace avouch::attest
