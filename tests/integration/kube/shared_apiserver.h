#pragma once

#include "support/real_apiserver.h"

namespace avouch::testing {

// One server for all tests of the program; ends it, with the reason, where it does not start.
RealApiserver& shared_apiserver();

}  // namespace avouch::testing
