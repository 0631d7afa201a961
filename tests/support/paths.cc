#include "tests/support/paths.h"

namespace avouch::testing {

std::filesystem::path vectors_dir() { return AVOUCH_VECTORS; }

std::filesystem::path shared_dir() { return AVOUCH_SHARED; }

}  // namespace avouch::testing
