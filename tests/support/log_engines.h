#pragma once

// The places in which the contract suite keeps logs, across restarts.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "adapters/log_files.h"
#include "support/memory_log_store.h"
#include "tlog/store.h"

namespace avouch::testing {

class LogEngine {
 public:
  virtual ~LogEngine() = default;
  virtual Result<std::unique_ptr<tlog::Store>> open_store() = 0;
  // Anchors are apart from the store and from one another.
  virtual Result<std::unique_ptr<tlog::Anchor>> open_anchor(const std::string& name) = 0;
  virtual void lose_anchor(const std::string& name) = 0;
  virtual void back_up_store() = 0;
  virtual void restore_store() = 0;
  // Whether those bytes are anywhere in the store.
  virtual bool holds(const std::string& text) = 0;
};

class MemoryLogEngine final : public LogEngine {
 public:
  Result<std::unique_ptr<tlog::Store>> open_store() override {
    return std::unique_ptr<tlog::Store>(std::make_unique<MemoryLogStore>(disk_));
  }
  Result<std::unique_ptr<tlog::Anchor>> open_anchor(const std::string& name) override {
    return std::unique_ptr<tlog::Anchor>(std::make_unique<MemoryAnchor>(anchors_[name]));
  }
  void lose_anchor(const std::string& name) override { anchors_[name].reset(); }
  void back_up_store() override { backup_ = disk_; }
  void restore_store() override { disk_ = backup_; }
  bool holds(const std::string& text) override {
    const auto has = [&](ByteView bytes) {
      return as_text(bytes).find(text) != std::string_view::npos;
    };
    return std::any_of(disk_.objects.begin(), disk_.objects.end(),
                       [&](const auto& each) { return has(each.second); }) ||
           std::any_of(disk_.committed.begin(), disk_.committed.end(),
                       [&](const auto& each) { return has(each.preimage); });
  }

 private:
  MemoryDisk disk_, backup_;
  std::map<std::string, std::optional<std::string>> anchors_;
};

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "avouch-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class FilesLogEngine final : public LogEngine {
 public:
  std::filesystem::path log_directory() const { return directory_.path() / "log"; }
  std::filesystem::path anchor_file(const std::string& name) const {
    return directory_.path() / name;
  }

  Result<std::unique_ptr<tlog::Store>> open_store() override {
    return adapters::open_log_files({log_directory(), segment_bytes});
  }
  Result<std::unique_ptr<tlog::Anchor>> open_anchor(const std::string& name) override {
    return adapters::open_head_file(anchor_file(name));
  }
  void lose_anchor(const std::string& name) override { std::filesystem::remove(anchor_file(name)); }
  void back_up_store() override {
    std::filesystem::remove_all(directory_.path() / "backup");
    copy(log_directory(), directory_.path() / "backup");
  }
  void restore_store() override {
    std::filesystem::remove_all(log_directory());
    copy(directory_.path() / "backup", log_directory());
  }
  bool holds(const std::string& text) override {
    for (const auto& file : std::filesystem::recursive_directory_iterator(log_directory())) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      const std::string content(std::istreambuf_iterator<char>(in), {});
      if (content.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::size_t segment_bytes = 64 * 1024;

 private:
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (!std::filesystem::exists(from)) return;  // a backup of nothing
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }
  TemporaryDirectory directory_;
};

}  // namespace avouch::testing
