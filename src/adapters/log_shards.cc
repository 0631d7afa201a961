#include "adapters/log_shards.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "adapters/folder_entries.h"
#include "adapters/log_engine.h"
#include "tlog/shard_name.h"

namespace avouch::adapters {
namespace {

std::string suffix_of(std::string_view label) {
  if (label.empty()) return "";
  std::string out = "_" + std::string(label);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

// The label of a schema with that suffix; nothing where it is none.
std::optional<std::string> label_of_suffix(std::string_view suffix) {
  if (suffix.empty()) return "";
  std::string label(suffix.substr(1));
  std::replace(label.begin(), label.end(), '_', '-');
  if (label.empty() || !tlog::begin_of(label) || suffix_of(label) != suffix) return std::nullopt;
  return label;
}

// The label in NAME or NAME-LABEL.
std::optional<std::string> label_of_file(std::string_view file, std::string_view name) {
  if (!file.starts_with(name)) return std::nullopt;
  file.remove_prefix(name.size());
  if (file.empty()) return "";
  if (file.front() != '-' || file.size() == 1 || !tlog::begin_of(file.substr(1))) {
    return std::nullopt;
  }
  return std::string(file.substr(1));
}

}  // namespace

std::filesystem::path LogShards::at(const char* name, std::string_view label) const {
  return directory_ / (name + (label.empty() ? std::string() : "-" + std::string(label)));
}

Result<std::vector<std::string>> LogShards::labels() const {
  std::set<std::string> found;
  std::error_code failure;
  const bool is_there = std::filesystem::exists(directory_, failure);
  if (failure) return retryable("log: " + directory_.string() + ": " + failure.message());
  const auto see = [&](const std::filesystem::directory_entry& entry) -> Result<void> {
    const std::string file = entry.path().filename();
    if (const auto label = label_of_file(file, "log-head")) found.insert(*label);
    if (!engine_.is_in_database() && file == "log") found.insert("");
    return {};
  };
  if (is_there) AVOUCH_CHECK(for_each_entry(directory_, see));
  if (engine_.is_in_database()) {
    AVOUCH_TRY(const std::vector<std::string> suffixes, log_schemas(engine_));
    for (const std::string& suffix : suffixes) {
      if (const auto label = label_of_suffix(suffix)) found.insert(*label);
    }
  }
  std::vector<std::string> out(found.begin(), found.end());
  std::stable_sort(out.begin(), out.end(), [](const std::string& one, const std::string& other) {
    return *tlog::begin_of(one) < *tlog::begin_of(other);
  });
  return out;
}

Result<std::unique_ptr<tlog::Store>> LogShards::open(std::string_view label) const {
  return open_log_store(engine_, log_directory(label), suffix_of(label));
}

Result<std::unique_ptr<tlog::TileReader>> LogShards::read(std::string_view label) const {
  return open_log_reader(engine_, log_directory(label), suffix_of(label));
}

Result<std::optional<std::string>> LogShards::place_of_any() const {
  AVOUCH_TRY(std::vector<std::string> known, labels());
  if (known.empty()) known.emplace_back();
  for (const std::string& label : known) {
    AVOUCH_TRY(const std::optional<std::string> place,
               place_of_log(engine_, log_directory(label), head_file(label), suffix_of(label)));
    if (place) return place;
  }
  return std::optional<std::string>();
}

}  // namespace avouch::adapters
