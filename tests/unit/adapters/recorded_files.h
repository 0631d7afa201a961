#pragma once

// What a FileSource gave.

#include <map>
#include <string>

#include "provision/file_digester.h"

namespace avouch::adapters {

class RecordedFiles final : public provision::FileSink {
 public:
  Result<void> begin(std::string_view path) override {
    path_ = path;
    content_.clear();
    return {};
  }
  Result<void> feed(ByteView piece) override {
    content_ += as_text(piece);
    return {};
  }
  Result<void> end() override {
    files[path_] = content_;
    return {};
  }
  std::map<std::string, std::string> files;

 private:
  std::string path_, content_;
};

}  // namespace avouch::adapters
