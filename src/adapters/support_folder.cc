#include "adapters/support_folder.h"

#include "adapters/files.h"

namespace avouch::adapters {

Result<std::optional<Bytes>> SupportFolder::read(const std::string& name, std::size_t max_bytes) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return rejected("the name of a support file is a path");
  }
  return read_file(folder_ / name, max_bytes);
}

}  // namespace avouch::adapters
