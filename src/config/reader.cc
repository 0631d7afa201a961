#include "config/reader.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/time_text.h"

namespace avouch::config {
namespace {

constexpr std::size_t kMaxErrors = 100;
constexpr std::size_t kMaxFileBytes = 1024 * 1024;

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 80)) {
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  }
  return out + (text.size() > 80 ? "...\"" : "\"");
}

// Levenshtein's distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string unknown_key(std::string_view key, const std::vector<std::string>& known) {
  const std::string short_key(key.substr(0, 64));
  const auto nearest =
      std::min_element(known.begin(), known.end(), [&short_key](const auto& a, const auto& b) {
        return distance(short_key, a) < distance(short_key, b);
      });
  if (nearest != known.end() && distance(short_key, *nearest) <= nearest->size() / 2) {
    return "unknown key; did you mean " + *nearest + "?";
  }
  return known.empty() ? "unknown key" : "unknown key; known here: " + join(known);
}

bool is_port(std::string_view text) {
  std::uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65535;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return host.ends_with(']') && host.size() > 3;
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

// Splits "host:port" (IPv6 in brackets).
std::optional<std::pair<std::string_view, std::string_view>> host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) return std::nullopt;
  return std::pair(text.substr(0, colon), text.substr(colon + 1));
}

bool looks_like_ip(std::string_view host) {
  if (host.starts_with('[')) {
    return host.ends_with(']') && host.size() >= 4 &&
           host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  }
  int dots = 0;
  int digits = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots == 3 && digits > 0;
}

}  // namespace

void ConfigErrors::add(int line, std::string_view path, std::string_view message) {
  if (lines_.size() >= kMaxErrors) return;
  std::string text = file_ + ":" + std::to_string(line) + ": ";
  if (!path.empty()) text += std::string(path) + ": ";
  lines_.emplace_back(line, text + std::string(message));
}

std::string ConfigErrors::text() const {
  auto sorted = lines_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [line, text] : sorted) out += (out.empty() ? "" : "\n") + text;
  return out;
}

Section::Section(const YamlNode* map, int line, std::string path, ConfigErrors& errors)
    : map_(map), line_(line), path_(std::move(path)), errors_(&errors) {
  if (map_ == nullptr || map_->kind == YamlNode::Kind::kMap) return;
  if (map_->kind != YamlNode::Kind::kNull) {
    errors_->add(line_, path_, "is " + std::string(kind_name(map_->kind)) + "; expected a map");
  }
  map_ = nullptr;
}

std::string Section::path_of(std::string_view key) const {
  if (path_.empty() || key.empty()) return path_ + std::string(key);
  return path_ + "." + std::string(key);
}

bool Section::has(std::string_view key) const {
  const YamlNode* node = map_ == nullptr ? nullptr : map_->find(key);
  return node != nullptr && node->kind != YamlNode::Kind::kNull;
}

const YamlNode* Section::lookup(std::string_view key) {
  known_.emplace_back(key);
  return has(key) ? map_->find(key) : nullptr;
}

const YamlNode* Section::scalar(std::string_view key, std::string_view expected) {
  const YamlNode* node = lookup(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kScalar) return node;
  error(key, "is " + std::string(kind_name(node->kind)) + "; expected " + std::string(expected));
  return nullptr;
}

void Section::string(std::string_view key, std::string& out, std::size_t min_bytes,
                     std::size_t max_bytes) {
  const YamlNode* node = scalar(key, "text");
  if (node == nullptr) return;
  if (node->text.size() < min_bytes || node->text.size() > max_bytes) {
    return error(key, "has " + std::to_string(node->text.size()) + " bytes; expected " +
                          std::to_string(min_bytes) + " to " + std::to_string(max_bytes));
  }
  out = node->text;
}

void Section::integer(std::string_view key, std::int64_t& out, std::int64_t min, std::int64_t max) {
  const std::string expected =
      "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  const YamlNode* node = scalar(key, expected);
  if (node == nullptr) return;
  std::int64_t value = 0;
  const char* end = node->text.data() + node->text.size();
  const auto parsed = std::from_chars(node->text.data(), end, value);
  if (node->quoted || parsed.ec != std::errc() || parsed.ptr != end || value < min || value > max) {
    return error(key, shown(node->text) + ": expected " + expected);
  }
  out = value;
}

void Section::size(std::string_view key, std::size_t& out, std::size_t min, std::size_t max) {
  auto value = static_cast<std::int64_t>(out);
  integer(key, value, static_cast<std::int64_t>(min), static_cast<std::int64_t>(max));
  out = static_cast<std::size_t>(value);
}

void Section::boolean(std::string_view key, bool& out) {
  const YamlNode* node = scalar(key, "true or false");
  if (node == nullptr) return;
  if (node->quoted || (node->text != "true" && node->text != "false")) {
    return error(key, shown(node->text) + ": expected true or false");
  }
  out = node->text == "true";
}

