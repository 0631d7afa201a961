// Replays the corpus of a target without libFuzzer. Usage: fuzz_replay NAME FOLDER
// An empty or missing corpus is a failure: a replay of nothing proves nothing.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing {
namespace {

std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

}  // namespace

bool add_target(const char* name, Target target) {
  targets().emplace(name, target);
  return true;
}

namespace {

std::size_t replay(Target target, const std::filesystem::path& folder) {
  std::size_t inputs = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    target(input.data(), input.size());
    ++inputs;
  }
  return inputs;
}

}  // namespace
}  // namespace avouch::fuzzing

int main(int argc, char** argv) {
  using namespace avouch::fuzzing;
  const auto found = argc == 3 ? targets().find(argv[1]) : targets().end();
  if (found == targets().end() || !std::filesystem::is_directory(argv[2])) {
    std::cerr << "usage: fuzz_replay NAME FOLDER; NAME is one of:\n";
    for (const auto& [name, target] : targets()) std::cerr << "  " << name << "\n";
    return 2;
  }
  const std::size_t inputs = replay(found->second, argv[2]);
  std::cout << "replayed " << inputs << " inputs\n";
  return inputs > 0 ? 0 : 1;
}
