#pragma once

// A YAML document as plain values with their places, for reading configuration strictly.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace avouch::config {

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  int line = 1;         // from 1
  std::string text;     // of a scalar, unquoted and unescaped
  bool quoted = false;  // then the scalar is text, whatever it looks like
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in order

  // A member of a map, or null.
  const YamlNode* find(std::string_view key) const;
};

struct YamlMember {
  std::string key;
  YamlNode value;
};

std::string_view kind_name(YamlNode::Kind kind);  // "nothing", "a value", "a list", "a map"

struct YamlLimits {
  std::size_t bytes = 1024 * 1024;
  std::size_t nodes = 100'000;
  std::size_t documents = 1;
};

// One document (an empty one is kNull). kRejected, with `name`:line: not YAML, a second document,
// duplicate keys, keys that are not scalars, aliases and anchors, explicit tags, more than a limit,
// nesting deeper than 32.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view name);
// Every document, under the same rules.
Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, std::string_view name,
                                                   const YamlLimits& limits);

}  // namespace avouch::config