void Section::duration(std::string_view key, std::chrono::milliseconds& out,
                       std::chrono::milliseconds min, std::chrono::milliseconds max) {
  const YamlNode* node = scalar(key, "a duration, such as 10s");
  if (node == nullptr) return;
  const auto value = from_duration(node->text);
  if (!value.has_value()) return error(key, value.error().message);
  if (*value < min || *value > max) {
    return error(key,
                 shown(node->text) + ": expected " + to_duration(min) + " to " + to_duration(max));
  }
  out = *value;
}

void Section::one_of(std::string_view key, std::string& out,
                     std::initializer_list<std::string_view> allowed) {
  const std::vector<std::string> words(allowed.begin(), allowed.end());
  const YamlNode* node = scalar(key, "one of " + join(words));
  if (node == nullptr) return;
  if (std::find(allowed.begin(), allowed.end(), node->text) == allowed.end()) {
    return error(key, shown(node->text) + ": expected one of " + join(words));
  }
  out = node->text;
}

void Section::strings(std::string_view key, std::vector<std::string>& out, std::size_t max_count,
                      std::size_t max_bytes) {
  const YamlNode* node = lookup(key);
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kSequence) {
    return error(key, "is " + std::string(kind_name(node->kind)) + "; expected a list of texts");
  }
  if (node->items.size() > max_count) {
    return error(key, "has " + std::to_string(node->items.size()) + " elements; at most " +
                          std::to_string(max_count));
  }
  std::vector<std::string> values;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    if (item.kind != YamlNode::Kind::kScalar || item.text.empty() || item.text.size() > max_bytes) {
      errors_->add(item.line, path_of(key) + "[" + std::to_string(i) + "]",
                   "expected a text of 1 to " + std::to_string(max_bytes) + " bytes");
    }
    values.push_back(item.text);
  }
  out = std::move(values);
}

void Section::listen_address(std::string_view key, std::string& out) {
  std::string text = out;
  string(key, text, 1, 64);
  const auto parts = host_and_port(text);
  if (!parts || !looks_like_ip(parts->first) || !is_port(parts->second)) {
    return error(key, shown(text) + ": expected address:port with an IP address, such as " +
                          "0.0.0.0:8443 or [::]:8443");
  }
  out = text;
}

void Section::https_url(std::string_view key, std::string& out) {
  std::string text = out;
  string(key, text, 1, 2048);
  const std::string expected = ": expected https://host[:port][/path]";
  std::string_view rest = text;
  if (!rest.starts_with("https://") || rest.find_first_of("?#@ \t\"\\") != std::string_view::npos) {
    return error(key, shown(text) + expected);
  }
  rest.remove_prefix(8);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const auto parts = host_and_port(authority);
  const bool fine = parts ? is_host(parts->first) && is_port(parts->second) : is_host(authority);
  if (!fine) return error(key, shown(text) + expected);
  out = text;
}

void Section::absolute_path(std::string_view key, std::string& out) {
  std::string text = out;
  string(key, text);
  if (!text.starts_with('/')) {
    return error(key, shown(text) + ": expected an absolute path, starting with /");
  }
  out = text;
}

Section Section::section(std::string_view key) {
  const YamlNode* node = lookup(key);
  return Section(node, node == nullptr ? line_ : node->line, path_of(key), *errors_);
}

std::vector<Section> Section::sections(std::string_view key, std::size_t max_count) {
  std::vector<Section> out;
  const YamlNode* node = lookup(key);
  if (node == nullptr) return out;
  if (node->kind != YamlNode::Kind::kSequence) {
    error(key, "is " + std::string(kind_name(node->kind)) + "; expected a list of maps");
    return out;
  }
  if (node->items.size() > max_count) {
    error(key, "has " + std::to_string(node->items.size()) + " elements; at most " +
                   std::to_string(max_count));
    return out;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    out.push_back(
        Section(&item, item.line, path_of(key) + "[" + std::to_string(i) + "]", *errors_));
  }
  return out;
}

void Section::error(std::string_view key, std::string_view message) {
  const YamlNode* node = map_ == nullptr ? nullptr : map_->find(key);
  errors_->add(node == nullptr ? line_ : node->line, path_of(key), message);
}

void Section::finish() {
  if (map_ == nullptr) return;
  for (const auto& [key, value] : map_->members) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    errors_->add(value.line, path_of(key.substr(0, 64)), unknown_key(key, known_));
  }
}

Result<std::string> read_config_file(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status)) {
    return rejected("config file " + path + ": no such file; name another with --config");
  }
  // Opening anything else may wait for ever.
  if (!std::filesystem::is_regular_file(status)) {
    return rejected("config file " + path + ": is no regular file; name another with --config");
  }
  std::ifstream in(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) return rejected("config file " + path + ": cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) return rejected("config file " + path + ": larger than 1 MiB");
  return text;
}

}  // namespace avouch::config
