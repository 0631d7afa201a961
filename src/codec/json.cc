#include "codec/json.h"

namespace avouch::codec {

Json::Json(bool value) : value_(value) {}
Json::Json(std::int64_t value) : value_(value) {}
Json::Json(int value) : value_(std::int64_t{value}) {}
Json::Json(double value) : value_(value) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(Array value) : value_(std::move(value)) {}
Json::Json(Object value) : value_(std::move(value)) {}

bool Json::is_null() const { return std::holds_alternative<std::monostate>(value_); }
bool Json::is_object() const { return std::holds_alternative<Object>(value_); }
bool Json::is_array() const { return std::holds_alternative<Array>(value_); }
bool Json::is_string() const { return std::holds_alternative<std::string>(value_); }

const bool* Json::as_bool() const { return std::get_if<bool>(&value_); }
const std::int64_t* Json::as_int() const { return std::get_if<std::int64_t>(&value_); }
const double* Json::as_double() const { return std::get_if<double>(&value_); }
const std::string* Json::as_string() const { return std::get_if<std::string>(&value_); }
const Json::Array* Json::as_array() const { return std::get_if<Array>(&value_); }
const Json::Object* Json::as_object() const { return std::get_if<Object>(&value_); }
Json::Array* Json::as_array() { return std::get_if<Array>(&value_); }
Json::Object* Json::as_object() { return std::get_if<Object>(&value_); }

const Json* Json::find(std::string_view key) const {
  const Object* object = as_object();
  if (object == nullptr) return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &found->second;
}

const Json* Json::find_path(std::initializer_list<std::string_view> keys) const {
  const Json* value = this;
  for (const std::string_view key : keys) {
    value = value->find(key);
    if (value == nullptr) return nullptr;
  }
  return value;
}

std::string_view Json::text(std::initializer_list<std::string_view> keys) const {
  const Json* value = find_path(keys);
  const std::string* found = value == nullptr ? nullptr : value->as_string();
  return found == nullptr ? std::string_view() : std::string_view(*found);
}

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object();
  Object& object = std::get<Object>(value_);
  const auto found = object.find(key);
  return found != object.end() ? found->second : object[std::string(key)];
}

bool Json::operator==(const Json& other) const { return value_ == other.value_; }

}  // namespace avouch::codec
