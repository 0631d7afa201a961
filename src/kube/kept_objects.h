#pragma once

// The objects that an informer keeps, by object_key(): as trees that are shared with whoever asks,
// or as texts of a tenth of the size, each read again when somebody asks.

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "codec/json.h"

namespace avouch::kube {

using codec::Json;
using ObjectPtr = std::shared_ptr<const Json>;
using Snapshot = std::map<std::string, ObjectPtr, std::less<>>;  // by object_key()

// Not thread-safe.
class KeptObjects {
 public:
  explicit KeptObjects(bool as_text) : as_text_(as_text) {}

  ObjectPtr find(std::string_view key) const;  // null where there is none
  bool contains(std::string_view key) const;
  // Throws std::invalid_argument for a key that contains a zero byte, which no name does.
  void put(const std::string& key, ObjectPtr object);
  void erase(std::string_view key);
  std::size_t size() const { return as_text_ ? texts_.size() : trees_.size(); }
  std::set<std::string, std::less<>> keys() const;
  Snapshot all() const;

 private:
  // A key, a zero, the object's text.
  struct ByKey {
    using is_transparent = void;
    static std::string_view key_of(std::string_view text) {
      return text.substr(0, text.find('\0'));
    }
    bool operator()(std::string_view a, std::string_view b) const { return key_of(a) < key_of(b); }
  };

  bool as_text_;
  Snapshot trees_;
  std::set<std::string, ByKey> texts_;
};

}  // namespace avouch::kube
