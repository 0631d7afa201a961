#include "attest/selector.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "codec/utf8.h"

namespace avouch::attest {
namespace {

using Operator = LabelRequirement::Operator;
using codec::Fields;

constexpr std::size_t kMost = 64;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kShownKey = 80, kShownValue = 80;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Kubernetes' "qualified name" part and label value: up to 63 of [A-Za-z0-9._-], alphanumeric at
// both ends.
bool is_label_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && is_alphanumeric(text.front()) &&
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

constexpr std::string_view kKeyForm =
    ": expected NAME or PREFIX/NAME, as pool or example.com/pool, with a NAME of 1 to 63 letters, "
    "digits, '-', '_' and '.' (a letter or digit at both ends) and a DNS name in lower case of at "
    "most 253 bytes as PREFIX; give the key that the objects have (kubectl get KIND --show-labels)";
constexpr std::string_view kValueForm =
    " is not a label value: expected at most 63 letters, digits, '-', '_' and '.' (a letter or "
    "digit at both ends), or \"\"; give the value that the objects have (kubectl get KIND "
    "--show-labels)";

// Why the text is no label key; "" for one that is.
std::string_view fault_of_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool prefixed = slash != std::string_view::npos;
  if (text.empty()) return "is empty, and not a label key";
  if (prefixed && text.find('/', slash + 1) != std::string_view::npos) {
    return "is not a label key, as it has more than one '/'";
  }
  if (prefixed && !is_dns_subdomain(text.substr(0, slash))) {
    return "is not a label key, as its prefix is not a DNS name in lower case";
  }
  const std::string_view name = prefixed ? text.substr(slash + 1) : text;
  return is_label_name(name) ? "" : "is not a label key, as its name has a wrong form";
}

std::string wrong_key(std::string_view key, std::string_view fault) {
  return codec::in_quotes(key, kShownKey) + " " + std::string(fault) + std::string(kKeyForm);
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
    const std::string shown = codec::in_quotes(key, kShownKey);
    const std::string* text = label.as_string();
    if (const auto fault = fault_of_key(key); !fault.empty()) {
      fields.error("matchLabels", wrong_key(key, fault));
    } else if (text == nullptr) {
      std::string why = "the value of " + shown;
      why.append(" is not a string: put it in quotes, as in ").append(shown).append(": \"1\"");
      fields.error("matchLabels", why);
    } else if (!is_label_value(*text)) {
      fields.error("matchLabels", "the value of " + shown + ", " +
                                      codec::in_quotes(*text, kShownValue) + "," +
                                      std::string(kValueForm));
    } else {
      out.emplace(key, *text);
    }
  }
}

// By the list itself, as what is no string at all is not among `values` and would shift the rest.
void check_label_values(Fields& fields) {
  const codec::Json* list = fields.raw("values");
  const auto* elements = list == nullptr ? nullptr : list->as_array();
  if (elements == nullptr || elements->size() > kMost) return;
  for (std::size_t i = 0; i < elements->size(); ++i) {
    const std::string* text = (*elements)[i].as_string();
    if (text == nullptr || text->size() > kMaxLabel || is_label_value(*text)) continue;
    fields.error("values[" + std::to_string(i) + "]",
                 codec::in_quotes(*text, kShownValue) + std::string(kValueForm));
  }
}

LabelRequirement read_requirement(Fields fields) {
  LabelRequirement out;
  out.key = fields.required_string("key", 317);
  if (const auto fault = fault_of_key(out.key); !out.key.empty() && !fault.empty()) {
    fields.error("key", wrong_key(out.key, fault));
  }
  const auto name = fields.one_of("operator", {"In", "NotIn", "Exists", "DoesNotExist"});
  if (!fields.has("operator")) {
    fields.error("operator", "is required: expected In, NotIn, Exists or DoesNotExist");
  }
  out.values = fields.strings("values", kMost, kMaxLabel);
  check_label_values(fields);
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
