#pragma once

// Where test data lies. The paths are compiled into one file only, so that the objects of all
// others are the same in every checkout and ccache shares them.

#include <filesystem>
#include <optional>
#include <string>

namespace avouch::testing {

// tests/vectors of this checkout: what the suite needs.
std::filesystem::path vectors_dir();

// The folder `shared` beside the checkout: further data, which need not be there.
std::filesystem::path shared_dir();

// A folder in it. Nothing where it is not there, which is said on standard output: such a test ran
// on our own vectors alone, and hack/test.sh says so too. What it holds a test may rely on: a file
// that is missing in it is a failure.
std::optional<std::filesystem::path> shared_folder(const std::string& name);

}  // namespace avouch::testing
