#include "attest/selector.h"

#include <algorithm>
#include <set>

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

bool holds(const LabelRequirement& requirement, const Labels& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const bool listed = present && std::find(requirement.values.begin(), requirement.values.end(),
                                           found->second) != requirement.values.end();
  switch (requirement.op) {
    case Operator::kIn:
      return listed;
    case Operator::kNotIn:
      return !listed;
    case Operator::kExists:
      return present;
    case Operator::kDoesNotExist:
      return !present;
  }
  return false;
}

}  // namespace

bool matches(const LabelSelector& selector, const Labels& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const LabelRequirement& each) { return holds(each, labels); });
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
