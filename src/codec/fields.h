#pragma once

// Reads a JSON object field by field and collects every error with its path, so that a person
// sees all mistakes of an object at once: `spec.freshness.maxAge: "5x" is not a duration: ...`.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codec/json.h"

namespace avouch::codec {

struct FieldError {
  std::string path;     // "spec.pcrs.exact[2].index"
  std::string message;  // what was wrong, what was expected
};

// Errors of one document. At most 100 are kept, all are counted.
class FieldErrors {
 public:
  void add(std::string path, std::string message);
  bool empty() const { return errors_.empty(); }
  const std::vector<FieldError>& list() const { return errors_; }
  // "path: message; path: message", to be read by a person: a message that more than three paths
  // have is there once, with the first three paths and how many more have it; and of what is then
  // left the first kShown, and how many more errors there are.
  std::string text() const;

  static constexpr std::size_t kShown = 16;

 private:
  std::vector<FieldError> errors_;
  std::size_t count_ = 0;
};

// A view of one object of the document. Getters record an error and return nothing (or the default)
// when the field is of the wrong type or out of range; `required` getters also when it is missing
// (and a required string when it is empty). A member that is null counts as missing, as in
// Kubernetes. The document and the FieldErrors must outlive the view. Of what is no object that is
// the one error, at its path or, where that is empty, of "the document".
// finish() records every member that no getter asked for: "unknown field; known are: ...".
class Fields {
 public:
  Fields(const Json& value, std::string path, FieldErrors& errors);

  const std::string& path() const { return path_; }
  bool has(std::string_view name) const;

  std::optional<std::string> string(std::string_view name, std::size_t max_bytes = 4096);
  std::string required_string(std::string_view name, std::size_t max_bytes = 4096);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::int64_t required_integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::chrono::milliseconds> duration(std::string_view name,
                                                    std::chrono::milliseconds min,
                                                    std::chrono::milliseconds max);
  std::optional<Bytes> base64(std::string_view name, std::size_t max_bytes);  // standard, padded
  std::optional<Bytes> hex(std::string_view name, std::size_t max_bytes);
  // One of `allowed`; an error lists them.
  std::optional<std::string> one_of(std::string_view name,
                                    std::initializer_list<std::string_view> allowed);

  std::optional<Fields> object(std::string_view name);
  // Elements with their paths; nothing where the field is missing.
  std::vector<Fields> objects(std::string_view name, std::size_t max_count);
  std::vector<std::string> strings(std::string_view name, std::size_t max_count,
                                   std::size_t max_bytes = 4096);
  const Json* raw(std::string_view name);  // marks it as known
  // An error where it is a list of nothing: of rules, as a template that came out empty leaves it.
  void refuse_empty(std::string_view name);

  void error(std::string_view name,
             std::string message);  // at path.name, or at path if name is empty
  void finish();

 private:
  const Json* lookup(std::string_view name);  // marks it as known
  const Json::Array* list(std::string_view name, std::string_view expected, std::size_t max_count);

  const Json::Object* object_ = nullptr;
  std::string path_;
  FieldErrors* errors_;
  std::vector<std::string> known_;
};

}  // namespace avouch::codec
