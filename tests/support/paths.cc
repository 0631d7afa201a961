#include "tests/support/paths.h"

#include <iostream>

namespace avouch::testing {

std::filesystem::path vectors_dir() { return AVOUCH_VECTORS; }

std::filesystem::path shared_dir() { return AVOUCH_SHARED; }

std::optional<std::filesystem::path> shared_folder(const std::string& name) {
  const std::filesystem::path path = shared_dir() / name;
  if (std::filesystem::is_directory(path)) return path;
  std::cout << "note: ../shared/" << name
            << " is not there: this test ran on our own vectors alone\n";
  return std::nullopt;
}

}  // namespace avouch::testing
