#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "codec/json.h"
#include "codec/utf8.h"

namespace avouch::codec {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// The short escapes of RFC 8259, else \u00xx in lower case, as RFC 8785 (3.2.2.2) asks.
void append_escaped(std::string& out, char c) {
  constexpr std::string_view kPlain = "\b\t\n\f\r\"\\";
  constexpr std::string_view kEscaped = "btnfr\"\\";
  const std::size_t known = kPlain.find(c);
  out += '\\';
  if (known != std::string_view::npos) {
    out += kEscaped[known];
    return;
  }
  out += "u00";
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[static_cast<unsigned char>(c) & 15];
}

// Of valid UTF-8.
std::u16string to_utf16(std::string_view text) {
  std::u16string out;
  while (const auto point = first_code_point(text)) {
    if (point->value < 0x10000) {
      out += static_cast<char16_t>(point->value);
    } else {
      out += static_cast<char16_t>(0xd7c0 + (point->value >> 10));
      out += static_cast<char16_t>(0xdc00 + (point->value & 0x3ff));
    }
    text.remove_prefix(point->length);
  }
  return out;
}

// \uXXXX, above U+FFFF a pair of them.
void append_as_units(std::string& out, std::string_view code_point) {
  for (const char16_t unit : to_utf16(code_point)) {
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) {
      out += kDigits[static_cast<unsigned>(unit) >> shift & 15U];
    }
  }
}

// What is_unseen() names, which a terminal may obey and nobody sees.
enum class Unseen { kAsItIs, kEscaped };

void append_string(std::string& out, std::string_view valid_utf8, Unseen unseen = Unseen::kAsItIs) {
  out += '"';
  for (std::size_t i = 0; i < valid_utf8.size();) {
    const char c = valid_utf8[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '"' || c == '\\') {
      append_escaped(out, c);
      ++i;
    } else if (unseen == Unseen::kAsItIs || byte < 0x7f) {
      out += c;
      ++i;
    } else {
      const auto point = first_code_point(valid_utf8.substr(i));
      const std::string_view whole = valid_utf8.substr(i, point ? point->length : 1);
      if (point && is_unseen(point->value)) {
        append_as_units(out, whole);
      } else {
        out += whole;
      }
      i += whole.size();
    }
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Json& value) {
    if (value.is_null()) {
      out_ += "null";
    } else if (const bool* truth = value.as_bool()) {
      out_ += *truth ? "true" : "false";
    } else if (const std::int64_t* integer = value.as_int()) {
      out_ += std::to_string(*integer);
    } else if (const double* number = value.as_double()) {
      append_double(out_, *number);
    } else if (const std::string* text = value.as_string()) {
      append_string(out_, to_valid_utf8(*text), unseen());
    } else if (const Json::Array* array = value.as_array()) {
      write_array(*array);
    } else {
      write_object(*value.as_object());
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void write_array(const Json::Array& array) {
    out_ += '[';
    ++depth_;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (i > 0) out_ += ',';
      new_line();
      write(array[i]);
    }
    --depth_;
    if (!array.empty()) new_line();
    out_ += ']';
  }

  void write_object(const Json::Object& object) {
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const auto& [name, value] : object) {
      if (!first) out_ += ',';
      first = false;
      new_line();
      append_string(out_, to_valid_utf8(name), unseen());
      out_ += pretty_ ? ": " : ":";
      write(value);
    }
    --depth_;
    if (!object.empty()) new_line();
    out_ += '}';
  }

  Unseen unseen() const { return pretty_ ? Unseen::kEscaped : Unseen::kAsItIs; }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  bool pretty_;
  std::size_t depth_ = 0;
  std::string out_;
};

Result<void> append_canonical(std::string& out, const Json& value);

Result<void> append_canonical_string(std::string& out, std::string_view text) {
  if (!is_utf8(text)) return rejected("canonical JSON: a text is not valid UTF-8");
  append_string(out, text);
  return {};
}

Result<void> append_canonical_object(std::string& out, const Json::Object& object,
                                     std::string_view without = {}) {
  std::vector<std::pair<std::u16string, const Json::Object::value_type*>> members;
  members.reserve(object.size());
  for (const auto& member : object) {
    if (without.empty() || member.first != without)
      members.emplace_back(to_utf16(member.first), &member);
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    const auto& [name, member] = *members[i].second;
    AVOUCH_CHECK(append_canonical_string(out, name));
    out += ':';
    AVOUCH_CHECK(append_canonical(out, member));
  }
  out += '}';
  return {};
}

Result<void> append_canonical(std::string& out, const Json& value) {
  if (const Json::Object* object = value.as_object()) return append_canonical_object(out, *object);
  if (const std::string* text = value.as_string()) return append_canonical_string(out, *text);
  if (const Json::Array* array = value.as_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      AVOUCH_CHECK(append_canonical(out, (*array)[i]));
    }
    out += ']';
    return {};
  }
  if (value.as_double() != nullptr) {
    return rejected("canonical JSON: a number with fraction or exponent; expected integers only");
  }
  if (const std::int64_t* integer = value.as_int()) {
    constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;
    if (*integer > kLargest || *integer < -kLargest) {
      return rejected("canonical JSON: the integer " + std::to_string(*integer) +
                      " is beyond 2^53 - 1, where programs disagree about numbers (RFC 7493)");
    }
  }
  out += to_json(value);
  return {};
}

}  // namespace

std::string to_json(const Json& value) {
  Writer writer(false);
  writer.write(value);
  return writer.take();
}

std::string to_json_pretty(const Json& value) {
  Writer writer(true);
  writer.write(value);
  return writer.take();
}

Result<std::string> canonical_json(const Json& value, std::string_view without) {
  std::string out;
  const Json::Object* object = value.as_object();
  AVOUCH_CHECK(object == nullptr ? append_canonical(out, value)
                                 : append_canonical_object(out, *object, without));
  return out;
}

}  // namespace avouch::codec
