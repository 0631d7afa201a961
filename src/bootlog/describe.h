#pragma once

#include <vector>

#include "attest/reason.h"
#include "bootlog/log.h"

namespace avouch::bootlog {

// An event's data, decoded for people: names and values, printable and bounded. Whether a digest
// covers it, bind() says.
std::vector<attest::ReasonField> describe(const BootLog& log, const Event& event);

}  // namespace avouch::bootlog
