#include "attest/selector.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace avouch::attest {
namespace {

using Operator = LabelRequirement::Operator;
using codec::Fields;

constexpr std::size_t kMost = 64;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Kubernetes' "qualified name" part and label value: up to 63 of [A-Za-z0-9._-], alphanumeric at
// both ends.
bool is_label_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    const std::string_view label = text.substr(start, end - start);
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        })) {
      return false;
    }
    start = end + 1;
  }
  return true;
}

bool is_label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_label_name(text);
  return is_dns_subdomain(text.substr(0, slash)) && is_label_name(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) { return text.empty() || is_label_name(text); }

void read_match_labels(Fields& fields, Labels& out) {
  const codec::Json* value = fields.raw("matchLabels");
  if (value == nullptr) return;
  const auto* members = value->as_object();
  if (members == nullptr) {
    fields.error("matchLabels", "expected an object of label keys and values");
    return;
  }
  if (members->size() > kMost) {
    fields.error("matchLabels", "has " + std::to_string(members->size()) + " labels, at most " +
                                    std::to_string(kMost) + " are accepted");
    return;
  }
  for (const auto& [key, label] : *members) {
    const std::string* text = label.as_string();
    if (!is_label_key(key)) {
      fields.error("matchLabels", "\"" + key.substr(0, 80) + "\" is not a label key");
    } else if (text == nullptr || !is_label_value(*text)) {
      fields.error("matchLabels", "the value of \"" + key +
                                      "\" is not a label value: expected a string of at most 63 "
                                      "letters, digits, '-', '_' and '.'");
    } else {
      out.emplace(key, *text);
    }
  }
}

LabelRequirement read_requirement(Fields fields) {
  LabelRequirement out;
  out.key = fields.required_string("key", 317);
  if (!out.key.empty() && !is_label_key(out.key)) fields.error("key", "is not a label key");
  const auto name = fields.one_of("operator", {"In", "NotIn", "Exists", "DoesNotExist"});
  if (!fields.has("operator")) {
    fields.error("operator", "is required: expected In, NotIn, Exists or DoesNotExist");
  }
  out.values = fields.strings("values", kMost, 63);
  for (const std::string& value : out.values) {
    if (!is_label_value(value)) fields.error("values", "\"" + value + "\" is not a label value");
  }
  const bool takes_values = name == "In" || name == "NotIn";
  if (name && takes_values && !fields.has("values")) {
    fields.error("values", "is required with operator " + *name);
  } else if (name && takes_values && out.values.empty()) {
    fields.error("values", "must not be empty with operator " + *name);
  } else if (name && !takes_values && fields.has("values")) {
    fields.error("values", "must be left out with operator " + *name);
  }
  out.op = name == "NotIn"          ? Operator::kNotIn
           : name == "Exists"       ? Operator::kExists
           : name == "DoesNotExist" ? Operator::kDoesNotExist
                                    : Operator::kIn;
  fields.finish();
  return out;
}

std::optional<std::string_view> find_in(const Labels& labels, std::string_view key) {
  const auto found = labels.find(key);
  if (found == labels.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> find_in(const PackedLabels& labels, std::string_view key) {
  return labels.find(key);
}

bool holds(const LabelRequirement& requirement, std::optional<std::string_view> value) {
  const bool listed = value && std::find(requirement.values.begin(), requirement.values.end(),
                                         *value) != requirement.values.end();
  switch (requirement.op) {
    case Operator::kIn:
      return listed;
    case Operator::kNotIn:
      return !listed;
    case Operator::kExists:
      return value.has_value();
    case Operator::kDoesNotExist:
      return !value.has_value();
  }
  return false;
}

template <typename SomeLabels>
bool matches_some(const LabelSelector& selector, const SomeLabels& labels) {
  for (const auto& [key, wanted] : selector.match_labels) {
    if (find_in(labels, key) != wanted) return false;
  }
  return std::all_of(
      selector.match_expressions.begin(), selector.match_expressions.end(),
      [&](const LabelRequirement& each) { return holds(each, find_in(labels, each.key)); });
}

}  // namespace

PackedLabels::PackedLabels(const Labels& labels) {
  for (const auto& [key, value] : labels) {
    for (const std::string* text : {&key, &value}) {
      if (text->size() > 0xffff) throw std::length_error("a label of 64 KiB");
      packed_.push_back(static_cast<char>(text->size() >> 8U));
      packed_.push_back(static_cast<char>(text->size() & 0xffU));
      packed_ += *text;
    }
  }
  packed_.shrink_to_fit();
}

std::optional<std::string_view> PackedLabels::find(std::string_view key) const {
  std::string_view rest = packed_;
  const auto next = [&rest] {
    const auto high = static_cast<unsigned char>(rest[0]),
               low = static_cast<unsigned char>(rest[1]);
    const std::string_view text = rest.substr(2, std::size_t{high} * 256 + low);
    rest.remove_prefix(2 + text.size());
    return text;
  };
  while (!rest.empty()) {
    const std::string_view each = next();
    const std::string_view value = next();
    if (each == key) return value;
  }
  return std::nullopt;
}

bool matches(const LabelSelector& selector, const Labels& labels) {
  return matches_some(selector, labels);
}

bool matches(const LabelSelector& selector, const PackedLabels& labels) {
  return matches_some(selector, labels);
}

LabelSelector read_selector(codec::Fields fields) {
  LabelSelector out;
  read_match_labels(fields, out.match_labels);
  for (Fields& expression : fields.objects("matchExpressions", kMost)) {
    out.match_expressions.push_back(read_requirement(std::move(expression)));
  }
  fields.finish();
  return out;
}

std::vector<std::string> keys_of(const LabelSelector& selector) {
  std::set<std::string> keys;
  for (const auto& [key, value] : selector.match_labels) keys.insert(key);
  for (const auto& requirement : selector.match_expressions) keys.insert(requirement.key);
  return {keys.begin(), keys.end()};
}

}  // namespace avouch::attest
