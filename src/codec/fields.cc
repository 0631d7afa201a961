#include "codec/fields.h"

#include <algorithm>
#include <map>
#include <span>

#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/nearest.h"
#include "codec/utf8.h"

namespace avouch::codec {
namespace {

std::string_view type_name(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.as_bool() != nullptr) return "a boolean";
  return value.as_int() != nullptr ? "an integer" : "a number with a fraction";
}

std::string is_not(const Json& value, std::string_view expected) {
  return "is " + std::string(type_name(value)) + ", expected " + std::string(expected);
}

std::string join_path(const std::string& path, std::string_view name) {
  if (name.empty()) return path;
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::string list_of(const auto& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::string element_path(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string too_long(std::size_t size, std::size_t max_bytes) {
  return "has " + std::to_string(size) + " bytes, at most " + std::to_string(max_bytes) +
         " are accepted";
}

}  // namespace

void FieldErrors::add(std::string path, std::string message) {
  constexpr std::size_t kMost = 100;
  ++count_;
  if (errors_.size() < kMost) errors_.push_back({std::move(path), std::move(message)});
}

std::string FieldErrors::text() const {
  constexpr std::size_t kMostAlike = 3;
  std::map<std::string_view, std::vector<std::string_view>> alike;  // paths of each message
  for (const FieldError& error : errors_) {
    if (!error.path.empty()) alike[error.message].push_back(error.path);
  }
  std::string out;
  std::size_t parts = 0, told = 0;
  for (const FieldError& error : errors_) {
    const std::vector<std::string_view>& paths = alike[error.message];
    const bool many = paths.size() > kMostAlike && !error.path.empty();
    if (many && error.path.data() != paths.front().data()) continue;  // told with the first
    if (++parts > kShown) break;
    told += many ? paths.size() : 1;
    if (!out.empty()) out += "; ";
    if (many) {
      out += list_of(std::span(paths).first(kMostAlike)) + " and " +
             std::to_string(paths.size() - kMostAlike) + " more: " + error.message;
    } else {
      out += error.path.empty() ? error.message : error.path + ": " + error.message;
    }
  }
  if (told < count_) out += "; and " + std::to_string(count_ - told) + " more";
  return out;
}

Fields::Fields(const Json& value, std::string path, FieldErrors& errors)
    : object_(value.as_object()), path_(std::move(path)), errors_(&errors) {
  const std::string subject = path_.empty() ? "the document " : "";
  if (object_ == nullptr) error("", subject + is_not(value, "an object"));
}

bool Fields::has(std::string_view name) const {
  if (object_ == nullptr) return false;
  const auto found = object_->find(name);
  return found != object_->end() && !found->second.is_null();
}

const Json* Fields::lookup(std::string_view name) {
  known_.emplace_back(name);
  return has(name) ? &object_->find(name)->second : nullptr;
}

const Json* Fields::raw(std::string_view name) { return lookup(name); }

std::optional<std::string> Fields::string(std::string_view name, std::size_t max_bytes) {
  const Json* value = lookup(name);
  if (value == nullptr) return std::nullopt;
  const std::string* text = value->as_string();
  if (text == nullptr) {
    error(name, is_not(*value, "a string"));
    return std::nullopt;
  }
  if (text->size() > max_bytes) {
    error(name, too_long(text->size(), max_bytes));
    return std::nullopt;
  }
  return *text;
}

std::string Fields::required_string(std::string_view name, std::size_t max_bytes) {
  const bool is_given = has(name);
  auto text = string(name, max_bytes);
  if (object_ != nullptr && !is_given) error(name, "is required: expected a string");
  if (text && text->empty()) error(name, "must not be empty");
  return text.value_or("");
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t min,
                                            std::int64_t max) {
  const Json* value = lookup(name);
  if (value == nullptr) return std::nullopt;
  const std::string range = std::to_string(min) + " to " + std::to_string(max);
  const std::int64_t* number = value->as_int();
  if (number == nullptr) {
    error(name, is_not(*value, "an integer from " + range));
    return std::nullopt;
  }
  if (*number < min || *number > max) {
    error(name, std::to_string(*number) + " is out of range: expected " + range);
    return std::nullopt;
  }
  return *number;
}

std::int64_t Fields::required_integer(std::string_view name, std::int64_t min, std::int64_t max) {
  if (object_ != nullptr && !has(name)) {
    error(name, "is required: expected an integer from " + std::to_string(min) + " to " +
                    std::to_string(max));
  }
  return integer(name, min, max).value_or(min);
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const Json* value = lookup(name);
  if (value == nullptr) return std::nullopt;
  if (const bool* truth = value->as_bool()) return *truth;
  error(name, is_not(*value, "true or false"));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> Fields::duration(std::string_view name,
                                                          std::chrono::milliseconds min,
                                                          std::chrono::milliseconds max) {
  const Json* value = lookup(name);
  if (value == nullptr) return std::nullopt;
  const std::string* text = value->as_string();
  if (text == nullptr) {
    error(name, is_not(*value, "a duration in quotes, such as \"" + to_duration(min) + "\""));
    return std::nullopt;
  }
  const auto parsed = from_duration(*text);
  if (!parsed.has_value()) {
    error(name, in_quotes(*text, 40) + " is not a duration: expected for example 90s, 5m or 1h30m");
    return std::nullopt;
  }
  if (*parsed < min || *parsed > max) {
    error(name, in_quotes(*text, 40) + " is out of range: expected " + to_duration(min) + " to " +
                    to_duration(max));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<Bytes> Fields::base64(std::string_view name, std::size_t max_bytes) {
  const std::size_t max_text = (max_bytes + 2) / 3 * 4;
  const auto text = string(name, max_text);
  if (!text) return std::nullopt;
  auto bytes = from_base64(*text);
  if (!bytes.has_value()) {
    error(name, bytes.error().message);
    return std::nullopt;
  }
  if (bytes->size() > max_bytes) {
    error(name, too_long(bytes->size(), max_bytes));
    return std::nullopt;
  }
  return std::move(*bytes);
}

std::optional<Bytes> Fields::hex(std::string_view name, std::size_t max_bytes) {
  const auto text = string(name, 2 * max_bytes);
  if (!text) return std::nullopt;
  auto bytes = from_hex(*text);
  if (!bytes.has_value()) {
    error(name, bytes.error().message);
    return std::nullopt;
  }
  return std::move(*bytes);
}

std::optional<std::string> Fields::one_of(std::string_view name,
                                          std::initializer_list<std::string_view> allowed) {
  auto text = string(name);
  if (!text) return std::nullopt;
  if (std::find(allowed.begin(), allowed.end(), *text) != allowed.end()) return text;
  error(name, in_quotes(*text) + " is not accepted: expected one of " + list_of(allowed));
  return std::nullopt;
}

std::optional<Fields> Fields::object(std::string_view name) {
  const Json* value = lookup(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    error(name, is_not(*value, "an object"));
    return std::nullopt;
  }
  return Fields(*value, join_path(path_, name), *errors_);
}

std::vector<Fields> Fields::objects(std::string_view name, std::size_t max_count) {
  std::vector<Fields> out;
  const Json::Array* elements = list(name, "a list of objects", max_count);
  if (elements == nullptr) return out;
  out.reserve(elements->size());
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const std::string at = element_path(join_path(path_, name), i);
    if ((*elements)[i].is_object()) {
      out.push_back(Fields((*elements)[i], at, *errors_));
    } else {
      errors_->add(at, is_not((*elements)[i], "an object"));
    }
  }
  return out;
}

std::vector<std::string> Fields::strings(std::string_view name, std::size_t max_count,
                                         std::size_t max_bytes) {
  std::vector<std::string> out;
  const Json::Array* elements = list(name, "a list of strings", max_count);
  if (elements == nullptr) return out;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const std::string at = element_path(join_path(path_, name), i);
    const std::string* text = (*elements)[i].as_string();
    if (text == nullptr) {
      errors_->add(at, is_not((*elements)[i], "a string"));
    } else if (text->size() > max_bytes) {
      errors_->add(at, too_long(text->size(), max_bytes));
    } else {
      out.push_back(*text);
    }
  }
  return out;
}

const Json::Array* Fields::list(std::string_view name, std::string_view expected,
                                std::size_t max_count) {
  const Json* value = lookup(name);
  if (value == nullptr) return nullptr;
  const Json::Array* elements = value->as_array();
  if (elements == nullptr) {
    error(name, is_not(*value, expected));
    return nullptr;
  }
  if (elements->size() > max_count) {
    error(name, "has " + std::to_string(elements->size()) + " elements, at most " +
                    std::to_string(max_count) + " are accepted");
    return nullptr;
  }
  return elements;
}

void Fields::refuse_empty(std::string_view name) {
  const Json* value = raw(name);
  const Json::Array* list = value == nullptr ? nullptr : value->as_array();
  if (list == nullptr || !list->empty()) return;
  error(name, "is empty, and would ask for nothing: expected at least one, or leave it out");
}

void Fields::error(std::string_view name, std::string message) {
  errors_->add(join_path(path_, name), std::move(message));
}

void Fields::finish() {
  if (object_ == nullptr) return;
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const auto& [name, value] : *object_) {
    if (std::binary_search(known_.begin(), known_.end(), name)) continue;
    const auto nearest = nearest_name(name, known_);
    error("", "unknown field " + in_quotes(name) +
                  (nearest ? ": did you mean " + *nearest + "? Known are: " : "; known are: ") +
                  list_of(known_));
  }
}

}  // namespace avouch::codec
