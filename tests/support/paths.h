#pragma once

// Where test data lies. The paths are compiled into one file only, so that the objects of all
// others are the same in every checkout and ccache shares them.

#include <filesystem>

namespace avouch::testing {

// tests/vectors of this checkout: what the suite needs.
std::filesystem::path vectors_dir();

// The folder `shared` beside the checkout: further data, which need not be there.
std::filesystem::path shared_dir();

}  // namespace avouch::testing
