#pragma once

// Reads a map of a configuration file key by key and collects every error with its place, so that
// a person sees all of them at once:
//
//   config.yaml:12: deadline: "3x" is not a duration: expected such as 10s, 5m or 1h30m
//   config.yaml:14: exemptNamespace: unknown key; did you mean exemptNamespaces?

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/yaml.h"

namespace avouch::config {

// The errors of one file. At most 100 are kept.
class ConfigErrors {
 public:
  explicit ConfigErrors(std::string file) : file_(std::move(file)) {}
  void add(int line, std::string_view path, std::string_view message);
  bool empty() const { return lines_.empty(); }
  std::string text() const;  // one a line, in the order of the file

 private:
  std::string file_;
  std::vector<std::pair<int, std::string>> lines_;
};

// A view of one map. A missing key (or one with no value) leaves the given variable as it is, which
// holds the default. finish() reports every key that nothing asked for.
class Section {
 public:
  Section(const YamlNode& map, ConfigErrors& errors) : Section(&map, map.line, "", errors) {}

  // Whether the key is there with a value.
  bool has(std::string_view key) const;

  void string(std::string_view key, std::string& out, std::size_t min_bytes = 1,
              std::size_t max_bytes = 4096);
  void integer(std::string_view key, std::int64_t& out, std::int64_t min, std::int64_t max);
  void size(std::string_view key, std::size_t& out, std::size_t min, std::size_t max);
  void boolean(std::string_view key, bool& out);
  void duration(std::string_view key, std::chrono::milliseconds& out, std::chrono::milliseconds min,
                std::chrono::milliseconds max);
  void one_of(std::string_view key, std::string& out,
              std::initializer_list<std::string_view> allowed);
  void strings(std::string_view key, std::vector<std::string>& out, std::size_t max_count = 1000,
               std::size_t max_bytes = 1024);
  // "address:port" with an IP address (IPv6 in brackets).
  void listen_address(std::string_view key, std::string& out);
  // https://host[:port][/path], without user, query or fragment.
  void https_url(std::string_view key, std::string& out);
  void absolute_path(std::string_view key, std::string& out);

  // A map below this one; empty where it is missing.
  Section section(std::string_view key);
  // The maps of a list, at most `max_count`; none where it is missing. Each has its own finish().
  std::vector<Section> sections(std::string_view key, std::size_t max_count);

  // An error at `key` (or at this map, for an empty key).
  void error(std::string_view key, std::string_view message);
  void finish();

 private:
  Section(const YamlNode* map, int line, std::string path, ConfigErrors& errors);
  const YamlNode* lookup(std::string_view key);
  const YamlNode* scalar(std::string_view key, std::string_view expected);
  std::string path_of(std::string_view key) const;

  const YamlNode* map_;  // null where there is none
  int line_;
  std::string path_;
  ConfigErrors* errors_;
  std::vector<std::string> known_;
};

// The whole file, at most 1 MiB. kRejected says which file and why.
Result<std::string> read_config_file(const std::string& path);

}  // namespace avouch::config
