#pragma once

// Kubernetes label selectors. An empty selector matches everything.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/fields.h"

namespace avouch::attest {

using Labels = std::map<std::string, std::string, std::less<>>;

// Labels for keeping: a fifth of the memory. Found in the time that it takes to read them.
class PackedLabels {
 public:
  PackedLabels() = default;  // no labels
  // Throws std::length_error for a key or value of 64 KiB: the API server takes 317 bytes.
  explicit PackedLabels(const Labels& labels);
  std::optional<std::string_view> find(std::string_view key) const;
  bool operator==(const PackedLabels&) const = default;

 private:
  std::string packed_;  // by key, of each: size of key, key, size of value, value; sizes big-endian
};

struct LabelRequirement {
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;  // In and NotIn: at least one; else none
};

struct LabelSelector {
  Labels match_labels;
  std::vector<LabelRequirement> match_expressions;

  bool selects_everything() const { return match_labels.empty() && match_expressions.empty(); }
};

// As the API server decides it: NotIn and DoesNotExist also match where the label is missing.
bool matches(const LabelSelector& selector, const Labels& labels);
bool matches(const LabelSelector& selector, const PackedLabels& labels);

// Strict: unknown members, invalid keys or values, contradictory operators and more than 64
// expressions, labels or values are recorded as errors; those of keys and values say the form that
// Kubernetes wants.
LabelSelector read_selector(codec::Fields fields);

// The keys that the selector looks at, each once, sorted (to warn of labels that a node sets
// itself).
std::vector<std::string> keys_of(const LabelSelector& selector);

}  // namespace avouch::attest
